import math
from collections.abc import Iterable
from typing import Any

import numpy as np
import pytest
from scipy.stats import ks_2samp

from sagewright.sandbox.images.model_monitor.checks import AnalysisError, violations
from sagewright.sandbox.images.model_monitor.columns import Column, kind_of
from tests.sandbox.sagemaker.monitors.conftest import constraints, sample, statistics


def columns(**values: Iterable[Any]) -> dict[str, Column]:
    made = {name: Column() for name in values}
    for name, column in made.items():
        for value in values[name]:
            column.add(value)
    return made


def found(sizes: Iterable[Any], colors: Iterable[Any], **settings: Any) -> list[tuple[str, str]]:
    """Return what a window violates: column and check."""
    window = columns(size=sizes, color=colors)
    rows = max(column.seen for column in window.values())
    listed = violations(window, rows, statistics(*sample(2000)), constraints(**settings))
    return [(each["feature_name"], each["constraint_check_type"]) for each in listed]


def test_the_same_population_violates_nothing() -> None:
    assert found(*sample(150)) == []


@pytest.mark.parametrize("scale", [1.2, 2, -1])
def test_the_distance_of_numbers_is_that_of_kolmogorov_and_smirnov_less_deequs_allowance(scale: float) -> None:
    (before, colors), (after, _) = sample(2000), sample(400, scale)
    settings: dict[str, Any] = {"comparison_threshold": 0.0, "comparison_method": "Robust"}
    (violation,) = violations(
        columns(size=after, color=colors),
        400,
        statistics(before, colors),
        constraints(distribution_constraints=settings),
    )
    expected = ks_2samp(before, after).statistic - 1.8 * math.sqrt(2400 / (2000 * 400))
    assert violation["feature_name"] == "size"
    distance = float(violation["description"].split()[3])
    assert distance == pytest.approx(expected)


def test_the_distance_of_texts_is_the_largest_difference_of_a_share() -> None:
    sizes, _ = sample(300)
    settings = {"distribution_constraints": {"comparison_threshold": 0.1, "comparison_method": "Simple"}}
    window = columns(size=sizes, color=["red"] * 90 + ["green"] * 210)
    baseline = statistics(sizes, ["red"] * 200 + ["blue"] * 100)
    (violation,) = violations(window, 300, baseline, constraints(**settings))
    assert violation["feature_name"] == "color"
    assert float(violation["description"].split()[3]) == pytest.approx(0.7)


def test_each_check_names_what_it_finds() -> None:
    sizes, colors = sample(200)
    assert found(sizes, ["7"] * 200) == [("color", "data_type_check"), ("color", "baseline_drift_check")]
    assert found([None] * 50 + sizes[50:], colors) == [("size", "completeness_check")]
    assert found([*("x" for _ in range(50)), *sizes[50:]], colors) == [("size", "data_type_check")]


def test_columns_that_lack_or_come_on_top_are_violations_of_the_table() -> None:
    sizes, _ = sample(200)
    listed = violations(columns(size=sizes, weight=sizes), 200, statistics(*sample(2000)), constraints())
    assert [(each["feature_name"], each["constraint_check_type"]) for each in listed] == [
        ("Missing columns", "missing_column_check"),
        ("Extra columns", "extra_column_check"),
    ]


def test_unknown_texts_violate_a_domain() -> None:
    known = constraints(distribution_constraints={"perform_comparison": "Disabled"})
    known["features"][1]["string_constraints"] = {"domains": ["red", "blue"]}
    sizes, colors = sample(100)
    window = columns(size=sizes, color=["new"] * 4 + colors[4:])
    (violation,) = violations(window, 100, statistics(*sample(2000)), known)
    assert violation["constraint_check_type"] == "categorical_values_check"
    assert violation["description"].endswith("Only 96.0% of values are in the baseline's domain.")


def test_a_column_may_have_settings_of_its_own() -> None:
    known = constraints()
    known["features"][0]["monitoringConfigOverrides"] = {"distribution_constraints": {"comparison_threshold": 0.9999}}
    sizes, colors = sample(300, scale=1.5)
    assert violations(columns(size=sizes, color=colors), 300, statistics(*sample(2000)), known) == []


@pytest.mark.parametrize("settings", [{"evaluate_constraints": "Disabled"}, {}])
def test_nothing_is_violated_without_rows_or_evaluation(settings: dict[str, str]) -> None:
    sizes, colors = sample(300, scale=3) if settings else ([], [])
    assert found(sizes, colors, **settings) == []


def test_a_way_to_compare_that_is_not_here_is_refused_by_name() -> None:
    settings = {"distribution_constraints": {"categorical_drift_method": "ChiSquared"}}
    with pytest.raises(AnalysisError, match="categorical_drift_method ChiSquared is not available in the sandbox"):
        found(*sample(100), **settings)


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        *((7, "Integral"), ("7", "Integral"), ("-7", "Integral"), (7.0, "Fractional"), ("7.5", "Fractional")),
        *((".5", "Fractional"), (True, "String"), ("", "String"), ("7 apples", "String"), (math.inf, "String")),
    ],
)
def test_values_have_the_types_that_deequ_sees(value: Any, kind: str) -> None:
    assert kind_of(value) == kind


@pytest.mark.parametrize("count", [1, 2048, 2049, 10_000])
def test_the_sketch_of_a_column_stands_for_all_of_its_values(count: int) -> None:
    values = np.linspace(0, 1, count)
    (column,) = columns(size=values.tolist()).values()
    levels = column.statistics("size")["numerical_statistics"]["distribution"]["kll"]["sketch"]["data"]
    assert sum(len(level) << at for at, level in enumerate(levels)) == count
    weighted = np.sort(np.concatenate([np.repeat(level, 1 << at) for at, level in enumerate(levels)]))
    assert np.abs(weighted - values).max() <= 16 / count


def test_a_constant_and_an_empty_column_have_statistics() -> None:
    window = columns(size=[5.0, 5.0], color=[None, math.nan])
    size, color = (column.statistics(name) for name, column in window.items())
    assert size["numerical_statistics"]["std_dev"] == 0
    assert color["inferred_type"] == "Unknown"
    assert window["color"].constraints("color") == {"name": "color", "inferred_type": "Unknown", "completeness": 0}
