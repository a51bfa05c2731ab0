"""What must hold within a feature group and among groups, beyond what each key allows by itself."""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from sagewright.project import fields, names, source
from sagewright.project.feature_fields import FEATURES, PARTITIONS
from sagewright.project.feature_groups import FeatureGroup
from sagewright.project.finding import Finding
from sagewright.project.messages import unknown_key
from sagewright.project.model import Placement

# What only the project that holds a group decides.
_OF_ITS_HOLDER = (
    *("version", "description", "source", "transform", "online"),
    *("offline", "throughput", "ingest", "fresh_hours"),
)
# https://docs.aws.amazon.com/sagemaker/latest/dg/feature-store-create-feature-group.html: seconds, or ISO 8601 text.
_TIMES = ("string", "fractional")
_IDS = ("string", "integral")
# A job takes 100 arguments: https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_AppSpecification.html
_MOST_FED = 60


def groups(declared: Mapping[str, FeatureGroup], project: str | None, root: Path) -> Iterator[Finding]:
    """Hold every group to what SageMaker, Glue and Athena take; `project` is None where its name is wrong."""
    for name, group in declared.items():
        yield from _features(name, group)
        if group.own:
            yield from _stores(name, group)
            yield from _ingestion(name, group)
            yield from source.group(root, name, group)
        else:
            yield from _use(name, group, project)
    yield from _arguments(declared)


def length(declared: Mapping[str, FeatureGroup], project: str, environments: Iterable[str]) -> Iterator[Finding]:
    """Hold the names of the project's own groups to AWS's length, and environments to none that reads as a version."""
    own = {name: group for name, group in declared.items() if group.own}
    for position, env in enumerate(environments):
        suffix = env if position else None
        if own and env.startswith("v") and env[1:].isdigit():
            message = f"'{env}' reads like a version in the names of feature groups; name the environment otherwise"
            yield Finding(("environments", env), message)
        for name, group in own.items():
            fault = names.feature_fault(project, name, group.version, suffix)
            if fault is not None:
                yield Finding(("features", name), fault)


def _features(name: str, group: FeatureGroup) -> Iterator[Finding]:
    here = ("features", name)
    if group.record_id == group.event_time:
        yield Finding((*here, "event_time"), f"'{group.event_time}' is record_id too; name the column of the time")
        return
    if not group.values:
        yield Finding((*here, "features"), "has nothing beside record id and event time; declare what a row brings")
    if len(group.declared) > FEATURES:
        message = f"{len(group.declared)} features are more than SageMaker allows (at most {FEATURES}); make two groups"
        yield Finding((*here, "features"), message)
    for key, allowed in (("record_id", _IDS), ("event_time", _TIMES)):
        column = getattr(group, key)
        kind = group.features[column].type if column in group.features else "string"
        if kind not in allowed:
            message = f"'{kind}' does not go with {key}; write {' or '.join(allowed)}"
            yield Finding((*here, "features", column), message)
    if group.offline != "none":
        yield from _columns(here, group)


def _columns(here: tuple[str, ...], group: FeatureGroup) -> Iterator[Finding]:
    """Hold the names to what a table in the catalog can have as columns."""
    seen: dict[str, str] = {}
    for each in group.declared:
        place = (*here, "features", each.name)
        twin = seen.setdefault(each.name.lower(), each.name)
        if twin != each.name:
            message = f"'{twin}' and '{each.name}' are one column to Glue, which ignores case; rename one of them"
            yield Finding(place, message)
        if "-" in each.name:
            message = f"'{each.name}' has a hyphen, which Athena takes in no column; write _ instead"
            yield Finding(place, message)
        if group.offline == "glue" and each.name.lower() in PARTITIONS:
            message = (
                f"'{each.name}' is what SageMaker partitions the table by ({', '.join(PARTITIONS)}); rename it, for "
                "example by a transform, or write `offline: iceberg`"
            )
            yield Finding(place, message)


def _stores(name: str, group: FeatureGroup) -> Iterator[Finding]:
    here = ("features", name)
    if group.online is None and group.offline == "none":
        yield Finding((*here, "online"), "is false, and offline is none: nothing would be kept; keep one of them")
    if group.online is None and group.throughput is not None:
        yield Finding((*here, "throughput"), "is for the online store, and online is false; remove it")
    event = group.feature(group.event_time)
    if group.offline == "iceberg" and event is not None and event.type != "string":
        message = f"'iceberg' needs an event time of type string, and {group.event_time} is {event.type}; write glue"
        yield Finding((*here, "offline"), message)


def _ingestion(name: str, group: FeatureGroup) -> Iterator[Finding]:
    if group.source is not None:
        return
    for key in ("transform", "ingest"):
        if key in group.model_fields_set and getattr(group, key) is not None:
            message = "would be ignored, because the group has no source: it is written through the API; remove it"
            yield Finding(("features", name, key), message)


def _arguments(declared: Mapping[str, FeatureGroup]) -> Iterator[Finding]:
    """Hold what the ingestion's job is told to the length and the number of its arguments."""
    fed = {name: group.source for name, group in declared.items() if group.own and group.source is not None}
    for name, held in fed.items():
        excess = len(f"{name}={held}") - fields.ARGUMENT_LENGTH
        if excess > 0:
            message = f"is {excess} characters too long for an argument of the ingestion; choose a shorter prefix"
            yield Finding(("features", name, "source"), message)
    if len(fed) > _MOST_FED:
        message = f"{len(fed)} groups with a source are more than one ingestion is told of (at most {_MOST_FED})"
        yield Finding(("features",), f"{message}; make one group of those that share record id and source")
    for cadence in ("hourly", "daily"):
        told = ",".join(name for name in fed if declared[name].ingest.schedule == cadence)
        if len(told) > fields.ARGUMENT_LENGTH:
            message = f"the names of all {cadence} groups have {len(told)} characters together, more than SageMaker"
            allowed = f"allows in one argument (at most {fields.ARGUMENT_LENGTH}); shorten them, or schedule fewer so"
            yield Finding(("features",), f"{message} {allowed}")


def _use(name: str, group: FeatureGroup, project: str | None) -> Iterator[Finding]:
    here = ("features", name)
    if project is not None and group.used[0] == project:
        yield Finding((*here, "use"), f"'{group.use}' is this project's own; declare the group instead")
    for key in _OF_ITS_HOLDER:
        if key in group.model_fields_set:
            message = f"is decided by {group.used[0]}, which holds the group; remove it"
            yield Finding((*here, key), message)


def reached(
    declared: Mapping[str, FeatureGroup], joined: Iterable[str], places: Mapping[str, Placement]
) -> Iterator[Finding]:
    """Refuse to look up what is in another account: a group of another project is only where that trains."""
    first = next(iter(places), "")  # none, where no environment is right by itself
    for env in (env for env in places if places[env].account != places[first].account):
        for name in dict.fromkeys(joined):
            if name in declared and not declared[name].own:
                message = (
                    f"'{declared[name].use}' is in the account of {first}, and the endpoint of {env} is in another"
                )
                way_out = "which cannot look it up; let both be in one account, or ingest the group yourself"
                yield Finding(("features", name, "use"), f"{message}, {way_out}")


def unknown(name: str, declared: Mapping[str, FeatureGroup]) -> str:
    """Say that no group is called so, and which ones there are."""
    if not declared:
        return f"'{name}' names no feature group, and none is declared; declare it in `features`"
    return f"'{name}' is no feature group; {unknown_key(name, list(declared)).partition('; ')[2]}"
