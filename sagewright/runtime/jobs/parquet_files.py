"""Parquet files of raw data. Requests are CSV or JSON, so every type becomes one that these can carry."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from sagewright.runtime.jobs.csv_files import check_names, check_same
from sagewright.runtime.serving.columns import Column, infer_integers
from sagewright.runtime.serving.errors import UserError


def read(files: Sequence[Path], root: Path) -> tuple[list[Column], pd.DataFrame]:
    """Return the typed columns and the rows of all files, which must have the same columns in any order."""
    tables: list[pa.Table] = []
    for path in files:
        shown = str(path.relative_to(root))
        table = _table(path, shown)
        check_names(table.column_names, shown)
        check_same(table.column_names, (tables or [table])[0].column_names, shown, str(files[0].relative_to(root)))
        tables.append(table.select((tables or [table])[0].column_names))
    try:
        whole = pa.concat_tables(tables, promote_options="permissive")
    except pa.ArrowException as fault:
        raise UserError(
            f"the Parquet files of the raw data give one column types that do not go together: {fault}"
        ) from fault
    columns: list[Column] = []
    data: dict[str, pd.Series] = {}
    for name in whole.column_names:
        column, data[name] = _column(name, whole.column(name).combine_chunks())
        columns.append(column)
    return columns, pd.DataFrame(data)


def _table(path: Path, shown: str) -> pa.Table:
    try:
        # The file alone, without columns made up from the names of the folders around it.
        table = pq.ParquetFile(path).read()
    except pa.ArrowException as fault:
        raise UserError(f"{shown} is not a Parquet file: {fault}") from fault
    # An index that pandas stored without a name is no column of the table.
    return table.select([name for name in table.column_names if not name.startswith("__index_level_")])


def _column(name: str, cells: Any) -> tuple[Column, pd.Series]:
    if pa.types.is_dictionary(cells.type):
        cells = cells.cast(cells.type.value_type)
    kind = cells.type
    if pa.types.is_boolean(kind):
        return _typed(Column(name, "boolean", cells.null_count > 0), cells.to_pylist())
    if pa.types.is_integer(kind):
        return _integers(name, cells)
    if pa.types.is_floating(kind) or pa.types.is_decimal(kind):
        return _numbers(name, cells.cast(pa.float64()).to_numpy(zero_copy_only=False))
    return _texts(name, cells)


def _typed(column: Column, values: list[Any]) -> tuple[Column, pd.Series]:
    return column, column.series([np.nan if value is None else value for value in values])


def _integers(name: str, cells: Any) -> tuple[Column, pd.Series]:
    values = cells.to_pylist()
    present = [value for value in values if value is not None]
    column = infer_integers(name, min(present, default=0), max(present, default=0), nullable=len(present) < len(values))
    return _typed(column, [str(value) if column.type == "string" and value is not None else value for value in values])


def _numbers(name: str, values: np.ndarray) -> tuple[Column, pd.Series]:
    if np.isinf(values).any():
        raise UserError(f"column {name} of the raw data: inf is not a finite number; correct it, or leave it empty")
    column = Column(name, "number", bool(np.isnan(values).any()))
    return column, column.series(values.tolist())


def _texts(name: str, cells: Any) -> tuple[Column, pd.Series]:
    """Text as it is, dates and times in ISO 8601, an empty text as missing (CSV cannot tell the two apart)."""
    kind = cells.type
    if pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind):
        texts = cells.to_pylist()
    elif pa.types.is_temporal(kind) and not pa.types.is_duration(kind) and not pa.types.is_interval(kind):
        texts = [None if value is None else value.isoformat() for value in cells.to_pylist()]
    elif pa.types.is_null(kind):
        texts = cells.to_pylist()
    else:
        raise UserError(
            f"column {name} of the raw data has the Parquet type {kind}: "
            "a column must hold integers, numbers, booleans, text, or dates and times"
        )
    return _typed(Column(name, "string", not all(texts)), [text or None for text in texts])
