"""UNLOAD writes Parquet files to a place where nothing is, and none where no rows are."""

# ruff: noqa: S608 - queries of the sandbox's own

from typing import Any

import pyarrow as pa
import pytest

FORM = "WITH (format = 'PARQUET', compression = 'SNAPPY')"


@pytest.fixture
def numbers(lake: Any) -> Any:
    lake.put("numbers/one.parquet", pa.table({"n": pa.array(range(1000), pa.int64())}))
    lake.table("numbers", {"n": "bigint"})
    return lake


def test_rows_are_unloaded_with_their_types_and_listed_in_a_manifest(numbers: Any) -> None:
    query = "SELECT n, n / 2 AS half, CAST(n AS varchar) AS text, sum(n) OVER () AS total FROM numbers"
    execution = numbers.run(f"UNLOAD ({query}) TO 's3://{numbers.name}/out/' {FORM}")
    assert execution["Status"]["State"] == "SUCCEEDED", execution["Status"]
    table = numbers.unloaded("out/").sort_by("n")
    assert {field.name: str(field.type) for field in table.schema} == {
        "n": "int64",
        "half": "int64",
        "text": "string",
        "total": "int64",
    }
    assert table.slice(999).to_pylist() == [{"n": 999, "half": 499, "text": "999", "total": 499_500}]
    manifest = execution["Statistics"]["DataManifestLocation"]
    assert manifest == f"s3://{numbers.name}/results/{execution['QueryExecutionId']}-manifest.csv"
    s3 = numbers.client("s3")
    listed = s3.get_object(Bucket=numbers.name, Key=manifest.split("/", 3)[3])["Body"].read().decode().split()
    found = s3.list_objects_v2(Bucket=numbers.name, Prefix="out/")["Contents"]
    assert sorted(listed) == sorted(f"s3://{numbers.name}/{each['Key']}" for each in found)
    answer = numbers.client("athena").get_query_results(QueryExecutionId=execution["QueryExecutionId"])
    assert answer["ResultSet"]["Rows"] == []


def test_a_place_that_holds_something_is_refused(numbers: Any) -> None:
    numbers.put("out/already", b"")
    reason = numbers.failure(f"UNLOAD (SELECT n FROM numbers) TO 's3://{numbers.name}/out' {FORM}")
    assert reason.startswith("HIVE_PATH_ALREADY_EXISTS: Target directory for table already exists")


def test_no_rows_leave_no_files(numbers: Any) -> None:
    execution = numbers.run(f"UNLOAD (SELECT n FROM numbers WHERE n < 0) TO 's3://{numbers.name}/none/' {FORM}")
    assert execution["Status"]["State"] == "SUCCEEDED"
    assert "Contents" not in numbers.client("s3").list_objects_v2(Bucket=numbers.name, Prefix="none/")


@pytest.mark.parametrize(
    ("query", "reason"),
    [
        ("SELECT n, n + 1 FROM numbers", "MISSING_COLUMN_NAME: line 1:1: Column name not specified at position 2"),
        ("SELECT n, n AS N FROM numbers", "DUPLICATE_COLUMN_NAME"),
        ("SELECT now() AS t", "NOT_SUPPORTED: Unsupported Hive type: timestamp with time zone"),
        ("SELECT NULL AS nothing", "NULL needs a CAST"),
    ],
)
def test_columns_that_no_table_could_have_are_refused(numbers: Any, query: str, reason: str) -> None:
    assert reason in numbers.failure(f"UNLOAD ({query}) TO 's3://{numbers.name}/x/' {FORM}")


def test_other_formats_are_refused_by_name(numbers: Any) -> None:
    reason = numbers.failure(f"UNLOAD (SELECT 1 AS a) TO 's3://{numbers.name}/x/' WITH (format = 'ORC')")
    assert reason == "The sandbox's Athena does not have UNLOAD in the format ORC: it has PARQUET."
    assert "format is a required property" in numbers.failure(
        f"UNLOAD (SELECT 1 AS a) TO 's3://{numbers.name}/x/' WITH (compression = 'SNAPPY')"
    )
