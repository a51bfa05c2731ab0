"""How a column's cells are read: one set of rules for the training table, CSV requests and JSON requests.

Training and serving drift apart when two parsers guess types on their own (one of them turns "007" into 7), so the
type of a column is decided once, from the raw table, and every cell is then read by that type.
"""

import json
import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

import pandas as pd

ColumnType = Literal["integer", "number", "string", "boolean"]
Cell = str | int | float | bool

# The words that stand for no value where numbers or booleans are expected. In a text column only the empty string
# does: "NA" may be Namibia, and CSV and JSON requests must agree on it.
MISSING = frozenset({"", "na", "n/a", "#n/a", "nan", "null", "none"})
BOOLEANS = {"true": True, "false": False}
INFINITE = frozenset({"inf", "+inf", "-inf", "infinity", "+infinity", "-infinity"})

_NUMBER = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
_INTEGER = re.compile(r"[+-]?[0-9]{1,19}")
# 007 and +49 are codes written in digits: read as numbers they would lose what tells them apart.
_CODE = re.compile(r"\+.*|-?0[0-9].*")

_INT64 = range(-(2**63), 2**63)
# A column of integers with gaps is stored as float64, which holds every integer up to here.
_EXACT_IN_FLOAT = range(-(2**53), 2**53 + 1)


class CellError(ValueError):
    """A cell that its column cannot hold; the text says what was received and what is allowed."""


@dataclass(frozen=True)
class Column:
    """One column of the raw table as every later request must send it."""

    name: str
    type: ColumnType
    nullable: bool

    def read(self, cell: object) -> Cell:
        """Return the value of a CSV text or a JSON value; a missing one is NaN. Raises CellError."""
        if cell is None or (isinstance(cell, float) and math.isnan(cell)):
            return self._missing()
        if isinstance(cell, str):
            return self._read_text(cell)
        if isinstance(cell, bool):
            if self.type == "boolean":
                return cell
        elif isinstance(cell, int | float) and self.type in ("integer", "number"):
            return self._read_number(cell, repr(cell))
        raise CellError(f"{_shown(cell)} is not {_ALLOWED[self.type]}")

    def series(self, values: Sequence[Cell]) -> pd.Series:
        """Return the values with the dtype that this column always has, whatever this particular batch holds.

        Integers with gaps are float64 and booleans with gaps are objects, as pandas reads them; a gap is always NaN.
        """
        return pd.Series(values, dtype=self.dtype, name=self.name)

    @property
    def dtype(self) -> str:
        """The pandas dtype of this column in training and in serving."""
        if self.type == "string" or (self.type == "boolean" and self.nullable):
            return "object"
        if self.type == "boolean":
            return "bool"
        return "float64" if self.type == "number" or self.nullable else "int64"

    def texts(self, series: pd.Series) -> list[str]:
        """Return the CSV text of each value; `read` gives the value back."""
        write = str if self.type in ("string", "boolean") else repr if self.type == "number" else _whole_text
        return ["" if missing else write(value) for value, missing in zip(series.tolist(), series.isna(), strict=True)]

    def _read_text(self, text: str) -> Cell:
        if self.type == "string":
            return text or self._missing()
        word = text.strip()
        if word.lower() in MISSING:
            return self._missing()
        if self.type == "boolean":
            if word.lower() not in BOOLEANS:
                raise CellError(f"{_shown(text)} is not true or false")
            return BOOLEANS[word.lower()]
        if word.lower() in INFINITE:
            raise CellError(f"{_shown(text)} is not a finite number")
        if not _NUMBER.fullmatch(word):
            raise CellError(f"{_shown(text)} is not a number")
        return self._read_number(int(word) if _INTEGER.fullmatch(word) else float(word), repr(text))

    def _read_number(self, number: float, shown: str) -> float:
        if isinstance(number, float) and not math.isfinite(number):
            raise CellError(f"{shown} is not a finite number")
        if self.type == "number":
            return _as_float(number, shown)
        if isinstance(number, float) and not number.is_integer():
            raise CellError(f"{shown} is not a whole number")
        if int(number) not in (_EXACT_IN_FLOAT if self.nullable else _INT64):
            raise CellError(f"{shown} is too large for this column of integers")
        return int(number)

    def _missing(self) -> float:
        if not self.nullable:
            raise CellError("a value is required, because no row of the training data was without one")
        return math.nan


def infer(name: str, cells: Iterable[str]) -> Column:
    """Decide the type of a column from all its CSV texts."""
    distinct = set(cells)
    words = {cell.strip() for cell in distinct}
    present = {word for word in words if word.lower() not in MISSING}
    kind = _kind(present, with_gaps=len(present) < len(words))
    nullable = "" in distinct if kind == "string" else len(present) < len(words)
    return Column(name, kind, nullable)


def infer_integers(name: str, least: int, most: int, *, nullable: bool) -> Column:
    """Decide the type of a column of integers: those that a float64 with gaps would round are identifiers, so text."""
    held = _EXACT_IN_FLOAT if nullable else _INT64
    return Column(name, "integer" if least in held and most in held else "string", nullable)


def _kind(present: set[str], *, with_gaps: bool) -> ColumnType:
    if not present:
        return "string"
    if all(word.lower() in BOOLEANS for word in present):
        return "boolean"
    finite = {word for word in present if word.lower() not in INFINITE}
    if not finite or not all(_NUMBER.fullmatch(word) and not _CODE.fullmatch(word) for word in finite):
        return "string"
    if finite == present and all(word.lstrip("-").isdigit() for word in present):
        if max(map(len, present)) > len(str(_INT64.start)):
            return "string"
        integers = [int(word) for word in present]
        return infer_integers("", min(integers), max(integers), nullable=with_gaps).type
    return "number"


def _as_float(number: float, shown: str) -> float:
    try:
        return float(number)
    except OverflowError:
        raise CellError(f"{shown} is too large for a number") from None


def _whole_text(value: float) -> str:
    return str(int(value))


_ALLOWED: dict[ColumnType, str] = {
    "integer": "a number",
    "number": "a number",
    "string": "text (put it in quotes)",
    "boolean": "true or false",
}

_LONGEST_SHOWN = 60


def _shown(cell: object) -> str:
    text = repr(cell) if isinstance(cell, str) else json.dumps(cell)
    return text if len(text) <= _LONGEST_SHOWN else f"{text[:_LONGEST_SHOWN]}…"


def column_type(value: object) -> ColumnType:
    """Return a recorded type's name as a type; raises ValueError for any other word."""
    if value not in _ALLOWED:
        raise ValueError(f"{value!r} is not a column type ({', '.join(_ALLOWED)})")
    return value
