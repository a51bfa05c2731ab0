"""Queries give the rows that Athena gives, in its forms, and fail as they fail there."""

# ruff: noqa: S608 - queries of the sandbox's own

from datetime import datetime
from typing import Any

import pyarrow as pa
import pytest


@pytest.fixture
def seen(lake: Any) -> Any:
    """Return a lake with a table of two files, of which the second has another order and no `note`."""
    moment = pa.timestamp("us")
    first = {
        "id": pa.array(["a", "b"]),
        "at": pa.array([datetime(2024, 1, 1, 12), datetime(2024, 1, 2)], moment),  # noqa: DTZ001 - as Parquet has it
        "n": pa.array([1, None], pa.int64()),
        "x": pa.array([0.5, 2e10], pa.float64()),
        "note": pa.array(['say "a", b', ""]),
    }
    second = {"n": pa.array([7], pa.int32()), "ID": pa.array(["c"]), "x": pa.array([1.0], pa.float32())}
    lake.put("seen/year=2024/one.parquet", pa.table(first))
    lake.put("seen/two.parquet", pa.table(second))
    lake.put("seen/_SUCCESS", b"no data")
    columns = {"id": "string", "at": "timestamp", "n": "bigint", "x": "double", "note": "string"}
    lake.table("seen", columns)
    return lake


def test_rows_come_from_every_object_below_the_table_in_athenas_own_forms(seen: Any) -> None:
    assert seen.rows("SELECT * FROM seen ORDER BY id") == [
        ["a", "2024-01-01 12:00:00.000", "1", "0.5", 'say "a", b'],
        ["b", "2024-01-02 00:00:00.000", None, "2.0E10", ""],
        ["c", None, "7", "1.0", None],
    ]


def test_the_result_is_an_object_of_the_workgroups_place(seen: Any) -> None:
    other = {"OutputLocation": f"s3://{seen.name}/elsewhere/"}
    execution = seen.run('SELECT id AS "Id", n FROM seen WHERE n = 7', ResultConfiguration=other)
    identity = execution["QueryExecutionId"]
    location = execution["ResultConfiguration"]["OutputLocation"]
    assert location == f"s3://{seen.name}/results/{identity}.csv"
    body = seen.client("s3").get_object(Bucket=seen.name, Key=f"results/{identity}.csv")["Body"].read()
    assert body == b'"Id","n"\n"c","7"\n'
    assert execution["Statistics"]["DataScannedInBytes"] > 0
    assert (execution["StatementType"], execution["WorkGroup"]) == ("DML", seen.name)


def test_results_come_in_pages_with_the_names_first(seen: Any) -> None:
    identity = seen.start("SELECT id FROM seen ORDER BY id")
    seen.ended(identity)
    pages = seen.client("athena").get_paginator("get_query_results")
    answers = list(pages.paginate(QueryExecutionId=identity, PaginationConfig={"PageSize": 3}))
    assert [len(answer["ResultSet"]["Rows"]) for answer in answers] == [3, 1]
    assert answers[0]["ResultSet"]["Rows"][0] == {"Data": [{"VarCharValue": "id"}]}
    (info,) = answers[0]["ResultSet"]["ResultSetMetadata"]["ColumnInfo"]
    assert (info["Name"], info["Type"]) == ("id", "varchar")


def test_functions_mean_what_they_mean_in_athena(seen: Any) -> None:
    texts = {
        "7 / 2": "3",
        "-7 / 2": "-3",
        "date_diff('day', timestamp '2024-01-01 12:00:00', timestamp '2024-01-03 00:00:00')": "1",
        "CAST(from_iso8601_timestamp('2024-01-01T01:00:00+02:00') AT TIME ZONE 'UTC' AS timestamp)": (
            "2023-12-31 23:00:00.000"
        ),
        "from_iso8601_timestamp('2024-01-01T00:00:00.123987Z') AT TIME ZONE 'UTC'": "2024-01-01 00:00:00.123 UTC",
        "CAST('2024-01-01 00:00:00.1236' AS timestamp(3))": "2024-01-01 00:00:00.124",
        "CAST(timestamp '2024-01-01 00:00:00' AS varchar)": "2024-01-01 00:00:00.000",
        "date '2024-02-28' + INTERVAL '1' DAY": "2024-02-29",
        "CAST(2.5 AS integer)": "3",
        "try_cast('1.5' AS bigint)": None,
        "try(1 / 0)": None,
        "greatest(1, CAST(NULL AS integer))": None,
        "from_unixtime(1704067200.5)": "2024-01-01 00:00:00.500 UTC",
        "infinity()": "Infinity",
        "1e7": "1.0E7",
    }
    (row,) = seen.rows("SELECT " + ", ".join(texts))
    assert dict(zip(texts, row, strict=True)) == texts


def test_max_by_takes_the_newest_value_though_it_is_missing(seen: Any) -> None:
    assert seen.rows("SELECT max_by(n, at), sum(n), count(n), avg(x) > 1 FROM seen WHERE at IS NOT NULL") == [
        [None, "1", "1", "true"]
    ]


def test_what_is_missing_comes_last_in_every_order(seen: Any) -> None:
    ranked = "row_number() OVER (ORDER BY at DESC) AS place"
    assert seen.rows(f"SELECT id FROM (SELECT id, {ranked} FROM seen) ORDER BY place") == [["b"], ["a"], ["c"]]


@pytest.mark.parametrize(
    ("query", "reason"),
    [
        ("SELECT 1 FROM absent", "TABLE_NOT_FOUND: line 1:15: Table 'awsdatacatalog."),
        ("SELECT 1 FROM nowhere.absent", "SCHEMA_NOT_FOUND: line 1:23: Schema 'nowhere' does not exist"),
        ("SELECT nobody FROM seen", "COLUMN_NOT_FOUND: line 1:8: Column 'nobody' cannot be resolved"),
        ("SELECT n AS m FROM seen WHERE m = 1", "COLUMN_NOT_FOUND: line 1:13: Column 'm' cannot be resolved"),
        ("SELECT id FROM seen GROUP BY n", "EXPRESSION_NOT_AGGREGATE"),
        ("SELECT list_sum(n) FROM seen", "FUNCTION_NOT_FOUND: line 1:8: Function 'list_sum' not registered"),
        ("SELECT CAST(n AS string) FROM seen", "TYPE_NOT_FOUND: line 1:18: Unknown type: string"),
        ("SELECT 1 FROM seen WHERE n = id", "TYPE_MISMATCH: line 1:26: Cannot apply operator: bigint = varchar"),
        ("SELECT 1 FROM seen WHERE at > '2024-01-01'", "Cannot apply operator: timestamp(3) > varchar"),
        (
            "SELECT CAST('2024-01-01T00:00:00Z' AS timestamp)",
            "INVALID_CAST_ARGUMENT: Value cannot be cast to timestamp",
        ),
        ("SELECT from_iso8601_timestamp('2024-01-01 00:00')", "INVALID_FUNCTION_ARGUMENT: Invalid format"),
        ("SELECT 1 / (n - n) FROM seen", "DIVISION_BY_ZERO: Division by zero"),
    ],
)
def test_a_query_that_means_nothing_fails_with_athenas_reason(seen: Any, query: str, reason: str) -> None:
    assert reason in seen.failure(query)


def test_a_file_that_does_not_fit_its_table_fails_the_query(seen: Any) -> None:
    seen.put("seen/three.parquet", pa.table({"id": pa.array([3], pa.int64())}))
    assert "HIVE_BAD_DATA: Field id's type BIGINT in parquet file" in seen.failure("SELECT id FROM seen")


def test_stopping_a_query_that_ended_changes_nothing_and_others_are_not_found(seen: Any) -> None:
    client = seen.client("athena")
    identity = seen.run("SELECT 1")["QueryExecutionId"]
    client.stop_query_execution(QueryExecutionId=identity)
    assert seen.ended(identity)["Status"]["State"] == "SUCCEEDED"
    assert client.list_query_executions(WorkGroup=seen.name)["QueryExecutionIds"] == [identity]
    with pytest.raises(client.exceptions.InvalidRequestException, match="was not found"):
        client.get_query_execution(QueryExecutionId="00000000-0000-0000-0000-000000000000")


def test_a_running_query_is_stopped(seen: Any) -> None:
    numbers = ", ".join(str(number) for number in range(1000))
    crossed = " CROSS JOIN ".join(f"(VALUES {numbers}) AS t{number}(n)" for number in range(4))
    identity = seen.start(f"SELECT count(*) FROM {crossed} WHERE t0.n + t1.n + t2.n + t3.n = 1")
    seen.client("athena").stop_query_execution(QueryExecutionId=identity)
    assert seen.ended(identity)["Status"]["State"] == "CANCELLED"


def test_the_same_request_again_is_the_same_query(seen: Any) -> None:
    token = {"ClientRequestToken": "a" * 32}
    identity = seen.start("SELECT 1", **token)
    assert seen.start("SELECT 1", **token) == identity
    with pytest.raises(seen.client("athena").exceptions.InvalidRequestException, match="do not match"):
        seen.start("SELECT 2", **token)


def test_the_bus_hears_how_a_query_ends(seen: Any) -> None:
    events = seen.client("events")
    queue = seen.bench.queue(
        {"Effect": "Allow", "Principal": {"Service": "events.amazonaws.com"}, "Action": "sqs:SendMessage"}
    )
    pattern = (
        f'{{"source": ["aws.athena"], "detail": {{"currentState": ["FAILED"], "workgroupName": ["{seen.name}"]}}}}'
    )
    events.put_rule(Name=seen.name, EventPattern=pattern)
    events.put_targets(Rule=seen.name, Targets=[{"Id": "queue", "Arn": queue}])
    seen.failure("SELECT nobody FROM seen")
    assert '"previousState": "RUNNING"' in seen.bench.received(queue)["Body"]
