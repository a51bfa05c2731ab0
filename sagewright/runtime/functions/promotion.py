"""An approved version on its way to the environments: when it starts, whether it may go on, and what is said of it."""

from collections.abc import Mapping
from dataclasses import dataclass

from . import code_pipelines, evidence, training_progress
from .client import Client
from .code_pipelines import Execution
from .model_versions import APPROVED, Version
from .refusal import Refused

VERSION = "Version"
"""The pipeline's variable: the version's ARN."""
SUMMARY_LENGTH = 800
"""An approval's question has 1000 characters, of which what is asked beside this takes some."""


@dataclass(frozen=True)
class Resolved:
    """Whether there is something to release, and why: the sentence that an approver sees."""

    proceed: bool
    summary: str


def start(codepipeline: Client, pipeline: str, version: Version) -> str:
    """Start the promotion of a version, once for each approval; returns the execution's id.

    While one of the same version goes on, it is that one. Whether there is anything to release is left to its first
    step: of a version that serves everywhere already, a push may have changed the settings.
    """
    going_on = under_way(codepipeline, pipeline, version.arn)
    if going_on is not None:
        return going_on.id
    because = f"promotion of {version.arn} as decided at {version.changed}"
    return code_pipelines.start(codepipeline, pipeline, {VERSION: version.arn}, because=because)


def under_way(codepipeline: Client, pipeline: str, arn: str) -> Execution | None:
    """Find the promotion of a version that goes on at this moment; one that is being stopped does not."""
    for each in code_pipelines.running(codepipeline, pipeline):
        if each.status == code_pipelines.GOES_ON and each.variable(VERSION) == arn:
            return each
    return None


def require_approved(version: Version | None, arn: str) -> Version:
    """Refuse a version that is not to be released any more: between approval and release lie hours or days."""
    number = arn.rpartition("/")[2]
    if version is None:
        raise Refused(
            f"Version {number} was deleted from the registry after it was approved: nothing was released. Approve "
            "another version."
        )
    if version.is_retired:
        raise Refused(f"Version {number} is retired: nothing was released. Approve another version.")
    if version.status != APPROVED:
        because = f" ({version.note})" if version.note else ""
        raise Refused(
            f"Version {number} is {version.status}{because}, and not Approved any more: nothing was released. If it "
            f"shall be released after all, `sagewright approve {number}` starts its promotion anew."
        )
    return version


def summary(sagemaker: Client, s3: Client, version: Version, live: Mapping[str, int | None]) -> str:
    """Say on one line what an approver decides about; `live` is what each environment serves now."""
    evaluation = evidence.evaluation(s3, version)
    value = evidence.metrics_of(evaluation).get(version.metric)
    told = f"Version {version.number}: {version.metric} {_number(value)}"
    threshold = training_progress.threshold(sagemaker, version.metadata["ExecutionArn"])
    told += f" (threshold {_number(threshold)})" if threshold is not None else ""
    told += f", {evaluation['champion']['reason']}" if "champion" in evaluation else ""
    commit = version.metadata.get("GitCommit")
    told += f", commit {commit[:12]}" if commit else ""
    told += f", trained {version.created:%Y-%m-%d}"
    told += f", {version.note}" if version.note else ""
    told += "".join(
        f"; replaces version {number} in {name}" if number is not None else f"; the first one in {name}"
        for name, number in live.items()
        if number != version.number
    )
    return on_one_line(told)


def on_one_line(text: str) -> str:
    """Cut a sentence to what a message of an approval can hold."""
    told = " ".join(text.split())
    return told if len(told) <= SUMMARY_LENGTH else f"{told[: SUMMARY_LENGTH - 1]}…"


def _number(value: float | None) -> str:
    return f"{value:.4g}" if value is not None else "unknown"
