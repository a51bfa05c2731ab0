"""Ranks are off by no more than the sketch says, and it says little."""

from collections.abc import Callable

import numpy as np
import pytest

from sagewright.runtime.jobs.quantile_sketch import K, QuantileSketch

ROWS = 1_200_000
ORDERS: dict[str, Callable[[np.random.Generator], np.ndarray]] = {
    "shuffled": lambda random: random.normal(size=ROWS),
    "ascending": lambda random: np.sort(random.normal(size=ROWS)),
    "descending": lambda random: -np.sort(random.normal(size=ROWS)),
    "few values": lambda random: random.integers(0, 5, ROWS).astype(float),
    "heavy tail": lambda random: random.standard_cauchy(ROWS) * 1e300,
    "one value among zeros": lambda random: (random.random(ROWS) < 1e-5).astype(float),
}


def sketch_of(values: np.ndarray, batch: int = 65_536) -> QuantileSketch:
    sketch = QuantileSketch()
    for start in range(0, values.size, batch):
        sketch.add(values[start : start + batch])
    return sketch


def worst(sketch: QuantileSketch, values: np.ndarray) -> float:
    """Return the largest error of any rank, in rows: ranks change nowhere else than at the values."""
    ordered = np.sort(values)
    points = np.unique(ordered)
    true = np.searchsorted(ordered, points, side="right")
    return float(np.max(np.abs(sketch.ranks(points) - true)))


@pytest.mark.parametrize("order", ORDERS)
def test_no_rank_is_off_by_more_than_the_stated_error(order: str) -> None:
    values = ORDERS[order](np.random.default_rng(7))
    for sketch in (sketch_of(values), sketch_of(values, 10_007)):
        assert sketch.count == ROWS
        assert worst(sketch, values) <= sketch.rank_error <= 0.00025 * ROWS
        stored = QuantileSketch.of_levels(sketch.stored().levels())
        assert stored.count == ROWS
        assert worst(stored, values) <= sketch.stored().rank_error <= 0.00085 * ROWS


def test_few_values_are_kept_as_they_are() -> None:
    values = np.random.default_rng(7).normal(size=K)
    sketch = sketch_of(values)
    assert sketch.rank_error == sketch.stored().rank_error == 0
    assert sketch.stored().levels() == [np.sort(values).tolist()]


def test_the_stored_form_stays_small() -> None:
    levels = sketch_of(np.arange(3_000_000.0)).stored().levels()
    assert sum(map(len, levels)) < 2 * K


def test_what_it_keeps_stays_small() -> None:
    sketch = sketch_of(np.arange(5_000_000.0))
    assert sketch.weighted()[0].size < 3 * 65_536


def test_an_empty_one_has_no_levels_and_no_ranks() -> None:
    sketch = QuantileSketch.of_levels([])
    assert sketch.stored().levels() == []
    assert sketch.ranks(np.array([1.0])).tolist() == [0]
