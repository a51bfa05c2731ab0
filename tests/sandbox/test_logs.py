"""A log group, new or there already, comes under a key, if the key's policy admits CloudWatch Logs."""

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

ACCOUNT, REGION = "111111111111", "eu-west-1"
OWNER = {"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}, "Action": "kms:*", "Resource": "*"}
LOGS = {
    "Effect": "Allow",
    "Principal": {"Service": f"logs.{REGION}.amazonaws.com"},
    "Action": ["kms:Decrypt", "kms:GenerateDataKey*"],
    "Resource": "*",
}


def key(sandbox: Any, *statements: dict[str, Any]) -> str:
    policy = json.dumps({"Version": "2012-10-17", "Statement": [OWNER, *statements]})
    return sandbox.client("kms", ACCOUNT, REGION).create_key(Policy=policy)["KeyMetadata"]["Arn"]


def key_of(logs: Any, group: str) -> str | None:
    (found,) = logs.describe_log_groups(logGroupNamePrefix=group)["logGroups"]
    return found.get("kmsKeyId")


def test_a_log_group_gets_and_loses_a_key(sandbox: Any) -> None:
    logs, admitting = sandbox.client("logs", ACCOUNT, REGION), key(sandbox, LOGS)
    logs.create_log_group(logGroupName="/with-key")

    logs.associate_kms_key(logGroupName="/with-key", kmsKeyId=admitting)
    assert key_of(logs, "/with-key") == admitting

    logs.disassociate_kms_key(logGroupName="/with-key")
    assert key_of(logs, "/with-key") is None


def test_a_key_that_keeps_logs_out_or_is_not_there_is_refused(sandbox: Any) -> None:
    logs = sandbox.client("logs", ACCOUNT, REGION)
    logs.create_log_group(logGroupName="/without-key")
    absent = f"arn:aws:kms:{REGION}:{ACCOUNT}:key/00000000-0000-0000-0000-000000000000"
    for refused in (key(sandbox), absent, "alias/some"):
        with pytest.raises(ClientError, match="does not exist or is not allowed to be used with Arn"):
            logs.associate_kms_key(logGroupName="/without-key", kmsKeyId=refused)
        with pytest.raises(ClientError, match=r"AccessDeniedException.*log-group:/never-made'"):
            logs.create_log_group(logGroupName="/never-made", kmsKeyId=refused)
    assert key_of(logs, "/without-key") is None
    assert logs.describe_log_groups(logGroupNamePrefix="/never-made")["logGroups"] == []
    with pytest.raises(ClientError, match="ResourceNotFoundException"):
        logs.associate_kms_key(logGroupName="/nowhere", kmsKeyId=key(sandbox, LOGS))


def test_a_log_group_is_made_with_a_key_that_admits_logs(sandbox: Any) -> None:
    logs, admitting = sandbox.client("logs", ACCOUNT, REGION), key(sandbox, LOGS)
    logs.create_log_group(logGroupName="/made-with-key", kmsKeyId=admitting)
    assert key_of(logs, "/made-with-key") == admitting


def test_a_retention_is_one_of_the_days_that_aws_has(sandbox: Any) -> None:
    logs = sandbox.client("logs", ACCOUNT, REGION)
    logs.create_log_group(logGroupName="/retained")
    logs.put_retention_policy(logGroupName="/retained", retentionInDays=3653)
    for days in (0, 2, 366, 3654):
        with pytest.raises(ClientError, match=f"InvalidParameterException.*Value '{days}' at 'retentionInDays'"):
            logs.put_retention_policy(logGroupName="/retained", retentionInDays=days)
    (group,) = logs.describe_log_groups(logGroupNamePrefix="/retained")["logGroups"]
    assert group["retentionInDays"] == 3653
