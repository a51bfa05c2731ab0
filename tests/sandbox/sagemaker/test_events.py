from datetime import UTC, datetime
from typing import Any

import pytest

from sagewright.sandbox.protocol import Caller
from sagewright.sandbox.sagemaker.events import Events
from sagewright.sandbox.sagemaker.store import (
    ENDPOINT,
    MODEL,
    MODEL_PACKAGE,
    PIPELINE_EXECUTION,
    PROCESSING_JOB,
    TRAINING_JOB,
    Store,
)

CALLER = Caller("111111111111", "eu-west-1", "")
NOW = datetime(2027, 3, 1, 9, 30, tzinfo=UTC)
MILLISECONDS = 1_803_893_400_000
ARN = "arn:aws:sagemaker:eu-west-1:111111111111"
TIMES = {"CreationTime": NOW, "LastModifiedTime": NOW}


class Recorder:
    """A bus that remembers."""

    def __init__(self) -> None:
        self.events: list[dict[str, Any]] = []

    def emit(self, place: Any, **event: Any) -> None:
        self.events.append({"place": tuple(place), **event})


class Still:
    """A clock that stands still."""

    def now(self) -> float:
        return NOW.timestamp()


class Told:
    """A store, and what its changes tell the bus."""

    def __init__(self) -> None:
        clock: Any = Still()
        self.bus = Recorder()
        self.store = Store(clock, Events(self.bus, clock).changed)

    @property
    def details(self) -> list[dict[str, Any]]:
        return [event["detail"] for event in self.bus.events]


@pytest.fixture
def told() -> Told:
    return Told()


def test_a_processing_job_is_told_as_documented(told: Told) -> None:
    source = {"S3Uri": "s3://in", "LocalPath": "/opt/ml/processing/input", "S3DataType": "ManifestFile"}
    job = {
        "ProcessingJobName": "clean",
        "ProcessingJobArn": f"{ARN}:processing-job/clean",
        "ProcessingInputs": [
            {"InputName": "raw", "S3Input": source | {"S3DataDistributionType": "FullyReplicated"}},
        ],
        "Environment": {"KEY": "value"},
        "ProcessingJobStatus": "InProgress",
        **TIMES,
    }
    told.store.put(PROCESSING_JOB, CALLER, "clean", job)
    told.store.update(PROCESSING_JOB, CALLER, "clean", ProcessingStartTime=NOW)
    told.store.update(PROCESSING_JOB, CALLER, "clean", ProcessingJobStatus="Failed", FailureReason="no data")
    _, failed = told.bus.events
    assert failed == {
        "place": ("111111111111", "eu-west-1"),
        "source": "aws.sagemaker",
        "detail_type": "SageMaker Processing Job State Change",
        "resources": [f"{ARN}:processing-job/clean"],
        "time_s": NOW.timestamp(),
        "detail": {
            "ProcessingJobName": "clean",
            "ProcessingJobArn": f"{ARN}:processing-job/clean",
            "ProcessingInputs": [
                {
                    "InputName": "raw",
                    "S3Input": source | {"S3DataType": "MANIFEST_FILE", "S3DataDistributionType": "FULLYREPLICATED"},
                },
            ],
            "ProcessingJobStatus": "Failed",
            "FailureReason": "no data",
            "CreationTime": MILLISECONDS,
            "LastModifiedTime": MILLISECONDS,
            "ProcessingStartTime": MILLISECONDS,
        },
    }


def test_a_training_job_is_told_at_each_secondary_status(told: Told) -> None:
    arn = f"{ARN}:training-job/fit"
    job = {"TrainingJobName": "fit", "TrainingJobArn": arn, "TrainingJobStatus": "InProgress", **TIMES}
    told.store.put(TRAINING_JOB, CALLER, "fit", job | {"SecondaryStatus": "Starting"})
    told.store.update(TRAINING_JOB, CALLER, "fit", SecondaryStatus="Training")
    told.store.update(TRAINING_JOB, CALLER, "fit", SecondaryStatus="Completed", TrainingJobStatus="Completed")
    assert [detail["SecondaryStatus"] for detail in told.details] == ["Starting", "Training", "Completed"]
    assert told.bus.events[0]["resources"] == [arn]
    assert told.details[-1]["TrainingJobStatus"] == "Completed"


def test_an_endpoint_is_told_in_capitals(told: Told) -> None:
    arn = f"{ARN}:endpoint/shop"
    endpoint = {"EndpointName": "shop", "EndpointArn": arn, "EndpointConfigName": "one", "EndpointStatus": "Creating"}
    told.store.put(ENDPOINT, CALLER, "shop", endpoint | TIMES)
    variant = {"VariantName": "AllTraffic", "DesiredWeight": 1.0, "DesiredInstanceCount": 2, "CurrentWeight": 1.0}
    told.store.update(ENDPOINT, CALLER, "shop", EndpointStatus="InService", ProductionVariants=[variant])
    told.store.update(ENDPOINT, CALLER, "shop", EndpointStatus="UpdateRollbackFailed", FailureReason="no room")
    creating, serving, failed = told.details
    assert creating["EndpointStatus"] == "CREATING"
    assert serving == {
        "EndpointName": "shop",
        "EndpointArn": arn,
        "EndpointConfigName": "one",
        "ProductionVariants": [{"DesiredWeight": 1.0, "DesiredInstanceCount": 2.0}],
        "EndpointStatus": "IN_SERVICE",
        "CreationTime": MILLISECONDS,
        "LastModifiedTime": MILLISECONDS,
    }
    assert (failed["EndpointStatus"], failed["FailureReason"]) == ("UPDATE_ROLLBACK_FAILED", "no room")


def test_an_execution_is_told_with_its_status_before_and_now(told: Told) -> None:
    arn = f"{ARN}:pipeline/train"
    execution = {
        "PipelineArn": arn,
        "PipelineExecutionArn": f"{arn}/execution/abc",
        "PipelineExecutionDisplayName": "first",
        "PipelineExecutionStatus": "Executing",
        **TIMES,
    }
    told.store.put(PIPELINE_EXECUTION, CALLER, "train/execution/abc", execution)
    told.store.update(PIPELINE_EXECUTION, CALLER, "train/execution/abc", PipelineExecutionStatus="Succeeded")
    event = told.bus.events[-1]
    assert event["detail_type"] == "SageMaker Model Building Pipeline Execution Status Change"
    assert event["resources"] == [arn, f"{arn}/execution/abc"]
    assert event["detail"] == {
        "pipelineExecutionDisplayName": "first",
        "currentPipelineExecutionStatus": "Succeeded",
        "previousPipelineExecutionStatus": "Executing",
        "executionStartTime": "2027-03-01T09:30:00Z",
        "executionEndTime": "2027-03-01T09:30:00Z",
        "pipelineArn": arn,
        "pipelineExecutionArn": f"{arn}/execution/abc",
    }


def test_what_has_no_event_and_what_changes_no_state_is_not_told(told: Told) -> None:
    told.store.put(MODEL, CALLER, "one", {"ModelName": "one"})
    arn = f"{ARN}:processing-job/clean"
    told.store.put(PROCESSING_JOB, CALLER, "clean", {"ProcessingJobArn": arn, "ProcessingJobStatus": "InProgress"})
    told.store.update(PROCESSING_JOB, CALLER, "clean", ExitMessage="half done")
    assert len(told.bus.events) == 1


def test_a_decision_about_a_version_is_told_with_what_has_changed(told: Told) -> None:
    arn = f"{ARN}:model-package/leavers/2"
    container = {"Image": "image", "ModelDataUrl": "s3://bucket/model.tar.gz", "Environment": {"KEY": "value"}}
    package = {
        "ModelPackageGroupName": "leavers",
        "ModelPackageVersion": 2,
        "ModelPackageArn": arn,
        "ModelPackageStatus": "Completed",
        "ModelApprovalStatus": "PendingManualApproval",
        "InferenceSpecification": {"Containers": [container], "SupportedContentTypes": ["text/csv"]},
        "CustomerMetadataProperties": {"Metric": "recall"},
        "CreationTime": NOW,
    }
    told.store.put(MODEL_PACKAGE, CALLER, "leavers/2", package)
    told.store.update(MODEL_PACKAGE, CALLER, "leavers/2", ApprovalDescription="looks good")
    told.store.update(MODEL_PACKAGE, CALLER, "leavers/2", ModelApprovalStatus="Approved", LastModifiedTime=NOW)
    registered, noted, approved = told.bus.events
    assert noted["detail"]["UpdatedModelPackageFields"] == ["ApprovalDescription"]
    assert approved["detail_type"] == "SageMaker Model Package State Change"
    assert approved["resources"] == [arn]
    assert "UpdatedModelPackageFields" not in registered["detail"]
    assert approved["detail"] == {
        "ModelPackageGroupName": "leavers",
        "ModelPackageVersion": 2,
        "ModelPackageArn": arn,
        "ModelPackageStatus": "Completed",
        "ModelApprovalStatus": "Approved",
        "InferenceSpecification": {
            "Containers": [{"Image": "image", "ModelDataUrl": "s3://bucket/model.tar.gz"}],
            "SupportedContentTypes": ["text/csv"],
        },
        "CreationTime": "2027-03-01T09:30:00Z",
        "LastModifiedTime": "2027-03-01T09:30:00Z",
        "UpdatedModelPackageFields": ["ModelApprovalStatus"],
    }
