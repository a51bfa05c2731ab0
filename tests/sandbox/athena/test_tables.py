"""Of a table Athena reads what the catalog says: registered partitions, projected ones, text with its serializer."""

import json
from typing import Any

import pyarrow as pa
import pytest

from .conftest import TEXT

KEYS = {"year": "string", "month": "int"}


def partition(lake: Any, *values: str, location: str) -> dict[str, Any]:
    return {"Values": list(values), "StorageDescriptor": {"Location": f"s3://{lake.name}/{location}"}}


@pytest.fixture
def parted(lake: Any) -> Any:
    for place in ("t/year=2023/month=12", "t/year=2024/month=01", "t/year=2024/month=13", "aside"):
        lake.put(f"{place}/a.parquet", pa.table({"place": [place]}))
    return lake


def test_only_registered_partitions_are_read_wherever_they_are(parted: Any) -> None:
    parted.table("t", {"place": "string"}, KEYS)
    assert parted.rows("SELECT place FROM t") == []
    listed = [
        partition(parted, "2023", "12", location="t/year=2023/month=12/"),
        partition(parted, "1999", "1", location="aside"),
    ]
    answer = parted.client("glue").batch_create_partition(
        DatabaseName=parted.database, TableName="t", PartitionInputList=listed
    )
    assert not answer.get("Errors")
    assert parted.rows("SELECT place, year, month + 1 FROM t ORDER BY year") == [
        ["aside", "1999", "2"],
        ["t/year=2023/month=12", "2023", "13"],
    ]


@pytest.mark.parametrize("template", ["", "year=${year}/month=${month}/"])
def test_projected_partitions_are_those_of_the_projection(parted: Any, template: str) -> None:
    projection = {
        "projection.enabled": "true",
        "projection.year.type": "date",
        "projection.year.range": "2024,NOW",
        "projection.year.format": "yyyy",
        "projection.month.type": "integer",
        "projection.month.range": "1,12",
        "projection.month.digits": "2",
    }
    if template:
        projection["storage.location.template"] = f"s3://{parted.name}/t/{template}"
    parted.table("t", {"place": "string"}, KEYS, projection)
    assert parted.rows("SELECT place, month FROM t") == [["t/year=2024/month=01", "1"]]


def test_a_projection_that_says_nothing_of_a_key_fails_the_query(parted: Any) -> None:
    parted.table("t", {"place": "string"}, KEYS, {"projection.enabled": "true"})
    assert "there is no projection.year.type" in parted.failure("SELECT place FROM t")


def test_an_iceberg_table_is_read_where_its_metadata_has_no_snapshots(lake: Any) -> None:
    s3 = lake.bench.client("s3")
    lake.put("i/data/x/day=2024-01-01/a.parquet", pa.table({"a": ["x"]}))
    lake.put("i/metadata/00000.json", json.dumps({"snapshots": []}).encode())
    location = f"s3://{lake.name}/i/metadata/00000.json"
    parameters = {"table_type": "ICEBERG", "metadata_location": location}
    lake.table("i", {"a": "string"}, None, parameters, SerdeInfo={})
    assert lake.rows("SELECT a FROM i") == [["x"]]
    s3.put_object(Bucket=lake.name, Key="i/metadata/00000.json", Body=json.dumps({"snapshots": [{}]}).encode())
    assert "does not have Iceberg tables with snapshots" in lake.failure("SELECT a FROM i")


def test_partitions_are_asked_for_as_the_caller(parted: Any) -> None:
    parted.table("t", {"place": "string"}, KEYS)
    allowed = {"Effect": "Allow", "Action": ["athena:*", "s3:*", "glue:GetDatabase", "glue:GetTable"], "Resource": "*"}
    role = parted.as_role(allowed)
    assert "is not authorized to perform: glue:GetPartitions" in role.failure("SELECT place FROM t")
    arn = parted.bench.arn
    named = [
        *(arn("glue", "catalog"), arn("glue", f"database/{parted.database}")),
        arn("glue", f"table/{parted.database}/t"),
    ]
    role = parted.as_role(allowed, {"Effect": "Allow", "Action": "glue:GetPartitions", "Resource": named})
    assert role.rows("SELECT place FROM t") == []


def test_text_is_read_as_its_serializer_has_it(lake: Any) -> None:
    lake.put("quoted/a.csv", b'name,n\n"say ""a"", b",1\n,2\n')
    serde = {
        "SerializationLibrary": "org.apache.hadoop.hive.serde2.OpenCSVSerde",
        "Parameters": {"separatorChar": ",", "quoteChar": '"', "escapeChar": '"'},
    }
    lake.table(
        "quoted", {"name": "string", "n": "string"}, None, {"skip.header.line.count": "1"}, SerdeInfo=serde, **TEXT
    )
    assert lake.rows("SELECT name, n FROM quoted ORDER BY n") == [['say "a", b', "1"], ["", "2"]]
    lake.put("plain/a.csv", b"a;1\n\\N;none\n")
    serde = {
        "SerializationLibrary": "org.apache.hadoop.hive.serde2.lazy.LazySimpleSerDe",
        "Parameters": {"field.delim": ";"},
    }
    lake.table("plain", {"name": "string", "n": "bigint"}, SerdeInfo=serde, **TEXT)
    assert lake.rows("SELECT name, n FROM plain ORDER BY name") == [["a", "1"], [None, None]]


def test_tables_of_other_kinds_are_refused_by_name(lake: Any) -> None:
    lake.table("orc", {"a": "string"}, SerdeInfo={"SerializationLibrary": "org.apache.hadoop.hive.ql.io.orc.OrcSerde"})
    assert "does not have the serializer" in lake.failure("SELECT a FROM orc")
    lake.table("nested", {"a": "array<string>"})
    assert "does not have the type array<string>" in lake.failure("SELECT a FROM nested")


def test_a_table_without_its_input_format_cannot_be_read(lake: Any) -> None:
    lake.table("t", {"a": "string"}, InputFormat="")
    assert "HIVE_UNSUPPORTED_FORMAT: Unable to create input format null" in lake.failure("SELECT a FROM t")
