"""What has changed is found and named, and what has not is left alone."""

from collections import Counter
from typing import Any

import numpy as np
import pandas as pd
import pytest
import scipy.stats

from sagewright.runtime.jobs import constraints, drift
from sagewright.runtime.jobs.drift import Finding, Window
from sagewright.runtime.jobs.profiles import Texts
from tests.runtime.jobs.monitor_files import profile_of

ROWS = 5000


def people(random: np.random.Generator, rows: int) -> pd.DataFrame:
    """Draw from a population that stays as it is."""
    return pd.DataFrame(
        {
            "income": random.lognormal(8, 0.6, rows),
            "children": random.poisson(1.2, rows),
            "left": np.where(random.random(rows) < 0.15, np.nan, random.normal(size=rows)),
            "plan": random.choice(["monthly", "yearly", "free"], rows, p=[0.55, 0.35, 0.1]),
            "street": random.zipf(1.4, rows).astype(str),
            "paperless": random.random(rows) < 0.6,
        }
    )


BASELINE = people(np.random.default_rng(0), ROWS)


def findings(frame: pd.DataFrame, wanted: dict[str, Any] | None = None, **window: Any) -> list[Finding]:
    baseline = profile_of(BASELINE)
    return drift.find(baseline, wanted or constraints.suggest(baseline), Window(profile_of(frame), **window))


def checks(frame: pd.DataFrame, **window: Any) -> dict[str, list[str]]:
    """Return the names of the checks that each column does not pass, without those that pass all."""
    found = findings(frame, **window)
    return {finding.column: [one.check for one in finding.violations] for finding in found if finding.violations}


def sample(rows: int = 1000, seed: int = 1) -> pd.DataFrame:
    return people(np.random.default_rng(seed), rows)


@pytest.mark.parametrize("rows", [1, 10, 100, 1000])
def test_fifty_samples_of_the_same_population_violate_nothing(rows: int) -> None:
    baseline = profile_of(BASELINE)
    wanted = constraints.suggest(baseline)
    for seed in range(50):
        window = Window(profile_of(sample(rows, seed + 100)))
        assert [finding.column for finding in drift.find(baseline, wanted, window) if finding.violations] == []


@pytest.mark.parametrize("column", ["income", "left"])
def test_a_number_that_is_scaled_is_named_and_no_other(column: str) -> None:
    frame = sample()
    frame[column] = frame[column] * 2 + 1
    assert checks(frame) == {column: ["baseline_drift_check"]}


def test_two_texts_that_are_swapped_are_named_and_no_other() -> None:
    frame = sample()
    frame["plan"] = frame["plan"].replace({"monthly": "free", "free": "monthly"})
    assert checks(frame) == {"plan": ["baseline_drift_check"]}


def test_a_window_without_rows_has_no_violation_and_no_distance() -> None:
    found = findings(sample().head(0), named={})
    assert [finding.document()["drifted"] for finding in found] == [False] * 6
    assert {finding.distance for finding in found} == {None}


def test_texts_that_the_baseline_does_not_have_are_found() -> None:
    frame = sample()
    frame["plan"] = frame["plan"].replace({"free": "trial"})
    assert checks(frame) == {"plan": ["categorical_values_check"]}


def test_a_column_that_is_often_missing_is_found() -> None:
    frame = sample()
    frame["income"] = frame["income"].where(np.arange(len(frame)) % 5 != 0)
    assert checks(frame) == {"income": ["completeness_check"]}


def test_values_of_another_type_are_found() -> None:
    assert checks(sample(), mismatched={"children": 200}) == {"children": ["data_type_check"]}
    assert checks(sample(), mismatched={"children": 20}) == {}


def test_a_column_that_no_row_names_is_missing() -> None:
    named = dict.fromkeys(BASELINE.columns, 1000) | {"income": 0}
    frame = sample().assign(income=np.nan)
    assert checks(frame, named=named) == {"income": ["missing_column_check"]}
    assert checks(sample().drop(columns="income")) == {"income": ["missing_column_check"]}


def test_a_column_that_the_baseline_does_not_have_is_named() -> None:
    assert checks(sample().assign(height=1.8)) == {"height": ["extra_column_check"]}
    named = dict.fromkeys(BASELINE.columns, 1000)
    assert checks(sample(), named=named | {"height": 900}) == {"height": ["extra_column_check"]}
    assert checks(sample(), named=named | {"hieght": 3}) == {}


def test_a_violation_reads_as_model_monitor_writes_it() -> None:
    frame = sample().assign(income=1.0)
    finding = findings(frame)[0]
    said = finding.violations[0].document()
    assert (said["feature_name"], said["constraint_check_type"]) == ("income", "baseline_drift_check")
    assert said["description"] == f"Baseline drift distance: {finding.distance} exceeds threshold: 0.1"
    violation = findings(sample(), mismatched={"children": 1000})[1].violations[0]
    assert violation.description == (
        "Data type match requirement is not met. Expected data type: Integral, Expected match: 97.0%. "
        "Observed: Only 50.0% of data is Integral."
    )


def test_the_robust_distance_allows_for_the_sizes_of_both_samples() -> None:
    first, second = profile_of(BASELINE).columns["income"], profile_of(sample(200) * 1).columns["income"]
    simple = scipy.stats.ks_2samp(BASELINE["income"], sample(200)["income"]).statistic
    assert drift.distance(first, second, robust=False) == pytest.approx(simple, abs=0.0005)
    allowed = 1.8 * np.sqrt((ROWS + 200) / (ROWS * 200))
    assert drift.distance(first, second, robust=True) == pytest.approx(max(0, simple - allowed), abs=0.0005)


def test_thresholds_are_those_of_the_constraints_file() -> None:
    wanted = constraints.suggest(profile_of(BASELINE))
    shifted = sample(1000)
    shifted["income"] *= 1.35
    assert findings(shifted, wanted)[0].violations
    wanted["features"][0]["monitoringConfigOverrides"] = {"distribution_constraints": {"comparison_threshold": 0.5}}
    assert (findings(shifted, wanted)[0].threshold, findings(shifted, wanted)[0].violations) == (0.5, ())
    wanted["monitoring_config"]["evaluate_constraints"] = "Disabled"
    assert not any(finding.violations for finding in findings(shifted.assign(plan="new"), wanted))


def test_a_comparison_that_is_switched_off_measures_nothing() -> None:
    wanted = constraints.suggest(profile_of(BASELINE))
    wanted["monitoring_config"]["distribution_constraints"]["perform_comparison"] = "Disabled"
    assert {finding.distance for finding in findings(sample().assign(income=1.0), wanted)} == {None}


@pytest.mark.parametrize(("count", "rows", "share"), [(5, 100, 0.01), (40, 1000, 0.03), (12, 30, 0.1), (3, 3, 0.02)])
def test_the_chance_of_a_count_is_never_underrated(count: int, rows: int, share: float) -> None:
    chance = float(scipy.stats.binom.sf(count - 1, rows, share))
    assert drift.exceeds(count, rows, share) <= (chance < 1e-6)


def test_a_share_that_must_be_none_is_exceeded_by_one_row() -> None:
    assert drift.exceeds(1, 10, 0)
    assert not drift.exceeds(0, 10, 0)
    assert not drift.exceeds(0, 0, 0.5)
    assert not drift.exceeds(10, 10, 1)


def test_columns_of_different_kinds_have_no_distance() -> None:
    numbers = profile_of(BASELINE).columns["income"]
    texts = Texts("income")
    texts.add_counts(Counter(a=5))
    assert drift.distance(numbers, texts, robust=True) is None
