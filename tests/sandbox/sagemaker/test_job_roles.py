"""A job does everything as its role: what that may not do fails the job, or is left out where AWS leaves it out."""

import json
import os
import signal
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

WRITES = "import sys; open(sys.argv[2] + '/result/x', 'w').write('x'); print('done')"
TRAINS = "import sys; open(sys.argv[1], 'w').write('x'); print('done')"


def refused(call: Callable[..., Any], request: dict[str, Any]) -> tuple[str, str]:
    with pytest.raises(ClientError) as error:
        call(**request)
    return error.value.response["Error"]["Code"], error.value.response["Error"]["Message"]


def metrics(account: Any, namespace: str) -> dict[str, list[float]]:
    client = account.client("cloudwatch")
    host = [{"Name": "Host", "Value": f"{account.name}/algo-1"}]
    found = client.list_metrics(Namespace=namespace, Dimensions=host)["Metrics"]
    queries = [
        {"Id": f"m{number}", "MetricStat": {"Metric": metric, "Period": 60, "Stat": "Maximum"}}
        for number, metric in enumerate(found)
    ]
    if not queries:
        return {}
    now, hour = datetime.fromtimestamp(account.sandbox.sandbox.clock.now(), UTC), timedelta(hours=1)
    data = client.get_metric_data(MetricDataQueries=queries, StartTime=now - hour, EndTime=now + hour)
    results = data["MetricDataResults"]
    return {metric["MetricName"]: result["Values"] for metric, result in zip(found, results, strict=True)}


def key_of(account: Any, *statements: dict[str, Any]) -> str:
    """Make a key; without statements its policy leaves it to the account's own policies who may use it."""
    policy = {"Policy": json.dumps({"Version": "2012-10-17", "Statement": statements})} if statements else {}
    return account.client("kms").create_key(**policy)["KeyMetadata"]["Arn"]


def test_a_role_that_may_not_list_the_input_fails_the_job(account: Any, jobs: Any) -> None:
    account.forbid("s3:ListBucket")
    reason = jobs.process(WRITES)["FailureReason"]
    assert reason.startswith('ClientError: Data download failed:No S3 objects found under S3 URL "s3://')
    assert f'the role "{account.role}" has "s3:ListBucket" permissions on bucket "{account.bucket}".' in reason
    assert f"Error message from S3: {account.denial('s3:ListBucket')} on resource" in reason
    assert "because no identity-based policy allows the s3:ListBucket action" in reason


def test_a_training_job_whose_role_may_not_list_a_channel_is_refused_at_once(account: Any, jobs: Any) -> None:
    account.forbid("s3:ListBucket")
    create = account.client("sagemaker").create_training_job
    code, message = refused(create, jobs.training_request(TRAINS))
    assert code == "ValidationException"
    assert message.startswith('No S3 objects found under S3 URL "s3://')
    assert f"Error message from S3: {account.denial('s3:ListBucket')} on resource" in message


@pytest.mark.parametrize("kind", ["processing", "training"])
def test_a_role_that_may_not_read_the_input_fails_the_job(account: Any, jobs: Any, kind: str) -> None:
    account.forbid("s3:GetObject")
    job = jobs.process(WRITES) if kind == "processing" else jobs.train(TRAINS)
    assert job["FailureReason"].startswith(
        "ClientError: Data download failed:Unable to download object"
        f" s3://{account.bucket}/code/program.py (AccessDenied: {account.denial('s3:GetObject')} on resource"
    )


def test_a_role_that_may_not_decrypt_the_input_fails_the_job(account: Any, jobs: Any) -> None:
    request = jobs.processing_request(WRITES)
    account.client("s3").put_object(
        Bucket=account.bucket,
        Key="code/program.py",
        Body=WRITES,
        ServerSideEncryption="aws:kms",
        SSEKMSKeyId=key_of(account),
    )
    account.forbid("kms:Decrypt")
    job = account.finished(account.client("sagemaker").create_processing_job(**request)["ProcessingJobArn"])
    assert account.denial("kms:Decrypt") in job["FailureReason"]


@pytest.mark.parametrize("kind", ["processing", "training"])
def test_a_role_that_may_not_write_the_output_fails_the_job(account: Any, jobs: Any, kind: str) -> None:
    account.forbid("s3:PutObject")
    job = jobs.process(WRITES) if kind == "processing" else jobs.train(TRAINS)
    assert job["FailureReason"].startswith(f"ClientError: Artifact upload failed:s3://{account.bucket}/")
    assert account.denial("s3:PutObject") in job["FailureReason"]
    assert "ModelArtifacts" not in job


def test_a_role_that_may_not_encrypt_with_the_outputs_key_fails_the_job(account: Any, jobs: Any) -> None:
    account.forbid("kms:GenerateDataKey")
    outputs = jobs.processing_request("")["ProcessingOutputConfig"] | {"KmsKeyId": key_of(account)}
    job = jobs.process(WRITES, ProcessingOutputConfig=outputs)
    assert account.denial("kms:GenerateDataKey") in job["FailureReason"]


def test_an_outputs_key_that_is_not_named_by_its_arn_needs_encrypt(account: Any, jobs: Any) -> None:
    account.forbid("kms:Encrypt")
    key = key_of(account)
    outputs = jobs.processing_request("")["ProcessingOutputConfig"]
    assert jobs.process(WRITES, ProcessingOutputConfig=outputs | {"KmsKeyId": key})["ProcessingJobStatus"] == (
        "Completed"
    )
    named = {"ProcessingJobName": f"{account.name}-2", "ProcessingOutputConfig": outputs | {"KmsKeyId": key[-36:]}}
    assert account.denial("kms:Encrypt") in jobs.process(WRITES, **named)["FailureReason"]


def volume(jobs: Any, key: str) -> dict[str, Any]:
    cluster = jobs.processing_request("")["ProcessingResources"]["ClusterConfig"] | {"VolumeKmsKeyId": key}
    return {"ProcessingResources": {"ClusterConfig": cluster}}


def test_a_volume_key_needs_a_grant_of_the_role_or_of_who_creates_the_job(
    account: Any, pipeline_role: Any, jobs: Any
) -> None:
    key = key_of(account)
    account.forbid("kms:CreateGrant")
    assert jobs.process(WRITES, **volume(jobs, key))["ProcessingJobStatus"] == "Completed"

    pipeline_role.forbid("kms:CreateGrant")
    creator = account.sandbox.sandbox.clients.as_role(
        pipeline_role.role, service="sagemaker.amazonaws.com", region="eu-west-1"
    )
    request = jobs.processing_request(WRITES, **volume(jobs, key)) | {"ProcessingJobName": f"{account.name}-2"}
    client = creator.get("sagemaker", "111111111111", "eu-west-1")
    reason = account.finished(client.create_processing_job(**request)["ProcessingJobArn"])["FailureReason"]
    assert reason.startswith(f"ClientError: KMS key {key} cannot be used: {account.denial('kms:CreateGrant')}")


def test_a_key_policy_that_denies_the_role_fails_the_job(account: Any, jobs: Any) -> None:
    everybody = {"AWS": "arn:aws:iam::111111111111:root"}
    allow = {"Effect": "Allow", "Principal": everybody, "Action": "kms:*", "Resource": "*"}
    deny = {"Sid": "NotJobs", "Effect": "Deny", "Principal": {"AWS": account.role}, "Action": "kms:DescribeKey"}
    key = key_of(account, allow, deny | {"Resource": "*"})
    reason = jobs.process(WRITES, **volume(jobs, key))["FailureReason"]
    assert account.denial("kms:DescribeKey") in reason
    assert "with an explicit deny in a resource-based policy" in reason
    assert "NotJobs" in reason


@pytest.mark.parametrize("action", ["ecr:GetAuthorizationToken", "ecr:BatchGetImage"])
def test_a_role_that_may_not_pull_the_image_gets_no_job(account: Any, jobs: Any, action: str) -> None:
    account.forbid(action)
    reason = jobs.process(WRITES)["FailureReason"]
    assert reason.startswith("ClientError: Cannot pull algorithm container.")
    assert account.denial(action) in reason
    code, message = refused(account.client("sagemaker").create_training_job, jobs.training_request(TRAINS))
    assert code == "ValidationException"
    assert f"role {account.role} has proper pull permissions for SageMaker" in message
    assert account.denial(action) in message


def test_logs_that_may_not_be_written_do_not_fail_the_job(account: Any, jobs: Any) -> None:
    account.forbid("logs:PutLogEvents")
    assert jobs.process(WRITES)["ProcessingJobStatus"] == "Completed"
    assert account.log_lines("/aws/sagemaker/ProcessingJobs", account.name) == []


def test_metrics_of_the_instance_are_put_as_the_role(account: Any, jobs: Any) -> None:
    jobs.train("import sys; sum(range(3_000_000)); open(sys.argv[1], 'w').write('x')")
    found = metrics(account, "/aws/sagemaker/TrainingJobs")
    assert set(found) == {"CPUUtilization", "DiskUtilization", "MemoryUtilization"}
    assert all(value > 0 for values in found.values() for value in values)
    assert all(value <= 100 for name in ("DiskUtilization", "MemoryUtilization") for value in found[name])


def test_metrics_that_may_not_be_put_do_not_fail_the_job(account: Any, jobs: Any) -> None:
    account.forbid("cloudwatch:PutMetricData")
    assert jobs.process(WRITES)["ProcessingJobStatus"] == "Completed"
    assert metrics(account, "/aws/sagemaker/ProcessingJobs") == {}


def test_a_role_that_trusts_sagemaker_only_for_another_account_is_refused(account: Any, jobs: Any) -> None:
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": "sagemaker.amazonaws.com"},
        "Action": "sts:AssumeRole",
        "Condition": {"StringEquals": {"aws:SourceAccount": "222222222222"}},
    }
    document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    account.client("iam").update_assume_role_policy(RoleName=account.name, PolicyDocument=document)
    code, message = refused(account.client("sagemaker").create_processing_job, jobs.processing_request(WRITES))
    assert code == "ValidationException"
    assert message.startswith(f"Could not assume role {account.role}.")


def test_a_role_deleted_while_its_job_runs_leaves_no_output(account: Any, jobs: Any) -> None:
    program = "import os, sys, time; open(sys.argv[2] + '/result/x', 'w').write('x'); print(os.getpid())\n"
    program += "import signal; signal.signal(signal.SIGUSR1, lambda *_: sys.exit(0)); print('up'); time.sleep(300)"
    arn = account.client("sagemaker").create_processing_job(**jobs.processing_request(program))["ProcessingJobArn"]
    jobs.wait_for_line("processing-job", "up")
    iam = account.client("iam")
    iam.delete_role_policy(RoleName=account.name, PolicyName="Work")
    iam.delete_role(RoleName=account.name)
    os.kill(jobs.pid(arn), signal.SIGUSR1)
    job = account.finished(arn)
    assert job["FailureReason"].startswith(f"ClientError: Artifact upload failed:s3://{account.bucket}/result/x")
    assert account.client("s3").list_objects_v2(Bucket=account.bucket, Prefix="result")["KeyCount"] == 0


def test_no_file_of_a_running_job_holds_its_roles_keys(account: Any, jobs: Any) -> None:
    program = "import os, time; print('up', len(os.environ['AWS_ACCESS_KEY_ID'])); time.sleep(300)"
    request = jobs.processing_request(program, NetworkConfig={"EnableNetworkIsolation": False})
    client = account.client("sagemaker")
    arn = client.create_processing_job(**request)["ProcessingJobArn"]
    jobs.wait_for_line("processing-job", "up")
    run = jobs.run(arn)
    secrets = [run.role.keys.access_key, run.role.keys.secret, run.role.keys.token]
    written = [path.read_text(errors="replace") for path in run.folder.rglob("*") if path.is_file()]
    assert written
    assert not any(secret in text for secret in secrets for text in written)
    client.stop_processing_job(ProcessingJobName=account.name)
    account.finished(arn)
