"""The split holds out the asked share, each class on both sides, and always the same rows."""

import numpy as np
import pandas as pd
import pytest

from sagewright.runtime.jobs.splitting import check_classes, held_out
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
