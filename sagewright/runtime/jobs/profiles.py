"""What is known of a table after one pass over its batches: the numbers behind statistics, constraints and drift."""

import math
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from sagewright.runtime.jobs.quantile_sketch import QuantileSketch
from sagewright.runtime.jobs.value_counts import ValueCounts
from sagewright.runtime.serving.columns import Column

# Rows of a batch: what a column keeps of one fits into the processor's cache.
BATCH_ROWS = 65_536

# Beyond it a sum over a batch, or a difference of two values, may leave the range of a float.
_HUGE = 1e290
_TINY = 1e-140
_SCALE = 2.0**-30

NumberType = Literal["Integral", "Fractional"]


@dataclass
class Numbers:
    """A column of numbers. Infinite ones count as missing: no request can carry them.

    `mean` and `std_dev` (of all rows: divided by their number) are within 1e-9 of the column's largest absolute value.
    """

    name: str
    inferred_type: NumberType
    present: int = 0
    missing: int = 0
    mean: float = 0.0
    std_dev: float = 0.0
    least: float = math.inf
    most: float = -math.inf
    sketch: QuantileSketch = field(default_factory=QuantileSketch)

    def add(self, cells: Any) -> None:
        """Add an Arrow array of integers, floats or decimals."""
        self.add_values(cells.cast(pa.float64(), safe=False).to_numpy(zero_copy_only=False))

    def add_values(self, values: np.ndarray) -> None:
        """Add numbers, of which a missing one is NaN."""
        if not values.size:
            return
        least, most = values.min(), values.max()
        if not (math.isfinite(least) and math.isfinite(most)):  # NaN is neither, and goes through both
            finite = values[np.isfinite(values)]
            self.missing += values.size - finite.size
            if not finite.size:
                return
            values, least, most = finite, finite.min(), finite.max()
        self._add_moments(values, float(least), float(most))
        self.sketch.add(values)

    @property
    def total(self) -> float:
        """The sum; one beyond the range of a float is the largest float, because JSON has no infinity."""
        limit = np.finfo(np.float64).max
        with np.errstate(over="ignore"):
            return float(np.clip(np.float64(self.mean) * self.present, -limit, limit))

    def _add_moments(self, values: np.ndarray, least: float, most: float) -> None:
        mean, std_dev = _moments(values, least, most)
        ours, theirs = self.present, values.size
        rows = ours + theirs
        # Everything in units of 1/_SCALE, so that no difference and no sum can overflow.
        step = mean * _SCALE - self.mean * _SCALE
        between = step * math.sqrt(ours / rows) * math.sqrt(theirs / rows)
        within = (self.std_dev * _SCALE * math.sqrt(ours / rows), std_dev * _SCALE * math.sqrt(theirs / rows))
        self.least, self.most = min(self.least, least), max(self.most, most)
        self.mean = min(max((self.mean * _SCALE + step * (theirs / rows)) / _SCALE, self.least), self.most)
        self.std_dev = _deviation(math.hypot(*within, between) / _SCALE, self.least, self.most)
        self.present = rows


@dataclass
class Texts:
    """A column of texts, in which true and false are the texts True and False, and dates stand in ISO 8601."""

    name: str
    missing: int = 0
    values: ValueCounts = field(default_factory=ValueCounts)

    @property
    def present(self) -> int:
        """Rows with a value."""
        return self.values.count

    def add(self, cells: Any) -> None:
        """Add an Arrow array of texts, booleans, dates or times."""
        if pa.types.is_dictionary(cells.type):
            texts, numbers = _counted(cells)
        else:
            counted = cells.value_counts()
            texts, numbers = counted.field(0), counted.field(1).to_numpy()
        counts = Counter[str]()
        for text, number in zip(_as_texts(texts), numbers.tolist(), strict=True):
            counts[text] += number
        self.add_counts(counts)

    def add_counts(self, counts: Counter[str]) -> None:
        """Add texts by how often they occur, of which the empty one, which CSV cannot tell from none, is missing."""
        self.missing += counts.pop("", 0)
        self.values.add(counts)


Profile = Numbers | Texts


class TableProfile:
    """The columns of a table, in order, each with what is known of it."""

    def __init__(self, columns: Iterable[Profile], rows: int = 0) -> None:
        self.columns = {column.name: column for column in columns}
        self.rows = rows

    @classmethod
    def of_columns(cls, columns: Iterable[Column]) -> "TableProfile":
        """Begin with no row of a table with the columns of a request."""
        return cls.of_schema(pa.schema([(column.name, arrow_type(column)) for column in columns]))

    @classmethod
    def of_schema(cls, schema: Any) -> "TableProfile":
        """Begin with no row of a table with an Arrow schema."""
        return cls(_profile(column.name, column.type) for column in schema)

    def add(self, batch: Any) -> None:
        """Add an Arrow record batch with these columns."""
        self.rows += batch.num_rows
        for name, column in self.columns.items():
            column.add(batch.column(name))


def batches(table: pd.DataFrame, columns: Iterable[Column]) -> Iterator[Any]:
    """Yield a table of requests in Arrow batches."""
    schema = pa.schema([(column.name, arrow_type(column)) for column in columns])
    for start in range(0, len(table), BATCH_ROWS):
        yield pa.RecordBatch.from_pandas(table.iloc[start : start + BATCH_ROWS], schema=schema, preserve_index=False)


def arrow_type(column: Column) -> Any:
    """Return the Arrow type that holds a request's column; integers with gaps are exact up to 2^53, as in pandas."""
    if column.type == "integer":
        return pa.int64()
    return {"number": pa.float64(), "string": pa.string(), "boolean": pa.bool_()}[column.type]


def _profile(name: str, kind: Any) -> Profile:
    if pa.types.is_integer(kind):
        return Numbers(name, "Integral")
    if pa.types.is_floating(kind) or pa.types.is_decimal(kind):
        return Numbers(name, "Fractional")
    return Texts(name)


def _counted(cells: Any) -> tuple[Any, np.ndarray]:
    """Count a dictionary array by its codes."""
    codes = pc.fill_null(cells.indices, len(cells.dictionary)).to_numpy(zero_copy_only=False)
    numbers = np.bincount(codes, minlength=len(cells.dictionary) + 1)
    found = np.flatnonzero(numbers)
    texts = pa.concat_arrays([cells.dictionary, pa.nulls(1, cells.dictionary.type)])
    return texts.take(pa.array(found)), numbers[found]


def _as_texts(cells: Any) -> list[str]:
    if pa.types.is_boolean(cells.type):
        return ["" if value is None else str(value) for value in cells.to_pylist()]
    return [text or "" for text in (cells if pa.types.is_string(cells.type) else cells.cast(pa.string())).to_pylist()]


def _moments(values: np.ndarray, least: float, most: float) -> tuple[float, float]:
    """Return mean and standard deviation of a batch, without leaving the range of a float on the way."""
    if least == most:
        return least, 0.0
    if max(abs(least), abs(most)) > _HUGE:
        mean, std_dev = _moments(values * _SCALE, least * _SCALE, most * _SCALE)
        return min(max(mean / _SCALE, least), most), _deviation(std_dev / _SCALE, least, most)
    mean = min(max(float(values.mean()), least), most)
    largest = max(most - mean, mean - least)
    # A square may be too large for a float, or too small; and not by `np.dot`, whose threads wait in a loop.
    unit = 1.0 if _TINY < largest < 1 / _TINY else largest
    squares = (values - mean) / unit if unit != 1 else values - mean
    squares *= squares
    return mean, unit * math.sqrt(float(squares.mean()))


def _deviation(std_dev: float, least: float, most: float) -> float:
    """Return a deviation that rounding has not carried beyond the largest that the range allows, which is its half."""
    return min(std_dev, most / 2 - least / 2)
