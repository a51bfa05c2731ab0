"""Looks at what the project file points to in its own folder: the code is there, and the table has its columns."""

import csv
from collections.abc import Iterator
from pathlib import Path

from sagewright.project.delivery import Delivery
from sagewright.project.document import KeyPath
from sagewright.project.feature_groups import FeatureGroup
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
    columns, findings = _header(root, data.source, _SOURCE)
    yield from findings
    for key in ("label", "record_id", "event_time"):
        column = getattr(data, key)
        if columns is not None and column is not None and column not in columns:
            message = f"'{column}' is not a column of {data.source}; {_nearest(column, columns)}"
            yield Finding(("data", key), message, (_SOURCE,))


def labelled_columns(root: Path, data: Data) -> list[str] | None:
    """Give the columns of the labelled rows; None where they are in S3, or cannot be read."""
    return _header(root, data.source, _SOURCE)[0] if data.s3_place is None else None


def group(root: Path, name: str, held: FeatureGroup) -> Iterator[Finding]:
    """Say when a feature group's local file is missing, or has not what is declared and no function makes of it."""
    if held.source is None or held.s3_place is not None:
        return
    place = ("features", name, "source")
    columns, findings = _header(root, held.source, place)
    yield from findings
    if columns is None or held.transform is not None:
        return
    for each in held.declared:
        if each.name not in columns:
            roles = [role for role in ("record_id", "event_time") if getattr(held, role) == each.name]
            key = (roles[0],) if roles else ("features", each.name)
            message = f"'{each.name}' is not a column of {held.source}; {_nearest(each.name, columns)}"
            yield Finding(("features", name, *key), message, (place,))


def _header(root: Path, source: str, place: KeyPath) -> tuple[list[str] | None, list[Finding]]:
    """Read the column names of a file of the project, and what is wrong with it; None where it cannot be read."""
    file = root / source
    if not file.is_file():
        state = "is not a file" if file.exists() else "does not exist"
        message = f"'{source}' {state} in {root}; name a .csv or .parquet file, or an S3 URI"
        return None, [Finding(place, message)]
    try:
        columns = _columns(file)
    except ValueError as error:
        return None, [Finding(place, f"'{source}' cannot be read as a table: {error}")]
    findings: list[Finding] = []
    unnamed = [position for position, column in enumerate(columns, start=1) if not column.strip()]
    if unnamed:
        findings.append(Finding(place, f"'{source}' has no name for column {unnamed[0]}; name it or leave it out"))
    twice = sorted({column for column in columns if columns.count(column) > 1})
    if twice:
        message = f"'{source}' has more than one column named {', '.join(map(repr, twice))}; rename them"
        findings.append(Finding(place, message))
    return columns, findings


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
