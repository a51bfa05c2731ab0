"""One run of the ingestion pipeline, from the command line: start, the job's lines as they come, what it has done."""

import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from botocore.exceptions import ClientError
from rich.markup import escape

from sagewright.cli import deployed, log_tail, training
from sagewright.cli.errors import CommandError
from sagewright.cli.options import Options
from sagewright.cli.target import Target
from sagewright.project import Project, fields, names
from sagewright.runtime.functions import training_progress, training_start
from sagewright.runtime.functions.training_progress import Execution

from .set_aside import SetAside

STEP = "Ingest"
GROUPS, BACKFILL_FROM, RENAME = "Groups", "BackfillFrom", "Rename"
_SHORTER = {
    GROUPS: "name fewer groups, or none for all of them",
    BACKFILL_FROM: "name one version",
    RENAME: "rename fewer features at once, in one version of the group after the other",
}


def require_current(project: Project, target: Target) -> None:
    """Refuse to go on where the ingestion would run other code, or other settings, than the folder holds."""
    try:
        deployed.require_current_ingestion(project, target)
    except ClientError as error:
        raise _explained(error, project) from error


def start(project: Project, target: Target, parameters: Mapping[str, str]) -> str:
    """Start the deployed pipeline; returns the execution's ARN."""
    for name, value in parameters.items():
        if len(value) > fields.ARGUMENT_LENGTH:
            raise CommandError(
                f"{name} has {len(value)} characters, more than SageMaker allows in one argument of a job (at most "
                f"{fields.ARGUMENT_LENGTH}): {_SHORTER[name]}."
            )
    try:
        started = target.client("sagemaker", project.first).start_pipeline_execution(
            PipelineName=names.ingestion_pipeline(project.name),
            PipelineParameters=[{"Name": name, "Value": value} for name, value in parameters.items()],
            ClientRequestToken=str(uuid.uuid4()),
        )
    except ClientError as error:
        raise _explained(error, project) from error
    return started["PipelineExecutionArn"]


def _explained(error: ClientError, project: Project) -> Exception:
    if error.response["Error"]["Code"] != "ResourceNotFound":
        return error
    return CommandError(
        f"There is no pipeline {names.ingestion_pipeline(project.name)} yet: run `sagewright deploy` first."
    )


def follow(options: Options, project: Project, target: Target, arn: str) -> str:
    """Show the run with its job's lines; returns what the job says, or raises with the reason and the last lines."""
    lines = log_tail.Lines(target.client("logs", project.first), options.terminal)
    with options.terminal.if_interrupted(
        f"The ingestion goes on: {arn}",
        "See what comes of it: sagewright features",
        f"Stop it: {training_start.stop_command(arn)}",
    ):
        execution = training.follow(options, project, target, arn, lines)
    if execution.status != "Succeeded":
        raise CommandError(_failure(project, target, execution))
    return said(project, target, execution)


def said(project: Project, target: Target, execution: Execution) -> str:
    """Read what the job says of itself: files, rows, what was set aside."""
    step = execution.step(STEP)
    if step is None or step.job is None:
        return ""
    job = target.client("sagemaker", project.first).describe_processing_job(ProcessingJobName=step.job)
    return str(job.get("ExitMessage", ""))


def tell(options: Options, value: Mapping[str, Any], said: str, aside: Sequence[SetAside]) -> None:
    """Show what a run has done: what its job says, and where to look for the rows that it has set aside."""
    shown = [escape(said.replace("; ", "\n")), *(escape(line) for each in aside for line in each.lines())]
    options.terminal.result({**value, "set_aside": [each.document() for each in aside]}, *shown)


def _failure(project: Project, target: Target, execution: Execution) -> str:
    step = execution.failed
    if step is None:
        return f"The ingestion ended as {execution.status}: {execution.failure or 'SageMaker gives no reason'}."
    reason = (step.failure or execution.failure or "SageMaker gives no reason").rstrip(".")
    log = ""
    if step.job_kind is not None and step.job is not None:
        group = training_progress.LOG_GROUPS[step.job_kind]
        log = log_tail.of_job(target.client("logs", project.first), group, step.job)
    return f"The ingestion failed: {reason}. What it has written stays, and the next run goes on from there.{log}"
