"""The four functions of the image, for what no real model does by itself."""

import json
from functools import partial
from typing import Any

import flask
import numpy as np
import pandas as pd
import pytest

from sagewright.runtime.serving.columns import Column
from sagewright.runtime.serving.errors import UserError
from sagewright.runtime.serving.handlers import Answer, Served, input_fn, output_fn, predict_fn
from sagewright.runtime.serving.schema import Feature, Schema

COLUMNS = (Column("age", "integer", nullable=False),)
SCHEMA = Schema("p", "binary_classification", "left", None, COLUMNS, (Feature("age", "int64"),), ("No", "Yes"), "Yes")


class Estimator:
    """A classifier that answers what a test puts into it."""

    def __init__(self, predicted: list[Any], likely: list[list[float]] | None = None, classes: Any = None) -> None:
        self.predicted = predicted
        self.classes_ = classes or ["No", "Yes"]
        if likely is not None:
            self.predict_proba = partial(head, likely)

    def predict(self, rows: pd.DataFrame) -> np.ndarray:
        return head(self.predicted, rows)


def head(answers: list[Any], rows: pd.DataFrame) -> np.ndarray:
    return np.array(answers)[: len(rows)]


def renamed(raw: pd.DataFrame) -> pd.DataFrame:
    return raw.rename(columns={"age": "age_30"})


def written(given: Any, accept: str) -> tuple[str, str]:
    result = output_fn(given, accept)
    assert isinstance(result, tuple)
    return result


def answer(estimator: Estimator, schema: Schema = SCHEMA, features: Any = None) -> Any:
    return predict_fn(input_fn("30\n40\n", "text/csv"), Served(estimator, schema, features))


def test_probabilities_follow_the_schemas_order_of_classes() -> None:
    given = answer(Estimator(["No", "Yes"], [[0.1, 0.9], [0.8, 0.2]], classes=["Yes", "No"]))
    assert isinstance(given, Answer)
    body, _ = written(given, "application/json")
    assert json.loads(body)["predictions"] == [
        {"label": "No", "probabilities": {"No": 0.9, "Yes": 0.1}},
        {"label": "Yes", "probabilities": {"No": 0.2, "Yes": 0.8}},
    ]


@pytest.mark.parametrize(
    ("estimator", "said"),
    [
        (Estimator(["No"]), "1 values for 2 rows"),
        (Estimator(["No", "Maybe"]), "'Maybe', which is no class of the label"),
        (Estimator(["No", "Yes"], [[0.1, 0.9], [0.8, 0.2]], classes=["No", "Maybe"]), "knows the classes No, Maybe"),
        (Estimator(["No", "Yes"], [[0.1], [0.8]]), "shape"),
    ],
)
def test_a_model_that_does_not_predict_this_label_fails_loudly(estimator: Estimator, said: str) -> None:
    with pytest.raises(UserError, match=said):
        answer(estimator)


def test_features_that_change_with_the_request_fail_loudly() -> None:
    with pytest.raises(UserError, match=r"without \['age'\], with \['age_30'\] beyond"):
        answer(Estimator(["No", "No"]), features=renamed)


def test_a_probability_that_is_no_number_is_not_sent() -> None:
    with pytest.raises(ValueError, match="Out of range float values"):
        output_fn(answer(Estimator(["No", "No"], [[np.nan, 1], [0, 1]])), "application/json")


@pytest.mark.parametrize(
    ("accept", "kind"),
    [
        ("text/csv", "text/csv"),
        ("application/json; charset=utf-8", "application/json"),
        ("text/html, application/json;q=0.5", "application/json"),
        ("*/*", "text/csv"),
        ("", "text/csv"),
        ("text/*", "text/csv"),
    ],
)
def test_the_answer_has_the_form_that_is_accepted_or_else_the_requests(accept: str, kind: str) -> None:
    _, mimetype = written(answer(Estimator(["No", "Yes"])), accept)
    assert mimetype == kind


@pytest.mark.parametrize(("headers", "kind"), [({}, "text/csv"), ({"Accept": "application/json"}, "application/json")])
def test_the_images_default_of_json_is_not_taken_for_a_wish(headers: dict[str, str], kind: str) -> None:
    # Without Accept the image passes application/json on.
    with flask.Flask("image").test_request_context("/invocations", headers=headers):
        _, mimetype = written(answer(Estimator(["No", "Yes"])), "application/json")
    assert mimetype == kind


def test_a_form_that_we_do_not_write_is_refused() -> None:
    response = output_fn(answer(Estimator(["No", "Yes"])), "application/x-npy")
    assert isinstance(response, flask.Response)
    assert response.status_code == 406
