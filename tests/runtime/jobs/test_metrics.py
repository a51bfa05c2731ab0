"""Metrics are scikit-learn's, whichever class is the positive one."""

import numpy as np
import pytest
from sklearn.metrics import average_precision_score, balanced_accuracy_score

from sagewright.runtime.jobs import metrics
from sagewright.runtime.jobs.metrics import Judged
from sagewright.runtime.serving.predictions import Predictions
from sagewright.runtime.serving.schema import Schema

BINARY = Schema("p", "binary_classification", "left", None, (), (), ("No", "Yes"), "No")
TRUTH = ["No", "Yes", "Yes", "No", "Yes"]
LIKELY = np.array([0.6, 0.7, 0.2, 0.9, 0.1])
PREDICTIONS = Predictions(["No", "No", "Yes", "No", "Yes"], np.column_stack([LIKELY, 1 - LIKELY]), LIKELY)


def test_the_score_is_that_of_the_positive_class() -> None:
    group = metrics.report(Judged.of(TRUTH, PREDICTIONS, BINARY), BINARY.problem)
    left: list[bool] = [label == "No" for label in TRUTH]
    assert group["average_precision"]["value"] == average_precision_score(left, LIKELY.tolist())
    assert group["precision"]["value"] == pytest.approx(2 / 3)
    assert group["recall"]["value"] == 1.0
    assert group["balanced_accuracy"]["value"] == balanced_accuracy_score(TRUTH, [*PREDICTIONS.predicted])


def test_a_small_test_set_gives_no_deviation() -> None:
    group = metrics.report(Judged.of(TRUTH, PREDICTIONS, BINARY), BINARY.problem)
    assert group["roc_auc"]["standard_deviation"] == "NaN"


def test_a_class_too_rare_for_every_sample_gives_no_deviation() -> None:
    schema = Schema("p", "multiclass_classification", "left", None, (), (), ("a", "b"))
    truth = ["a"] * 299 + ["b"]
    group = metrics.report(Judged.of(truth, Predictions(truth), schema), schema.problem)
    assert group["f1_macro"] == {"value": 1.0, "standard_deviation": "NaN"}


def test_rows_of_the_confusion_matrix_are_the_truth() -> None:
    matrix = metrics.report(Judged.of(TRUTH, PREDICTIONS, BINARY), BINARY.problem)["confusion_matrix"]
    assert matrix == {"No": {"No": 2, "Yes": 0}, "Yes": {"No": 1, "Yes": 2}}
