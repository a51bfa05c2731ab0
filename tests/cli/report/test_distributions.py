"""Distributions, read from statistics in Model Monitor's form."""

from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from sagewright.cli.report.chart import NOTHING
from sagewright.cli.report.distributions import BINS, Spread, changed, chart
from sagewright.runtime.jobs import statistics
from sagewright.runtime.jobs.profiles import TableProfile


def numeric(levels: list[list[float]], kind: str = "Fractional", **more: Any) -> dict[str, Any]:
    present = sum(len(level) << i for i, level in enumerate(levels))
    measured: dict[str, Any] = {
        "common": {"num_present": present, "num_missing": 0},
        "mean": 1.0,
        "distribution": {"kll": {"buckets": [], "sketch": {"parameters": {}, "data": levels}}},
    }
    return {"name": "length", "inferred_type": kind, "numerical_statistics": measured | more}


def bucketed(*buckets: tuple[float, float, float]) -> dict[str, Any]:
    made = numeric([])
    listed = [{"lower_bound": low, "upper_bound": high, "count": count} for low, high, count in buckets]
    made["numerical_statistics"]["distribution"]["kll"] = {"buckets": listed}
    return made


def categorical(counts: dict[str, int], missing: int = 0) -> dict[str, Any]:
    buckets = [{"value": value, "count": count} for value, count in counts.items()]
    common = {"num_present": sum(counts.values()), "num_missing": missing}
    return {
        "name": "colour",
        "inferred_type": "String",
        "string_statistics": {"common": common, "distribution": {"categorical": {"buckets": buckets}}},
    }


def shares(feature: dict[str, Any], other: dict[str, Any]) -> tuple[list[float], list[float]]:
    """The two sides of the table beside the picture."""
    made = chart(feature, other, "")
    assert made is not None
    columns = [[float(row[side].removesuffix("%")) / 100 for row in made.table.rows] for side in (1, 2)]
    return columns[0], columns[1]


def profiled(**columns: list[Any]) -> dict[str, dict[str, Any]]:
    """The features of a table, by their names, as the baseline and the monitor write them."""
    batch = pa.record_batch(columns)
    table = TableProfile.of_schema(batch.schema)
    table.add(batch)
    return {each["name"]: each for each in statistics.document(table)["features"]}


def test_what_our_own_jobs_write_is_shown_as_it_is() -> None:
    lengths = np.random.default_rng(1).gamma(2, 30, 100_000)
    then = profiled(length=lengths.tolist(), colour=["red"] * 60_000 + ["green"] * 30_000 + [None] * 10_000)
    now = profiled(length=(lengths * 2).tolist(), colour=["red"] * 20_000 + ["green"] * 80_000)
    assert changed(then["colour"], now["colour"]) == "“red” 66.7% → 20.0%, missing 10.0% → 0.0%"
    assert shares(then["colour"], now["colour"]) == (pytest.approx([0.667, 0.333]), pytest.approx([0.2, 0.8]))
    made = chart(then["length"], now["length"], "")
    assert made is not None
    traces: Any = made.figure.data
    for trace, values in zip(traces, (lengths, lengths * 2), strict=True):
        edges = np.asarray([*trace.x[::2], trace.x[-1]])
        expected = np.histogram(values.clip(edges[0], edges[-1]), bins=edges)[0] / len(values)
        # The file keeps each rank within a thousandth of the rows.
        assert np.asarray(trace.y[::2]) == pytest.approx(expected, abs=0.003)


def test_a_value_of_level_i_stands_for_two_to_the_i_rows() -> None:
    spread = Spread.of(numeric([[1.0, 2.0], [3.0], [4.0]]))
    assert spread is not None
    assert spread.share_below(np.array([0, 1, 2.5, 3, 9])).tolist() == pytest.approx([0, 1 / 8, 2 / 8, 4 / 8, 1])


def test_without_a_sketch_the_buckets_are_read() -> None:
    spread = Spread.of(bucketed((0, 10, 30), (10, 20, 10)))
    assert spread is not None
    assert spread.share_below(np.array([-1, 5, 10, 20])).tolist() == pytest.approx([0, 0.375, 0.75, 1])


@pytest.mark.parametrize(
    "values",
    [[7.0] * 9, [0.0, 1e300], [-1e308, 1e308], [0.001, 0.002], [*map(float, range(2000))], [0.0] * 999 + [1e12]],
    ids=["constant", "huge", "whole range", "tiny", "many", "outlier"],
)
def test_both_sides_always_hold_all_rows(values: list[float]) -> None:
    then, now = shares(numeric([values]), numeric([[5.0, 6.0]]))
    # The table writes tenths of a percent.
    assert sum(then) == pytest.approx(1, abs=0.001 * BINS)
    assert sum(now) == pytest.approx(1, abs=0.001 * BINS)


def test_few_whole_numbers_get_a_bar_each() -> None:
    then, now = shares(numeric([[1.0, 1.0, 2.0, 4.0]], "Integral"), numeric([[4.0, 4.0]], "Integral"))
    assert then == [0.5, 0.25, 0, 0.25]
    assert now == [0, 0, 0, 1]


def test_the_commonest_categories_of_either_side_are_shown_and_the_rest_together() -> None:
    rare = {f"c{i:03d}": 1 for i in range(100)}
    made = chart(categorical({"a": 60, "b": 40}), categorical({"b": 100, **rare}), "")
    assert made is not None
    assert [row[0] for row in made.table.rows[:2]] == ["a", "b"]
    assert made.table.rows[-1][0] == "92 others"
    assert made.table.rows[-1][2] == "46.0%"


@pytest.mark.parametrize(
    ("then", "now"),
    [
        (numeric([]), numeric([[1.0]])),
        (categorical({}), categorical({"a": 1})),
        (numeric([[1.0]]), categorical({"a": 1})),
        ({"name": "x", "inferred_type": "Unknown"}, categorical({"a": 1})),
    ],
    ids=["no numbers", "no texts", "another type", "unknown"],
)
def test_where_there_is_nothing_to_compare_there_is_no_picture(then: dict[str, Any], now: dict[str, Any]) -> None:
    assert chart(then, now, "") is None
    assert isinstance(changed(then, now), str)


def test_what_changed_is_said_in_a_few_words() -> None:
    assert changed(numeric([[1.0]], mean=64.82), numeric([[1.0]], mean=129.14)) == "mean 64.8 → 129.1"
    told = changed(categorical({"red": 60, "green": 40}), categorical({"red": 20, "green": 60}, missing=20))
    assert told == "“red” 60.0% → 25.0%, missing 0.0% → 20.0%"
    assert changed(numeric([[1.0]]), categorical({"a": 1})) == "Fractional → String"
    assert changed(numeric([[1.0]], mean=None), numeric([[1.0]])) == f"mean {NOTHING} → 1.0000"
