"""The functions on the real table; the same promises hold for your own once you replace them."""

from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from sklearn.metrics import average_precision_score

from churn.evaluation import evaluate
from churn.features import features
from churn.model import fit

DATA = Path(__file__).parent.parent / "data" / "churn.csv"
LABEL = "churn"


@pytest.fixture(scope="module")
def table() -> pd.DataFrame:
    return pd.read_csv(DATA)


@pytest.fixture(scope="module")
def split(table: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    test = table.groupby(LABEL).sample(frac=0.2, random_state=0)
    return table.drop(index=test.index), test


@pytest.fixture(scope="module")
def model(split: tuple[pd.DataFrame, pd.DataFrame]) -> Any:
    train = split[0]
    return fit(features(train.drop(columns=LABEL)), train[LABEL], {})


def test_a_row_has_the_same_features_alone_and_in_the_table(table: pd.DataFrame) -> None:
    # The gaps in total_charges are in the last rows that are asked for.
    raw = pd.concat([table.head(20), table[table["total_charges"].isna()]]).drop(columns=LABEL)
    whole = features(raw)
    alone = pd.concat([features(raw.iloc[[row]]) for row in range(len(raw))])
    pd.testing.assert_frame_equal(alone, whole)


def test_features_leave_their_input_as_it_is(table: pd.DataFrame) -> None:
    raw = table.drop(columns=LABEL)
    before = raw.copy()
    features(raw)
    pd.testing.assert_frame_equal(raw, before)


def test_the_model_ranks_far_better_than_the_share_of_leavers(
    model: Any, split: tuple[pd.DataFrame, pd.DataFrame]
) -> None:
    test = split[1]
    leaving = model.predict_proba(features(test.drop(columns=LABEL)))[:, 1]
    left: Any = test[LABEL] == "Yes"
    assert average_precision_score(left, leaving) > 2 * left.mean()


def test_most_leavers_are_recognised_although_they_are_few(
    model: Any, split: tuple[pd.DataFrame, pd.DataFrame]
) -> None:
    leavers = split[1].query(f"{LABEL} == 'Yes'")
    assert (model.predict(features(leavers.drop(columns=LABEL))) == "Yes").mean() > 0.7


def test_a_contract_and_a_payment_method_never_seen_before_are_answered(
    model: Any, split: tuple[pd.DataFrame, pd.DataFrame]
) -> None:
    raw = split[1].drop(columns=LABEL).head(1).assign(contract="Lifetime", payment_method="Barter")
    assert model.predict(features(raw))[0] in ("Yes", "No")


def test_hyperparameters_reach_the_trees(split: tuple[pd.DataFrame, pd.DataFrame]) -> None:
    train = split[0].head(600)
    fitted = fit(features(train.drop(columns=LABEL)), train[LABEL], {"max_iter": 3})
    assert fitted.estimator_[-1].n_iter_ == 3


def test_a_campaign_reaches_more_leavers_than_by_chance(model: Any, split: tuple[pd.DataFrame, pd.DataFrame]) -> None:
    test = split[1]
    numbers = evaluate(model, features(test.drop(columns=LABEL)), test[LABEL])
    assert numbers["leavers_among_called"] > 2 * (test[LABEL] == "Yes").mean()
    assert 0.1 < numbers["leavers_reached"] < 1
