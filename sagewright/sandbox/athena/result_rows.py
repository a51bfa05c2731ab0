"""Why: results are kept as text, and their readers get them row by row with what is missing told from what is empty."""

import csv
import io
from collections.abc import Iterator
from typing import Any

Record = dict[str, Any]


def column(name: str, kind: str) -> Record:
    """Return what is told of a column."""
    precision = {"varchar": 2147483647, "bigint": 19, "integer": 10, "double": 17, "real": 17, "boolean": 0}
    described = {"CatalogName": "hive", "SchemaName": "", "TableName": "", "Name": name, "Label": name}
    shape = {"Precision": precision.get(kind, 3), "Scale": 0, "Nullable": "UNKNOWN"}
    return {**described, **shape, "Type": kind, "CaseSensitive": kind == "varchar"}


def datum(value: str | None) -> Record:
    """Return a value as it is told; a missing one is nothing at all."""
    return {} if value is None else {"VarCharValue": value}


def parsed(text: str) -> Iterator[list[str | None]]:
    """Yield the rows of Athena's CSV, in which a missing value has no quotes."""
    if not text.startswith('"') and not text.strip():
        return
    # Nothing is told from an empty text by its quotes alone, so these are made visible to the reader.
    marked = io.StringIO("".join(_marked(text)))
    for row in csv.reader(marked):
        yield [value[1:] if value.startswith("=") else None for value in row]


def _marked(text: str) -> Iterator[str]:
    inside, at_start = False, True
    for character in text:
        yield character
        if character == '"':
            if at_start and not inside:
                yield "="
            inside = not inside
            at_start = False
        else:
            at_start = not inside and character in ",\n"
