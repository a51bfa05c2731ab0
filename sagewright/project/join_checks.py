"""Whether the joins of a project can be done: groups, keys and columns are there, in this order, and none is twice."""

from collections.abc import Iterator, Mapping, Sequence

from sagewright.project import feature_checks
from sagewright.project.document import KeyPath
from sagewright.project.feature_groups import FeatureGroup, FeatureType
from sagewright.project.finding import Finding
from sagewright.project.join import Join
from sagewright.project.messages import unknown_key
from sagewright.project.model import Data


def check(data: Data, groups: Mapping[str, FeatureGroup], columns: Sequence[str] | None) -> Iterator[Finding]:
    """Hold the joins to what is declared; `columns` are those of the labelled rows, None where they are in S3."""
    if data.join and data.event_time is None:
        message = "is required by data.join: the column of the labelled rows that says when each of them was true"
        yield Finding(("data", "event_time"), message)
    yield from _Joins(data, groups, columns).findings()


class _Joins:
    """The joins in their order, with what each of them finds there: columns of the rows, features of groups before."""

    def __init__(self, data: Data, groups: Mapping[str, FeatureGroup], columns: Sequence[str] | None) -> None:
        self._data = data
        self._joins = data.join or []
        self._groups = groups
        self._columns = columns
        self._brought: dict[str, FeatureType] = {}
        named = (*filter(None, (data.record_id, data.event_time, data.label)), *(columns or ()))
        # Athena and Glue know no case.
        self._taken = {name.lower(): (name, data.source) for name in named}

    def findings(self) -> Iterator[Finding]:
        for position, join in enumerate(self._joins):
            here = ("data", "join", str(position))
            group = self._groups.get(join.group)
            if group is None:
                yield Finding((*here, "group"), feature_checks.unknown(join.group, self._groups))
                continue
            if group.offline == "none":
                message = f"'{join.group}' has no offline store, which alone knows what it held before; give it one"
                yield Finding((*here, "group"), message)
            if group.online is None:
                message = f"'{join.group}' has no online store, where the endpoint looks its features up; give it one"
                yield Finding((*here, "group"), message)
            yield from self._key(here, join, group, self._later(position))
            yield from self._bring(here, join, group)

    def _later(self, position: int) -> dict[str, str]:
        """Tell which features are not there yet, and which groups bring them."""
        known = [(join.group, join) for join in self._joins[position:] if join.group in self._groups]
        return {feature: name for name, join in known for feature in _features(join, self._groups[name])}

    def _key(self, here: KeyPath, join: Join, group: FeatureGroup, later: Mapping[str, str]) -> Iterator[Finding]:
        key, data = join.on or group.record_id, self._data
        fault = None
        if key in (data.label, data.event_time):
            role = "label" if key == data.label else "event_time"
            fault = f"is data.{role}, which names no record; name another column"
        elif key in self._brought:
            wanted = group.feature(group.record_id)
            if wanted is not None and wanted.type != self._brought[key]:
                declared = f"is {self._brought[key]}, and {group.record_id} of {join.group} is {wanted.type}"
                fault = f"{declared}; declare both alike"
        elif key in (self._columns or ()):
            return
        elif key in later and later[key] != join.group:
            fault = f"comes from {later[key]}, which is joined later; put {later[key]} before {join.group}"
        elif key in later:
            fault = f"comes from {join.group} itself, whose record it has to find first; name another column"
        elif self._columns is not None:
            nearest = unknown_key(key, [*self._columns, *self._brought]).partition("; ")[2]
            fault = f"is neither a column of {data.source} nor a feature of a group before; {nearest}"
        if fault is not None:
            told = f"'{key}'" if join.on else f"'{key}', the group's record_id, stands for `on`, which is left out: it"
            yield Finding((*here, "on" if join.on else "group"), f"{told} {fault}")

    def _bring(self, here: KeyPath, join: Join, group: FeatureGroup) -> Iterator[Finding]:
        for feature in _features(join, group):
            declared = group.feature(feature)
            if declared is None or feature not in group.values:
                yield Finding((*here, "features"), _not_brought(feature, join.group, group))
                continue
            holder = self._taken.get(feature.lower())
            if holder is not None:
                what = f"'{feature}' of {join.group} is there already, as '{holder[0]}' of {holder[1]}"
                message = f"{what}; choose the features of one of them by `features`, or rename it by a transform"
                yield Finding((*here, "features" if join.features else "group"), message)
            self._taken.setdefault(feature.lower(), (feature, join.group))
            self._brought.setdefault(feature, declared.type)


def _features(join: Join, group: FeatureGroup) -> tuple[str, ...]:
    return tuple(join.features) if join.features is not None else group.values


def _not_brought(feature: str, name: str, group: FeatureGroup) -> str:
    if feature in (group.record_id, group.event_time):
        return f"'{feature}' only says which record of {name} is meant, and brings nothing; leave it out"
    return f"'{feature}' is not a feature of {name}; {unknown_key(feature, list(group.values)).partition('; ')[2]}"
