"""The problems a project may state and the metrics that judge each: one table for model, schema, docs and pipeline."""

from dataclasses import dataclass
from typing import Literal

ProblemType = Literal["binary_classification", "multiclass_classification", "regression"]
SplitBy = Literal["stratified", "random", "time"]
MetricName = Literal[
    "average_precision",
    "roc_auc",
    "f1",
    "accuracy",
    "balanced_accuracy",
    "log_loss",
    "f1_macro",
    "rmse",
    "mae",
    "r2",
    "median_absolute_error",
]


@dataclass(frozen=True)
class Metric:
    """How a metric reads: its direction decides between `minimum` and `maximum`, its range what either may be."""

    greater_is_better: bool
    least: float | None
    most: float | None

    @property
    def bound(self) -> Literal["minimum", "maximum"]:
        """The key of the project file that states the threshold of this metric."""
        return "minimum" if self.greater_is_better else "maximum"


_SHARE = Metric(greater_is_better=True, least=0, most=1)
_ERROR = Metric(greater_is_better=False, least=0, most=None)

METRICS: dict[MetricName, Metric] = {
    "average_precision": _SHARE,
    "roc_auc": _SHARE,
    "f1": _SHARE,
    "accuracy": _SHARE,
    "balanced_accuracy": _SHARE,
    "log_loss": _ERROR,
    "f1_macro": _SHARE,
    "rmse": _ERROR,
    "mae": _ERROR,
    # A model worse than the mean has a negative R².
    "r2": Metric(greater_is_better=True, least=None, most=1),
    "median_absolute_error": _ERROR,
}

# The first metric of each problem is its default.
METRICS_OF: dict[ProblemType, tuple[MetricName, ...]] = {
    "binary_classification": ("average_precision", "roc_auc", "f1", "accuracy", "balanced_accuracy", "log_loss"),
    "multiclass_classification": ("f1_macro", "accuracy", "balanced_accuracy", "log_loss"),
    "regression": ("rmse", "mae", "r2", "median_absolute_error"),
}

# The first way to split of each problem is its default.
SPLITS_OF: dict[ProblemType, tuple[SplitBy, ...]] = {
    "binary_classification": ("stratified", "random", "time"),
    "multiclass_classification": ("stratified", "random", "time"),
    "regression": ("random", "time"),
}
