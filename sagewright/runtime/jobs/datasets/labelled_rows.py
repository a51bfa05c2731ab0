"""The labelled rows as Athena reads them: their numbers, times and keys, and nothing else of them.

Label and columns stay where they are, with the types that they were read with: the join is told no more than it needs.
"""

import io
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from sagewright.runtime.jobs import row_times
from sagewright.runtime.jobs.datasets.point_in_time import AT, AT_SECONDS, GLUE_TYPES, ROW, Key, Plan
from sagewright.runtime.jobs.raw_data import RawData
from sagewright.runtime.serving.columns import Column
from sagewright.runtime.serving.errors import UserError

logger = logging.getLogger(__name__)

PARQUET = {
    "InputFormat": "org.apache.hadoop.hive.ql.io.parquet.MapredParquetInputFormat",
    "OutputFormat": "org.apache.hadoop.hive.ql.io.parquet.MapredParquetOutputFormat",
    "SerdeInfo": {"SerializationLibrary": "org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe"},
}


def table(raw: RawData, plan: Plan, event_time: str) -> pa.Table:
    """Return number, time and keys of each row. Raises UserError where a time or a key cannot be one."""
    times = row_times.read(raw, event_time)
    columns: dict[str, Any] = {
        ROW: pa.array(np.arange(len(raw.rows)), pa.int64()),
        AT: pa.array(times.milliseconds, pa.timestamp("ms")),
        AT_SECONDS: pa.array(times.seconds, pa.float64()),
    }
    for key in plan.keys:
        column = raw.column(key.column, _role(plan, key))
        columns[key.alias] = _keys(column, raw.rows[column.name], key, _role(plan, key))
    return pa.table(columns)


def _role(plan: Plan, key: Key) -> str:
    number, group = next((n, each.group) for n, each in enumerate(plan.joins) if each.key == key.alias)
    return f"data.join[{number}].on ({group})"


def _keys(column: Column, values: pd.Series, key: Key, role: str) -> pa.Array:
    fits = {"string": ("string", "integer"), "integral": ("integer",), "fractional": ("integer", "number")}
    if column.type not in fits[key.type]:
        shown = values.dropna().tolist()[:1]
        raise UserError(
            f"{role}: {column.name} holds {column.type} values{f' such as {shown[0]!r}' if shown else ''} and cannot "
            f"name records whose id is {key.type}: correct the column, or declare the id as what it is"
        )
    if key.type == "fractional":
        return pa.array(values.astype("float64"), pa.float64(), from_pandas=True)
    texts = [text or None for text in column.texts(values)]
    if key.type == "string":
        return pa.array(texts, pa.string())
    return pa.array([None if text is None else int(text) for text in texts], pa.int64())


@dataclass(frozen=True)
class Catalog:
    """The catalog's database and the place in S3 where a table stands for as long as a query needs it."""

    glue: Any
    s3: Any
    database: str
    bucket: str
    prefix: str
    key: str

    @contextmanager
    def holding(self, name: str, rows: pa.Table, plan: Plan) -> Iterator[str]:
        """Put the rows there as a table, and take the table away again, whatever happens in between."""
        content = io.BytesIO()
        pq.write_table(rows, content, compression="snappy")
        folder = f"{self.prefix}/labelled"
        self.s3.put_object(
            Bucket=self.bucket,
            Key=f"{folder}/rows.parquet",
            Body=content.getvalue(),
            ServerSideEncryption="aws:kms",
            SSEKMSKeyId=self.key,
        )
        types = {ROW: "bigint", AT: "timestamp", AT_SECONDS: "double"}
        types |= {key.alias: GLUE_TYPES[key.type] for key in plan.keys}
        self._drop(name)
        self.glue.create_table(
            DatabaseName=self.database,
            TableInput={
                "Name": name,
                "TableType": "EXTERNAL_TABLE",
                "Parameters": {"EXTERNAL": "TRUE", "classification": "parquet"},
                "StorageDescriptor": {
                    "Columns": [{"Name": column, "Type": types[column]} for column in rows.column_names],
                    "Location": f"s3://{self.bucket}/{folder}/",
                    **PARQUET,
                },
            },
        )
        try:
            yield name
        except BaseException:
            self._drop_after_fault(name)
            raise
        self._drop(name)

    def _drop(self, name: str) -> None:
        try:
            self.glue.delete_table(DatabaseName=self.database, Name=name)
        except self.glue.exceptions.EntityNotFoundException:
            return

    def _drop_after_fault(self, name: str) -> None:
        """Drop the table, but let what went wrong before be the reason that is told."""
        try:
            self._drop(name)
        except Exception as fault:  # noqa: BLE001 - the fault before it is raised again right after
            logger.info("table %s.%s stays: %s", self.database, name, fault)
