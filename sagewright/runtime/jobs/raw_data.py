"""The raw table: all data files below one folder, read as one, with what identifies that very data."""

import hashlib
import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from sagewright.runtime.jobs import csv_files, parquet_files
from sagewright.runtime.serving.columns import Column
from sagewright.runtime.serving.errors import UserError

logger = logging.getLogger(__name__)

READERS = {".csv": csv_files.read, ".parquet": parquet_files.read}


@dataclass(frozen=True)
class RawData:
    """The rows of the raw data, numbered from 0, and its columns in the order of the first file."""

    columns: tuple[Column, ...]
    rows: pd.DataFrame
    manifest: dict[str, Any]

    def column(self, name: str, role: str) -> Column:
        """Return a column by its name. Raises UserError with the names that there are."""
        for column in self.columns:
            if column.name == name:
                return column
        names = ", ".join(column.name for column in self.columns)
        raise UserError(f"{role} {name!r} is no column of the raw data: it has {names}")


def read(folder: Path) -> RawData:
    """Read every .csv or every .parquet file below the folder."""
    files = [path for path in sorted(folder.rglob("*")) if path.is_file() and not _is_hidden(path.relative_to(folder))]
    data = [path for path in files if path.suffix.lower() in READERS]
    for path in files:
        if path not in data:
            logger.info("left out: %s is neither .csv nor .parquet", path.relative_to(folder))
    kinds = {path.suffix.lower() for path in data}
    if len(kinds) != 1:
        found = "both .csv and .parquet files" if kinds else "no .csv or .parquet file"
        raise UserError(f"the raw data holds {found}: put the table there in one of the two formats")
    columns, rows = READERS[kinds.pop()](data, folder)
    if rows.empty:
        raise UserError("the raw data holds no row")
    names = [str(path.relative_to(folder)) for path in data]
    return RawData(tuple(columns), rows, {"files": names, "sha256": _hash(data, folder), "rows": len(rows)})


def _is_hidden(path: Path) -> bool:
    """Return whether a tool left the file beside its data, such as Spark's _SUCCESS."""
    return any(part.startswith((".", "_")) for part in path.parts)


def _hash(files: list[Path], folder: Path) -> str:
    digest = hashlib.sha256()
    for path in files:
        with path.open("rb") as content:
            inner = hashlib.file_digest(content, "sha256").hexdigest()
        digest.update(f"{inner}  {path.relative_to(folder)}\n".encode())
    return digest.hexdigest()
