"""What an approver decides by and an auditor asks for: everything that a registered version recorded of its making."""

import json
from dataclasses import dataclass
from typing import Any

from . import training_progress
from .client import Client
from .model_versions import Version
from .objects import Location, read_csv, read_json
from .refusal import Refused

METRIC_GROUPS = ("binary_classification_metrics", "multiclass_classification_metrics", "regression_metrics")


@dataclass(frozen=True)
class Evidence:
    """One version's record: metrics by name, the whole evaluation, the data's manifest, how it was made and judged."""

    metrics: dict[str, float]
    evaluation: dict[str, Any]
    baseline: dict[str, Any]
    hyperparameters: dict[str, Any]
    threshold: float | None


def metrics_of(evaluation: dict[str, Any]) -> dict[str, float]:
    """Read metric values out of a report in the form of Model Monitor's model-quality reports."""
    group = next((group for group in METRIC_GROUPS if group in evaluation), None)
    if group is None:
        raise Refused(f"The evaluation holds {', '.join(evaluation)}: one of {', '.join(METRIC_GROUPS)} is expected.")
    return {
        name: entry["value"] for name, entry in evaluation[group].items() if isinstance(entry.get("value"), float | int)
    }


def evaluation(s3: Client, version: Version) -> dict[str, Any]:
    """Read the report by which the gate let the version pass."""
    return read_json(s3, Location.parse(version.metadata["EvaluationUri"]) / "evaluation.json")


def baseline(s3: Client, version: Version) -> dict[str, Any]:
    """Read the schema that the version was trained by, with the manifest of its data."""
    return read_json(s3, Location.parse(version.metadata["BaselineUri"]) / "schema.json")


def collect(sagemaker: Client, s3: Client, version: Version) -> Evidence:
    """Read everything that is recorded of one version."""
    report = evaluation(s3, version)
    return Evidence(
        metrics=metrics_of(report),
        evaluation=report,
        baseline=baseline(s3, version),
        hyperparameters=_hyperparameters(sagemaker, version),
        threshold=training_progress.threshold(sagemaker, version.metadata["ExecutionArn"]),
    )


def _hyperparameters(sagemaker: Client, version: Version) -> dict[str, Any]:
    train = training_progress.read(sagemaker, version.metadata["ExecutionArn"]).step("Train")
    if train is None or train.job is None:
        return {}
    job = sagemaker.describe_training_job(TrainingJobName=train.job)
    # The pipeline encodes each value as JSON, because SageMaker passes texts only.
    return {name: json.loads(value) for name, value in job.get("HyperParameters", {}).items()}


@dataclass(frozen=True)
class HeldOut:
    """Rows that the model has never seen, as a client would send them, each with its record id and the truth."""

    rows: list[dict[str, str]]
    records: list[str]
    truths: list[str]


def held_out(s3: Client, version: Version, count: int) -> HeldOut:
    """Read the first `count` rows of the version's held-out set, which are in the order of the table."""
    return held_out_in(s3, Location.parse(version.metadata["HeldOutUri"]), count)


def held_out_in(s3: Client, folder: Location, count: int) -> HeldOut:
    """Read the first `count` rows of a held-out set, or of a copy of one."""
    header, rows = read_csv(s3, folder / "rows.csv")
    # By their places, because the label and the record id may have any names.
    _, truth = read_csv(s3, folder / "truth.csv")
    return HeldOut(
        rows=[dict(zip(header, row, strict=True)) for row in rows[:count]],
        records=[record for record, _ in truth[:count]],
        truths=[label for _, label in truth[:count]],
    )


def recorded_predictions(s3: Client, version: Version) -> dict[str, str]:
    """Read what the evaluation predicted, by record id: what the endpoint must answer for the same rows."""
    _, rows = read_csv(s3, Location.parse(version.metadata["EvaluationUri"]) / "predictions.csv")
    return {record: prediction for record, _truth, prediction, _score in rows}
