"""Holds a changed declaration of feature groups to what a group can take, before CloudFormation tries.

SageMaker adds features to a group and changes its time to live and throughput; for everything else CloudFormation puts
a new and empty group in its place, or fails half-way. What is deployed is compared with what would be, so that the
refusal names the key of the project file and the way out.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from sagewright.cli.changes import FEATURE_GROUP, Change, StackChanges
from sagewright.project import Project, ProjectError, names
from sagewright.project.document import KeyPath, dotted, read
from sagewright.project.load import FILE_NAME

# https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_UpdateFeatureGroup.html: so many in one call, and of
# features, time to live and throughput only one in a call.
ADDITIONS = 100

Properties = Mapping[str, Any]


@dataclass(frozen=True)
class Refusal:
    """What a group cannot take: the key that asks for it, and why not."""

    feature_group: str
    key: KeyPath
    message: str


def refused(planned: StackChanges, project: Project) -> list[Refusal]:
    """Compare the groups that a stack holds with what its new template says of them."""
    there = {each["FeatureGroupName"]: each for each in _groups(planned.deployed)}
    wanted = {each["FeatureGroupName"]: each for each in _groups(planned.stack.resources)}
    return [
        refusal
        for name, properties in wanted.items()
        if name in there
        for refusal in compare(project.name, there[name], properties)
    ]


def compare(project: str, there: Properties, wanted: Properties, *, in_place: bool = True) -> list[Refusal]:
    """Find what keeps a group from becoming what is wanted; both in CloudFormation's words, which are the API's.

    Without `in_place` nothing may differ that a project decides: what is taken over is taken over as it is, and `there`
    is what SageMaker says of it.
    """
    known = names.group_of(project, wanted["FeatureGroupName"])
    if known is None:
        return []
    comparison = _Comparison(wanted["FeatureGroupName"], known[0], known[1], there, wanted)
    found = [*comparison.features(), *comparison.roles(), *comparison.stores()]
    if not in_place:
        return [*found, *comparison.differences()]
    return [*found, *comparison.surroundings(), *comparison.additions()]


def told(refusals: list[Refusal], project: Project) -> str:
    """Write refusals with the places in the project file that ask for them."""
    try:
        document = read(project.root / FILE_NAME)
    except ProjectError:
        # The file has another name: the keys say where to look.
        return " ".join(f"{dotted(each.key)}: {each.message}." for each in refusals)
    return " ".join(f"{document.problem(each.key, each.message)}." for each in refusals)


def left_behind(planned: StackChanges, project: Project) -> str:
    """Say which groups stay in the account without a stack, and whom that leaves with what grows old."""
    found = [each for each in planned.changes if each.kind == FEATURE_GROUP and each.action == "let go"]
    return " ".join(_left(each, project) for each in found)


def _left(change: Change, project: Project) -> str:
    name = change.physical_id.rpartition("/")[2]
    known = names.group_of(project.name, name)
    group, version = known[:2] if known is not None else (name, 1)
    declared = project.features.get(group)
    if declared is not None and declared.own and declared.version > version:
        return _followed(name, group, declared.version, version)
    again = f"declare features.{group}" if version == 1 else f"declare features.{group} with `version: {version}`"
    return (
        f"{name} is no longer declared: it stays in the account with everything in it, and costs what it did, but "
        f"nothing is ingested into it any more. To take it back, {again} and run `sagewright deploy --adopt`."
    )


def _followed(name: str, group: str, now: int, before: int) -> str:
    return (
        f"{name} is followed by version {now} of features.{group}: it stays in the account with everything in it, and "
        f"costs what it did, but {grows_old(group, now, before)}. After the deployment run `sagewright features "
        f"migrate {group}`, then `sagewright train`, and release what comes of it. To keep {name} fed until then, "
        f"write to it through the API, or stay at `version: {before}`."
    )


def grows_old(group: str, now: int, before: int) -> str:
    """Say what becomes of a model that reads a version which another one has followed."""
    return (
        f"from now on ingestion writes version {now} alone. A live model that was trained on version {before} of "
        f"{group} goes on reading that one, whose records get ever older, until a model that was trained on version "
        f"{now} is released"
    )


def _groups(resources: Mapping[str, Any]) -> Iterator[Properties]:
    for each in resources.values():
        if each["Type"] == FEATURE_GROUP:
            yield each["Properties"]


class _Comparison:
    """One group as it is and as it is wanted."""

    def __init__(self, name: str, group: str, version: int, there: Properties, wanted: Properties) -> None:
        self._name, self._group, self._next = name, group, version + 1
        self._there, self._wanted = there, wanted
        self._types_there, self._types = _types(there), _types(wanted)

    def features(self) -> Iterator[Refusal]:
        """Refuse what would take a feature away or make another one of it."""
        added = [name for name in self._types if name not in self._types_there]
        for name, kind in self._types_there.items():
            if name not in self._types:
                twin = [each for each in added if self._types[each] == kind]
                rename = f" --rename {name}={twin[0]}" if len(twin) == 1 else ""
                message = f"'{name}' is in {self._name} and not declared any more, and no feature leaves a group"
                yield self._refuse(("features", name), f"{message}; declare it again", rename)
            elif self._types[name] != kind:
                message = f"'{name}' is {kind.lower()} in {self._name}, and no feature changes its type"
                yield self._refuse(("features", name), f"{message}; declare it so")

    def roles(self) -> Iterator[Refusal]:
        """Refuse another record id or event time."""
        for key, property_name, what in (
            ("record_id", "RecordIdentifierFeatureName", "record id"),
            ("event_time", "EventTimeFeatureName", "event time"),
        ):
            now, then = self._wanted[property_name], self._there[property_name]
            if now != then:
                message = f"'{now}' is not the {what} of {self._name}, which is {then} and never changes"
                yield self._refuse((key,), f"{message}; write {then}")

    def stores(self) -> Iterator[Refusal]:
        """Refuse another store or format, which a group has from its creation on."""
        for key, read_store, before in (("online", _online, "false"), ("offline", _offline, "none")):
            now, then = bool(read_store(self._wanted)), bool(read_store(self._there))
            if now != then:
                state = f"has no {key} store, and gets none later" if now else f"has an {key} store, and never loses it"
                advice = f"write `{key}: {before}`" if now else f"leave out `{key}: {before}`"
                yield self._refuse((key,), f"{self._name} {state}; {advice}")
        formats = [_format(each) for each in (self._there, self._wanted)]
        if None not in formats and formats[0] != formats[1]:
            message = f"the table of {self._name} is of format {formats[0]}, and never of another one"
            yield self._refuse(("offline",), f"{message}; write {str(formats[0]).lower()}")

    def surroundings(self) -> Iterator[Refusal]:
        """Refuse what no project file says: another key, place, role or description, which a group never gets."""
        for key, read_store in (("online", _online), ("offline", _offline)):
            then, now = read_store(self._there), read_store(self._wanted)
            if then and now and _key(then) != _key(now):
                message = f"the {key} store of {self._name} would be encrypted with another key, and keeps its own"
                yield self._refuse((key,), message)
            if then and now and _place(then) != _place(now):
                yield self._refuse((key,), f"the {key} store of {self._name} would be elsewhere, and never moves")
        for what in ("RoleArn", "Description"):
            if self._wanted.get(what) != self._there.get(what):
                yield self._refuse((), f"{what} of {self._name} would be another one, and it never changes")

    def additions(self) -> Iterator[Refusal]:
        """Refuse more at once than SageMaker does in one call, and a time to live that nothing replaces."""
        added = [name for name in self._types if name not in self._types_there]
        if len(added) > ADDITIONS:
            message = f"{len(added)} new features are more than SageMaker takes at once (at most {ADDITIONS})"
            yield Refusal(self._name, self._path("features"), f"{message}; deploy the others after the first ones")
        then, now = _lifetime(self._there), _lifetime(self._wanted)
        if then and not now and _online(self._wanted):
            message = f"{self._name} has a time to live, which CloudFormation changes but does not take away"
            yield self._refuse(("online",), f"{message}; write a long one")
        kinds = {
            "features": bool(added),
            "online.time_to_live": bool(now) and then != now,
            "throughput": _throughput(self._there) != _throughput(self._wanted),
        }
        changed = [key for key, differs in kinds.items() if differs]
        if len(changed) > 1:
            message = f"{' and '.join(changed)} of {self._name} change together, and SageMaker changes one at a time"
            yield Refusal(self._name, self._path(changed[1]), f"{message}; deploy without one of them first")

    def differences(self) -> Iterator[Refusal]:
        """Refuse what is declared beyond what is there: that comes after it has been taken over."""
        added = [name for name in self._types if name not in self._types_there]
        if added:
            message = f"{', '.join(added)} is not in {self._name}, which has to be taken back as it is"
            yield Refusal(self._name, self._path("features"), f"{message}; declare it with the deployment after that")
        for key, read_property in (("online", _lifetime), ("throughput", _throughput)):
            if read_property(self._there) != read_property(self._wanted):
                message = f"{self._name} has another one, and has to be taken back as it is"
                yield Refusal(self._name, self._path(key), f"{message}; change it with the deployment after that")

    def _refuse(self, key: KeyPath, message: str, rename: str = "") -> Refusal:
        way_out = (
            f"or make a new group of it: write `version: {self._next}`, deploy, and fill it with "
            f"`sagewright features migrate {self._group}{rename}`"
        )
        return Refusal(self._name, ("features", self._group, *key), f"{message}, {way_out}")

    def _path(self, key: str) -> KeyPath:
        return ("features", self._group, *key.split("."))


def _types(group: Properties) -> dict[str, str]:
    return {each["FeatureName"]: each["FeatureType"] for each in group["FeatureDefinitions"]}


def _online(group: Properties) -> Properties | None:
    store = group.get("OnlineStoreConfig")
    return store if store and store.get("EnableOnlineStore") else None


def _offline(group: Properties) -> Properties | None:
    return group.get("OfflineStoreConfig")


def _format(group: Properties) -> str | None:
    store = _offline(group)
    return store.get("TableFormat", "Glue").replace("Default", "Glue") if store else None


def _lifetime(group: Properties) -> Properties | None:
    return (_online(group) or {}).get("TtlDuration")


def _throughput(group: Properties) -> Properties:
    """Give the units that are paid for by the hour; none of a group that is paid for by the request."""
    config = group.get("ThroughputConfig") or {}
    return {key: each for key, each in config.items() if config["ThroughputMode"] == "Provisioned" and "Units" in key}


def _key(store: Properties) -> Any:
    return (store.get("S3StorageConfig") or store.get("SecurityConfig") or {}).get("KmsKeyId")


def _place(store: Properties) -> tuple[Any, Any]:
    return (store.get("S3StorageConfig") or {}).get("S3Uri"), store.get("DataCatalogConfig")
