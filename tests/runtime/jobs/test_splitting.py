"""The split holds out the asked share, each class on both sides, and always the same rows."""

import numpy as np
import pandas as pd
import pytest

from sagewright.runtime.jobs.splitting import check_classes, held_out, newest
from sagewright.runtime.serving.errors import UserError


def test_the_same_labels_are_split_the_same_way() -> None:
    y = pd.Series(["a", "b"] * 50)
    assert (held_out(y, "stratified", 0.2) == held_out(y, "stratified", 0.2)).all()


def test_each_class_gives_its_share() -> None:
    y = pd.Series(["rare"] * 10 + ["common"] * 90)
    mask = held_out(y, "stratified", 0.2)
    assert y[mask].value_counts().to_dict() == {"common": 18, "rare": 2}


@pytest.mark.parametrize("fraction", [0.01, 0.2, 0.99])
def test_a_class_of_two_rows_is_on_both_sides(fraction: float) -> None:
    y = pd.Series([1] * 2 + [0] * 30)
    mask = held_out(y, "stratified", fraction)
    assert y[mask].nunique() == y[~mask].nunique() == 2
    check_classes(y, mask)


def test_a_random_split_takes_the_share_of_all_rows() -> None:
    assert held_out(pd.Series(np.arange(50.0)), "random", 0.3).sum() == 15


def test_a_class_missing_on_one_side_is_refused() -> None:
    y = pd.Series(["a", "a", "b", "b"])
    with pytest.raises(UserError, match="class 'b' has no row in the test split"):
        check_classes(y, np.array([True, True, False, False]))


def test_the_newest_rows_are_held_out() -> None:
    times = np.array([5, 1, 4, 2, 3, 9, 8, 7, 6, 0])
    assert np.flatnonzero(newest(times, 0.2)).tolist() == [5, 6]


@pytest.mark.parametrize(
    ("times", "fraction", "held"),
    [
        ([1, 1, 1, 2, 2, 3], 0.2, 1),
        ([1, 2, 2, 2, 2, 3], 0.5, 5),
        ([1, 1, 1, 1, 2, 2], 0.1, 2),
        ([1, 2, 2, 2, 2, 2], 0.1, 5),
        ([1, 1, 1, 1, 1, 2], 0.9, 1),
    ],
)
def test_rows_of_one_time_stay_together_on_the_side_that_comes_nearer(
    times: list[int], fraction: float, held: int
) -> None:
    mask = newest(np.array(times), fraction)
    assert mask.sum() == held
    assert max(np.array(times)[~mask]) < min(np.array(times)[mask])


def test_rows_that_are_all_of_one_time_cannot_be_split_by_it() -> None:
    with pytest.raises(UserError, match=r"data\.event_time is the same in every row with a label"):
        newest(np.array([7, 7, 7]), 0.5)
