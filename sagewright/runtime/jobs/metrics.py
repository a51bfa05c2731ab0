"""The metrics of each problem, by the names that a project file may judge a model with."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn import metrics

from sagewright.runtime.jobs.labels import BINARY, MULTICLASS, REGRESSION
from sagewright.runtime.jobs.splitting import SEED
from sagewright.runtime.serving.predictions import Predictions
from sagewright.runtime.serving.schema import Label, Schema

# Model Monitor gives a standard deviation from this many rows on: that of the metric over five samples of 80 %.
# https://docs.aws.amazon.com/sagemaker/latest/dg/model-monitor-model-quality-metrics.html
LEAST_ROWS = 200
SAMPLES = 5
SAMPLE_FRACTION = 0.8


@dataclass(frozen=True)
class Judged:
    """Truth and predictions of the same rows, as arrays."""

    # Arrays; their type and the one that scikit-learn's stubs ask for do not match.
    truth: Any
    predicted: Any
    scores: Any
    probabilities: Any
    classes: Sequence[Label]
    positive: Label | None

    @classmethod
    def of(cls, truth: Sequence[Label] | Sequence[float], predictions: Predictions, schema: Schema) -> "Judged":
        """Put truth and predictions of a model version side by side."""
        return cls(
            np.asarray(truth),
            np.asarray(predictions.predicted),
            predictions.scores,
            predictions.probabilities,
            schema.classes,
            schema.positive_label,
        )

    def sample(self, rows: np.ndarray) -> "Judged":
        """Return some of the rows."""
        scores = None if self.scores is None else self.scores[rows]
        probabilities = None if self.probabilities is None else self.probabilities[rows]
        return Judged(self.truth[rows], self.predicted[rows], scores, probabilities, self.classes, self.positive)


def report(judged: Judged, problem: str) -> dict[str, Any]:
    """Return every metric of the problem as Model Monitor writes it: a value and its standard deviation, or "NaN"."""
    measure = _MEASURES[problem]
    values = measure(judged)
    deviations = _deviations(judged, measure)
    group: dict[str, Any] = {
        name: {"value": float(value), "standard_deviation": deviations.get(name, "NaN")}
        for name, value in values.items()
    }
    if judged.classes:
        group["confusion_matrix"] = _confusion(judged)
    return group


def classification_report(judged: Judged) -> dict[str, Any]:
    """Return precision, recall, F1 and number of rows of each class."""
    report: Any = metrics.classification_report(
        judged.truth,
        judged.predicted,
        labels=[*judged.classes],
        target_names=[str(label) for label in judged.classes],
        output_dict=True,
        zero_division=0,
    )
    return report


def _binary(judged: Judged) -> dict[str, Any]:
    truth, scores = judged.truth == judged.positive, judged.scores
    predicted = judged.predicted == judged.positive
    values: dict[str, Any] = {
        "average_precision": metrics.average_precision_score(truth, scores),
        "roc_auc": metrics.roc_auc_score(truth, scores),
        "f1": metrics.f1_score(truth, predicted, zero_division=0),
        "precision": metrics.precision_score(truth, predicted, zero_division=0),
        "recall": metrics.recall_score(truth, predicted, zero_division=0),
    }
    return values | _classes(judged)


def _multiclass(judged: Judged) -> dict[str, Any]:
    f1 = metrics.f1_score(judged.truth, judged.predicted, labels=[*judged.classes], average="macro", zero_division=0)
    return {"f1_macro": f1} | _classes(judged)


def _classes(judged: Judged) -> dict[str, Any]:
    values: dict[str, Any] = {
        "accuracy": metrics.accuracy_score(judged.truth, judged.predicted),
        "balanced_accuracy": _mean_recall(judged),
    }
    if judged.probabilities is not None:
        values["log_loss"] = metrics.log_loss(judged.truth, judged.probabilities, labels=[*judged.classes])
    return values


def _mean_recall(judged: Judged) -> Any:
    """Balanced accuracy over the classes that the rows have, as scikit-learn defines it."""
    present = [label for label in judged.classes if (judged.truth == label).any()]
    return metrics.recall_score(judged.truth, judged.predicted, labels=present, average="macro", zero_division=0)


def _regression(judged: Judged) -> dict[str, Any]:
    return {
        "rmse": metrics.root_mean_squared_error(judged.truth, judged.predicted),
        "mae": metrics.mean_absolute_error(judged.truth, judged.predicted),
        "r2": metrics.r2_score(judged.truth, judged.predicted) if len(judged.truth) > 1 else float("nan"),
        "median_absolute_error": metrics.median_absolute_error(judged.truth, judged.predicted),
    }


_MEASURES: dict[str, Callable[[Judged], dict[str, Any]]] = {
    BINARY: _binary,
    MULTICLASS: _multiclass,
    REGRESSION: _regression,
}


def _deviations(judged: Judged, measure: Callable[[Judged], dict[str, Any]]) -> dict[str, float]:
    rows = len(judged.truth)
    if rows < LEAST_ROWS:
        return {}
    generator = np.random.default_rng(SEED)
    samples = [judged.sample(generator.permutation(rows)[: round(rows * SAMPLE_FRACTION)]) for _ in range(SAMPLES)]
    if any(len(np.unique(sample.truth)) < len(judged.classes) for sample in samples):
        # A class so rare that a sample misses it: the metrics of such a sample would mean something else.
        return {}
    measured = [measure(sample) for sample in samples]
    return {name: float(np.std([values[name] for values in measured])) for name in measured[0]}


def _confusion(judged: Judged) -> dict[str, dict[str, int]]:
    """Return how often each class (outer key) was predicted as each class (inner key)."""
    counts = metrics.confusion_matrix(judged.truth, judged.predicted, labels=[*judged.classes]).tolist()
    names = [str(label) for label in judged.classes]
    return {name: dict(zip(names, row, strict=True)) for name, row in zip(names, counts, strict=True)}
