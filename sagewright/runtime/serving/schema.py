"""What a model version was trained on: the columns a request must send, the label, and what features() made of them.

Preprocessing records it, training puts it into the model artifact, and the endpoint answers by it.
"""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from sagewright.runtime.serving.columns import Column, column_type
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

    @property
    def record_name(self) -> str:
        """Name of the record id in every output: without a column for it, it is the row's number in the raw data."""
        return self.record_id or ROW_NUMBER

    def write(self, path: Path, manifest: dict[str, Any]) -> None:
        """Write the schema with the manifest of the data it was read from."""
        document = {**asdict(self), "manifest": manifest}
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
