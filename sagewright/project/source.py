"""Looks at what the project file points to in its own folder: the code is there, and the table has its columns."""

import csv
from collections.abc import Iterator
from pathlib import Path

from sagewright.project.delivery import Delivery
from sagewright.project.finding import Finding
from sagewright.project.messages import unknown_key
from sagewright.project.model import Data, Training

_CODE = ("training", "code")
_SOURCE = ("data", "source")

# What spreadsheets and databases write between columns instead of commas.
_OTHER_SEPARATORS = (";", "\t", "|")


def code(root: Path, training: Training) -> Iterator[Finding]:
    """Say when the package's folder is missing."""
    folder = root / training.code
    if not folder.is_dir():
        state = "is a file" if folder.exists() else "does not exist"
        yield Finding(_CODE, f"'{training.code}' {state} in {root}; name the folder of the package")
    elif not folder.resolve().is_relative_to(root.resolve()):
        yield Finding(_CODE, f"'{training.code}' leads outside the project; move the package into it")


def sample(root: Path, delivery: Delivery) -> Iterator[Finding]:
    """Say when the rows on which pushes are trained are missing."""
    if delivery.sample is not None and not (root / delivery.sample).is_file():
        state = "is not a file" if (root / delivery.sample).exists() else "does not exist"
        yield Finding(("delivery", "sample"), f"'{delivery.sample}' {state} in {root}; name a file of the project")


def table(root: Path, data: Data) -> Iterator[Finding]:
    """Say when the local table, or a column that the project names, is missing. Only the header is read."""
    if data.s3_place is not None:
        return
    file = root / data.source
    if not file.is_file():
        state = "is not a file" if file.exists() else "does not exist"
        yield Finding(_SOURCE, f"'{data.source}' {state} in {root}; name a .csv or .parquet file, or an S3 URI")
        return
    try:
        columns = _columns(file)
    except ValueError as error:
        yield Finding(_SOURCE, f"'{data.source}' cannot be read as a table: {error}")
        return
    unnamed = [position for position, column in enumerate(columns, start=1) if not column.strip()]
    if unnamed:
        yield Finding(_SOURCE, f"'{data.source}' has no name for column {unnamed[0]}; name it or leave it out")
    twice = sorted({column for column in columns if columns.count(column) > 1})
    if twice:
        yield Finding(
            _SOURCE, f"'{data.source}' has more than one column named {', '.join(map(repr, twice))}; rename them"
        )
    for key, column in (("label", data.label), ("record_id", data.record_id)):
        if column is not None and column not in columns:
            message = f"'{column}' is not a column of {data.source}; {_nearest(column, columns)}"
            yield Finding(("data", key), message, (_SOURCE,))


def _nearest(column: str, columns: list[str]) -> str:
    return unknown_key(column, columns).partition("; ")[2]


def _columns(file: Path) -> list[str]:
    if file.suffix.lower() == ".parquet":
        # Imported only here: it takes a moment, and most tables are CSV.
        from pyarrow import ArrowException, parquet  # noqa: PLC0415 (see above)

        try:
            return list(parquet.read_schema(file).names)
        except (ArrowException, OSError) as error:
            raise ValueError(str(error)) from error
    with file.open(encoding="utf-8-sig", newline="") as lines:
        try:
            header = next(csv.reader(lines), None)
        except (csv.Error, UnicodeDecodeError) as error:
            raise ValueError(str(error)) from error
    if not header:
        raise ValueError("its first line is empty; it must hold the column names")
    separators = [each for each in _OTHER_SEPARATORS if each in header[0]] if len(header) == 1 else []
    if separators:
        raise ValueError(f"its columns are separated by {separators[0]!r}; separate them by commas")
    return header
