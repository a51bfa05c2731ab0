"""Features with their labels, stored between the jobs: what comes back is what features() returned, type by type."""

from pathlib import Path

import pandas as pd
import pyarrow as pa

from sagewright.runtime.serving.errors import UserError
from sagewright.runtime.serving.schema import Schema
from sagewright.runtime.serving.user_code import without_none

FILE = "data.parquet"


def write_features(folder: Path, X: pd.DataFrame, y: pd.Series, schema: Schema) -> None:
    """Write features and label, indexed by the record id. Raises UserError for what would come back changed."""
    for taken, meaning in ((schema.label, "the label"), (schema.record_name, "the record id")):
        if taken in X.columns:
            raise UserError(f"features() returned a column named {taken}, which is the name of {meaning}: rename it")
    try:
        X.set_axis(y.index, axis=0).assign(**{schema.label: y}).to_parquet(folder / FILE)
    except (pa.ArrowException, TypeError, ValueError) as fault:
        raise UserError(f"the columns that features() returned cannot be stored: {fault}") from fault
    stored = read_features(folder, schema)[0]
    changed = [f"{name} ({X[name].dtype})" for name in X.columns if stored[name].dtype != X[name].dtype]
    if changed:
        raise UserError(
            f"features() returned columns whose type cannot be stored: {', '.join(changed)}; make them numbers, "
            "booleans, text, dates or categories"
        )


def read_features(folder: Path, schema: Schema) -> tuple[pd.DataFrame, pd.Series]:
    """Return features and labels as they were written."""
    table = pd.read_parquet(folder / FILE)
    y = table.pop(schema.label)
    return without_none(table), y
