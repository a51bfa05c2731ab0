"""The evaluation as the approver reads it: the metric that decided, all others, and the pictures behind them."""

from collections.abc import Sequence
from dataclasses import dataclass

from sagewright.cli.pages import standing
from sagewright.cli.training import number
from sagewright.project.metrics import METRICS

from . import binary_curves, residuals
from .binary_curves import Judged
from .chart import NOTHING, Chart, Table
from .classes import Confusion, by_class
from .content import Evaluation

BINARY, REGRESSION = "binary_classification", "regression"


@dataclass(frozen=True)
class Judgement:
    """Everything of an evaluation that the page shows."""

    rows: str
    verdict: str
    metrics: Table
    charts: Sequence[Chart]
    confusion: Confusion | None
    classes: Table | None
    # Why a picture that one would look for is not there.
    missing: str


def judgement(evaluation: Evaluation) -> Judgement:
    """Read an evaluation of any of the three problems."""
    report = evaluation.report
    values = _values(evaluation)
    charts: list[Chart] = []
    missing, threshold = "", None
    if report["problem"] == BINARY:
        judged = Judged.of(report["positive_label"], evaluation.predictions)
        if judged is None:
            missing = "There are no curves: the held-out rows have no scores, or only one class."
        else:
            charts, threshold = binary_curves.charts(judged, values), judged.threshold
            missing = "" if judged.are_probabilities else "Scores beyond 0 to 1 are no probabilities to be calibrated."
    elif report["problem"] == REGRESSION:
        charts = residuals.charts(evaluation.predictions)
    has_classes = "classes" in report
    return Judgement(
        rows=f"{report['rows']:,}",
        verdict=_verdict(evaluation, values),
        metrics=_metrics(evaluation),
        charts=charts,
        confusion=Confusion.of(report, threshold) if has_classes else None,
        classes=by_class(report) if has_classes else None,
        missing=missing,
    )


def _group(evaluation: Evaluation) -> dict[str, dict[str, float | str]]:
    group = evaluation.report[f"{evaluation.report['problem']}_metrics"]
    return {name: entry for name, entry in group.items() if "value" in entry}


def _values(evaluation: Evaluation) -> dict[str, float]:
    return {
        name: entry["value"] for name, entry in _group(evaluation).items() if isinstance(entry["value"], float | int)
    }


def _bound(metric: str, threshold: float) -> str:
    judge = next((judge for name, judge in METRICS.items() if name == metric), None)
    return f"{judge.bound if judge else 'threshold'} {number(threshold)}"


def _verdict(evaluation: Evaluation, values: dict[str, float]) -> str:
    value = values.get(evaluation.metric)
    told = f"{evaluation.metric} {NOTHING if value is None else number(value)}"
    if evaluation.threshold is not None:
        told += f", {_bound(evaluation.metric, evaluation.threshold)}"
    champion = evaluation.report.get("champion")
    return f"{told}, {standing(champion)}" if champion is not None and champion["compared"] else told


def _metrics(evaluation: Evaluation) -> Table:
    """List the metrics, the one that decides first, then the numbers of the project's own evaluate()."""
    rows: list[tuple[str, ...]] = []
    for name, entry in sorted(_group(evaluation).items(), key=lambda item: item[0] != evaluation.metric):
        value, deviation = entry["value"], entry.get("standard_deviation")
        told = "" if name != evaluation.metric else "the gate judged by this one"
        if told and evaluation.threshold is not None:
            told = f"the gate: {_bound(name, evaluation.threshold)}"
        rows.append((name, _text(value), _text(deviation), told))
    rows += [
        (name, number(value), NOTHING, "your evaluate()") for name, value in evaluation.report.get("custom", {}).items()
    ]
    return Table(("Metric", "Value", "±", ""), rows)


def _text(value: object) -> str:
    """Write a number; Model Monitor's form writes the one that there is not as "NaN"."""
    return number(value) if isinstance(value, float | int) else NOTHING
