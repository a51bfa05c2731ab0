"""Counts of texts are exact while they fit, and then off by no more than is said."""

from collections import Counter

import numpy as np
import pytest

from sagewright.runtime.jobs.value_counts import CAPACITY, ValueCounts


def test_counts_are_exact_while_they_fit() -> None:
    counts = ValueCounts()
    counts.add({"a": 2, "b": 1})
    counts.add({"b": 3, "ü": 1})
    assert counts.counts == {"a": 2, "b": 4, "ü": 1}
    assert (counts.count, counts.distinct, counts.undercount, counts.is_exact) == (7, 3, 0, True)
    assert counts.most_common(2) == [("b", 4), ("a", 2)]


def test_equally_frequent_texts_come_in_the_order_of_the_alphabet() -> None:
    counts = ValueCounts()
    counts.add({"c": 1, "a": 1, "b": 1})
    assert counts.most_common(2) == [("a", 1), ("b", 1)]


def test_of_a_million_texts_the_frequent_ones_stay_within_the_stated_error() -> None:
    random = np.random.default_rng(3)
    rows = np.concatenate([np.arange(1_000_000), random.integers(0, 20, 200_000)])
    random.shuffle(rows)
    counts, true = ValueCounts(), Counter(rows.tolist())
    for start in range(0, rows.size, 65_536):
        counts.add(Counter(map(str, rows[start : start + 65_536].tolist())))
    assert counts.count == rows.size
    assert 0 < counts.undercount <= rows.size / CAPACITY
    assert len(counts.counts) <= 2 * CAPACITY
    for value in range(20):
        assert true[value] - counts.undercount <= counts.counts[str(value)] <= true[value]
    # Three standard errors of the estimate.
    assert counts.distinct == pytest.approx(1_000_000, rel=3 * 0.0157)


def test_a_lone_surrogate_is_a_text_as_any_other() -> None:
    counts = ValueCounts()
    for start in range(0, 3 * CAPACITY, CAPACITY):
        counts.add(dict.fromkeys((f"\ud800{number}" for number in range(start, start + CAPACITY)), 1))
    assert counts.distinct == pytest.approx(3 * CAPACITY, rel=3 * 0.0157)
