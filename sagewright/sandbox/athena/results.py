"""Why: what a query gives is written where its workgroup says, in Athena's own forms, by whoever runs the query."""

import csv
import uuid
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from .failures import QueryError, lacking, semantic
from .grammar import Unload
from .objects import Objects

_ROWS_AT_ONCE = 10_000
_COMPRESSIONS = {"GZIP": "gzip", "SNAPPY": "snappy", "ZSTD": "zstd", "NONE": "uncompressed"}
_PROPERTIES = {"format", "compression"}
_FILE_BYTES = "64MB"
_PLAIN_FROM, _PLAIN_TO = 1e-3, 1e7


@dataclass(frozen=True)
class Written:
    """What a query left in S3."""

    location: str
    manifest: str = ""
    rows: int = 0


def select(connection: Any, query: str, columns: list[tuple[str, str]], file: Path) -> int:
    """Write the rows of a SELECT as Athena's CSV to a file, and return how many there were."""
    count = 0
    with file.open("w", newline="", encoding="utf-8") as out:
        writer = csv.writer(out, quoting=csv.QUOTE_ALL, lineterminator="\n")
        writer.writerow([name for name, _ in columns])
        for row in _rows(connection.execute(query)):
            # A missing value has no quotes, and an empty text has.
            out.write(",".join(_quoted(value) for value in row) + "\n")
            count += 1
    return count


def check_unload(unload: Unload, columns: list[tuple[str, str]], named: list[str]) -> None:
    """Refuse an UNLOAD that Athena does not take, and by name what the sandbox lacks of it."""
    properties = unload.properties
    if "format" not in properties:
        raise QueryError("INVALID_TABLE_PROPERTY: format is a required property of UNLOAD")
    if properties["format"].upper() != "PARQUET":
        raise lacking(f"UNLOAD in the format {properties['format']}: it has PARQUET")
    for name in properties:
        if name not in _PROPERTIES:
            raise lacking(f"{name} of UNLOAD")
    if properties.get("compression", "GZIP").upper() not in _COMPRESSIONS:
        raise lacking(f"the compression {properties['compression']} of UNLOAD")
    _check_names(named)
    for name, kind in columns:
        if kind in {"timestamp with time zone", "interval", "time"}:
            raise QueryError(f"NOT_SUPPORTED: Unsupported Hive type: {kind} (column {name})")
        if kind == "unknown":
            problem = f"Column {name} is of unknown type: NULL needs a CAST"
            raise QueryError(f"NOT_SUPPORTED: {problem}")


def _check_names(named: list[str]) -> None:
    seen: set[str] = set()
    for position, name in enumerate(named, 1):
        if not name:
            problem = f"Column name not specified at position {position}"
            raise semantic("MISSING_COLUMN_NAME", (1, 1), problem)
        if name.lower() in seen:
            raise semantic("DUPLICATE_COLUMN_NAME", (1, 1), f"Column name '{name}' specified more than once")
        seen.add(name.lower())


def unload(connection: Any, query: str, wanted: Unload, folder: Path) -> tuple[list[Path], int]:
    """Write the rows of an UNLOAD to files, of which there are none without rows, and return them and their count."""
    form = _COMPRESSIONS[wanted.properties.get("compression", "GZIP").upper()]
    target = folder / "unloaded"
    options = f"FORMAT parquet, COMPRESSION {form}, FILE_SIZE_BYTES '{_FILE_BYTES}', ROW_GROUP_SIZE 50000"
    ((rows,),) = connection.execute(f"COPY ({query}) TO '{target}' ({options})").fetchall()
    return (sorted(target.rglob("*.parquet")) if rows else []), int(rows)


def bring(objects: Objects, files: list[Path], wanted: Unload, identity: str, encryption: dict[str, str]) -> list[str]:
    """Put the files of an UNLOAD where it says, and return their addresses."""
    place = wanted.location.rstrip("/")
    written = []
    now = datetime.now(UTC).strftime("%Y%m%d_%H%M%S")
    for file in files:
        uri = f"{place}/{now}_{identity[:5]}_{uuid.uuid4()}"
        objects.put(file, uri, encryption)
        written.append(uri)
    return written


def cast_for_output(query: str, columns: list[tuple[str, str]], engine_types: list[str]) -> str:
    """Return the query with what only the engine has (128 bits for a sum) as what Athena has."""
    if "HUGEINT" not in engine_types:
        return query
    selected = [
        f'CAST("{name}" AS BIGINT) AS "{name}"' if kind == "HUGEINT" else f'"{name}"'
        for (name, _), kind in zip(columns, engine_types, strict=True)
    ]
    return f"SELECT {', '.join(selected)} FROM ({query})"  # noqa: S608 - its own names


def _rows(cursor: Any) -> Iterator[Iterable[Any]]:
    while rows := cursor.fetchmany(_ROWS_AT_ONCE):
        yield from rows


def _quoted(value: Any) -> str:
    if value is None:
        return ""
    return '"' + shown(value).replace('"', '""') + '"'


def shown(value: Any) -> str:
    """Return a value as Athena writes it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return _number(value)
    if isinstance(value, datetime):
        text = value.strftime("%Y-%m-%d %H:%M:%S.") + f"{value.microsecond // 1000:03d}"
        return f"{text} UTC" if value.tzinfo else text
    if isinstance(value, date):
        return value.isoformat()
    return format(value, "f") if isinstance(value, Decimal) else str(value)


def _number(value: float) -> str:
    """Return a number as Java writes it: 1.0, 1.0E10, Infinity."""
    if value != value:  # noqa: PLR0124 - only NaN is not itself
        return "NaN"
    if value in {float("inf"), float("-inf")}:
        return "Infinity" if value > 0 else "-Infinity"
    if value == 0 or _PLAIN_FROM <= abs(value) < _PLAIN_TO:
        return repr(value) if "e" not in repr(value) else f"{value:f}"
    digits, _, exponent = f"{Decimal(repr(value)).normalize():e}".partition("e")
    return f"{digits if '.' in digits else digits + '.0'}E{int(exponent)}"
