"""Drives one training from the command line: data, start, live steps, and what came out."""

import math
import re
import shutil
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sagewright.project import Project, names
from sagewright.runtime.functions import champion, evidence, model_versions, training_progress, training_start
from sagewright.runtime.functions.champion import Champion
from sagewright.runtime.functions.model_versions import Version
from sagewright.runtime.functions.objects import Location, read_json
from sagewright.runtime.functions.training_progress import Execution, Step
from sagewright.runtime.functions.training_start import Overrides

from . import log_tail, uploading
from .errors import CommandError
from .options import Options
from .target import Target
from .terminal import FAILED, OK, SKIPPED

_DECIMAL = re.compile(r"-?\d+\.\d+(?:[eE][+-]?\d+)?")

DIRTY = "-dirty"
"""What the name of a commit ends with where the folder holds changes that no commit has."""
NOT_GOOD_ENOUGH = "NotGoodEnough"
QUIET_STEPS = {NOT_GOOD_ENOUGH}  # its message is the failure that is told at the end


@dataclass(frozen=True)
class Trained:
    """A finished training: the version that it registered, with the report that let it pass."""

    execution: Execution
    version: Version
    evaluation: dict[str, Any]
    threshold: float

    @property
    def metrics(self) -> dict[str, float]:
        """Metric values by name."""
        return evidence.metrics_of(self.evaluation)


def send_data(options: Options, project: Project, target: Target) -> None:
    """Send the local data file first where it is not there as it is now, and say so."""
    if not uploading.is_local(project):
        return
    upload = uploading.put(options, project, target)
    if upload.sent:
        options.terminal.done(f"Sent {upload.source.name} to {upload.target}, which did not hold this content yet.")


def start(project: Project, target: Target, overrides: Overrides) -> str:
    """Start the deployed pipeline on the data as it is now; returns the execution's ARN."""
    source = uploading.source_location(project, target)
    version = training_start.data_version(target.client("s3", project.first), source)
    return training_start.start(
        target.client("sagemaker", project.first),
        names.training_pipeline(project.name),
        version=version,
        git_commit=git_commit(project.root),
        overrides=overrides,
        champion=find_champion(project, target),
    )


def find_champion(project: Project, target: Target) -> Champion | None:
    """Find the version that a new one must not be worse than; None where the project compares with none."""
    if project.first.evaluation.champion is None:
        return None
    bucket = uploading.data_bucket(project, target)
    return champion.find(
        target.client("ssm", project.first),
        target.client("sagemaker", project.first),
        target.client("s3", project.first),
        record=names.release_copy(project.name, project.first.name, project.prod.name),
        nobody=Location(bucket, names.NO_CHAMPION),
    )


def watch(options: Options, project: Project, target: Target, arn: str) -> Trained:
    """Show the steps while they run; returns what was registered, or raises with the reason and the last log lines."""
    execution = follow(options, project, target, arn)
    if execution.status != "Succeeded":
        raise CommandError(failure(project, target, execution))
    return _trained(project, target, execution)


def follow(
    options: Options, project: Project, target: Target, arn: str, lines: log_tail.Lines | None = None
) -> Execution:
    """Show the steps while they run, and their jobs' lines if asked for; returns the execution as it has ended."""
    sagemaker = target.client("sagemaker", project.first)
    told: set[str] = set()
    with options.terminal.checklist() as checklist:
        while True:
            execution = training_progress.read(sagemaker, arn)
            for step in execution.steps:
                if step.name in told or step.name in QUIET_STEPS:
                    continue
                if lines is not None:
                    lines.show(step)
                if step.ended:
                    told.add(step.name)
                    checklist.finished(step.name, *_outcome(step))
                else:
                    checklist.running(step.name, f"{step.seconds:.0f} s" if step.seconds is not None else "")
            if execution.ended:
                return execution
            time.sleep(target.poll_s)


def _outcome(step: Step) -> tuple[str, float | None, str]:
    if step.status != "Succeeded":
        return step.status.lower(), step.seconds, FAILED
    return ("from the cache", None, SKIPPED) if step.cached else ("", step.seconds, OK)


def _trained(project: Project, target: Target, execution: Execution) -> Trained:
    registered = execution.registered
    if registered is None:
        raise CommandError(f"The training succeeded without registering a version: see the steps of {execution.arn}.")
    sagemaker = target.client("sagemaker", project.first)
    version = model_versions.describe(sagemaker, registered)
    threshold = training_progress.threshold(sagemaker, execution.arn)
    return Trained(
        execution,
        version,
        evidence.evaluation(target.client("s3", project.first), version),
        project.first.evaluation.threshold if threshold is None else threshold,
    )


def failure(project: Project, target: Target, execution: Execution) -> str:
    """Say at which step it failed, why, and for a job what it wrote last."""
    step = execution.failed
    if step is None:
        return f"The training ended as {execution.status}: {execution.failure or 'SageMaker gives no reason'}."
    reason = (step.failure or execution.failure or "SageMaker gives no reason").rstrip(".")
    if step.name == NOT_GOOD_ENOUGH:
        shown = _evaluated(project, target, execution)
        others = ", ".join(f"{name} {number(value)}" for name, value in shown.items())
        return f"The gate refused the model: {_readable(reason)}." + (f" All metrics: {others}." if others else "")
    log = ""
    if step.job_kind is not None and step.job is not None:
        group = training_progress.LOG_GROUPS[step.job_kind]
        log = log_tail.of_job(target.client("logs", project.first), group, step.job)
    return f"The training failed at step {step.name}: {reason}.{log}"


def _evaluated(project: Project, target: Target, execution: Execution) -> dict[str, float]:
    """Read the metrics of a model that was not registered, out of its evaluation job's output."""
    evaluate = execution.step("Evaluate")
    if evaluate is None or evaluate.job is None:
        return {}
    job = target.client("sagemaker", project.first).describe_processing_job(ProcessingJobName=evaluate.job)
    outputs = {each["OutputName"]: each["S3Output"]["S3Uri"] for each in job["ProcessingOutputConfig"]["Outputs"]}
    report = Location.parse(outputs["evaluation"]) / "evaluation.json"
    return evidence.metrics_of(read_json(target.client("s3", project.first), report))


def git_commit(root: Path) -> str | None:
    """Name the commit that the project file is in; None where Git does not track it, or is not installed.

    `-dirty` is added where the project's folder holds changes that no commit has.
    """
    git = shutil.which("git")
    if git is None or _git(git, root, "ls-files", "--error-unmatch", "project.yaml") is None:
        return None
    commit = _git(git, root, "rev-parse", "HEAD")
    if not commit:
        return None
    return f"{commit}{DIRTY}" if _git(git, root, "status", "--porcelain", "--", ".") else commit


def _git(git: str, root: Path, *arguments: str) -> str | None:
    done = subprocess.run([git, "-C", str(root), *arguments], capture_output=True, text=True, check=False)  # noqa: S603 - arguments of ours
    return done.stdout.strip() if done.returncode == 0 else None


def number(value: float) -> str:
    """Write a number for people: with four decimals, whole where it is large, and in powers of ten at the extremes."""
    magnitude = abs(value)
    large, huge, tiny = 10_000, 1e15, 0.001
    if not math.isfinite(value) or magnitude >= huge or 0 < magnitude < tiny:
        return f"{value:.4g}"
    return f"{value:,.0f}" if magnitude >= large else f"{value:,.4f}"


def _readable(reason: str) -> str:
    """Write the numbers of the gate's sentence as everywhere else, unless that hides by how little it was missed."""
    found = _DECIMAL.findall(reason)
    if len({number(float(each)) for each in found}) < len(set(found)):
        return reason
    return _DECIMAL.sub(lambda match: number(float(match[0])), reason)
