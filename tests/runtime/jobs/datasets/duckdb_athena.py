"""Athena's API over DuckDB, for statements whose tables lie in S3 and stand in Glue's catalog: what a job calls."""

import io
import random
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import pyarrow as pa
import pyarrow.parquet as pq
import sqlglot
from sqlglot import exp

from sagewright.sandbox.athena import grammar
from tests.runtime.jobs.datasets.joined_history import answered

SUCCEEDED = {"State": "SUCCEEDED"}


@dataclass
class DuckDBAthena:
    """Runs a statement as soon as it is started; what it then says of it can be told beforehand."""

    s3: Any
    glue: Any
    # Statuses to answer with before the real one: each poll takes the first. A final one ends the query.
    told: list[dict[str, Any]] = field(default_factory=list)
    changed: Callable[[pa.Table], pa.Table] = lambda table: table
    started: list[str] = field(default_factory=list)
    stopped: list[str] = field(default_factory=list)
    while_running: Callable[[], None] = lambda: None

    def start_query_execution(self, *, QueryString: str, WorkGroup: str) -> dict[str, str]:  # noqa: N803 - AWS's names
        assert WorkGroup == "shop-features"
        self.started.append(QueryString)
        return {"QueryExecutionId": str(uuid.uuid4())}

    def get_query_execution(self, *, QueryExecutionId: str) -> dict[str, Any]:  # noqa: N803 - AWS's names
        status = self.told.pop(0) if self.told else SUCCEEDED
        if status == SUCCEEDED:
            self.while_running()
            self._unload(self.started[-1])
        return {
            "QueryExecution": {
                "QueryExecutionId": QueryExecutionId,
                "WorkGroup": "shop-features",
                "Status": status,
                "Statistics": {"DataScannedInBytes": 1234, "EngineExecutionTimeInMillis": 5},
                "EngineVersion": {"EffectiveEngineVersion": "Athena engine version 3"},
            }
        }

    def stop_query_execution(self, *, QueryExecutionId: str) -> None:  # noqa: N803 - AWS's names
        self.stopped.append(QueryExecutionId)

    def _unload(self, text: str) -> None:
        statement = grammar.read(text)
        assert statement.unload is not None
        tree = sqlglot.parse_one(statement.query, read="athena")
        tables = {each.name: self._read(each.db, each.name) for each in tree.find_all(exp.Table) if each.db}
        result = self.changed(answered(statement.query, tables))
        place = urlsplit(statement.unload.location)
        assert "Contents" not in self.s3.list_objects_v2(Bucket=place.netloc, Prefix=place.path[1:])
        # As Athena writes: several files without an order, whose names say nothing.
        rows = [*range(result.num_rows)]
        random.Random(7).shuffle(rows)  # noqa: S311 - any order but the sorted one
        for number, part in enumerate((rows[::2], rows[1::2])):
            content = io.BytesIO()
            pq.write_table(result.take(pa.array(part, pa.int64())), content)
            key = f"{place.path[1:]}20261121_{number}_{uuid.uuid4().hex}"
            self.s3.put_object(Bucket=place.netloc, Key=key, Body=content.getvalue())

    def _read(self, database: str, name: str) -> pa.Table:
        place = urlsplit(
            self.glue.get_table(DatabaseName=database, Name=name)["Table"]["StorageDescriptor"]["Location"]
        )
        listed = self.s3.list_objects_v2(Bucket=place.netloc, Prefix=place.path[1:])
        bodies = [self.s3.get_object(Bucket=place.netloc, Key=each["Key"])["Body"] for each in listed["Contents"]]
        return pa.concat_tables([pq.read_table(io.BytesIO(body.read())) for body in bodies])
