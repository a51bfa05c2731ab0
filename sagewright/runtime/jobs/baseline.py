"""The baseline of a version: what its monitors compare with, and what they run, in one folder that a release copies."""

import json
import shutil
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from sagewright.runtime.jobs import constraints, profiles, record_preprocessor, statistics
from sagewright.runtime.jobs.profiles import TableProfile
from sagewright.runtime.jobs.statistics import write_json
from sagewright.runtime.serving.by_id import IdRows
from sagewright.runtime.serving.columns import Column
from sagewright.runtime.serving.schema import Schema

RECORD_PREPROCESSOR = "record_preprocessor.py"
CODE = "code.zip"

_NONE = " = ()"
_COLUMNS = "COLUMNS: Sequence[Sequence[str]]"
_LOOKED_UP, _KEYS = "LOOKED_UP: Sequence[str]", "KEYS: Sequence[str]"


def write(folder: Path, requests: pd.DataFrame, schema: Schema, bundle: Path) -> None:
    """Write statistics and constraints of the rows to train on, as callers send them, and the programs of monitors."""
    columns = schema.columns
    table = TableProfile.of_columns(columns)
    for batch in profiles.batches(requests, columns):
        table.add(batch)
    write_json(folder / statistics.FILE, statistics.document(table))
    write_json(folder / constraints.FILE, constraints.suggest(table, schema.event_time))
    ids = IdRows.of(schema) if schema.lookups else None
    (folder / RECORD_PREPROCESSOR).write_text(record_preprocessor_for(columns, ids), encoding="utf-8")
    shutil.copyfile(bundle, folder / CODE)


def record_preprocessor_for(columns: Sequence[Column], ids: IdRows | None = None) -> str:
    """Return the program with the columns written in, because Model Monitor gives it nothing but the record."""
    program = Path(record_preprocessor.__file__).read_text(encoding="utf-8")
    written: dict[str, Sequence[object]] = {_COLUMNS: [[column.name, column.type] for column in columns]}
    if ids is not None:
        written |= {_LOOKED_UP: sorted(ids.looked_up), _KEYS: ids.keys(columns)}
    for name, value in written.items():
        before, found, after = program.partition(name + _NONE)
        if not found:
            raise ValueError(f"{RECORD_PREPROCESSOR} has no line {name + _NONE!r}")
        # JSON without anything but ASCII: a list of lists of texts in Python, too.
        program = f"{before}{name} = {json.dumps(value)}{after}"
    return program
