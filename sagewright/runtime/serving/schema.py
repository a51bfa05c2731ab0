"""What a model version was trained on: the columns a request must send, the label, and what features() made of them.

Preprocessing records it, training puts it into the model artifact, and the endpoint answers by it.
"""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from sagewright.runtime.serving.columns import Column, ColumnType, column_type
from sagewright.runtime.serving.errors import UserError

FILE = "schema.json"
ROW_NUMBER = "row_number"

Label = str | int | bool


@dataclass(frozen=True)
class Feature:
    """One column that features() returned for the training rows."""

    name: str
    dtype: str


@dataclass(frozen=True)
class GroupFeature:
    """A feature of a group that the join took; its type is the group's own: integral, fractional or string."""

    name: str
    type: str


@dataclass(frozen=True)
class Lookup:
    """One group of the join: a row's features are those of the group's record whose id stands in the row's key.

    `feature_group` is its name where the model was trained; one's own has a suffix in other environments. The key `on`
    is a column of the labelled rows, or a feature of a lookup before; `on_type` is its type in the joined table, and
    `record_id_type` the group's own of its ids.
    """

    feature_group: str
    record_id: str
    event_time: str
    on: str
    on_type: ColumnType
    features: tuple[GroupFeature, ...]
    look_back_hours: float | None = None
    record_id_type: str = "string"
    # Another project's group is read in one account and region, and has one name.
    own: bool = True

    @classmethod
    def load(cls, document: dict[str, Any]) -> "Lookup":
        """Read one of a document that `asdict` made; what a later version has added to it is left out."""
        return cls(
            feature_group=document["feature_group"],
            record_id=document["record_id"],
            event_time=document["event_time"],
            on=document["on"],
            on_type=column_type(document["on_type"]),
            features=tuple(GroupFeature(feature["name"], feature["type"]) for feature in document["features"]),
            look_back_hours=document["look_back_hours"],
            record_id_type=document["record_id_type"],
            own=document["own"],
        )


@dataclass(frozen=True)
class Schema:
    """What one model version and its callers agree on."""

    package: str
    problem: str
    label: str
    record_id: str | None
    columns: tuple[Column, ...]
    features: tuple[Feature, ...]
    # Sorted; empty for regression.
    classes: tuple[Label, ...] = ()
    # The class whose probability is the score of a binary problem; None for the other problems.
    positive_label: Label | None = None
    # Column of the labelled rows with the time of each; None without one.
    event_time: str | None = None
    # How the rows were joined with feature groups, in order; empty for a project without a join.
    lookups: tuple[Lookup, ...] = ()

    @property
    def record_name(self) -> str:
        """Name of the record id in every output: without a column for it, it is the row's number in the raw data."""
        return self.record_id or ROW_NUMBER

    def write(self, path: Path, manifest: dict[str, Any]) -> None:
        """Write the schema with the manifest of the data it was read from."""
        document = {**asdict(self), "manifest": manifest}
        if not self.lookups:
            del document["lookups"]
        if self.event_time is None:
            del document["event_time"]
        path.write_text(json.dumps(document, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")

    @classmethod
    def load(cls, path: Path) -> "Schema":
        """Read a schema that `write` wrote."""
        document = json.loads(path.read_text(encoding="utf-8"))
        columns = [
            Column(column["name"], column_type(column["type"]), column["nullable"]) for column in document["columns"]
        ]
        return cls(
            package=document["package"],
            problem=document["problem"],
            label=document["label"],
            record_id=document["record_id"],
            columns=tuple(columns),
            features=tuple(Feature(**feature) for feature in document["features"]),
            classes=tuple(document["classes"]),
            positive_label=document["positive_label"],
            event_time=document.get("event_time"),
            lookups=tuple(Lookup.load(each) for each in document.get("lookups", ())),
        )

    def check_features(self, X: pd.DataFrame, of: str) -> None:
        """Refuse a table whose columns are not, in order, those that the model was trained on."""
        received, trained = [*X.columns], [feature.name for feature in self.features]
        if received != trained:
            extra = [name for name in received if name not in trained]
            absent = [name for name in trained if name not in received]
            found = f"without {absent}, with {extra} beyond" if extra or absent else f"in the order {received}, not"
            raise UserError(
                f"features() returned columns {found} those of the training rows, for {of}: "
                "it must work row by row, so that the rows it is given with do not change its columns"
            )
