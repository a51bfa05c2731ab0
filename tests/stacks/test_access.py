from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

SECTIONS = """\
data: {source: data/customers.csv, problem: binary_classification, label: churned}
training: {code: src/churn}
evaluation: {minimum: 0.55}
"""
SERVING = [("staging", "222222222222"), ("prod", "333333333333")]
COPIED = ["executions/*/Train/*", "executions/*/Preprocess/baseline/*", "executions/*/Evaluate/evaluation/*"]
FIRST = "arn:aws:s3:::churn-dev-data-111111111111-eu-west-1"


@pytest.fixture(params=SERVING, ids=lambda serving: serving[0])
def access(three: Any, request: pytest.FixtureRequest) -> Any:
    return three[f"churn-{request.param[0]}-access"]


def own(access: Any) -> tuple[str, str, str]:
    environment = access.name.split("-")[1]
    return environment, access.account, f"arn:aws:s3:::churn-{environment}-data-{access.account}-eu-west-1"


def test_every_environment_that_serves_has_an_access_stack(one: Any, three: Any) -> None:
    assert [stack for stack in three.stacks if stack.endswith("-access")] == [
        "churn-prod-access",
        "churn-staging-access",
    ]
    assert [stack for stack in one.stacks if stack.endswith("-access")] == ["churn-dev-access"]


def test_an_endpoint_reads_releases_of_its_own_environment_only(access: Any) -> None:
    environment, account, bucket = own(access)
    statements = access.statements("Endpoint")
    assert statements["ReadReleases"]["Action"] == ["s3:GetObject"]
    assert statements["ReadReleases"]["Resource"] == [f"{bucket}/releases/*"]
    (key,) = statements["UseKey"]["Resource"]
    assert key.startswith(f"<import churn-{environment}-data:")
    assert statements["UseKey"]["Action"] == ["kms:Decrypt", "kms:DescribeKey", "kms:GenerateDataKey"]
    assert statements["EncryptVolumes"]["Action"] == ["kms:CreateGrant"]
    assert statements["EncryptVolumes"]["Condition"] == {"Bool": {"kms:GrantIsForAWSResource": "true"}}
    group = f"arn:aws:logs:eu-west-1:{account}:log-group:/aws/sagemaker/Endpoints/churn-{environment}"
    assert statements["WriteLogs"]["Resource"] == [group, f"{group}:*"]
    assert statements["WriteMetrics"]["Condition"] == {
        "StringEquals": {"cloudwatch:namespace": "/aws/sagemaker/Endpoints"}
    }
    assert statements["WatchRollouts"]["Resource"] == [
        f"arn:aws:cloudwatch:eu-west-1:{account}:alarm:churn-{environment}/*/*"
    ]
    assert statements["WriteCapture"]["Action"] == ["s3:PutObject"]
    assert statements["WriteCapture"]["Resource"] == [f"{bucket}/capture/churn-{environment}/*"]
    named = {"ReadReleases", "WriteCapture", "UseKey", "EncryptVolumes", "WriteLogs", "WriteMetrics"}
    assert set(statements) == named | {"ReadImage", "LogInToRegistry", "WatchRollouts"}


def test_only_sagemaker_on_behalf_of_the_account_may_run_as_the_endpoint(access: Any) -> None:
    environment, account, _ = own(access)
    role = access.at("Endpoint/Role/Resource")["Properties"]
    assert role["RoleName"] == f"churn-{environment}-endpoint"
    (trust,) = role["AssumeRolePolicyDocument"]["Statement"]
    assert trust["Principal"] == {"Service": "sagemaker.amazonaws.com"}
    assert trust["Condition"] == {"StringEquals": {"aws:SourceAccount": account}}


def test_the_account_that_trains_may_release(access: Any) -> None:
    environment, _, _ = own(access)
    role = access.at("Release/Role/Resource")["Properties"]
    assert role["RoleName"] == f"churn-{environment}-release"
    (trust,) = role["AssumeRolePolicyDocument"]["Statement"]
    assert trust["Principal"] == {"AWS": "arn:aws:iam::111111111111:root"}


def test_a_single_environment_releases_to_itself(one: Any) -> None:
    (trust,) = one["churn-dev-access"].at("Release/Role/Resource")["Properties"]["AssumeRolePolicyDocument"][
        "Statement"
    ]
    assert trust["Principal"] == {"AWS": "arn:aws:iam::999999999999:root"}
    statements = one["churn-dev-access"].statements("Release")
    assert "DecryptVersion" not in statements
    bucket = "arn:aws:s3:::churn-dev-data-999999999999-eu-west-1"
    assert statements["ReadVersion"]["Resource"] == [f"{bucket}/{folder}" for folder in COPIED]
    assert statements["WriteReleases"]["Resource"] == [f"{bucket}/releases/*"]


def test_a_release_reads_the_versions_artifacts_and_writes_releases_of_its_own_environment(access: Any) -> None:
    environment, account, bucket = own(access)
    statements = access.statements("Release")
    assert statements["ReadVersion"]["Action"] == ["s3:GetObject"]
    assert statements["ReadVersion"]["Resource"] == [f"{FIRST}/{folder}" for folder in COPIED]
    assert statements["ListVersion"]["Resource"] == [FIRST]
    assert set(COPIED) < set(statements["ListVersion"]["Condition"]["StringLike"]["s3:prefix"])
    assert statements["DescribeVersion"]["Action"] == ["sagemaker:DescribeModelPackage"]
    assert statements["DescribeVersion"]["Resource"] == [
        "arn:aws:sagemaker:eu-west-1:111111111111:model-package/churn/*"
    ]
    assert statements["WriteReleases"]["Action"] == ["s3:AbortMultipartUpload", "s3:PutObject"]
    assert statements["WriteReleases"]["Resource"] == [f"{bucket}/releases/*"]
    assert statements["UseKey"]["Action"] == ["kms:Decrypt", "kms:GenerateDataKey"]
    assert statements["DescribeEndpoint"]["Resource"] == [
        f"arn:aws:sagemaker:eu-west-1:{account}:endpoint/churn-{environment}"
    ]
    assert statements["KeepRecord"]["Resource"] == [
        f"arn:aws:ssm:eu-west-1:{account}:parameter/sagewright/churn/{environment}/release"
    ]
    assert set(statements) == {
        *("ReadVersion", "ListVersion", "DescribeVersion", "DecryptVersion"),
        *("ReadReleases", "WriteReleases", "UseKey"),
        *("DescribeEndpoint", "ReadConfigs", "KeepRecord"),
        *("WatchRollouts", "UpdateEndpoint", "UseConfigs"),
        *("ListConfigs", "DeleteEndpointConfig", "DeleteModel", "ReadLog"),
        *("ReadFindings", "ListFindings", "ReadAlarms", "WriteMetrics", "ReadSchedule", "ListRuns"),
        *("ReadRuns", "ReadJobs"),
    }


def test_a_release_uses_and_deletes_what_is_tagged_as_its_own_environments_and_nothing_else(access: Any) -> None:
    environment, account, _ = own(access)
    statements = access.statements("Release")
    tags = {
        "aws:ResourceTag/sagewright:project": "churn",
        "aws:ResourceTag/sagewright:environment": environment,
    }
    for sid, action, kind in (
        ("UseConfigs", "UpdateEndpoint", "endpoint-config"),
        ("DeleteEndpointConfig", "DeleteEndpointConfig", "endpoint-config"),
        ("DeleteModel", "DeleteModel", "model"),
    ):
        assert statements[sid]["Action"] == [f"sagemaker:{action}"]
        assert statements[sid]["Resource"] == [f"arn:aws:sagemaker:eu-west-1:{account}:{kind}/*"]
        assert statements[sid]["Condition"] == {"StringEquals": tags}
    assert statements["UpdateEndpoint"]["Resource"] == [
        f"arn:aws:sagemaker:eu-west-1:{account}:endpoint/churn-{environment}"
    ]


def test_what_a_release_makes_has_the_tags_by_which_it_may_be_deleted(three: Any) -> None:
    for environment, _ in SERVING:
        tags = [
            {"Key": "sagewright:environment", "Value": environment},
            {"Key": "sagewright:project", "Value": "churn"},
        ]
        template = three[f"churn-{environment}-serving"]
        for kind in ("Model", "EndpointConfig"):
            found = template.only(f"AWS::SageMaker::{kind}")["Properties"]["Tags"]
            assert [tag for tag in tags if tag in found] == tags


def test_a_release_decrypts_with_the_first_environments_key_only_what_its_bucket_holds(access: Any) -> None:
    statement = access.statements("Release")["DecryptVersion"]
    assert statement["Action"] == ["kms:Decrypt"]
    assert statement["Resource"] == ["arn:aws:kms:eu-west-1:111111111111:key/*"]
    assert statement["Condition"] == {
        "StringEquals": {"kms:ViaService": "s3.eu-west-1.amazonaws.com"},
        "StringLike": {"kms:EncryptionContext:aws:s3:arn": [FIRST, f"{FIRST}/executions/*"]},
    }


def test_what_the_release_role_may_read_is_what_the_first_environments_bucket_lets_it_read(three: Any) -> None:
    bucket = three["churn-dev-data"].at("Data/Bucket/Policy/Resource")["Properties"]["PolicyDocument"]["Statement"]
    admitted = {each["Sid"]: each["Resource"] for each in bucket if each.get("Sid", "").startswith("ReleaseTo")}
    for environment, _ in SERVING:
        asked = three[f"churn-{environment}-access"].statements("Release")["ReadVersion"]["Resource"]
        offered = [each.partition("/")[2] for each in admitted[f"ReleaseTo{environment.capitalize()}"]]
        assert [each.partition("/")[2] for each in asked] == offered


def test_who_releases_reads_what_the_monitor_found_and_says_that_it_begins(access: Any) -> None:
    environment, account, bucket = own(access)
    statements = access.statements("Release")
    endpoint, region = f"churn-{environment}", f"eu-west-1:{account}"
    assert statements["ReadFindings"]["Resource"] == [f"{bucket}/monitoring/{endpoint}/*"]
    assert statements["WriteMetrics"]["Condition"] == {
        "StringEquals": {"cloudwatch:namespace": f"Sagewright/churn/{environment}"}
    }
    assert statements["ReadAlarms"]["Resource"] == [
        f"arn:aws:cloudwatch:{region}:alarm:{endpoint}/drift",
        f"arn:aws:cloudwatch:{region}:alarm:{endpoint}/monitor-silent",
    ]
    pipeline = f"arn:aws:sagemaker:{region}:pipeline/{endpoint}-monitoring"
    assert statements["ReadSchedule"]["Resource"] == [
        f"arn:aws:scheduler:{region}:schedule/default/{endpoint}-data-quality"
    ]
    assert statements["ListRuns"]["Resource"] == [pipeline]
    assert statements["ReadRuns"]["Resource"] == [f"{pipeline}/execution/*"]


def test_without_capture_and_monitor_nobody_may_do_anything_about_either(
    project: Callable[..., Path], synthesized: Callable[[Path], Any]
) -> None:
    unwatched = "serving: {capture_percent: 0}\nmonitoring: {engine: none}\n"
    assembly = synthesized(project(sections=SECTIONS + unwatched))

    assert assembly.stacks == ["churn-dev-access", "churn-dev-data", "churn-dev-serving", "churn-training"]
    statements = assembly["churn-dev-access"].statements("Endpoint") | assembly["churn-dev-access"].statements(
        "Release"
    )
    assert not {"WriteCapture", "ReadFindings", "ReadAlarms", "ReadSchedule", "ListRuns"} & statements.keys()
    assert "DataCaptureConfig" not in assembly["churn-dev-serving"].only("AWS::SageMaker::EndpointConfig")["Properties"]
