import io
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pytest
from botocore.exceptions import ClientError
from pyarrow import parquet

ACCOUNT, REGION = "111111111111", "eu-west-1"
INPUT = "org.apache.hadoop.hive.ql.io.parquet.MapredParquetInputFormat"
TEXT = {"InputFormat": "org.apache.hadoop.mapred.TextInputFormat"}
PARQUET = "org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe"


@dataclass(frozen=True)
class Lake:
    """A bucket, a database and a workgroup of one test, and who asks."""

    bench: Any
    acting: Any = None

    @property
    def name(self) -> str:
        return self.bench.name

    @property
    def database(self) -> str:
        return self.name.replace("-", "_")

    def client(self, service: str) -> Any:
        return self.acting.get(service, ACCOUNT, REGION) if self.acting else self.bench.client(service)

    def put(self, key: str, body: bytes | pa.Table) -> None:
        if isinstance(body, pa.Table):
            file = io.BytesIO()
            parquet.write_table(body, file)
            body = file.getvalue()
        self.bench.client("s3").put_object(Bucket=self.name, Key=key, Body=body)

    def table(
        self,
        name: str,
        columns: Mapping[str, str],
        keys: Mapping[str, str] | None = None,
        parameters: Mapping[str, str] | None = None,
        **stored: Any,
    ) -> None:
        """Make a table over `<name>/` of the bucket."""
        described = {
            "Columns": [{"Name": each, "Type": kind} for each, kind in columns.items()],
            "Location": f"s3://{self.name}/{name}",
            "InputFormat": INPUT,
            "SerdeInfo": {"SerializationLibrary": PARQUET},
            **stored,
        }
        self.bench.client("glue").create_table(
            DatabaseName=self.database,
            TableInput={
                "Name": name,
                "TableType": "EXTERNAL_TABLE",
                "Parameters": dict(parameters or {}),
                "PartitionKeys": [{"Name": each, "Type": kind} for each, kind in (keys or {}).items()],
                "StorageDescriptor": described,
            },
        )

    def start(self, query: str, **settings: Any) -> str:
        asked = {"WorkGroup": self.name, "QueryExecutionContext": {"Database": self.database}} | settings
        return self.client("athena").start_query_execution(QueryString=query, **asked)["QueryExecutionId"]

    def ended(self, identity: str) -> dict[str, Any]:
        assert self.bench.gateway.athena.queries.wait(identity, 60)
        return self.client("athena").get_query_execution(QueryExecutionId=identity)["QueryExecution"]

    def run(self, query: str, **settings: Any) -> dict[str, Any]:
        return self.ended(self.start(query, **settings))

    def rows(self, query: str) -> list[list[str | None]]:
        """Return the rows of a query as GetQueryResults has them, without the names of the columns."""
        execution = self.run(query)
        assert execution["Status"]["State"] == "SUCCEEDED", execution["Status"]
        answer = self.client("athena").get_query_results(QueryExecutionId=execution["QueryExecutionId"])
        _, *rows = answer["ResultSet"]["Rows"]
        return [[value.get("VarCharValue") for value in row["Data"]] for row in rows]

    def failure(self, query: str) -> str:
        """Return why a query fails."""
        status = self.run(query)["Status"]
        assert status["State"] == "FAILED", status
        assert status["AthenaError"]["ErrorMessage"] == status["StateChangeReason"]
        return status["StateChangeReason"]

    def refusal(self, query: str) -> ClientError:
        """Return how a query is refused before it runs."""
        with pytest.raises(ClientError) as refused:
            self.start(query)
        return refused.value

    def unloaded(self, prefix: str) -> pa.Table:
        """Return what lies under a prefix as one table."""
        s3 = self.bench.client("s3")
        keys = [each["Key"] for each in s3.list_objects_v2(Bucket=self.name, Prefix=prefix).get("Contents", ())]
        files = [io.BytesIO(s3.get_object(Bucket=self.name, Key=key)["Body"].read()) for key in keys]
        return pa.concat_tables([parquet.read_table(file) for file in files])

    def as_role(self, *statements: Mapping[str, Any]) -> "Lake":
        """Return the same place as somebody sees it who may do only so much."""
        role = self.bench.role("lambda.amazonaws.com", *statements)
        acting = self.bench.sandbox.sandbox.clients.as_role(role, service="lambda.amazonaws.com", region=REGION)
        return Lake(self.bench, acting)


@pytest.fixture
def lake(bench: Any) -> Lake:
    made = Lake(bench)
    configuration = {"LocationConstraint": REGION}
    bench.client("s3").create_bucket(Bucket=made.name, CreateBucketConfiguration=configuration)
    bench.client("glue").create_database(DatabaseInput={"Name": made.database})
    results = {"OutputLocation": f"s3://{made.name}/results/"}
    bench.client("athena").create_work_group(Name=made.name, Configuration={"ResultConfiguration": results})
    return made
