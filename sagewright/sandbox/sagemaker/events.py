"""Why: rules start work when a job, an endpoint or an execution changes its state, by the events that SageMaker sends.

https://docs.aws.amazon.com/sagemaker/latest/dg/automating-sagemaker-with-eventbridge.html
"""

import re
from collections.abc import Callable, Collection
from datetime import datetime
from typing import Any, NamedTuple

from ..clock import Clock
from ..cloudwatch.metrics import Place
from ..event_sink import Bus
from ..protocol import Caller
from .store import ENDPOINT, MODEL_PACKAGE, PIPELINE_EXECUTION, PROCESSING_JOB, TRAINING_JOB, Kind, Record

SOURCE = "aws.sagemaker"
_THOUSAND = 1000
# Events of processing jobs spell these members' values in capitals, unlike the API; the last two without underscores.
_CAPITALS = {"S3DataType", "S3InputMode", "S3UploadMode", "S3DataDistributionType", "S3CompressionType"}
_UNDIVIDED = {"S3DataDistributionType", "S3CompressionType"}
# A version's event is sent when one of these has changed, and says which. An update that changes none of them sends
# none here: nothing is documented of such a one.
_PACKAGE_STATES = (
    *("ModelPackageStatus", "ModelApprovalStatus", "ApprovalDescription", "ModelLifeCycle"),
    *("CustomerMetadataProperties", "InferenceSpecification", "SourceUri"),
)
# The documented event spells it so.
_SPELT = {"SourceUri": "sourceUri"}
# What the documented event of a version holds.
_PACKAGE = (
    *("ModelPackageGroupName", "ModelPackageVersion", "ModelPackageArn", "CreationTime", "InferenceSpecification"),
    *("ModelPackageStatus", "ModelPackageStatusDetails", "CertifyForMarketplace", "ModelApprovalStatus"),
    *("MetadataProperties", "ModelMetrics", "ModelLifeCycle", "LastModifiedTime"),
)
_CONTAINER = ("Image", "ImageDigest", "ModelDataUrl")
_WORD = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


class _Event(NamedTuple):
    """What one kind of resource sends: about which members' change, and naming which ARNs."""

    detail_type: str
    states: tuple[str, ...]
    arns: tuple[str, ...]
    detail: Callable[[Record, Record], dict[str, Any]]


class Events:
    """Tells the bus of every change of state in the store."""

    def __init__(self, bus: Bus, clock: Clock) -> None:
        self._bus = bus
        self._clock = clock

    def changed(self, kind: Kind, caller: Caller, before: Record | None, after: Record) -> None:
        """Send the event of a record's change, if the state is what changed."""
        event = _EVENTS.get(kind)
        known = before or {}
        if event is None or all(known.get(state) == after.get(state) for state in event.states):
            return
        self._bus.emit(
            Place(caller.account, caller.region),
            source=SOURCE,
            detail_type=event.detail_type,
            detail=event.detail(known, after),
            resources=[after[arn] for arn in event.arns],
            time_s=self._clock.now(),
        )


def _processing_job(before: Record, after: Record) -> dict[str, Any]:
    """Tell a job as Describe shows it, without the members that its documented event does not have."""
    del before
    absent = {"Environment", "ExitMessage", "MonitoringScheduleArn"}
    return {name: _told(value, _CAPITALS, name) for name, value in after.items() if name not in absent}


def _training_job(before: Record, after: Record) -> dict[str, Any]:
    del before
    absent = {"Environment", "EnableManagedSpotTraining"}
    return {name: _told(value) for name, value in after.items() if name not in absent}


def _endpoint(before: Record, after: Record) -> dict[str, Any]:
    del before
    variants = [
        {name: float(variant[name]) for name in ("DesiredWeight", "DesiredInstanceCount")}
        for variant in after.get("ProductionVariants", ())
    ]
    told = {name: after[name] for name in ("EndpointName", "EndpointArn", "EndpointConfigName")}
    told |= {"ProductionVariants": variants} if variants else {}
    told |= {"EndpointStatus": _capitals(after["EndpointStatus"])}
    told |= {"FailureReason": after["FailureReason"]} if "FailureReason" in after else {}
    return told | {name: _told(after[name]) for name in ("CreationTime", "LastModifiedTime")}


def _execution(before: Record, after: Record) -> dict[str, Any]:
    status = after["PipelineExecutionStatus"]
    described = {
        "pipelineExecutionDisplayName": after.get("PipelineExecutionDisplayName"),
        "currentPipelineExecutionStatus": status,
        "previousPipelineExecutionStatus": before.get("PipelineExecutionStatus"),
        "executionStartTime": _iso(after["CreationTime"]),
        "executionEndTime": _iso(after["LastModifiedTime"]) if status in {"Succeeded", "Failed", "Stopped"} else None,
        "pipelineExecutionDescription": after.get("PipelineExecutionDescription"),
        "pipelineArn": after["PipelineArn"],
        "pipelineExecutionArn": after["PipelineExecutionArn"],
    }
    return {name: value for name, value in described.items() if value is not None}


def _model_package(before: Record, after: Record) -> dict[str, Any]:
    """Tell a version, and of one that was there before what has changed."""
    told = {name: after[name] for name in _PACKAGE if name in after}
    told |= {name: _iso(value) for name, value in told.items() if isinstance(value, datetime)}
    if "InferenceSpecification" in told:
        containers = [
            {name: container[name] for name in _CONTAINER if name in container}
            for container in told["InferenceSpecification"].get("Containers", ())
        ]
        told["InferenceSpecification"] = told["InferenceSpecification"] | {"Containers": containers}
    changed = [_SPELT.get(name, name) for name in _PACKAGE_STATES if before and before.get(name) != after.get(name)]
    return told | ({"UpdatedModelPackageFields": changed} if changed else {})


def _told(value: Any, capitals: Collection[str] = (), name: str = "") -> Any:
    """Return the value of a member as events have it: times in milliseconds, and words in capitals where asked for."""
    if isinstance(value, datetime):
        return round(value.timestamp() * _THOUSAND)
    if isinstance(value, dict):
        return {key: _told(each, capitals, key) for key, each in value.items()}
    if isinstance(value, list):
        return [_told(each, capitals, name) for each in value]
    if name in capitals:
        return value.upper() if name in _UNDIVIDED else _capitals(value)
    return value


def _capitals(word: str) -> str:
    """Return END_OF_JOB of EndOfJob."""
    return _WORD.sub("_", word).upper()


def _iso(time: datetime) -> str:
    return f"{time:%Y-%m-%dT%H:%M:%SZ}"


_EVENTS = {
    PROCESSING_JOB: _Event(
        "SageMaker Processing Job State Change",
        ("ProcessingJobStatus",),
        ("ProcessingJobArn",),
        _processing_job,
    ),
    TRAINING_JOB: _Event(
        "SageMaker Training Job State Change",
        ("TrainingJobStatus", "SecondaryStatus"),
        ("TrainingJobArn",),
        _training_job,
    ),
    ENDPOINT: _Event(
        "SageMaker Endpoint State Change",
        ("EndpointStatus",),
        ("EndpointArn",),
        _endpoint,
    ),
    MODEL_PACKAGE: _Event(
        "SageMaker Model Package State Change",
        _PACKAGE_STATES,
        ("ModelPackageArn",),
        _model_package,
    ),
    PIPELINE_EXECUTION: _Event(
        "SageMaker Model Building Pipeline Execution Status Change",
        ("PipelineExecutionStatus",),
        ("PipelineArn", "PipelineExecutionArn"),
        _execution,
    ),
}
