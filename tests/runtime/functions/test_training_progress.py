import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import boto3
from botocore.stub import Stubber

from sagewright.runtime.functions import training_progress
from sagewright.runtime.functions.training_progress import Step

ARN = "arn:aws:sagemaker:eu-west-1:111111111111:pipeline/churn-training/execution/abcdefghijkl"
JOB = "arn:aws:sagemaker:eu-west-1:111111111111:training-job/pipelines-abc-Train-xyz"


def at(second: int) -> datetime:
    return datetime(2026, 1, 1, 0, 0, second, tzinfo=UTC)


def test_steps_tell_duration_cache_hit_and_the_one_that_failed() -> None:
    sagemaker = boto3.client("sagemaker", region_name="eu-west-1", aws_access_key_id="a", aws_secret_access_key="b")
    steps = [
        {
            "StepName": "Preprocess",
            "StepStatus": "Succeeded",
            "StartTime": at(0),
            "EndTime": at(1),
            "CacheHitResult": {"SourcePipelineExecutionArn": ARN},
        },
        {
            "StepName": "Train",
            "StepStatus": "Failed",
            "StartTime": at(1),
            "EndTime": at(5),
            "FailureReason": "AlgorithmError: no such column",
            "Metadata": {"TrainingJob": {"Arn": JOB}},
        },
    ]
    with Stubber(sagemaker) as stubber:
        stubber.add_response("describe_pipeline_execution", {"PipelineExecutionStatus": "Failed"})
        stubber.add_response("list_pipeline_execution_steps", {"PipelineExecutionSteps": steps})
        execution = training_progress.read(sagemaker, ARN)
    preprocess, train = execution.steps
    assert execution.ended
    assert preprocess.cached
    assert not train.cached
    assert train.seconds == 4
    assert execution.failed == train
    assert train.job == "pipelines-abc-Train-xyz"


def step(job: str | None) -> Step:
    kind = "TrainingJob" if job else None
    return Step("Train", "Failed", 1.0, cached=False, failure=None, job_kind=kind, job=job, metadata={})


def test_the_last_lines_of_the_jobs_own_log_are_read(client: Callable[[str], Any]) -> None:
    logs, job = client("logs"), f"job-{uuid.uuid4().hex}"
    if not logs.describe_log_groups(logGroupNamePrefix="/aws/sagemaker/TrainingJobs")["logGroups"]:
        logs.create_log_group(logGroupName="/aws/sagemaker/TrainingJobs")
    for name in (job, f"{job}-2"):
        stream = f"{name}/algo-1-1234"
        logs.create_log_stream(logGroupName="/aws/sagemaker/TrainingJobs", logStreamName=stream)
        now = int(datetime.now(UTC).timestamp() * 1000)
        events = [{"timestamp": now + number, "message": f"{name} line {number}\n"} for number in range(20)]
        logs.put_log_events(logGroupName="/aws/sagemaker/TrainingJobs", logStreamName=stream, logEvents=events)
    lines = training_progress.last_log_lines(logs, step(job), count=3)
    assert lines == [f"{job} line {number}" for number in (17, 18, 19)]


def test_a_step_without_a_job_has_no_log(client: Callable[[str], Any]) -> None:
    assert training_progress.last_log_lines(client("logs"), step(None)) == []
