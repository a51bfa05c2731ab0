"""Statistics beside those of pandas and SciPy, on columns that break statistics."""

import json
import math
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.stats

from sagewright.runtime.jobs import statistics
from sagewright.runtime.jobs.drift import distance
from sagewright.runtime.jobs.profiles import TableProfile
from tests.runtime.jobs import adversarial
from tests.runtime.jobs.adversarial import NUMBERS, ROWS, TEXTS
from tests.runtime.jobs.monitor_files import is_documented, profile_of

LARGEST = float(np.finfo(float).max)
HAS_VALUES = [name for name in NUMBERS if name != "all missing"]


@cache
def profile(seed: int) -> TableProfile:
    return profile_of(adversarial.frame(seed))


@cache
def features() -> dict[str, dict[str, Any]]:
    document = statistics.document(profile(1))
    is_documented("statistics", document)
    return {feature["name"]: feature for feature in document["features"]}


@pytest.mark.parametrize("name", NUMBERS)
def test_numbers_present_and_missing_add_up_to_the_rows(name: str) -> None:
    common = features()[name]["numerical_statistics"]["common"]
    assert common["num_present"] == len(adversarial.finite(name, 1))
    assert common["num_present"] + common["num_missing"] == ROWS


@pytest.mark.parametrize("name", HAS_VALUES)
def test_mean_deviation_and_range_are_those_of_pandas(name: str) -> None:
    found, values = features()[name]["numerical_statistics"], adversarial.finite(name, 1)
    scale = float(values.abs().max())
    # On scaled values, because the sum of some columns is too large for a float.
    assert found["mean"] == pytest.approx(math.fsum(values / scale) / len(values) * scale, abs=1e-9 * scale)
    assert found["std_dev"] == pytest.approx((values / scale).std(ddof=0) * scale, abs=1e-9 * scale)
    assert (found["min"], found["max"]) == (values.min(), values.max())
    total = math.fsum(values / scale) * scale
    assert found["sum"] == pytest.approx(np.clip(total, -LARGEST, LARGEST), abs=1e-9 * min(scale * ROWS, LARGEST))


def test_a_constant_does_not_deviate() -> None:
    found = features()["constant"]["numerical_statistics"]
    assert (found["mean"], found["std_dev"]) == (0.1, 0.0)


def test_small_deviations_far_from_zero_are_seen() -> None:
    values = adversarial.finite("far from zero", 1)
    assert features()["far from zero"]["numerical_statistics"]["std_dev"] == pytest.approx(values.std(ddof=0), rel=1e-6)


def test_a_column_without_values_has_no_distribution() -> None:
    common = {"num_present": 0, "num_missing": ROWS}
    assert features()["all missing"]["numerical_statistics"] == {"common": common}


@pytest.mark.parametrize("name", HAS_VALUES)
def test_buckets_hold_the_rows_of_ten_equal_parts(name: str) -> None:
    kll, values = features()[name]["numerical_statistics"]["distribution"]["kll"], adversarial.finite(name, 1)
    bounds = [bucket["lower_bound"] for bucket in kll["buckets"]] + [kll["buckets"][-1]["upper_bound"]]
    assert (bounds[0], bounds[-1]) == (values.min(), values.max())
    inner = np.searchsorted(np.sort(values), bounds[1:-1], side="left")
    ends = np.cumsum([bucket["count"] for bucket in kll["buckets"]])
    assert ends[-1] == len(values)
    assert np.max(np.abs(ends[:-1] - inner), initial=0) <= 0.001 * len(values)
    assert sum(len(level) << weight for weight, level in enumerate(kll["sketch"]["data"])) == len(values)


@pytest.mark.parametrize("name", TEXTS)
def test_texts_are_counted_as_pandas_counts_them(name: str) -> None:
    found, values = features()[name]["string_statistics"], adversarial.texts(name, 1)
    assert found["common"] == {"num_present": len(values), "num_missing": ROWS - len(values)}
    counts = values.value_counts()
    listed = {bucket["value"]: bucket["count"] for bucket in found["distribution"]["categorical"]["buckets"]}
    if name == "identifiers":
        # More than fit, and none is frequent: their number is known within three standard errors of 1.6 %.
        assert listed == {}
        assert found["distinct_count"] == pytest.approx(len(counts), rel=0.048)
        return
    assert all(counts[text] == count for text, count in listed.items())
    assert found["distinct_count"] == len(listed) == len(counts)


@pytest.mark.parametrize("stored", [False, True])
@pytest.mark.parametrize("name", HAS_VALUES)
def test_the_distance_of_numbers_is_that_of_scipy(name: str, *, stored: bool) -> None:
    baseline = statistics.read(statistics.document(profile(1))) if stored else profile(1)
    expected = scipy.stats.ks_2samp(adversarial.finite(name, 1), adversarial.finite(name, 2)).statistic
    found = distance(baseline.columns[name], profile(2).columns[name], robust=False)
    # Each sketch may be off by 0.025 % of its rows, the one from a file by 0.085 %.
    assert found == pytest.approx(expected, abs=0.0011 if stored else 0.0005)


@pytest.mark.parametrize("stored", [False, True])
@pytest.mark.parametrize("name", [name for name in TEXTS if name != "no text"])
def test_the_distance_of_texts_is_the_largest_difference_of_their_shares(name: str, *, stored: bool) -> None:
    baseline = statistics.read(statistics.document(profile(1))) if stored else profile(1)
    first, second = (adversarial.texts(name, seed).value_counts(normalize=True) for seed in (1, 2))
    expected = max(abs(first.get(text, 0.0) - second.get(text, 0.0)) for text in {*first.index, *second.index})
    found = distance(baseline.columns[name], profile(2).columns[name], robust=False)
    assert found == pytest.approx(expected, abs=0.001 if stored else 0.00002)


def test_what_is_read_again_is_what_was_written(tmp_path: Path) -> None:
    document = statistics.document(profile(1))
    statistics.write_json(tmp_path / statistics.FILE, document)
    again = statistics.read(json.loads((tmp_path / statistics.FILE).read_text(encoding="utf-8")))
    assert again.rows == ROWS
    for name, column in again.columns.items():
        known = profile(1).columns[name]
        assert (type(column), column.present, column.missing) == (type(known), known.present, known.missing)


def test_the_batches_do_not_change_the_statistics() -> None:
    small = statistics.document(profile_of(adversarial.frame(1).head(5000), batch_rows=7))
    large = statistics.document(profile_of(adversarial.frame(1).head(5000)))
    for one, other in zip(small["features"], large["features"], strict=True):
        kind = "string_statistics" if one["inferred_type"] == "String" else "numerical_statistics"
        means = [feature[kind].pop("mean", 0.0) for feature in (one, other)]
        deviations = [feature[kind].pop("std_dev", 0.0) for feature in (one, other)]
        sums = [feature[kind].pop("sum", 0.0) for feature in (one, other)]
        scale = max(abs(one[kind].get("min", 0.0)), abs(one[kind].get("max", 0.0)))
        assert one == other
        assert means[0] == pytest.approx(means[1], abs=1e-9 * scale)
        assert deviations[0] == pytest.approx(deviations[1], abs=1e-9 * scale)
        assert sums[0] == pytest.approx(sums[1], rel=1e-9, abs=1e-9 * scale)


def test_a_table_without_rows_has_statistics_of_the_documented_form() -> None:
    document = statistics.document(profile_of(adversarial.frame(1).head(0)))
    is_documented("statistics", document)
    assert document["dataset"]["item_count"] == 0
