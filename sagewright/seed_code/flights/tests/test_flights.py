"""The functions on a made-up table; the same promises hold for your own once you replace them."""

from typing import Any

import pandas as pd
import pytest
from sklearn.metrics import average_precision_score

from flights.evaluation import evaluate
from flights.features import features
from flights.model import fit

LABEL = "late"
BESIDE = ["departure", LABEL]


@pytest.fixture(scope="module")
def split(joined: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    rows = joined.sort_values("scheduled_at")
    learnt = round(len(rows) * 0.8)
    return rows[:learnt], rows[learnt:]


@pytest.fixture(scope="module")
def model(split: tuple[pd.DataFrame, pd.DataFrame]) -> Any:
    train = split[0]
    return fit(features(train.drop(columns=BESIDE)), train[LABEL], {"max_iter": 30})


def test_a_row_has_the_same_features_alone_and_in_the_table(joined: pd.DataFrame) -> None:
    raw = joined.drop(columns=BESIDE).tail(20)
    alone = pd.concat([features(raw.iloc[[row]]) for row in range(len(raw))])
    pd.testing.assert_frame_equal(alone, features(raw))


def test_features_leave_their_input_as_it_is(joined: pd.DataFrame) -> None:
    raw = joined.drop(columns=BESIDE)
    before = raw.copy()
    features(raw)
    pd.testing.assert_frame_equal(raw, before)


def test_a_request_without_its_time_has_the_same_features(joined: pd.DataFrame) -> None:
    raw = joined.drop(columns=BESIDE)
    pd.testing.assert_frame_equal(features(raw.drop(columns="scheduled_at")), features(raw))


def test_the_model_ranks_far_better_than_the_share_of_late_flights(
    model: Any, split: tuple[pd.DataFrame, pd.DataFrame]
) -> None:
    test = split[1]
    risk = model.predict_proba(features(test.drop(columns=BESIDE)))[:, 1]
    late: Any = test[LABEL] == "Yes"
    assert average_precision_score(late, risk) > 2 * late.mean()


def test_an_airline_and_an_aircraft_never_seen_before_are_answered(
    model: Any, split: tuple[pd.DataFrame, pd.DataFrame]
) -> None:
    raw = split[1].drop(columns=BESIDE).head(1).assign(carrier="XX", manufacturer=None, built=float("nan"))
    assert model.predict(features(raw))[0] in ("Yes", "No")


def test_hyperparameters_reach_the_trees(split: tuple[pd.DataFrame, pd.DataFrame]) -> None:
    train = split[0]
    fitted = fit(features(train.drop(columns=BESIDE)), train[LABEL], {"max_iter": 3})
    assert fitted.estimator_[-1].n_iter_ == 3


def test_warned_passengers_are_late_more_often_than_by_chance(
    model: Any, split: tuple[pd.DataFrame, pd.DataFrame]
) -> None:
    test = split[1]
    numbers = evaluate(model, features(test.drop(columns=BESIDE)), test[LABEL])
    assert numbers["late_among_warned"] > 2 * (test[LABEL] == "Yes").mean()
    assert 0.1 < numbers["late_reached"] < 1
