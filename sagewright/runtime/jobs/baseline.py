"""The baseline of a version: what its monitors compare with, and what they run, in one folder that a release copies."""

import json
import shutil
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from sagewright.runtime.jobs import constraints, profiles, record_preprocessor, statistics
from sagewright.runtime.jobs.profiles import TableProfile
from sagewright.runtime.jobs.statistics import write_json
from sagewright.runtime.serving.columns import Column

RECORD_PREPROCESSOR = "record_preprocessor.py"
CODE = "code.zip"

_NO_COLUMNS = "COLUMNS: Sequence[Sequence[str]] = ()"


def write(folder: Path, requests: pd.DataFrame, columns: Sequence[Column], bundle: Path) -> None:
    """Write statistics and constraints of the rows to train on, as callers send them, and the programs of monitors."""
    table = TableProfile.of_columns(columns)
    for batch in profiles.batches(requests, columns):
        table.add(batch)
    write_json(folder / statistics.FILE, statistics.document(table))
    write_json(folder / constraints.FILE, constraints.suggest(table))
    (folder / RECORD_PREPROCESSOR).write_text(record_preprocessor_for(columns), encoding="utf-8")
    shutil.copyfile(bundle, folder / CODE)


def record_preprocessor_for(columns: Sequence[Column]) -> str:
    """Return the program with the columns written in, because Model Monitor gives it nothing but the record."""
    program = Path(record_preprocessor.__file__).read_text(encoding="utf-8")
    before, found, after = program.partition(_NO_COLUMNS)
    if not found:
        raise ValueError(f"{RECORD_PREPROCESSOR} has no line {_NO_COLUMNS!r}")
    # JSON without anything but ASCII: a list of lists of texts in Python, too.
    listed = json.dumps([[column.name, column.type] for column in columns])
    return f"{before}{_NO_COLUMNS.removesuffix('()')}{listed}{after}"
