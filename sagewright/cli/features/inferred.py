"""What a sample shows of a group: types, and the columns that could be its record id and event time.

Types are guessed once and written down: what is declared never changes because a later file looks different.
"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from sagewright.cli.errors import CommandError
from sagewright.project.feature_fields import PARTITIONS, feature_name, group_name
from sagewright.project.feature_groups import FeatureType
from sagewright.runtime.jobs.raw_data import READERS
from sagewright.runtime.serving import event_times
from sagewright.runtime.serving.columns import Column, ColumnType
from sagewright.runtime.serving.errors import UserError
from sagewright.runtime.serving.event_times import EventTimeError

from . import odd_cells
from .odd_cells import Odd

_TYPES: dict[ColumnType, FeatureType] = {
    "integer": "integral",
    "number": "fractional",
    "string": "string",
    # The store has no truth values; `true` and `false` are what every reader writes.
    "boolean": "string",
}
# A number is taken for a time only where its column is called like one: counts are numbers, too.
_NAMES_OF_TIMES = ("time", "_at", "timestamp", "epoch", "date", "since")


@dataclass(frozen=True)
class Inferred:
    """What a sample shows of a group: the likeliest record id and event time first, and columns that it cannot have."""

    group: str
    source: str
    rows: int
    record_ids: tuple[str, ...]
    event_times: tuple[str, ...]
    types: dict[str, FeatureType]
    left_out: dict[str, str]
    odd: tuple[Odd, ...] = field(default=())

    def document(self) -> dict[str, Any]:
        """Give all of it, for scripts."""
        return {
            "group": self.group,
            "rows": self.rows,
            "record_id_candidates": list(self.record_ids),
            "event_time_candidates": list(self.event_times),
            "left_out": self.left_out,
            "odd_cells": [each.document() for each in self.odd],
            "features": {
                self.group: {
                    "source": self.source,
                    "record_id": self.record_ids[0],
                    "event_time": self.event_times[0],
                    "features": self.types,
                }
            },
        }

    def yaml(self) -> str:
        """Write the block that goes into the project file."""
        lines = [
            "features:",
            f"  {self.group}:",
            f"    source: {self.source}",
            _chosen("record_id", self.record_ids),
            _chosen("event_time", self.event_times),
            "    features:",
            *(f"      {name}: {kind}" for name, kind in self.types.items()),
            *(f"      # {name!r} is left out: {why}" for name, why in self.left_out.items()),
        ]
        return "\n".join(lines)


def read(
    file: Path, folder: Path, *, group: str | None = None, record_id: str | None = None, event_time: str | None = None
) -> Inferred:
    """Infer a group from a file, which is named as the project in `folder` would name it."""
    columns, rows, odd = _typed(*_table(file), texts=file.suffix.lower() == ".csv")
    names = [column.name for column in columns]
    for option, given in (("--record-id", record_id), ("--event-time", event_time)):
        if given is not None and given not in names:
            raise CommandError(f"{option}: '{given}' is not a column of {file}; there are: {', '.join(names)}.")
    times = _preferring(event_time, _times(columns, rows))
    if not times:
        raise CommandError(
            f"{file} has no column that says since when a row holds: none has a time in ISO 8601 in (nearly) every "
            "row, nor is one of seconds since 1970 called like a time. Add one, or name it by --event-time."
        )
    ids = _preferring(record_id, _ids(columns, rows, times[0]))
    if not ids:
        raise CommandError(
            f"{file} has no column that could be a record id: text or whole numbers in (nearly) every row."
        )
    left_out = {name: why for name in names if (why := _unfit(name, names))}
    for role, name in (("record id", ids[0]), ("event time", times[0])):
        if name in left_out:
            raise CommandError(f"The {role} '{name}' of {file} cannot be a feature: {left_out[name]}.")
    types = {column.name: _TYPES[column.type] for column in columns if column.name not in left_out}
    if types[times[0]] == "integral":
        types[times[0]] = "fractional"  # what SageMaker takes for seconds
    for name, wrong in ((ids[0], rows[ids[0]].isna()), (times[0], _untimed(rows[times[0]]))):
        found = Odd.of(name, rows[name].tolist(), wrong.to_numpy())
        if found is not None:
            odd.setdefault(name, found)
    told = tuple(odd[name] for name in names if name in odd and name not in left_out)
    return Inferred(_group(file, group), _source(file, folder), len(rows), ids, times, types, left_out, told)


def _table(file: Path) -> tuple[list[Column], pd.DataFrame]:
    reader = READERS.get(file.suffix.lower())
    if reader is None or not file.is_file():
        state = "does not exist" if not file.exists() else "is neither a .csv nor a .parquet file"
        raise CommandError(f"{file} {state}; name a file with rows of the group.")
    try:
        columns, rows = reader([file], file.parent)
    except UserError as error:
        raise CommandError(f"{error}.") from error
    if rows.empty:
        raise CommandError(f"{file} holds no row, so that no type can be seen; name a file with some.")
    return columns, rows


def _typed(
    columns: list[Column], rows: pd.DataFrame, *, texts: bool
) -> tuple[list[Column], pd.DataFrame, dict[str, Odd]]:
    """Take each column of texts for what nearly all of its cells are; a table that has types keeps them."""
    found = [odd_cells.typed(each, rows[each.name]) if texts else (each, rows[each.name], None) for each in columns]
    table = pd.DataFrame({column.name: cells for column, cells, _ in found})
    return [column for column, *_ in found], table, {odd.column: odd for *_, odd in found if odd is not None}


def _preferring(given: str | None, candidates: list[str]) -> tuple[str, ...]:
    chosen = [given] if given is not None else []
    return tuple(dict.fromkeys((*chosen, *candidates)))


def _times(columns: list[Column], rows: pd.DataFrame) -> list[str]:
    """List the columns that can be event times: those called like one first, and those with a time of day."""
    found: list[tuple[bool, bool, str]] = []
    for column in columns:
        called = any(part in column.name.lower() for part in _NAMES_OF_TIMES)
        if column.type == "boolean" or (column.type != "string" and not called):
            continue
        untimed = _untimed(rows[column.name], most=odd_cells.tolerated(len(rows)))
        if untimed.sum() <= odd_cells.tolerated(len(rows)):
            texts = rows[column.name][~untimed].unique().tolist()
            found.append((not called, all(len(str(text)) <= len("2024-01-01") for text in texts), column.name))
    return [name for *_, name in sorted(found, key=lambda each: each[:2])]


def _untimed(cells: pd.Series, most: int | None = None) -> pd.Series:
    """Tell which cells are no time; where there are more than `most`, all of them."""
    odd: set[object] = set()
    for cell in cells.dropna().unique().tolist():
        if not _is_time(cell):
            odd.add(cell)
            if most is not None and len(odd) > most:
                return pd.Series(data=True, index=cells.index)
    return cells.isna() | cells.isin(odd)


def _is_time(cell: str | float) -> bool:
    """Tell whether a cell is a time, written out, or in seconds from this century or the last decades of the last."""
    try:
        moment = event_times.milliseconds(cell)
    except EventTimeError:
        return False
    return isinstance(cell, str) or moment >= event_times.milliseconds("1980-01-01")


def _ids(columns: list[Column], rows: pd.DataFrame, time: str) -> list[str]:
    """List the columns that can be record ids: those first that make rows of one time differ, then by their names."""
    few = odd_cells.tolerated(len(rows))
    found: list[tuple[bool, bool, str]] = []
    for column in columns:
        if column.name == time or column.type not in ("string", "integer") or rows[column.name].isna().sum() > few:
            continue
        twice = int(rows[[column.name, time]].dropna().duplicated().sum()) > few
        called = column.name.lower().endswith(("id", "key", "code", "number"))
        found.append((twice, not called, column.name))
    return [name for *_, name in sorted(found, key=lambda each: each[:2])]


def _unfit(name: str, names: list[str]) -> str:
    """Say why a column cannot be a feature; nothing where it can."""
    try:
        feature_name(name)
    except ValueError as error:
        return str(error)
    if "-" in name:
        return "Athena takes no hyphen in a column; rename it by a transform"
    if name.lower() in PARTITIONS:
        return "SageMaker partitions the table by a column of this name; rename it by a transform"
    twins = [other for other in names[: names.index(name)] if other.lower() == name.lower()]
    return f"'{twins[0]}' is the same column to Glue, which ignores case; rename it by a transform" if twins else ""


def _group(file: Path, given: str | None) -> str:
    name = given or "".join(letter for letter in file.stem.lower() if letter.isascii() and letter.isalnum())[:30]
    try:
        return group_name(name)
    except ValueError as error:
        hint = "" if given else " Name it by --group."
        raise CommandError(f"{error}.{hint}") from error


def _source(file: Path, folder: Path) -> str:
    """Name the file as the project does; one outside of it has to be moved there first."""
    path, root = file.resolve(), folder.resolve()
    return path.relative_to(root).as_posix() if path.is_relative_to(root) else f"data/{path.name}"


def _chosen(key: str, candidates: tuple[str, ...]) -> str:
    others = f"  # or {', '.join(candidates[1:4])}" if len(candidates) > 1 else ""
    return f"    {key}: {candidates[0]}{others}"
