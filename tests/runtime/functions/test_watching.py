"""What watches an endpoint, read from AWS's answers in their documented form."""

import json
from datetime import UTC, datetime
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber

from sagewright.runtime.functions import watching
from sagewright.runtime.functions.watching import Monitor, Schedule

ACCOUNT = "arn:aws:sagemaker:eu-west-1:111111111111"
EXECUTION = f"{ACCOUNT}:pipeline/lifts-dev-monitoring/execution/abcdefghijkl"
JOB = f"{ACCOUNT}:processing-job/pipelines-abcdefghijkl-Compare-xyz"


def at(hour: int, minute: int = 0) -> datetime:
    return datetime(2030, 1, 1, hour, minute, tzinfo=UTC)


def client(service: Any) -> Any:
    return boto3.client(service, region_name="eu-west-1", aws_access_key_id="a", aws_secret_access_key="b")


def monitor(engine: str, hours: int = 1) -> Monitor:
    return Monitor(engine, "lifts-dev-monitoring", "lifts-dev-data-quality", hours)


@pytest.mark.parametrize(
    ("expression", "now", "expected"),
    [
        ("cron(10 * * * ? *)", at(10, 9), at(10, 10)),
        ("cron(10 * * * ? *)", at(10, 10), at(11, 10)),
        ("cron(0 * ? * * *)", at(10, 1), at(11)),
        ("cron(20 0 * * ? *)", at(10), datetime(2030, 1, 2, 0, 20, tzinfo=UTC)),
        ("cron(20 0 * * ? *)", at(0), at(0, 20)),
        ("rate(3 hours)", at(10), None),
    ],
)
def test_the_next_run_follows_from_the_schedule(expression: str, now: datetime, expected: datetime | None) -> None:
    assert Schedule(expression, "ENABLED").next_run(now) == expected


@pytest.mark.parametrize("state", ["DISABLED", "Stopped", "Failed"])
def test_a_schedule_that_is_switched_off_starts_no_run(state: str) -> None:
    assert Schedule("cron(10 * * * ? *)", state).next_run(at(10)) is None


def test_a_run_that_failed_tells_the_step_s_reason_and_its_window() -> None:
    sagemaker = client("sagemaker")
    summary = {
        "PipelineExecutionArn": EXECUTION,
        "PipelineExecutionStatus": "Failed",
        "StartTime": at(10, 11),
    }
    step = {
        "StepName": "Compare",
        "StepStatus": "Failed",
        "StartTime": at(10, 11),
        "FailureReason": "ClientError: no such baseline",
        "Metadata": {"ProcessingJob": {"Arn": JOB}},
    }
    with Stubber(sagemaker) as stubber:
        stubber.add_response("list_pipeline_executions", {"PipelineExecutionSummaries": [summary]})
        stubber.add_response("describe_pipeline_execution", {"PipelineExecutionStatus": "Failed"})
        stubber.add_response("list_pipeline_execution_steps", {"PipelineExecutionSteps": [step]})
        parameters = [{"Name": "WindowEnd", "Value": "2030-01-01T10:10:00Z"}]
        stubber.add_response("list_pipeline_parameters_for_execution", {"PipelineParameters": parameters})
        stubber.add_response("describe_processing_job", described("Failed"), {"ProcessingJobName": JOB.split("/")[1]})
        (run,) = monitor("builtin").runs(sagemaker, None, 5)
    assert (run.status, run.failure, run.ended) == ("Failed", "ClientError: no such baseline", True)
    assert run.window == (at(9), at(10))
    assert run.report is None


def test_a_run_of_a_day_looks_at_the_day_before() -> None:
    assert monitor("builtin", 24)._window(at(0, 20)) == (datetime(2029, 12, 31, tzinfo=UTC), at(0))


def test_a_native_run_in_progress_has_no_report_yet() -> None:
    sagemaker = client("sagemaker")
    summary = {
        "MonitoringScheduleName": "lifts-dev-data-quality",
        "ScheduledTime": at(10),
        "CreationTime": at(10, 2),
        "LastModifiedTime": at(10, 2),
        "MonitoringExecutionStatus": "InProgress",
        "ProcessingJobArn": JOB,
    }
    with Stubber(sagemaker) as stubber:
        stubber.add_response("list_monitoring_executions", {"MonitoringExecutionSummaries": [summary]})
        stubber.add_response("describe_processing_job", described("InProgress") | {"ExitMessage": "not AWS's own"})
        (run,) = monitor("model_monitor").runs(sagemaker, None, 5)
    assert (run.status, run.ended, run.report, run.said) == ("InProgress", False, None, "not AWS's own")
    assert run.window == (at(9), at(10))
    assert str(run.files) == "s3://data/monitoring/lifts-dev/abcdefghijkl"


def test_a_monitor_that_no_release_has_put_there_has_no_schedule() -> None:
    scheduler, sagemaker = client("scheduler"), client("sagemaker")
    with Stubber(scheduler) as stubber:
        stubber.add_client_error("get_schedule", "ResourceNotFoundException")
        assert monitor("builtin").scheduled(sagemaker, scheduler) is None
    with Stubber(sagemaker) as stubber:
        stubber.add_client_error("describe_monitoring_schedule", "ResourceNotFound")
        assert monitor("model_monitor").scheduled(sagemaker, scheduler) is None


def test_an_alarm_s_history_tells_each_change_of_its_state() -> None:
    cloudwatch = client("cloudwatch")
    data = {
        "version": "1.0",
        "oldState": {"stateValue": "OK", "stateReason": "no datapoints"},
        "newState": {"stateValue": "ALARM", "stateReason": "2 out of the last 3 datapoints"},
    }
    item = {
        "AlarmName": "lifts-dev/drift",
        "Timestamp": at(13),
        "HistoryItemType": "StateUpdate",
        "HistorySummary": "Alarm updated from OK to ALARM",
        "HistoryData": json.dumps(data),
    }
    with Stubber(cloudwatch) as stubber:
        stubber.add_response("describe_alarm_history", {"AlarmHistoryItems": [item]})
        (change,) = watching.transitions(cloudwatch, "lifts-dev/drift")
    assert (change.time, change.before, change.after) == (at(13), "OK", "ALARM")
    assert change.reason == "2 out of the last 3 datapoints"


def described(status: str) -> dict[str, Any]:
    output = {
        "OutputName": "report",
        "S3Output": {
            "S3Uri": "s3://data/monitoring/lifts-dev/abcdefghijkl",
            "LocalPath": "/opt/ml/processing/output",
            "S3UploadMode": "EndOfJob",
        },
    }
    return {
        "ProcessingJobName": JOB.split("/")[1],
        "ProcessingJobArn": JOB,
        "ProcessingJobStatus": status,
        "CreationTime": at(10, 11),
        "ProcessingResources": {
            "ClusterConfig": {"InstanceCount": 1, "InstanceType": "ml.m5.large", "VolumeSizeInGB": 10}
        },
        "AppSpecification": {"ImageUri": "image"},
        "ProcessingOutputConfig": {"Outputs": [output]},
    }
