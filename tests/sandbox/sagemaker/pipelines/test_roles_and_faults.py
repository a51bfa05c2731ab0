"""A pipeline acts as its role, step by step; what that may not do, or a job that dies, registers nothing."""

import json
import os
import signal
from collections.abc import Callable
from typing import Any

import pytest

from tests.sandbox.sagemaker.conftest import trust
from tests.sandbox.sagemaker.pipelines.test_real_jobs import (
    UNTIL_STOPPED,
    create,
    processing,
    start,
    steps,
    training_pipeline,
)

Ended = Callable[[str], dict[str, Any]]
WRITES = "import pathlib, sys; pathlib.Path(sys.argv[2], 'none').mkdir(parents=True, exist_ok=True)"
WAITS = """
import os, signal, sys, time
signal.signal(signal.SIGUSR1, lambda *_: sys.exit(0))
print("up", flush=True)
time.sleep(300)
"""
AGAIN = {"ExceptionType": ["SageMaker.JOB_INTERNAL_ERROR"], "IntervalSeconds": 1, "MaxAttempts": 2}


def versions(account: Any) -> list[dict[str, Any]]:
    client = account.client("sagemaker")
    return client.list_model_packages(ModelPackageGroupName=f"{account.name}-models")["ModelPackageSummaryList"]


def create_with(account: Any, pipeline_role: Any, document: dict[str, Any]) -> str:
    """Make a pipeline whose jobs have the account's role and which itself has the other."""
    name = create(account, document)
    account.client("sagemaker").update_pipeline(PipelineName=name, RoleArn=pipeline_role.role)
    return name


def one_job(account: Any, program: str) -> dict[str, Any]:
    step = processing(account, "One", program, {"none": f"s3://{account.bucket}/none"})
    return {"Version": "2020-12-01", "Steps": [step]}


def running_job(account: Any, arn: str, step: str) -> str:
    """Block until the step's job has begun to run its program, and return its ARN."""
    jobs = account._sagemaker.jobs
    while True:
        for job, run in list(jobs._runs.items()):
            ours = f"pipelines-{arn.rpartition('/')[2]}-{step}-" in job
            if ours and run._container is not None and run.log.is_file() and "up" in run.log.read_text():
                return job
        execution = account.client("sagemaker").describe_pipeline_execution(PipelineExecutionArn=arn)
        assert execution["PipelineExecutionStatus"] == "Executing"


def signalled(account: Any, job: str, number: signal.Signals) -> None:
    os.kill(account._sagemaker.jobs._runs[job]._container.pid, number)


@pytest.mark.parametrize(
    ("action", "operation"),
    [
        ("sagemaker:CreateProcessingJob", "CreateProcessingJob"),
        ("sagemaker:AddTags", "CreateProcessingJob"),
        ("iam:PassRole", "CreateProcessingJob"),
        ("sagemaker:DescribeProcessingJob", "DescribeProcessingJob"),
    ],
)
def test_what_the_pipelines_role_may_not_do_with_a_job_fails_the_step(
    account: Any, pipeline_role: Any, ended: Ended, action: str, operation: str
) -> None:
    pipeline_role.forbid(action)
    arn = start(account, create_with(account, pipeline_role, one_job(account, WRITES)))
    assert ended(arn)["PipelineExecutionStatus"] == "Failed"
    step = steps(account, arn)["One"]
    assert step["FailureReason"].startswith(
        f"ClientError: Failed to invoke sagemaker:{operation}. Error Details: {pipeline_role.denial(action)}"
    )
    assert f"because no identity-based policy allows the {action} action" in step["FailureReason"]
    assert step["AttemptCount"] == 1


@pytest.mark.parametrize(
    ("action", "step", "said"),
    [
        ("s3:GetObject", "Gate", "Unable to read the property file s3://"),
        ("sagemaker:CreateModelPackageGroup", "Register", "Failed to invoke sagemaker:CreateModelPackageGroup."),
        ("sagemaker:CreateModelPackage", "Register", "Failed to invoke sagemaker:CreateModelPackage."),
        ("sagemaker:DescribeModelPackage", "Register", "Failed to invoke sagemaker:DescribeModelPackage."),
        ("sagemaker:CreateTrainingJob", "Train", "Failed to invoke sagemaker:CreateTrainingJob."),
    ],
)
def test_what_the_pipelines_role_may_not_do_afterwards_fails_that_step(  # noqa: PLR0913, PLR0917 (three fixtures and a table of three columns)
    account: Any, pipeline_role: Any, ended: Ended, action: str, step: str, said: str
) -> None:
    pipeline_role.forbid(action)
    arn = start(account, create_with(account, pipeline_role, training_pipeline(account)), Rows="a,b,c,d")
    assert ended(arn)["PipelineExecutionStatus"] == "Failed"
    failed = steps(account, arn)[step]
    assert said in failed["FailureReason"]
    assert pipeline_role.denial(action) in failed["FailureReason"]
    assert len(versions(account)) == (1 if action == "sagemaker:DescribeModelPackage" else 0)


def test_a_version_whose_artifact_the_role_may_not_read_is_not_registered(
    account: Any, pipeline_role: Any, ended: Ended
) -> None:
    document = training_pipeline(account)
    gate = document["Steps"][-1]["Arguments"]
    gate["Conditions"][0]["LeftValue"] = 3.0
    gate["ElseSteps"] = []
    document["Steps"][-1]["DependsOn"] = ["Evaluate"]
    pipeline_role.forbid("s3:GetObject")
    arn = start(account, create_with(account, pipeline_role, document), Rows="a,b,c,d")
    assert ended(arn)["PipelineExecutionStatus"] == "Failed"
    reason = steps(account, arn)["Register"]["FailureReason"]
    assert reason.startswith(
        "ClientError: Failed to invoke sagemaker:CreateModelPackage. Error Details: Access denied for bucket:"
        f" {account.bucket}, object key: executions/"
    )
    assert pipeline_role.denial("s3:GetObject") in reason
    assert versions(account) == []


def test_a_group_that_is_not_there_is_made_for_the_version(account: Any, pipeline_role: Any, ended: Ended) -> None:
    document = training_pipeline(account)
    account.client("sagemaker").delete_model_package_group(ModelPackageGroupName=f"{account.name}-models")
    arn = start(account, create_with(account, pipeline_role, document), Rows="a,b,c,d")
    assert ended(arn)["PipelineExecutionStatus"] == "Succeeded", steps(account, arn)
    assert [each["ModelPackageVersion"] for each in versions(account)] == [1]


def test_a_role_that_is_gone_fails_the_next_step(account: Any, pipeline_role: Any, ended: Ended) -> None:
    document = one_job(account, WAITS)
    document["Steps"].append(document["Steps"][0] | {"Name": "Two", "DependsOn": ["One"]})
    trusted = trust("lambda.amazonaws.com")
    arn = start(account, create_with(account, pipeline_role, document))
    job = running_job(account, arn, "One")
    account.client("iam").update_assume_role_policy(RoleName=pipeline_role.name, PolicyDocument=trusted)
    signalled(account, job, signal.SIGUSR1)
    assert ended(arn)["PipelineExecutionStatus"] == "Failed"
    assert steps(account, arn)["Two"]["FailureReason"].startswith(
        "ClientError: Failed to invoke sagemaker:CreateProcessingJob. Error Details: Could not assume role"
        f" {pipeline_role.role}. Please ensure that the role exists"
    )


def test_a_role_deleted_while_a_step_runs_fails_it(account: Any, pipeline_role: Any, ended: Ended) -> None:
    arn = start(account, create_with(account, pipeline_role, one_job(account, WAITS)))
    job = running_job(account, arn, "One")
    iam = account.client("iam")
    iam.delete_role_policy(RoleName=pipeline_role.name, PolicyName="Work")
    iam.delete_role(RoleName=pipeline_role.name)
    signalled(account, job, signal.SIGUSR1)
    assert ended(arn)["PipelineExecutionStatus"] == "Failed"
    assert steps(account, arn)["One"]["FailureReason"] == (
        "ClientError: Failed to invoke sagemaker:DescribeProcessingJob. Error Details: The security token included in"
        " the request is invalid."
    )


def test_a_job_that_may_not_be_stopped_runs_to_its_end_and_the_step_says_so(
    account: Any, pipeline_role: Any, ended: Ended
) -> None:
    pipeline_role.forbid("sagemaker:StopProcessingJob")
    arn = start(account, create_with(account, pipeline_role, one_job(account, WAITS)))
    job = running_job(account, arn, "One")
    account.client("sagemaker").stop_pipeline_execution(PipelineExecutionArn=arn)
    signalled(account, job, signal.SIGUSR1)
    assert ended(arn)["PipelineExecutionStatus"] == "Stopped"
    step = steps(account, arn)["One"]
    assert step["StepStatus"] == "Failed"
    assert pipeline_role.denial("sagemaker:StopProcessingJob") in step["FailureReason"]


def test_a_training_killed_in_the_middle_is_not_tried_again_and_registers_nothing(account: Any, ended: Ended) -> None:
    document = training_pipeline(account)
    account.put("code/Train.py", UNTIL_STOPPED.replace("time.sleep", "print('up', flush=True); time.sleep"))
    document["Steps"][1]["RetryPolicies"] = [AGAIN]
    arn = start(account, create(account, document), Rows="a,b,c,d")
    signalled(account, running_job(account, arn, "Train"), signal.SIGKILL)
    assert ended(arn)["PipelineExecutionStatus"] == "Failed"
    ran = steps(account, arn)
    assert list(ran) == ["Prepare", "Train"]
    assert ran["Train"]["FailureReason"] == "ClientError: AlgorithmError: , exit code: 137"
    assert ran["Train"]["AttemptCount"] == 1
    assert versions(account) == []


def test_a_training_whose_machine_is_lost_is_tried_again_and_registers_once(account: Any, ended: Ended) -> None:
    document = training_pipeline(account)
    program = account.get("code/Train.py").decode()
    waits = "import os, pathlib, time\nif not pathlib.Path(MARK).exists(): print('up', flush=True); time.sleep(300)\n"
    mark = account.sandbox.data / f"{account.name}.mark"
    account.put("code/Train.py", waits.replace("MARK", repr(str(mark))) + program)
    document["Steps"][1]["RetryPolicies"] = [AGAIN]
    arn = start(account, create(account, document), Rows="a,b,c,d")
    running_job(account, arn, "Train")
    mark.touch()
    os.kill(account._sagemaker._containers.pid, signal.SIGKILL)
    assert ended(arn)["PipelineExecutionStatus"] == "Succeeded", steps(account, arn)
    assert steps(account, arn)["Train"]["AttemptCount"] == 2
    assert [each["ModelPackageVersion"] for each in versions(account)] == [1]


def test_a_model_artifact_that_was_truncated_fails_the_evaluation_and_registers_nothing(
    account: Any, ended: Ended
) -> None:
    document = training_pipeline(account)
    pipeline = create(account, document)
    first = start(account, pipeline, Rows="a,b,c,d")
    assert ended(first)["PipelineExecutionStatus"] == "Succeeded"
    job = steps(account, first)["Train"]["Metadata"]["TrainingJob"]["Arn"].rpartition("/")[2]
    client = account.client("sagemaker")
    uri = client.describe_training_job(TrainingJobName=job)["ModelArtifacts"]["S3ModelArtifacts"]
    key = uri.removeprefix(f"s3://{account.bucket}/")
    whole = account.get(key)
    account.put(key, whole[: len(whole) // 2])
    document["Steps"][2]["Arguments"]["Environment"] = {"AGAIN": "yes"}  # the others come from the cache
    client.update_pipeline(PipelineName=pipeline, PipelineDefinition=json.dumps(document))
    second = start(account, pipeline, Rows="a,b,c,d")
    assert ended(second)["PipelineExecutionStatus"] == "Failed"
    ran = steps(account, second)
    assert "CacheHitResult" in ran["Train"]
    assert ran["Evaluate"]["FailureReason"] == (
        "ClientError: AlgorithmError: See job logs for more information, exit code 1"
    )
    assert ran["Evaluate"]["AttemptCount"] == 1
    assert [each["ModelPackageVersion"] for each in versions(account)] == [1]
