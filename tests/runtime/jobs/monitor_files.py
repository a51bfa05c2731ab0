"""Tables as Arrow sees them, and the files of a monitor held to what Model Monitor documents of them."""

import json
from pathlib import Path
from typing import Any

import jsonschema
import pandas as pd
import pyarrow as pa

from sagewright.runtime.jobs.profiles import BATCH_ROWS, TableProfile

_SCHEMAS = Path(__file__).parent / "schemas"


def profile_of(frame: pd.DataFrame, batch_rows: int = BATCH_ROWS) -> TableProfile:
    """Return what is known of a table after its batches went by."""
    table = pa.Table.from_pandas(frame, preserve_index=False)
    profile = TableProfile.of_schema(table.schema)
    for batch in table.to_batches(max_chunksize=batch_rows):
        profile.add(batch)
    return profile


def is_documented(name: str, content: Any) -> None:
    """Raise unless a file's content has the documented form, and is JSON in the strict sense."""
    json.dumps(content, allow_nan=False)
    jsonschema.validate(content, json.loads((_SCHEMAS / f"{name}.json").read_text()))
