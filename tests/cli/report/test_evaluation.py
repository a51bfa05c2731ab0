"""The curves, against what scikit-learn says of all rows."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from sklearn.calibration import calibration_curve
from sklearn.metrics import auc, average_precision_score, precision_recall_curve, roc_auc_score, roc_curve

from sagewright.cli.report.binary_curves import BINS, MOST_POINTS, Judged, charts
from sagewright.cli.report.chart import NOTHING
from sagewright.cli.report.classes import Confusion
from sagewright.cli.report.content import Evaluation
from sagewright.cli.report.evaluation import judgement


@pytest.fixture
def judged(binary: Evaluation) -> Judged:
    found = Judged.of("Yes", binary.predictions)
    assert found is not None
    return found


def drawn(judged: Judged) -> dict[str, Any]:
    metrics: dict[str, float] = {"average_precision": 0.5, "roc_auc": 0.5}
    return {each.title: each for each in charts(judged, metrics)}


def points(trace: Any) -> tuple[Any, Any]:
    return np.asarray(trace.x), np.asarray(trace.y)


def test_the_drawn_roc_curve_has_the_area_of_the_whole_one(judged: Judged) -> None:
    x, y = points(drawn(judged)["ROC"].figure.data[0])
    assert len(x) <= MOST_POINTS
    assert auc(x, y) == pytest.approx(roc_auc_score(judged.truth, judged.scores), abs=0.002)


def test_the_drawn_precision_recall_curve_has_the_average_precision_of_the_whole_one(judged: Judged) -> None:
    x, y = points(drawn(judged)["Precision and recall"].figure.data[0])
    assert len(x) <= MOST_POINTS
    # As steps, the way average precision is defined and the curve is drawn.
    area = float(np.sum(np.diff(x) * y[1:]))
    assert area == pytest.approx(average_precision_score(judged.truth, judged.scores), abs=0.005)


def test_the_mark_is_where_the_report_says_the_model_decides(judged: Judged, binary: Evaluation) -> None:
    metrics = binary.report["binary_classification_metrics"]
    pictures = drawn(judged)
    recall, precision = points(pictures["Precision and recall"].figure.data[2])
    assert (recall[0], precision[0]) == pytest.approx((metrics["recall"]["value"], metrics["precision"]["value"]))
    false, found = points(pictures["ROC"].figure.data[2])
    no = metrics["confusion_matrix"]["No"]
    assert (false[0], found[0]) == pytest.approx((no["Yes"] / (no["Yes"] + no["No"]), metrics["recall"]["value"]))


def test_the_threshold_is_read_from_what_is_called_what(judged: Judged) -> None:
    assert judged.threshold == pytest.approx(0.35, abs=0.005)
    contradictory = replace(judged, called=~judged.called)
    assert contradictory.threshold is None
    assert "where the model decides:" in drawn(contradictory)["ROC"].told


def test_the_groups_of_the_calibration_hold_every_row_and_every_positive(judged: Judged) -> None:
    picture = drawn(judged)["Calibration"]
    _, happened = points(picture.figure.data[1])
    counts = [int(row[2].replace(",", "")) for row in picture.table.rows]
    assert sum(counts) == len(judged.truth)
    assert float(np.dot(happened, counts)) == pytest.approx(judged.truth.sum())


@pytest.mark.parametrize("digits", [1, 12])
def test_every_point_of_a_curve_is_scikit_learns(judged: Judged, digits: int) -> None:
    some = slice(None, MOST_POINTS - 1)  # so few that all of their points are drawn
    few = replace(
        judged, truth=judged.truth[some], called=judged.called[some], scores=np.round(judged.scores[some], digits)
    )
    pictures = drawn(few)
    recall, precision = points(pictures["Precision and recall"].figure.data[0])
    by_recall: Any = precision_recall_curve(few.truth, few.scores)
    np.testing.assert_allclose((precision, recall), (by_recall[0][::-1], by_recall[1][::-1]))
    by_alarms: Any = roc_curve(few.truth, few.scores, drop_intermediate=False)
    np.testing.assert_allclose(points(pictures["ROC"].figure.data[0]), by_alarms[:2])
    said, happened = points(pictures["Calibration"].figure.data[1])
    groups: Any = calibration_curve(few.truth, few.scores, n_bins=BINS, strategy="quantile")
    np.testing.assert_allclose((happened, said), groups)


def test_groups_of_equal_scores_are_counted_as_scikit_learn_makes_them(judged: Judged) -> None:
    coarse = replace(judged, scores=np.round(judged.scores, 1))
    picture = drawn(coarse)["Calibration"]
    _, happened = points(picture.figure.data[1])
    counts = [int(row[2].replace(",", "")) for row in picture.table.rows]
    assert float(np.dot(happened, counts)) == pytest.approx(judged.truth.sum())


def test_decision_values_have_no_calibration(judged: Judged, binary: Evaluation) -> None:
    margins = replace(judged, scores=judged.scores * 6 - 3)
    assert [*drawn(margins)] == ["Precision and recall", "ROC"]
    rows = [[*row[:3], str(float(row[3]) * 6 - 3)] for row in binary.predictions]
    assert "no probabilities" in judgement(replace(binary, predictions=rows)).missing


def test_rows_of_one_class_have_no_curves(binary: Evaluation) -> None:
    rows = [row for row in binary.predictions if row[1] == "No"]
    assert judgement(replace(binary, predictions=rows)).charts == []


def test_the_matrix_counts_every_row_once(binary: Evaluation) -> None:
    confusion = Confusion.of(binary.report, 0.35)
    assert sum(cell.count for _, cells in confusion.rows for cell in cells) == len(binary.predictions)
    assert all(sum(cell.share for cell in cells) == pytest.approx(1) for _, cells in confusion.rows)
    assert confusion.told.startswith("“Yes” from a score of 0.3500")


def test_the_metric_that_decides_comes_first_with_its_bound(binary: Evaluation) -> None:
    found = judgement(binary)
    assert found.metrics.rows[0][0] == "average_precision"
    assert found.metrics.rows[0][3] == "the gate: minimum 0.5000"
    assert found.metrics.rows[-1] == ("reached", "0.3100", NOTHING, "your evaluate()")
    assert found.metrics.numeric == [False, True, True, False]


def test_a_metric_that_model_monitor_could_not_compute_is_a_dash(binary: Evaluation) -> None:
    report = {**binary.report, "binary_classification_metrics": {**binary.report["binary_classification_metrics"]}}
    report["binary_classification_metrics"]["f1"] = {"value": "NaN", "standard_deviation": "NaN"}
    rows = {row[0]: row for row in judgement(replace(binary, report=report)).metrics.rows}
    assert rows["f1"][1:3] == (NOTHING, NOTHING)


def test_all_rows_of_a_regression_that_is_always_right_are_drawn(regression: Evaluation) -> None:
    right = [[row[0], row[1], row[1], ""] for row in regression.predictions]
    agreement, errors = judgement(replace(regression, predictions=right)).charts
    assert len(points(agreement.figure.data[0])[0]) == len(right)
    assert points(errors.figure.data[0])[1].sum() == len(right)
