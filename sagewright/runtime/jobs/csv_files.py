"""CSV files of raw data, as columns with the types that their texts show."""

import csv
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from sagewright.runtime.serving import csv_text
from sagewright.runtime.serving.columns import CellError, Column, infer
from sagewright.runtime.serving.errors import UserError


def read(files: Sequence[Path], root: Path) -> tuple[list[Column], pd.DataFrame]:
    """Return the typed columns and the rows of all files, which must have the same columns in any order."""
    names: list[str] = []
    texts: dict[str, list[str]] = {}
    for path in files:
        shown = str(path.relative_to(root))
        header, records = _records(path, shown)
        check_names(header, shown)
        if not names:
            names = header
            texts.update({name: list[str]() for name in header})
        check_same(header, names, shown, str(files[0].relative_to(root)))
        for name, cells in zip(header, zip(*records, strict=True) if records else [()] * len(header), strict=True):
            texts[name].extend(cells)
    columns = [infer(name, texts[name]) for name in names]
    return columns, pd.DataFrame({column.name: _series(column, texts[column.name]) for column in columns})


def check_names(names: Sequence[str], shown: str) -> None:
    """Refuse a table with columns that cannot be told apart."""
    for position, name in enumerate(names, start=1):
        if not name.strip():
            raise UserError(f"{shown}: column {position} has no name: name it, or leave it out of the file")
        if names.index(name) < position - 1:
            raise UserError(f"{shown}: two columns are named {name!r}: rename one")


def check_same(names: Sequence[str], first: Sequence[str], shown: str, first_shown: str) -> None:
    """Refuse a file whose columns are not those of the first file."""
    if {*names} != {*first}:
        absent, extra = sorted({*first} - {*names}), sorted({*names} - {*first})
        raise UserError(
            f"{shown}: its columns are not those of {first_shown} (missing: {absent}, beyond: {extra}); "
            "all files of the raw data are one table"
        )


def _records(path: Path, shown: str) -> tuple[list[str], list[list[str]]]:
    records: list[list[str]] = []
    try:
        with path.open(encoding="utf-8-sig", newline="") as lines:
            for line, texts in csv_text.rows(lines):
                if records and len(texts) != len(records[0]):
                    raise UserError(
                        f"{shown}, line {line}: {len(texts)} values, the header has {len(records[0])} columns"
                    )
                records.append(texts)
    except UnicodeDecodeError as fault:
        raise UserError(
            f"{shown} is not UTF-8 text ({fault.reason} at byte {fault.start}): save it as UTF-8"
        ) from fault
    except csv.Error as fault:
        raise UserError(f"{shown}, near line {len(records) + 1}, is not CSV: {fault}") from fault
    if not records:
        raise UserError(f"{shown} is empty: the first line of a CSV file names its columns")
    return records[0], records[1:]


def _series(column: Column, texts: Sequence[str]) -> pd.Series:
    try:
        return column.series([column.read(text) for text in texts])
    except CellError as fault:
        raise UserError(f"column {column.name} of the raw data: {fault}; correct it, or leave it empty") from fault
