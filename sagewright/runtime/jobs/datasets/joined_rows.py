"""What the join gave, brought together with the labelled rows again: the raw table of the preprocessing.

The file holds every row in the order of the labelled rows, so that the same history gives the same bytes. A looked-up
feature may be missing in any row, whether one in training was or not: an endpoint that finds no record must be able to
say so.
"""

import hashlib
import io
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from sagewright.runtime.jobs.datasets.point_in_time import ROW, GroupJoin, Plan
from sagewright.runtime.jobs.raw_data import RawData
from sagewright.runtime.serving.columns import Column, ColumnType, infer_integers
from sagewright.runtime.serving.errors import UserError
from sagewright.runtime.serving.schema import GroupFeature, Lookup

FILE, MANIFEST = "dataset.parquet", "dataset.json"

_ARROW = {"string": pa.string(), "integral": pa.int64(), "fractional": pa.float64()}
_LABELLED_ARROW = {"string": pa.string(), "integer": pa.int64(), "number": pa.float64(), "boolean": pa.bool_()}
_COLUMN_TYPES: dict[str, ColumnType] = {"string": "string", "integral": "integer", "fractional": "number"}


def read(s3: Any, bucket: str, prefix: str, plan: Plan, rows: int) -> pa.Table:
    """Return the features of every row in the rows' order. Raises UserError unless each row is there just once."""
    parts: list[pa.Table] = []
    for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=f"{prefix}/"):
        for listed in page.get("Contents", []):
            content = s3.get_object(Bucket=bucket, Key=listed["Key"])["Body"].read()
            parts.append(pq.read_table(io.BytesIO(content)).select([ROW, *plan.features]))
    types = pa.schema({ROW: pa.int64()} | {alias: _ARROW[each.type] for alias, each in plan.features.items()})
    found = pa.concat_tables([part.cast(types) for part in parts]) if parts else types.empty_table()
    found = found.sort_by(ROW)
    numbers = found.column(ROW).to_numpy()
    if not np.array_equal(numbers, np.arange(rows)):
        distinct = len(np.unique(numbers))
        raise UserError(
            f"the join gave {len(numbers)} rows, {distinct} of them different, for {rows} labelled rows: nothing was "
            "written; start the training again, and keep the query of the log if it happens twice"
        )
    return found.drop_columns([ROW]).rename_columns([each.name for each in plan.features.values()])


def check_found(plan: Plan, features: pa.Table, rows: pa.Table) -> dict[str, int]:
    """Return how many rows are without each feature. Raises UserError where a group gave nothing to any row."""
    missing = {name: features.column(name).null_count for name in features.column_names}
    for number, each in enumerate(plan.joins):
        if all(missing[feature.name] == features.num_rows for feature in each.features):
            raise UserError(
                f"data.join[{number}] ({each.group}): no labelled row has a value of {each.feature_group} that was "
                f"known at its time: ingest the group (sagewright features ingest {each.group}), and see that "
                f"{each.on}{_example(each, rows)} is what its {each.record_id.name} holds"
            )
    return missing


def _example(each: GroupJoin, rows: pa.Table) -> str:
    if each.key not in rows.column_names:
        return ""
    values = rows.column(each.key).drop_null()
    return f", such as {values[0].as_py()!r}," if len(values) else ""


def write(path: Path, raw: RawData, features: pa.Table) -> str:
    """Write the labelled rows with their features as a Parquet file and return its hash."""
    twice = [name for name in features.column_names if name in raw.rows.columns]
    if twice:
        raise UserError(
            f"data.join: {twice[0]} is a feature and a column of the labelled rows, too: leave it out of one of them"
        )
    columns = {column.name: _cells(column, raw.rows[column.name]) for column in raw.columns}
    columns |= {name: features.column(name) for name in features.column_names}
    pq.write_table(pa.table(columns), path)
    with path.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


def _cells(column: Column, values: pd.Series) -> pa.Array:
    """Return the cells with the type that makes the same column of them again."""
    if column.type != "integer":
        return pa.array(values, _LABELLED_ARROW[column.type], from_pandas=True)
    return pa.array([int(text) if text else None for text in column.texts(values)], pa.int64())


def lookups(plan: Plan, raw: RawData) -> list[Lookup]:
    """Return how an endpoint finds the same features."""
    found: list[Lookup] = []
    types: dict[str, ColumnType] = {column.name: column.type for column in raw.columns}
    for each in plan.joins:
        found.append(
            Lookup(
                feature_group=each.feature_group,
                record_id=each.record_id.name,
                event_time=each.event_time.name,
                on=each.on,
                on_type=types[each.on],
                features=tuple(GroupFeature(feature.name, feature.type) for feature in each.features),
                look_back_hours=each.look_back_hours,
                record_id_type=each.record_id.type,
            )
        )
        types |= {feature.name: _COLUMN_TYPES[feature.type] for feature in each.features}
    return found


@dataclass(frozen=True)
class Joined:
    """How the rows that a training reads were joined, as the job before it wrote it down."""

    lookups: tuple[Lookup, ...]
    manifest: Mapping[str, Any]

    def write(self, folder: Path) -> None:
        """Write it for the next job."""
        folder.mkdir(parents=True, exist_ok=True)
        document = {"manifest": self.manifest, "lookups": [asdict(each) for each in self.lookups]}
        (folder / MANIFEST).write_text(json.dumps(document, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")

    @classmethod
    def load(cls, folder: Path) -> "Joined":
        """Read what `write` wrote."""
        document = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        return cls(tuple(Lookup.load(each) for each in document["lookups"]), document["manifest"])

    def check(self, raw: RawData) -> None:
        """Refuse rows that are not those that the manifest is about."""
        if raw.manifest["rows"] != self.manifest["rows"]:
            raise UserError(
                f"the joined table has {raw.manifest['rows']} rows, its manifest says {self.manifest['rows']}: start "
                "the training again"
            )

    def typed(self, raw: RawData) -> RawData:
        """Return the rows with features whose types are the groups' own, and never only those of this very table."""
        types = {feature.name: feature.type for lookup in self.lookups for feature in lookup.features}
        columns: list[Column] = []
        rows = raw.rows.copy(deep=False)
        for column in raw.columns:
            if column.name not in types:
                columns.append(column)
                continue
            columns.append(_feature_column(column.name, types[column.name], rows[column.name]))
            rows[column.name] = _as(columns[-1], rows[column.name])
        return RawData(tuple(columns), rows, raw.manifest)


def _feature_column(name: str, kind: str, values: pd.Series) -> Column:
    if kind != "integral":
        return Column(name, _COLUMN_TYPES[kind], nullable=True)
    present = [int(value) for value in values.dropna().tolist()]
    return infer_integers(name, min(present, default=0), max(present, default=0), nullable=True)


def _as(column: Column, values: pd.Series) -> pd.Series:
    """Return the values with the column's dtype; whole numbers too long for a float64 with gaps are text."""
    if column.type == "string":
        cells = [
            np.nan if missing else str(value) for value, missing in zip(values.tolist(), values.isna(), strict=True)
        ]
        return column.series(cells)
    return column.series(values.tolist())
