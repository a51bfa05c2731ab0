"""Requests, read by the recorded schema: what the model cannot be asked is refused with its row and column."""

import csv
import difflib
import io
import json
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

import pandas as pd

from sagewright.runtime.serving import csv_text
from sagewright.runtime.serving.by_id import IdRows
from sagewright.runtime.serving.columns import Cell, CellError, Column

CSV = "text/csv"
JSON = "application/json"

MOST_PROBLEMS = 20


class RequestError(Exception):
    """A request that is refused: the status to answer with, and one sentence for each problem."""

    def __init__(self, problems: Sequence[str], status: HTTPStatus = HTTPStatus.BAD_REQUEST) -> None:
        shown = [*problems[:MOST_PROBLEMS]]
        if len(problems) > MOST_PROBLEMS:
            shown.append(f"and {len(problems) - MOST_PROBLEMS} more")
        super().__init__("; ".join(shown))
        self.status = status


def read(content: str | bytes, content_type: str, columns: Sequence[Column]) -> pd.DataFrame:
    """Return the rows of a request with the training data's columns, in its order and with its dtypes."""
    return read_either(content, content_type, columns, None)[0]


def read_either(
    content: str | bytes, content_type: str, columns: Sequence[Column], ids: IdRows | None
) -> tuple[pd.DataFrame, bool]:
    """Return the rows of a request, and whether they hold ids in the place of features: then with those columns."""
    kind, text = _text(content, content_type)
    rows, by_id = _csv_rows(text, columns, ids) if kind == CSV else _json_rows(text, columns, ids)
    if not rows:
        raise RequestError(["the body holds no row"])
    return _frame(rows, ids.columns if ids and by_id else columns), by_id


def _text(content: str | bytes, content_type: str) -> tuple[str, str]:
    kind = media_type(content_type)
    if kind not in (CSV, JSON):
        problem = f"content type {content_type!r} is not supported: send {CSV} or {JSON}"
        raise RequestError([problem], HTTPStatus.UNSUPPORTED_MEDIA_TYPE)
    try:
        return kind, content.decode("utf-8-sig") if isinstance(content, bytes) else content.removeprefix("\ufeff")
    except UnicodeDecodeError as fault:
        raise RequestError([f"the body is not UTF-8 text: {fault.reason} at byte {fault.start}"]) from fault


def media_type(value: str) -> str:
    """Return the type alone: `text/csv; charset=utf-8` is text/csv."""
    return value.partition(";")[0].strip().lower()


_Rows = tuple[list[Mapping[str, object]], bool]


def _csv_rows(text: str, columns: Sequence[Column], ids: IdRows | None) -> _Rows:
    try:
        records = [texts for _, texts in csv_text.rows(io.StringIO(text, newline=""), width=len(columns))]
    except csv.Error as fault:
        raise RequestError([f"the body is not CSV: {fault}"]) from fault
    names, by_id = _names(columns), False
    known = [*names, *_names(ids.columns)] if ids else names
    if records and _is_header(records[0], known):
        header = records.pop(0)
        by_id = ids is not None and bool(ids.are([header]))
        names = _checked_header(header, ids.columns if ids and by_id else columns, by_id=by_id)
    also = f"; or send ids alone, below a header with {_required(ids)}" if ids and not by_id else ""
    problems = [
        f"row {number}: {len(texts)} values, {len(names)} are expected ({', '.join(names)}){also}"
        for number, texts in enumerate(records, start=1)
        if len(texts) != len(names)
    ]
    if problems:
        raise RequestError(problems)
    return [dict(zip(names, texts, strict=True)) for texts in records], by_id


def _is_header(texts: list[str], names: list[str]) -> bool:
    """Return whether the first line mostly holds column names: it is then meant as a header, even if a wrong one."""
    return 2 * sum(text in names for text in texts) > len(texts)


def _checked_header(header: list[str], columns: Sequence[Column], *, by_id: bool) -> list[str]:
    names = _names(columns)
    needed = [column.name for column in columns if not (by_id and column.nullable)]
    problems = [f"header: {_unknown(name, names)}" for name in header if name not in names]
    problems += [f"header: column {name} is missing" for name in needed if name not in header]
    problems += [f"header: column {name} stands there twice" for name in names if header.count(name) > 1]
    if problems:
        raise RequestError(problems)
    return header


def _required(ids: IdRows) -> str:
    return ", ".join(column.name for column in ids.columns if not column.nullable)


def _json_rows(text: str, columns: Sequence[Column], ids: IdRows | None) -> _Rows:
    try:
        body: Any = json.loads(text)
    except (ValueError, RecursionError) as fault:
        raise RequestError([f"the body is not JSON: {fault}"]) from fault
    # No cell is a list: where a column has that name too, the list alone is still meant as the rows.
    if isinstance(body, dict) and isinstance(body.get("instances"), list):
        if len(body) > 1 and "instances" not in _names(columns):
            raise RequestError([f"{_listed(set(body) - {'instances'})} beside instances is not supported"])
        body = body["instances"] if len(body) == 1 else body
    rows = body if isinstance(body, list) else [body]
    by_id = ids.are([row for row in rows if isinstance(row, dict)]) if ids else False
    if by_id is None:
        mixed = "some rows hold features that are looked up for others: send all rows by their ids, or none"
        raise RequestError([mixed])
    names = _names(ids.columns if ids and by_id else columns)
    problems: list[str] = []
    for number, row in enumerate(rows, start=1):
        if isinstance(row, dict):
            problems += [f"row {number}: {_unknown(name, names)}" for name in row if name not in names]
        else:
            problems.append(
                f"row {number}: an object with a value for each column is expected, {_kind(row)} is received"
            )
    if problems:
        raise RequestError(problems)
    return rows, by_id


def _frame(rows: Sequence[Mapping[str, object]], columns: Sequence[Column]) -> pd.DataFrame:
    problems: dict[tuple[int, int], str] = {}
    data: dict[str, pd.Series] = {}
    for position, column in enumerate(columns):
        values: list[Cell] = []
        for number, row in enumerate(rows, start=1):
            value = _cell(column, row)
            if isinstance(value, CellError):
                problems[number, position] = f"row {number}, column {column.name}: {value}"
            else:
                values.append(value)
        if not problems:
            data[column.name] = column.series(values)
    if problems:
        raise RequestError([problems[place] for place in sorted(problems)])
    return pd.DataFrame(data)


def _cell(column: Column, row: Mapping[str, object]) -> Cell | CellError:
    try:
        return column.read(row.get(column.name))
    except CellError as fault:
        return fault


def _names(columns: Sequence[Column]) -> list[str]:
    return [column.name for column in columns]


def _unknown(name: str, names: Sequence[str]) -> str:
    near = difflib.get_close_matches(name, names, n=1)
    return f"column {name} is unknown" + (f", did you mean {near[0]}?" if near else "")


def _listed(names: set[str]) -> str:
    return ", ".join(sorted(names))


def _kind(value: object) -> str:
    return "a JSON list" if isinstance(value, list) else f"{json.dumps(value)}"
