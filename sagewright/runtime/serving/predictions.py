"""What a fitted estimator says about rows: the endpoint answers with it and the evaluation judges it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from sagewright.runtime.serving.errors import UserError
from sagewright.runtime.serving.schema import Label, Schema


@dataclass(frozen=True)
class Predictions:
    """Predicted values, one for each row; for classes also what lies behind them."""

    predicted: Sequence[Label] | Sequence[float]
    # One column for each class in the schema's order; None if the estimator gives no probabilities.
    probabilities: np.ndarray | None = None
    # Grows with the belief in the positive class; None unless the problem is binary.
    scores: np.ndarray | None = None


def predict(estimator: Any, schema: Schema, X: pd.DataFrame) -> Predictions:
    """Return the predictions of the rows of X. Raises UserError where they are none of the label."""
    predicted = np.ravel(np.asarray(estimator.predict(X)))
    if len(predicted) != len(X):
        raise UserError(f"predict() of the model returned {len(predicted)} values for {len(X)} rows")
    if not schema.classes:
        return Predictions(_numbers(predicted))
    labels = _labels(predicted, schema.classes)
    probabilities = _probabilities(estimator, schema, X)
    if schema.positive_label is None:
        return Predictions(labels, probabilities)
    if probabilities is not None:
        scores = probabilities[:, schema.classes.index(schema.positive_label)]
    elif hasattr(estimator, "decision_function"):
        scores = _margin(estimator, schema, X)
    else:
        scores = np.asarray([float(label == schema.positive_label) for label in labels])
    return Predictions(labels, probabilities, scores)


def _numbers(predicted: np.ndarray) -> list[float]:
    if not np.issubdtype(predicted.dtype, np.number):
        raise UserError(f"predict() of the model returned {predicted.dtype} values: regression needs numbers")
    numbers = predicted.astype(float)
    if not np.isfinite(numbers).all():
        raise UserError("predict() of the model returned values that are not finite numbers")
    return numbers.tolist()


def _labels(predicted: np.ndarray, classes: Sequence[Label]) -> list[Label]:
    """Return the predicted classes as the label's own values: an estimator may say 1.0 for 1."""
    known = {label: label for label in classes}
    values = predicted.tolist()
    strange = [value for value in values if value not in known]
    if strange:
        raise UserError(
            f"predict() of the model returned {strange[0]!r}, which is no class of the label ({_listed(classes)})"
        )
    return [known[value] for value in values]


def _probabilities(estimator: Any, schema: Schema, X: pd.DataFrame) -> np.ndarray | None:
    if not hasattr(estimator, "predict_proba"):
        return None
    probabilities = np.asarray(estimator.predict_proba(X), dtype=float)
    order = _class_order(estimator, schema)
    if probabilities.shape != (len(X), len(order)):
        raise UserError(
            f"predict_proba() of the model returned an array of shape {probabilities.shape} for {len(X)} rows "
            f"and {len(order)} classes"
        )
    return probabilities[:, order]


def _class_order(estimator: Any, schema: Schema) -> list[int]:
    """Return where each class of the schema stands in the estimator's own order, sorted if it keeps none."""
    classes = np.asarray(getattr(estimator, "classes_", schema.classes)).tolist()
    if len(classes) != len(schema.classes) or not all(label in classes for label in schema.classes):
        raise UserError(f"the model knows the classes {_listed(classes)}; the label has {_listed(schema.classes)}")
    return [classes.index(label) for label in schema.classes]


def _margin(estimator: Any, schema: Schema, X: pd.DataFrame) -> np.ndarray:
    """Return the decision values: scikit-learn's grow with the belief in the second of the estimator's classes."""
    margin = np.ravel(np.asarray(estimator.decision_function(X), dtype=float))
    second = np.asarray(getattr(estimator, "classes_", schema.classes)).tolist()[-1]
    return margin if schema.positive_label == second else -margin


def _listed(labels: Sequence[object]) -> str:
    return ", ".join(map(str, labels))
