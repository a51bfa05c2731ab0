"""How far predicted numbers are from the true ones."""

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go

from sagewright.cli.training import number

from .axes import figure
from .chart import NOW, PLAIN, THEN, Chart, Table

MOST_POINTS = 1500
BINS = 40
QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)
OUTER = 0.5  # percent at either end that the picture of the errors leaves to its outermost bars


def charts(predictions: Sequence[Sequence[str]]) -> list[Chart]:
    """Draw predictions over truths, and the errors; nothing without rows."""
    if not predictions:
        return []
    truth = np.array([float(row[1]) for row in predictions])
    predicted = np.array([float(row[2]) for row in predictions])
    return [_agreement(truth, predicted), _errors(predicted - truth)]


def _agreement(truth: np.ndarray, predicted: np.ndarray) -> Chart:
    every = -(-len(truth) // MOST_POINTS)
    ends = [float(min(truth.min(), predicted.min())), float(max(truth.max(), predicted.max()))]
    made = figure(
        go.Scatter(
            x=truth[::every].tolist(),
            y=predicted[::every].tolist(),
            mode="markers",
            name="Rows",
            marker={"color": THEN, "size": 5, "opacity": 0.55},
        ),
        go.Scatter(x=ends, y=ends, mode="lines", name="As it was", line={"color": PLAIN, "dash": "dot"}),
        across="Truth",
        up="Prediction",
    )
    shown = "a held-out row" if every == 1 else f"a held-out row, of which one in {every} is shown"
    told = f"Each point is {shown}; on the dotted line prediction and truth are the same."
    rows = [
        (f"{share:.0%}", number(float(np.quantile(truth, share))), number(float(np.quantile(predicted, share))))
        for share in QUANTILES
    ]
    return Chart("Prediction and truth", told, made, Table(("Quantile", "Truth", "Prediction"), rows))


def _errors(errors: np.ndarray) -> Chart:
    low, high = np.percentile(errors, [OUTER, 100 - OUTER])
    low, high = (low, high) if high > low else (low - 0.5, high + 0.5)
    counts, edges = np.histogram(errors.clip(low, high), bins=BINS, range=(low, high))
    made = figure(
        go.Bar(x=((edges[1:] + edges[:-1]) / 2).tolist(), y=counts.tolist(), marker={"color": NOW}, name="Rows"),
        across="Prediction minus truth",
        up="Rows",
        legend=False,
        bargap=0.05,
    )
    middle = float(np.median(np.abs(errors)))
    told = f"Half of the rows are less than {number(middle)} off; the outermost bars hold all that is farther out."
    rows = [(f"{share:.0%}", number(float(np.quantile(errors, share)))) for share in QUANTILES]
    return Chart("Errors", told, made, Table(("Quantile", "Error"), rows))
