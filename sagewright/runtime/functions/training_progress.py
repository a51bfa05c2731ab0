"""How far a training is: its steps as they run, and where one failed, the reason and the job that gave it."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

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
    def registered(self) -> str | None:
        """ARN of the version that it registered: by whichever of its steps, since an approved one has its own."""
        return next(
            (step.metadata["RegisterModel"]["Arn"] for step in self.steps if "RegisterModel" in step.metadata), None
        )

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


def parameters(sagemaker: Client, arn: str) -> dict[str, str]:
    """Read the values that an execution was started with."""
    pages = sagemaker.get_paginator("list_pipeline_parameters_for_execution").paginate(PipelineExecutionArn=arn)
    return {each["Name"]: each["Value"] for page in pages for each in page["PipelineParameters"]}


def threshold(sagemaker: Client, arn: str) -> float | None:
    """Read what the metric had to reach in an execution; None where AWS does not list it."""
    value = parameters(sagemaker, arn).get("MetricThreshold")
    return float(value) if value is not None else None
