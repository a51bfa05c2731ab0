"""The rows of one source file, a batch at a time, so that a file of any size takes the same memory.

With a transform the unit is the file: the function sees all of it at once, read as training reads its table.
"""

import csv
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from sagewright.runtime.jobs import raw_data
from sagewright.runtime.jobs.csv_files import check_names
from sagewright.runtime.serving import csv_text, user_code
from sagewright.runtime.serving.errors import UserError

MOST_ROWS = 20_000
_CELLS = 400_000
# Read ahead in each column of a Parquet file: without it, all that a row group has of the column.
_READ_BYTES = 256 * 1024
# What Python reads at most as one value of a CSV file, unless it is told otherwise: every other reader stops there.
_LONGEST_VALUE = 131_072
# What is longer is no value, but the rest of a file after a quote that nothing ends.
_LONGEST_READ = 16 * 1024 * 1024


@dataclass(frozen=True)
class Broken:
    """A row that is no row of its table."""

    number: int
    reason: str
    texts: Sequence[Any]


@dataclass(frozen=True)
class Batch:
    """Rows with their numbers in the file, from 1; `broken` are those between them that could not be read."""

    numbers: Sequence[int]
    table: Any
    broken: Sequence[Broken] = field(default=())

    @property
    def rows(self) -> int:
        """How many rows of the file these are."""
        return self.table.num_rows + len(self.broken)


def is_data(key: str) -> bool:
    """Return whether a file holds rows, by its name; what tools leave beside their data starts with . or _."""
    parts = Path(key).parts
    return Path(key).suffix.lower() in raw_data.READERS and not any(part.startswith((".", "_")) for part in parts[-1:])


def batch_rows(columns: int) -> int:
    """Return how many rows of so many columns are taken at once."""
    return max(1, min(MOST_ROWS, _CELLS // columns))


def read(path: Path, names: Sequence[str], shown: str) -> Iterator[Batch]:
    """Yield the named columns of a CSV or Parquet file. Raises UserError where it has not all of them."""
    reader = _csv if path.suffix.lower() == ".csv" else _parquet
    return reader(path, names, shown)


def transformed(
    path: Path, names: Sequence[str], function: Callable[[pd.DataFrame], pd.DataFrame], shown: str
) -> Iterator[Batch]:
    """Yield what a function of the package makes of the file, numbered as the function returned it."""
    sound, broken = _sound(path, shown) if path.suffix.lower() == ".csv" else (path, [])
    columns, rows = raw_data.READERS[path.suffix.lower()]([sound], sound.parent)
    if not columns:
        raise UserError(f"{shown} has no column")
    told = f"{function.__name__}()"
    made = user_code.call(function, told, rows)
    if not isinstance(made, pd.DataFrame):
        raise UserError(f"{told} returned {type(made).__qualname__} for {shown}: it must return a pandas.DataFrame")
    _check(list(map(str, made.columns)), names, f"what {told} returned for {shown}")
    table = pa.table({name: _array(made[name]) for name in names})
    step = batch_rows(len(names))
    yield Batch([], table.slice(0, 0), broken)
    for start in range(0, table.num_rows, step):
        part = table.slice(start, step)
        yield Batch(range(start + 1, start + part.num_rows + 1), part)


def _array(series: pd.Series) -> Any:
    """Return a column as Arrow has it; one of mixed objects becomes text."""
    try:
        return pa.array(series, from_pandas=True)
    except (pa.ArrowInvalid, pa.ArrowTypeError):
        return pa.array([None if pd.isna(value) else str(value) for value in series.tolist()], pa.string())


def _check(found: Sequence[str], names: Sequence[str], shown: str) -> None:
    absent = [name for name in names if name not in found]
    if absent:
        raise UserError(
            f"{shown} has no column {', '.join(absent)}, which the group declares; it has {', '.join(found)}"
        )


def _parquet(path: Path, names: Sequence[str], shown: str) -> Iterator[Batch]:
    try:
        file = pq.ParquetFile(path, pre_buffer=False, buffer_size=_READ_BYTES)
    except pa.ArrowException as fault:
        raise UserError(f"{shown} is not a Parquet file: {fault}") from fault
    with file:
        _check(file.schema_arrow.names, names, shown)
        number = 1
        for part in file.iter_batches(batch_rows(len(names)), columns=[*names], use_threads=False):
            table = pa.Table.from_batches([part]).select([*names])
            yield Batch(range(number, number + table.num_rows), table)
            number += table.num_rows


def _csv(path: Path, names: Sequence[str], shown: str) -> Iterator[Batch]:
    header, records = _records(path, shown)
    _check(header, names, shown)
    places = [header.index(name) for name in names]
    step = batch_rows(len(names))
    numbers: list[int] = []
    rows: list[list[str]] = []
    broken: list[Broken] = []
    for number, record in records:
        if isinstance(record, Broken):
            broken.append(record)
        else:
            numbers.append(number)
            rows.append([record[place] for place in places])
        if len(rows) + len(broken) >= step:
            yield Batch(numbers, _text_table(names, rows), broken)
            numbers, rows, broken = list[int](), list[list[str]](), list[Broken]()
    yield Batch(numbers, _text_table(names, rows), broken)


def _text_table(names: Sequence[str], rows: list[list[str]]) -> Any:
    columns = zip(*rows, strict=True) if rows else [()] * len(names)
    return pa.table({name: pa.array(cells, pa.string()) for name, cells in zip(names, columns, strict=True)})


def _records(path: Path, shown: str) -> tuple[list[str], Iterator[tuple[int, list[str] | Broken]]]:
    records = _numbered(path, shown)
    try:
        header = next(records)[1]
    except StopIteration:
        raise UserError(f"{shown} is empty: the first line of a CSV file names its columns") from None
    check_names(header, shown)

    def sorted_out() -> Iterator[tuple[int, list[str] | Broken]]:
        for number, texts in records:
            reason = _fault(header, texts)
            yield number, Broken(number, reason, texts) if reason else texts

    return header, sorted_out()


def _fault(header: list[str], texts: list[str]) -> str:
    if len(texts) != len(header):
        return f"{len(texts)} values, the header has {len(header)} columns"
    longest = max(range(len(texts)), key=lambda place: len(texts[place]))
    size = len(texts[longest])
    return f"{header[longest]}: a value of {size} characters, of at most {_LONGEST_VALUE}" * (size > _LONGEST_VALUE)


def _numbered(path: Path, shown: str) -> Iterator[tuple[int, list[str]]]:
    """Yield the header as row 0, then each row with its number."""
    number = 0
    try:
        with path.open(encoding="utf-8-sig", newline="") as lines, _long_values():
            for number, (_, texts) in enumerate(csv_text.rows(lines)):
                yield number, texts
    except UnicodeDecodeError as fault:
        raise UserError(f"{shown} is not UTF-8 text ({fault.reason}) near row {number}: save it as UTF-8") from fault
    except csv.Error as fault:
        raise UserError(f"{shown}, after row {number}, is not CSV: {fault}") from fault


@contextmanager
def _long_values() -> Iterator[None]:
    """Let values be read that are too long for a row, so that only their row is put aside."""
    before = csv.field_size_limit(_LONGEST_READ)
    try:
        yield
    finally:
        csv.field_size_limit(before)


def _sound(path: Path, shown: str) -> tuple[Path, list[Broken]]:
    """Return a file without the rows that are broken, and these."""
    header, records = _records(path, shown)
    sound, broken = path.with_suffix(".sound.csv"), list[Broken]()
    with sound.open("w", encoding="utf-8", newline="") as lines:
        writer = csv.writer(lines, lineterminator="\n")
        writer.writerow(header)
        for _, record in records:
            if isinstance(record, Broken):
                broken.append(record)
            else:
                writer.writerow(record)
    return sound, broken
