"""One run of the ingestion pipeline, from the command line: start, live step, what the job says in the end."""

import uuid
from collections.abc import Mapping

from botocore.exceptions import ClientError

from sagewright.cli import log_tail, training
from sagewright.cli.errors import CommandError
from sagewright.cli.options import Options
from sagewright.cli.target import Target
from sagewright.project import Project, fields, names
from sagewright.runtime.functions import training_progress, training_start
from sagewright.runtime.functions.training_progress import Execution

STEP = "Ingest"
GROUPS, BACKFILL_FROM, RENAME = "Groups", "BackfillFrom", "Rename"
_SHORTER = {
    GROUPS: "name fewer groups, or none for all of them",
    BACKFILL_FROM: "name one version",
    RENAME: "rename fewer features at once, in one version of the group after the other",
}


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
        if error.response["Error"]["Code"] != "ResourceNotFound":
            raise
        raise CommandError(
            f"There is no pipeline {names.ingestion_pipeline(project.name)} yet: run `sagewright deploy` first."
        ) from error
    return started["PipelineExecutionArn"]


def follow(options: Options, project: Project, target: Target, arn: str) -> str:
    """Show the run until its end; returns what its job says, or raises with the reason and the last log lines."""
    with options.terminal.if_interrupted(
        f"The ingestion goes on: {arn}",
        "See what comes of it: sagewright features",
        f"Stop it: {training_start.stop_command(arn)}",
    ):
        execution = training.follow(options, project, target, arn)
    if execution.status != "Succeeded":
        raise CommandError(_failure(project, target, execution))
    return said(project, target, execution)


def said(project: Project, target: Target, execution: Execution) -> str:
    """Read what the job says of itself: files, rows, what was put aside."""
    step = execution.step(STEP)
    if step is None or step.job is None:
        return ""
    job = target.client("sagemaker", project.first).describe_processing_job(ProcessingJobName=step.job)
    return str(job.get("ExitMessage", ""))


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
