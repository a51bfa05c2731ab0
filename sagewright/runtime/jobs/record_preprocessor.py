"""Reads the rows of a captured request, so that both monitors see the values that the model saw.

This file stands alone, with nothing but Python (of any 3.7 or later): Model Monitor runs a copy of it that has the
columns written in, as its record preprocessor, before it looks at a record; the builtin monitor imports it. It reads a
cell as `sagewright.runtime.serving.columns` does (a test compares the two), but refuses none: what the model could not
be asked stays as it was sent, so that a check sees it.
"""

from __future__ import annotations

import base64
import csv
import io
import json
import math
import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

# The columns of a request, as (name, type) with the types of schema.json.
COLUMNS: Sequence[Sequence[str]] = ()
# Columns that the endpoint looks up for rows that hold ids in their place, and the ids that are no columns.
LOOKED_UP: Sequence[str] = ()
KEYS: Sequence[str] = ()

MISSING = frozenset(("", "na", "n/a", "#n/a", "nan", "null", "none"))
BOOLEANS = {"true": "True", "false": "False"}
NUMBER = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
INTEGER = re.compile(r"[+-]?[0-9]{1,19}")


class UnreadableError(ValueError):
    """A record whose body is no table of rows."""


def preprocess_handler(inference_record: Any) -> list[dict[str, Any]]:
    """Return the rows of a captured request by column. The output is left out: it is no data of the model's.

    So are rows that hold ids alone: what the model saw of them is not in the capture.
    """
    request = inference_record.endpoint_input
    content_type = getattr(request, "observed_content_type", None)
    try:
        sent = rows(request.data, request.encoding, content_type, COLUMNS, KEYS)
    except UnreadableError:
        return []
    if LOOKED_UP:
        sent = [row for row in sent if not row.keys().isdisjoint(LOOKED_UP)]
    # Only flat rows are taken: what no column can hold goes on as a text.
    return [
        {name: json.dumps(cell) if isinstance(cell, (dict, list)) else cell for name, cell in row.items()}
        for row in sent
    ]


def rows(
    data: str,
    encoding: str,
    content_type: str | None,
    columns: Sequence[Sequence[str]],
    keys: Sequence[str] = (),
) -> list[dict[str, Any]]:
    """Return the rows of a request as dictionaries, in which a missing value is None. Raises UnreadableError.

    `keys` are names that a header may hold beside the columns.
    """
    text = _text(data, encoding)
    text = text[1:] if text.startswith("\ufeff") else text  # noqa: FURB188 - no removeprefix before Python 3.9
    kind = (content_type or "").partition(";")[0].strip().lower() or _guess(text, encoding)
    if kind == "application/json":
        sent = _json_rows(text, [name for name, _ in columns])
    elif kind == "text/csv":
        sent = _csv_rows(text, [name for name, _ in columns], keys)
    else:
        raise UnreadableError(f"content type {content_type!r} is neither text/csv nor application/json")
    readers = {name: READERS[kind] for name, kind in columns}
    return [{name: readers.get(name, _as_sent)(cell) for name, cell in row.items()} for row in sent]


def _text(data: str, encoding: str) -> str:
    if encoding != "BASE64":
        return data
    try:
        return base64.b64decode(data, validate=True).decode("utf-8")
    except ValueError as fault:
        raise UnreadableError(f"the body is not UTF-8 text: {fault}") from fault


def _guess(text: str, encoding: str) -> str:
    """Return the type of a body that came without one; of one in base64 its beginning tells."""
    is_json = text.lstrip()[:1] in ("{", "[") if encoding == "BASE64" else encoding == "JSON"
    return "application/json" if is_json else "text/csv"


def _csv_rows(text: str, names: list[str], keys: Sequence[str]) -> list[dict[str, Any]]:
    width = len(names)
    lines = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        records = [texts or [""] for texts in lines if texts or width == 1]
    except csv.Error as fault:
        raise UnreadableError(f"the body is not CSV: {fault}") from fault
    if records and 2 * sum(text in names or text in keys for text in records[0]) > len(records[0]):
        names = records.pop(0)
    if len(set(names)) < len(names):
        raise UnreadableError("the header names a column twice")
    if any(len(texts) != len(names) for texts in records):
        raise UnreadableError(f"a line has not {len(names)} values")
    return [dict(zip(names, texts)) for texts in records]  # noqa: B905 - no `strict` before Python 3.10


def _json_rows(text: str, names: list[str]) -> list[dict[str, Any]]:
    try:
        body = json.loads(text)
    except (ValueError, RecursionError) as fault:
        raise UnreadableError(f"the body is not JSON: {fault}") from fault
    if isinstance(body, dict) and isinstance(body.get("instances"), list):
        if len(body) == 1:
            body = body["instances"]
        elif "instances" not in names:
            raise UnreadableError("there is more beside instances")
    body = body if isinstance(body, list) else [body]
    if not all(isinstance(row, dict) for row in body):
        raise UnreadableError("a row is no object with a value for each column")
    return body


def _as_sent(cell: Any) -> Any:
    return cell


def _string(cell: Any) -> Any:
    return None if _is_missing(cell) or cell == "" else cell


def _boolean(cell: Any) -> Any:
    if isinstance(cell, bool):
        return str(cell)
    if isinstance(cell, str):
        word = cell.strip().lower()
        return None if word in MISSING else BOOLEANS.get(word, cell)
    return None if _is_missing(cell) else cell


def _integer(cell: Any) -> Any:
    number = _number(cell)
    if not isinstance(number, float) or not number.is_integer():
        return None if number is None else str(cell)
    if isinstance(cell, str):
        cell = cell.strip()
        whole = int(cell) if INTEGER.fullmatch(cell) else int(number)
    else:
        whole = int(cell)
    return whole if -(2**63) <= whole < 2**63 else str(cell)


def _number(cell: Any) -> Any:
    if isinstance(cell, str):
        word = cell.strip()
        if word.lower() in MISSING:
            return None
        number = float(word) if NUMBER.fullmatch(word) else math.inf
        return number if math.isfinite(number) else cell
    if isinstance(cell, (int, float)) and not isinstance(cell, bool) and not _is_missing(cell):
        try:
            number = float(cell)
        except OverflowError:
            return str(cell)
        return number if math.isfinite(number) else str(cell)
    return None if _is_missing(cell) else cell


def _is_missing(cell: Any) -> bool:
    return cell is None or (isinstance(cell, float) and math.isnan(cell))


READERS: dict[str, Callable[[Any], Any]] = {
    "integer": _integer,
    "number": _number,
    "string": _string,
    "boolean": _boolean,
}
