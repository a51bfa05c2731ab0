"""How far a training is: its steps as they run, and where one failed, the reason with the lines that led to it."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from botocore.exceptions import ClientError

from .client import Client

LOG_GROUPS = {"ProcessingJob": "/aws/sagemaker/ProcessingJobs", "TrainingJob": "/aws/sagemaker/TrainingJobs"}


@dataclass(frozen=True)
class Step:
    """One step of an execution as far as it has come; `job` is set where a job ran for it."""

    name: str
    status: str
    seconds: float | None
    cached: bool
    failure: str | None
    job_kind: str | None
    job: str | None
    metadata: dict[str, Any]

    @property
    def ended(self) -> bool:
        """True once nothing more happens in this step."""
        return self.status in {"Succeeded", "Failed", "Stopped"}


@dataclass(frozen=True)
class Execution:
    """One execution: its state and its steps in the order in which they started."""

    arn: str
    status: str
    failure: str | None
    steps: tuple[Step, ...]

    @property
    def ended(self) -> bool:
        """True once the execution has a final state."""
        return self.status in {"Succeeded", "Failed", "Stopped"}

    def step(self, name: str) -> Step | None:
        """Find the step of that name; None while it has not started (or never will)."""
        return next((step for step in self.steps if step.name == name), None)

    @property
    def failed(self) -> Step | None:
        """The step at which it failed; where several are marked, the first."""
        return next((step for step in self.steps if step.status == "Failed"), None)


def read(sagemaker: Client, arn: str) -> Execution:
    """Read the execution and its steps; a step that is still running has the seconds since it started."""
    description = sagemaker.describe_pipeline_execution(PipelineExecutionArn=arn)
    pages = sagemaker.get_paginator("list_pipeline_execution_steps").paginate(
        PipelineExecutionArn=arn, SortOrder="Ascending"
    )
    steps = [_step(entry) for page in pages for entry in page["PipelineExecutionSteps"]]
    return Execution(arn, description["PipelineExecutionStatus"], description.get("FailureReason"), tuple(steps))


def _step(entry: dict[str, Any]) -> Step:
    started, ended = entry.get("StartTime"), entry.get("EndTime")
    metadata = entry.get("Metadata", {})
    kind = next((kind for kind in LOG_GROUPS if kind in metadata), None)
    return Step(
        name=entry["StepName"],
        status=entry["StepStatus"],
        seconds=((ended or datetime.now(UTC)) - started).total_seconds() if started else None,
        cached="SourcePipelineExecutionArn" in entry.get("CacheHitResult", {}),
        failure=entry.get("FailureReason"),
        job_kind=kind,
        job=metadata[kind]["Arn"].rpartition("/")[2] if kind else None,
        metadata=metadata,
    )


def last_log_lines(logs: Client, step: Step, count: int = 30) -> list[str]:
    """Read the last lines that the step's job wrote; none where it ran no job, or ended before it wrote anything."""
    if step.job_kind is None or step.job is None:
        return []
    group = LOG_GROUPS[step.job_kind]
    try:
        streams = logs.describe_log_streams(logGroupName=group, logStreamNamePrefix=f"{step.job}/")["logStreams"]
    except ClientError as error:
        if error.response["Error"]["Code"] == "ResourceNotFoundException":
            return []  # the group comes into being with the first line of the first job
        raise
    lines: list[str] = []
    for stream in streams:
        events = logs.get_log_events(
            logGroupName=group, logStreamName=stream["logStreamName"], limit=count, startFromHead=False
        )["events"]
        lines += [event["message"].rstrip("\n") for event in events]
    return lines[-count:]
