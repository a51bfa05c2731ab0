"""A query reads and writes as whoever asked for it: workgroup, catalog, objects and keys are each permitted or not."""

import json
from typing import Any

import pyarrow as pa
import pytest
from botocore.exceptions import ClientError


@pytest.fixture
def table(lake: Any) -> Any:
    lake.put("t/a.parquet", pa.table({"a": ["x"]}))
    lake.table("t", {"a": "string"})
    return lake


def allowed(lake: Any, *without: str) -> list[dict[str, Any]]:
    """Return what a query needs, but for some of it."""
    arn = lake.bench.arn
    database = [arn("glue", "catalog"), arn("glue", f"database/{lake.database}")]
    statements = {
        "athena": (["athena:StartQueryExecution", "athena:Get*"], [arn("athena", f"workgroup/{lake.name}")]),
        "glue": (["glue:GetDatabase"], database),
        "default": (["glue:GetDatabase"], [arn("glue", "catalog"), arn("glue", "database/default")]),
        "table": (["glue:GetTable"], [*database, arn("glue", f"table/{lake.database}/t")]),
        "bucket": (["s3:GetBucketLocation"], [f"arn:aws:s3:::{lake.name}"]),
        "listing": (["s3:ListBucket"], [f"arn:aws:s3:::{lake.name}"]),
        "reading": (["s3:GetObject"], [f"arn:aws:s3:::{lake.name}/t/*", f"arn:aws:s3:::{lake.name}/results/*"]),
        "writing": (["s3:PutObject"], [f"arn:aws:s3:::{lake.name}/results/*"]),
        "uploads": (["s3:ListBucketMultipartUploads"], [f"arn:aws:s3:::{lake.name}"]),
        "parts": (["s3:*MultipartUpload*"], [f"arn:aws:s3:::{lake.name}/results/*"]),
    }
    return [
        {"Effect": "Allow", "Action": actions, "Resource": resources}
        for name, (actions, resources) in statements.items()
        if name not in without
    ]


def test_these_permissions_are_enough(table: Any) -> None:
    assert table.as_role(*allowed(table)).rows("SELECT a FROM t") == [["x"]]


@pytest.mark.parametrize(
    ("without", "reason"),
    [
        ("glue", "is not authorized to perform: glue:GetDatabase"),
        ("default", ":database/default"),
        ("uploads", "s3:ListBucketMultipartUploads"),
        ("parts", "s3:AbortMultipartUpload"),
        ("table", "is not authorized to perform: glue:GetTable"),
        ("listing", "Permission denied on S3 path: s3://{name}/t"),
        ("reading", "Permission denied on S3 path: s3://{name}/t/a.parquet"),
        ("writing", "Permission denied on S3 path: s3://{name}/results/"),
    ],
)
def test_a_missing_permission_fails_the_query_with_what_it_was_for(table: Any, without: str, reason: str) -> None:
    statements = allowed(table, without)
    role = table.as_role(*statements)
    assert reason.format(name=table.name) in role.failure("SELECT a FROM t")


def test_without_the_workgroup_or_the_results_bucket_nothing_starts(table: Any) -> None:
    refused = table.as_role(*allowed(table, "athena")).refusal("SELECT a FROM t")
    assert "athena:StartQueryExecution" in str(refused)
    refused = table.as_role(*allowed(table, "bucket")).refusal("SELECT a FROM t")
    assert "Unable to verify/create output bucket" in str(refused)


def test_a_query_of_another_workgroup_is_not_shown(table: Any) -> None:
    identity = table.bench.client("athena").start_query_execution(
        QueryString="SELECT 1", ResultConfiguration={"OutputLocation": f"s3://{table.name}/results/"}
    )["QueryExecutionId"]
    role = table.as_role(*allowed(table))
    with pytest.raises(ClientError, match="workgroup/primary"):
        role.client("athena").get_query_execution(QueryExecutionId=identity)


def test_what_is_encrypted_is_read_and_written_with_the_callers_permission_for_the_key(table: Any) -> None:
    kms = table.bench.client("kms")
    root = {"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::111111111111:root"}, "Action": "kms:*"}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [{**root, "Resource": "*"}]})
    key = kms.create_key(Policy=policy)["KeyMetadata"]["Arn"]
    encryption = {"EncryptionOption": "SSE_KMS", "KmsKey": key}
    results = {"EncryptionConfiguration": encryption}
    table.bench.client("athena").update_work_group(
        WorkGroup=table.name, ConfigurationUpdates={"ResultConfigurationUpdates": results}
    )
    role = table.as_role(*allowed(table))
    assert "kms:GenerateDataKey" in role.failure("SELECT a FROM t")
    usable = {"Effect": "Allow", "Action": ["kms:GenerateDataKey", "kms:Decrypt"], "Resource": key}
    role = table.as_role(*allowed(table), usable)
    assert role.rows("SELECT a FROM t") == [["x"]]
    written = table.client("s3").list_objects_v2(Bucket=table.name, Prefix="results/")["Contents"]
    head = table.client("s3").head_object(Bucket=table.name, Key=written[0]["Key"])
    assert head["SSEKMSKeyId"] == key
