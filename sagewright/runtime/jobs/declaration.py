"""The project's feature groups and its join, as the code bundle carries them to the jobs."""

import json
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sagewright.runtime.serving.errors import UserError

FILE = "declaration.json"

INTEGRAL, FRACTIONAL, STRING = "integral", "fractional", "string"


@dataclass(frozen=True)
class DeclaredFeature:
    """One column of a group; description and unit are empty where there is none."""

    name: str
    type: str
    description: str
    unit: str


@dataclass(frozen=True)
class Group:
    """One feature group. `feature_group` is its name in the first environment, the others' have a suffix."""

    name: str
    feature_group: str
    version: int
    record_id: str
    event_time: str
    transform: str | None
    package: str
    database: str
    table: str
    offline: str | None
    online: bool
    time_to_live_s: int | None
    own: bool
    features: tuple[DeclaredFeature, ...]

    @property
    def names(self) -> list[str]:
        """Every column in its order, record id and event time first."""
        return [feature.name for feature in self.features]

    @property
    def event_time_type(self) -> str:
        """Text in ISO 8601 (string), or seconds since 1970 (fractional)."""
        return next(feature.type for feature in self.features if feature.name == self.event_time)

    def of_version(self, version: int) -> str:
        """Name the feature group of another version of this one."""
        return f"{self.feature_group.removesuffix(f'-v{self.version}')}-v{version}"


@dataclass(frozen=True)
class JoinedGroup:
    """One step of the join: which features of a group, found by which column."""

    group: str
    on: str
    features: tuple[str, ...]
    look_back_hours: float | None


@dataclass(frozen=True)
class LabelledRows:
    """What the labelled rows are told apart by, and when what is joined to them must have been known."""

    event_time: str | None
    record_id: str | None
    label: str | None
    known_by: str | None


@dataclass(frozen=True)
class Declaration:
    """What the project file says of features, as far as jobs need it."""

    project: str
    groups: dict[str, Group]
    join: tuple[JoinedGroup, ...]
    data: LabelledRows

    @classmethod
    def load(cls, bundle: Path) -> "Declaration":
        """Read it from the top level of the bundle."""
        if zipfile.is_zipfile(bundle):
            with zipfile.ZipFile(bundle) as archive:
                if FILE in archive.namelist():
                    return cls.parse(json.loads(archive.read(FILE)))
        raise UserError(
            f"the code bundle has no {FILE}: the project declares no features; "
            "add `features:` to project.yaml and deploy"
        )

    @classmethod
    def parse(cls, document: dict[str, Any]) -> "Declaration":
        """Read the document; what a later version has added to it is left out."""
        return cls(
            project=document["project"],
            groups={name: _group(name, group) for name, group in document["groups"].items()},
            join=tuple(
                JoinedGroup(each["group"], each["on"], tuple(each["features"]), each["look_back_hours"])
                for each in document["join"]
            ),
            data=LabelledRows(
                **{name: document["data"].get(name) for name in ("event_time", "record_id", "label", "known_by")}
            ),
        )


def _group(name: str, document: dict[str, Any]) -> Group:
    features = tuple(
        DeclaredFeature(each["name"], each["type"], each["description"] or "", each["unit"] or "")
        for each in document["features"]
    )
    taken = {field: document[field] for field in Group.__dataclass_fields__ if field not in ("name", "features")}
    return Group(name=name, features=features, **taken)
