"""Which rows of a file go into a group: those whose every value is one of its declared type, each of them once."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from sagewright.runtime.jobs.declaration import Group
from sagewright.runtime.jobs.ingestion import feature_values
from sagewright.runtime.jobs.ingestion.feature_values import pc
from sagewright.runtime.jobs.ingestion.seen_rows import SeenRows
from sagewright.runtime.jobs.ingestion.source_batches import Batch

# Beside the declared columns: when each row holds, in milliseconds since 1970.
MOMENT = "__moment"
# Rows of a store's own history come with what it had noted of them.
INVOKED, DELETED = "api_invocation_time", "is_deleted"

# https://docs.aws.amazon.com/sagemaker/latest/dg/feature-store-quotas.html
_MOST_ID_BYTES, _MOST_BYTES = 2 * 1024, 350 * 1024
# No number has a longer text.
_NUMBER_BYTES = 24

_CONFLICT = "an earlier row of the file has the same record id and event time, and other values"


@dataclass(frozen=True)
class Quarantined:
    """A row that is not ingested, and why."""

    number: int
    reason: str
    row: str


@dataclass(frozen=True)
class Checked:
    """What became of a batch: rows + quarantined + repeated are all of it."""

    table: Any
    quarantined: list[Quarantined]
    repeated: int


class RowCheck:
    """Sorts out the rows of one file, batch after batch."""

    def __init__(self, group: Group, folder: Path) -> None:
        self._group = group
        self._seen = SeenRows(folder)

    def take(self, batch: Batch) -> Checked:
        """Return the batch's good rows with their types, and what is wrong with the others."""
        cells, wrong = self._typed(batch.table)
        quarantined = [Quarantined(each.number, each.reason, _shown(each.texts)) for each in batch.broken]
        table = pa.table(cells)
        good = np.ones(table.num_rows, dtype=bool)
        good[[*wrong]] = False
        positions = np.flatnonzero(good)
        table = table.take(pa.array(positions))
        repeated, conflicting = self._repeated(table)
        wrong |= {int(position): [_CONFLICT] for position in positions[conflicting]}
        quarantined += [
            Quarantined(batch.numbers[position], "; ".join(wrong[position]), _row(batch.table, position))
            for position in sorted(wrong)
        ]
        kept = table.filter(pa.array(~(repeated | conflicting)))
        return Checked(kept, sorted(quarantined, key=lambda each: each.number), int(repeated.sum()))

    def _typed(self, table: Any) -> tuple[dict[str, Any], dict[int, list[str]]]:
        cells: dict[str, Any] = {}
        wrong: dict[int, list[str]] = {}
        moments: Any = None
        for feature in self._group.features:
            raw = table.column(feature.name)
            if feature.name == self._group.event_time:
                values, moments = feature_values.read_event_times(raw, feature.type, feature.name)
            else:
                values = feature_values.read(raw, feature.type, feature.name)
            cells[feature.name] = values.cells
            for position, reason in values.wrong.items():
                wrong.setdefault(position, []).append(f"{feature.name}: {reason}")
        for name in (self._group.record_id, self._group.event_time):
            for position in np.flatnonzero(cells[name].is_null().to_numpy(zero_copy_only=False)):
                wrong.setdefault(int(position), [f"{name}: every row needs a value"])
        for position, reason in self._too_large(cells):
            wrong.setdefault(position, []).append(reason)
        cells[MOMENT] = moments
        for name in (INVOKED, DELETED):
            if name in table.column_names:
                cells[name] = table.column(name).combine_chunks()
        return cells, wrong

    def _too_large(self, cells: dict[str, Any]) -> Iterator[tuple[int, str]]:
        """Yield the rows that no store takes, of which one would end the ingestion, however often it is tried."""
        sizes = {name: _bytes(column) for name, column in cells.items()}
        for position in np.flatnonzero(sizes[self._group.record_id] > _MOST_ID_BYTES):
            size = sizes[self._group.record_id][position]
            yield int(position), f"{self._group.record_id}: an id of {size} bytes, of at most {_MOST_ID_BYTES}"
        total = np.sum([*sizes.values()], axis=0) + sum(len(name) for name in sizes)
        for position in np.flatnonzero(total > _MOST_BYTES):
            yield int(position), f"the record has {total[position]} bytes, of at most {_MOST_BYTES}"

    def _repeated(self, table: Any) -> tuple[np.ndarray, np.ndarray]:
        told = [self._group.record_id, MOMENT] + [name for name in (INVOKED,) if name in table.column_names]
        cells = {name: hashes(table.column(name)) for name in table.column_names}
        return self._seen.look(_together([cells[name] for name in told]), _together([*cells.values()]))


def _bytes(cells: Any) -> np.ndarray:
    if not pa.types.is_string(cells.type):
        return np.full(len(cells), _NUMBER_BYTES)
    return pc.fill_null(pc.binary_length(cells), 0).to_numpy(zero_copy_only=False)


def hashes(column: Any) -> np.ndarray:
    """Return a hash of each cell."""
    cells = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    if pa.types.is_string(cells.type):
        return pd.util.hash_array(cells.to_numpy(zero_copy_only=False), categorize=False)
    if pa.types.is_timestamp(cells.type):
        cells = cells.cast(pa.int64())
    return pd.util.hash_array(cells.to_numpy(zero_copy_only=False), categorize=False)


def _together(parts: list[np.ndarray]) -> np.ndarray:
    """Make one hash of several; their order counts."""
    whole = np.full(len(parts[0]), 0x9E3779B97F4A7C15, dtype=np.uint64)
    for part in parts:
        whole = (whole ^ part) * np.uint64(0x100000001B3)
        whole ^= whole >> np.uint64(29)
    return whole


def _row(table: Any, position: int) -> str:
    return _shown({name: table.column(name)[position].as_py() for name in table.column_names})


def _shown(row: Any) -> str:
    return json.dumps(row, ensure_ascii=False, default=str)


def records(table: Any, names: list[str]) -> Iterator[list[tuple[str, str]]]:
    """Yield each row as the texts that the store is told; a missing value is not told."""
    columns = [_texts(table.column(name)) for name in names]
    for row in zip(*columns, strict=True):
        yield [(name, text) for name, text in zip(names, row, strict=True) if text is not None]


def _texts(column: Any) -> list[str | None]:
    if pa.types.is_floating(column.type):
        return [None if value is None else repr(value) for value in column.to_pylist()]
    return column.cast(pa.string()).to_pylist()
