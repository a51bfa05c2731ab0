"""Made-up versions, evaluated by the evaluation job's own functions and watched by files in Model Monitor's form."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pandas as pd
import pytest

from sagewright.cli.report.content import (
    AlarmChange,
    Answer,
    Evaluation,
    Message,
    Monitoring,
    MonitoringRun,
    Pipeline,
    Report,
    Serving,
    StepRun,
    Store,
    StoredGroup,
    Version,
)
from sagewright.runtime.functions.drift_report import Report as DriftReport
from sagewright.runtime.jobs.evaluate import report as evaluation_report
from sagewright.runtime.serving.predictions import Predictions
from sagewright.runtime.serving.schema import Schema

ROWS = 1500
START = datetime(2026, 11, 20, 6, tzinfo=UTC)
THRESHOLD = 0.1


def step(name: str, kind: str = "Processing", *sources: str, **arguments: Any) -> dict[str, Any]:
    inputs = [{"S3Uri": {"Get": f"Steps.{source}.Output"}} for source in sources]
    return {"Name": name, "Type": kind, "Arguments": {"Inputs": inputs, **arguments}}


@pytest.fixture
def pipeline() -> Pipeline:
    register = step("Register", "RegisterModel", "Preprocess", "Train", "Evaluate")
    refuse = {"Name": "NotGoodEnough", "Type": "Fail", "Arguments": {"ErrorMessage": {"Get": "Steps.Evaluate.Files"}}}
    gate = {
        "Name": "Gate",
        "Type": "Condition",
        "Arguments": {
            "Conditions": [{"LeftValue": {"Std:JsonGet": {"PropertyFile": {"Get": "Steps.Evaluate.PropertyFiles.R"}}}}],
            "IfSteps": [register],
            "ElseSteps": [refuse],
        },
    }
    steps = [
        step("Preprocess"),
        step("Train", "Training", "Preprocess"),
        step("Evaluate", "Processing", "Train", "Preprocess"),
        gate,
    ]
    runs = [
        StepRun("Preprocess", "Succeeded", 0.5, cached=True),
        StepRun("Train", "Succeeded", 2.14),
        StepRun("Evaluate", "Succeeded", 0.36),
        StepRun("Gate", "Succeeded", 0.004),
        StepRun("Register", "Succeeded", 0.18),
    ]
    return Pipeline("leavers-training", {"Version": "2020-12-01", "Steps": steps}, runs)


def evaluated(schema: Any, truth: Sequence[Any], predictions: Predictions, metric: str, threshold: float) -> Evaluation:
    made = evaluation_report(schema, pd.Series(truth), predictions)
    scores = [""] * len(truth) if predictions.scores is None else predictions.scores.tolist()
    rows = [
        [str(i), str(t), str(p), str(s)]
        for i, (t, p, s) in enumerate(zip(truth, predictions.predicted, scores, strict=True))
    ]
    return Evaluation({**made, "custom": {"reached": 0.31}}, rows, metric, threshold)


def schema(problem: str, label: str, classes: Sequence[str] = (), positive: str | None = None) -> Any:
    return Schema(
        package="leavers",
        features=(),
        problem=problem,
        label=label,
        record_id=None,
        columns=(),
        classes=tuple(classes),
        positive_label=positive,
    )


@pytest.fixture
def binary() -> Evaluation:
    generator = np.random.default_rng(4)
    chances = generator.beta(0.9, 2.2, ROWS)
    truth = ["Yes" if chance else "No" for chance in generator.random(ROWS) < chances]
    called = ["Yes" if chance >= 0.35 else "No" for chance in chances]
    predictions = Predictions(called, np.column_stack([1 - chances, chances]), chances)
    return evaluated(
        schema("binary_classification", "left", ["No", "Yes"], "Yes"), truth, predictions, "average_precision", 0.5
    )


@pytest.fixture
def multiclass() -> Callable[[int], Evaluation]:
    def make(count: int) -> Evaluation:
        generator = np.random.default_rng(5)
        classes = [f"class {i}" for i in range(count)]
        truth = generator.integers(0, count, ROWS)
        called = np.where(generator.random(ROWS) < 0.7, truth, generator.integers(0, count, ROWS))
        predictions = Predictions([classes[i] for i in called])
        kind = schema("multiclass_classification", "animal", classes)
        return evaluated(kind, [classes[i] for i in truth], predictions, "f1_macro", 0.6)

    return make


@pytest.fixture
def regression() -> Evaluation:
    generator = np.random.default_rng(6)
    truth = generator.gamma(3, 4000, ROWS)
    predictions = Predictions((truth * generator.normal(1, 0.15, ROWS)).tolist())
    return evaluated(schema("regression", "price"), truth.tolist(), predictions, "rmse", 4000.0)


def numeric(name: str, values: np.ndarray, kind: str = "Fractional") -> dict[str, Any]:
    counts, edges = np.histogram(values, bins=10)
    buckets = [
        {"lower_bound": float(low), "upper_bound": float(high), "count": int(count)}
        for low, high, count in zip(edges, edges[1:], counts, strict=False)
    ]
    return {
        "name": name,
        "inferred_type": kind,
        "numerical_statistics": {
            "common": {"num_present": len(values), "num_missing": 0},
            "mean": float(values.mean()),
            "sum": float(values.sum()),
            "std_dev": float(values.std()),
            "min": float(values.min()),
            "max": float(values.max()),
            "distribution": {
                "kll": {
                    "buckets": buckets,
                    "sketch": {"parameters": {"c": 0.64, "k": 2048.0}, "data": [values.tolist()]},
                }
            },
        },
    }


def categorical(name: str, values: Sequence[str], missing: int = 0) -> dict[str, Any]:
    counts = pd.Series(values).value_counts()
    buckets = [{"value": str(value), "count": int(count)} for value, count in counts.items()]
    return {
        "name": name,
        "inferred_type": "String",
        "string_statistics": {
            "common": {"num_present": len(values), "num_missing": missing},
            "distinct_count": len(buckets),
            "distribution": {"categorical": {"buckets": buckets}},
        },
    }


def statistics(rows: int, seed: int, *, shifted: bool = False) -> dict[str, Any]:
    """Six columns; shifted, the weight is doubled and the two commonest colours are swapped."""
    generator = np.random.default_rng(seed)
    colours = np.array(["red", "green", "blue", "yellow <b>& more</b>"])
    swapped = [1, 0, 2, 3] if shifted else [0, 1, 2, 3]
    return {
        "version": 0.0,
        "dataset": {"item_count": rows},
        "features": [
            numeric("weight", generator.normal(65, 20, rows) * (2 if shifted else 1)),
            categorical("colour", colours[swapped][generator.choice(4, rows, p=[0.6, 0.2, 0.15, 0.05])].tolist()),
            numeric("age", generator.integers(18, 80, rows).astype(float), "Integral"),
            numeric("children", generator.poisson(1.2, rows).astype(float), "Integral"),
            categorical("postcode", [f"{each:05d}" for each in generator.integers(0, 60, rows)], missing=rows // 20),
            numeric("constant", np.full(rows, 7.0)),
        ],
    }


def violations(columns: Sequence[str]) -> dict[str, Any]:
    return {
        "violations": [
            {
                "feature_name": column,
                "constraint_check_type": "baseline_drift_check",
                "description": "Baseline drift distance: 0.42 exceeds threshold: 0.1",
            }
            for column in columns
        ]
    }


def found(hour: int, rows: int, *, shifted: bool = False) -> DriftReport:
    if not rows:
        drift: dict[str, Any] = {"engine": "builtin", "rows": 0, "records": 0, "unreadable": 0, "columns": []}
        return DriftReport({"version": 0, "dataset": {"item_count": 0}, "features": []}, violations([]), drift)
    far = {"weight": 0.4213, "colour": 0.3807} if shifted else {}
    columns = [
        {
            "name": name,
            "kind": kind,
            "distance": far.get(name, 0.013 * place),
            "threshold": THRESHOLD,
            "drifted": name in far,
            "checks": ["baseline_drift_check"] if name in far else [],
        }
        for place, (name, kind) in enumerate(
            {
                "weight": "numerical",
                "colour": "categorical",
                "age": "numerical",
                "children": "numerical",
                "postcode": "categorical",
                "constant": "numerical",
            }.items()
        )
    ]
    drift = {"engine": "builtin", "rows": rows, "records": rows, "unreadable": 0, "columns": columns}
    return DriftReport(statistics(rows, hour, shifted=shifted), violations(list(far)), drift)


def run(hour: int, report: DriftReport | None, status: str = "Succeeded", note: str = "") -> MonitoringRun:
    end = START + timedelta(hours=hour)
    uri = f"s3://leavers-prod-data-111111111111-eu-west-1/monitoring/leavers-prod/execution{hour}/"
    return MonitoringRun(end - timedelta(hours=1), end, end + timedelta(minutes=11), status, report, uri, note)


TEXT = """Two columns of the requests to leavers-prod are no longer distributed as at training.

weight: distance 0.421, threshold 0.100; mean 64.8 → 129.1
colour: distance 0.381, threshold 0.100; share of "red" 0.60 → 0.20

Since 2026-11-20 09:00 UTC. Found by the builtin engine.
Look at s3://leavers-prod-data-111111111111-eu-west-1/monitoring/leavers-prod/execution5/
or run: sagewright drift prod
"""


@pytest.fixture
def monitoring() -> Monitoring:
    runs = [
        run(1, found(1, 0)),
        run(2, found(2, 400)),
        run(3, None, "Failed", "the job's role may not read the capture"),
        run(4, found(4, 400, shifted=True)),
        run(5, found(5, 420, shifted=True)),
    ]
    alarms = [
        AlarmChange(
            START, "leavers-prod/drift", "INSUFFICIENT_DATA", "OK", "Missing data was treated as not breaching."
        ),
        AlarmChange(START, "leavers-prod/monitor-silent", "INSUFFICIENT_DATA", "OK", "1 datapoint was not breaching."),
        AlarmChange(
            START + timedelta(hours=5, minutes=13),
            "leavers-prod/drift",
            "OK",
            "ALARM",
            "Threshold Crossed: 2 out of the last 3 datapoints were greater than or equal to the threshold (1.0).",
        ),
    ]
    message = Message(
        START + timedelta(hours=5, minutes=14), "ml-team@example.com", "Drift in leavers-prod: colour, weight", TEXT
    )
    return Monitoring(
        engine="builtin",
        baseline=statistics(ROWS, 0),
        runs=runs,
        alarms=alarms,
        messages=[message],
        facts=[("Engine", "builtin"), ("Schedule", "hourly"), ("Next run", "2026-11-20 12:10 UTC")],
        until=START + timedelta(hours=5, minutes=30),
        marks=[(START + timedelta(hours=2, minutes=59), "weight scaled, colours swapped")],
    )


@pytest.fixture
def report(pipeline: Pipeline, binary: Evaluation, monitoring: Monitoring) -> Report:
    answers = [Answer(str(7 * i), "Yes" if i % 3 else "No", "Yes" if i % 4 else "No", 0.51 + i / 50) for i in range(20)]
    return Report(
        project="leavers",
        environment="prod",
        made=START + timedelta(hours=6),
        where="a sandbox on this machine",
        description="Which customers leave next month",
        version=Version(
            3,
            "Approved",
            [
                ("Git commit", "5e4f67d1f0d7a8f8f1b1f57f0e3b8b1c7a6d5e4f"),
                ("Data version", "sha256:0d1cbb5a8b1d41a1a6b3d6b3a0cbbd5a8b1d41a1a6b3d6b3a0cbbd5a8b1d41a1"),
            ],
        ),
        pipeline=pipeline,
        evaluation=binary,
        serving=Serving("leavers-prod", [("Requests", "22 with 520 held-out rows"), ("Right", "74.0 %")], answers),
        monitoring=monitoring,
        store=Store(
            [StoredGroup("weather v1", "What the stations measure", 11, 26115, 3, "2026-11-20 05:00")],
            [("Joined", "as known at ordered_at: weather on city"), ("One id", "30.1 ms (median of 20)")],
            answers,
        ),
        durations=[("new", 0.01), ("sandbox up", 0.48), ("deploy", 4.1), ("train", 3.82), ("release", 8.0)],
    )


@pytest.fixture
def only(report: Report) -> Callable[..., Report]:
    """The report without the parts that are not named."""

    def make(**parts: Any) -> Report:
        bare = replace(report, pipeline=None, evaluation=None, serving=None, monitoring=None, store=None)
        bare = replace(bare, version=None, durations=())
        return replace(bare, **parts)

    return make
