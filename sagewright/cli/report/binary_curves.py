"""What a score is worth over all thresholds, and at the one that the model decides by.

Point for point they are scikit-learn's curves, without it: to load it takes longer than all else that a page needs.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import plotly.graph_objects as go

from sagewright.cli.training import number

from .axes import figure, shares
from .chart import BAD, NOW, PLAIN, THEN, Chart, Table

MOST_POINTS = 400  # of a curve: more cannot be told apart at any width of the page
LISTED = 11  # points of a curve in the table beside it
BINS = 10
TWO_SIDES = 1.96  # standard deviations that hold 95 % of a normal distribution


@dataclass(frozen=True)
class Judged:
    """Scores of rows, which of them are positive, and which the model calls so."""

    positive: str
    # Arrays.
    truth: Any
    called: Any
    scores: Any

    @classmethod
    def of(cls, positive: object, predictions: Sequence[Sequence[str]]) -> "Judged | None":
        """Read rows of predictions.csv; None where no curve can be drawn: no scores, or only one class in the rows."""
        name = str(positive)
        if not predictions or any(row[3] == "" for row in predictions):
            return None
        truth = np.array([row[1] == name for row in predictions])
        called = np.array([row[2] == name for row in predictions])
        scores = np.array([float(row[3]) for row in predictions])
        return cls(name, truth, called, scores) if 0 < truth.sum() < len(truth) else None

    @property
    def threshold(self) -> float | None:
        """The lowest score that is called positive; None where no threshold explains what is called what."""
        above, below = self.scores[self.called], self.scores[~self.called]
        if len(above) == 0 or (len(below) and below.max() >= above.min()):
            return None
        return float(above.min())

    @property
    def are_probabilities(self) -> bool:
        """Tell probabilities from decision values, which have no scale."""
        return bool(self.scores.min() >= 0 and self.scores.max() <= 1)

    def over_thresholds(self) -> tuple[Any, Any]:
        """Count hits and false alarms from where no row is called positive to where all are; like scores at once."""
        order = np.argsort(-self.scores)
        last = np.append(np.flatnonzero(np.diff(self.scores[order])), len(order) - 1)
        hits = np.append(0, np.cumsum(self.truth[order])[last])
        return hits, np.append(0, last + 1) - hits

    def point(self) -> tuple[float, float, float]:
        """Return precision, recall and false-positive rate of what the model calls positive; 0 where undefined."""
        hits = int((self.called & self.truth).sum())
        false = int((self.called & ~self.truth).sum())
        return hits / max(hits + false, 1), hits / int(self.truth.sum()), false / int((~self.truth).sum())

    @property
    def told_point(self) -> str:
        """Name the point that the model works at."""
        if self.threshold is None:
            return "where the model decides"
        return f"where the model decides, from a score of {number(self.threshold)}"


def charts(judged: Judged, metrics: dict[str, float]) -> list[Chart]:
    """Draw the curves that suit these scores."""
    drawn = [_precision_recall(judged, metrics), _roc(judged, metrics)]
    return [*drawn, _calibration(judged)] if judged.are_probabilities else drawn


def _precision_recall(judged: Judged, metrics: dict[str, float]) -> Chart:
    hits, false = judged.over_thresholds()
    # Of nothing that is called positive, nothing is wrong.
    precision, recall = np.append(1, hits[1:] / (hits + false)[1:]), hits / hits[-1]
    at = np.searchsorted(recall, np.linspace(0, 1, LISTED))
    own_precision, own_recall, _ = judged.point()
    share = float(judged.truth.mean())
    made = figure(
        _curve("Precision", *_thinned(recall, precision), steps=True),
        _reference(f"By chance ({share:.2f})", [0, 1], [share, share]),
        _mark(own_recall, own_precision),
        across="Recall",
        up="Precision",
    )
    told = (
        f"Average precision {metrics['average_precision']:.4f}; guessing would have {share:.4f}. The mark is "
        f"{judged.told_point}: of those called “{judged.positive}”, {own_precision:.0%} are; of those that are, "
        f"{own_recall:.0%} are found."
    )
    rows = [(f"{recall[i]:.3f}", f"{precision[i]:.3f}") for i in dict.fromkeys(at.tolist())]
    return Chart("Precision and recall", told, shares(made), Table(("Recall", "Precision"), rows))


def _roc(judged: Judged, metrics: dict[str, float]) -> Chart:
    hits, false = judged.over_thresholds()
    true, false = hits / hits[-1], false / false[-1]
    at = np.linspace(0, 1, LISTED)
    _, recall, own_false = judged.point()
    made = figure(
        _curve("Found", *_thinned(false, true)),
        _reference("By chance", [0, 1], [0, 1]),
        _mark(own_false, recall),
        across="False-positive rate",
        up="Recall",
    )
    told = (
        f"Area under the curve {metrics['roc_auc']:.4f}; guessing would have 0.5. The mark is {judged.told_point}: "
        f"{recall:.0%} of the “{judged.positive}” are found, {own_false:.0%} of the others are called so, too."
    )
    rows = [(f"{x:.1f}", f"{y:.3f}") for x, y in zip(at, np.interp(at, false, true), strict=True)]
    return Chart("ROC", told, shares(made), Table(("False alarms", "Found"), rows))


def _calibration(judged: Judged) -> Chart:
    happened, said, counts = _groups(judged)
    reach = TWO_SIDES * np.sqrt(happened * (1 - happened) / counts)
    made = figure(
        _reference("As said", [0, 1], [0, 1]),
        go.Scatter(
            x=said.tolist(),
            y=happened.tolist(),
            mode="lines+markers",
            name="As it was",
            line={"color": THEN, "width": 2.5},
            error_y={"type": "data", "array": reach.tolist(), "color": THEN, "thickness": 1.2, "width": 3},
        ),
        across="Probability that the model says",
        up="Share that was so",
    )
    gap = float(np.average(np.abs(happened - said), weights=counts))
    told = (
        f"Each point is a group of about {int(np.median(counts)):,} rows of like scores; on average the share is "
        f"{gap:.3f} off what the model says. Lines up and down: 95 % of what chance would give."
    )
    rows = [(f"{x:.3f}", f"{y:.3f}", f"{n:,}") for x, y, n in zip(said, happened, counts.tolist(), strict=True)]
    return Chart("Calibration", told, shares(made), Table(("Said", "Was so", "Rows"), rows))


def _groups(judged: Judged) -> tuple[Any, Any, Any]:
    """Return of groups of about equal size, by score: the share that is positive, the mean score, how many rows."""
    edges = np.percentile(judged.scores, np.linspace(0, 100, BINS + 1))
    group = np.searchsorted(edges[1:-1], judged.scores)
    sums = [np.bincount(group, weights, minlength=BINS) for weights in (judged.truth, judged.scores, None)]
    happened, said, counts = (each[sums[2] > 0] for each in sums)
    return happened / counts, said / counts, counts


def _thinned(x: Any, y: Any) -> tuple[list[float], list[float]]:
    at = np.unique(np.linspace(0, len(x) - 1, min(len(x), MOST_POINTS)).round().astype(int))
    return x[at].tolist(), y[at].tolist()


def _curve(name: str, x: list[float], y: list[float], *, steps: bool = False) -> Any:
    shape = "vh" if steps else "linear"
    return go.Scatter(x=x, y=y, name=name, mode="lines", line={"color": THEN, "width": 2.5, "shape": shape})


def _reference(name: str, x: list[float], y: list[float]) -> Any:
    line = {"color": PLAIN, "width": 1.5, "dash": "dot"}
    return go.Scatter(x=x, y=y, name=name, mode="lines", line=line, hoverinfo="skip")


def _mark(x: float, y: float) -> Any:
    marker = {"color": NOW, "size": 13, "symbol": "diamond", "line": {"color": BAD, "width": 1}}
    return go.Scatter(x=[x], y=[y], name="The model", mode="markers", marker=marker)
