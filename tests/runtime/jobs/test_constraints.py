"""Constraints follow the baseline, and leave what a sample of the same population may differ by."""

from typing import Any

import numpy as np
import pandas as pd

from sagewright.runtime.jobs import constraints
from tests.runtime.jobs.monitor_files import is_documented, profile_of


def suggested(**columns: Any) -> dict[str, dict[str, Any]]:
    document = constraints.suggest(profile_of(pd.DataFrame(columns)))
    is_documented("constraints", document)
    return {feature["name"]: feature for feature in document["features"]}


def test_numbers_are_held_to_their_type_and_sign() -> None:
    found = suggested(whole=[1, 2, 0], part=[0.5, -1, 2])
    assert (found["whole"]["inferred_type"], found["part"]["inferred_type"]) == ("Integral", "Fractional")
    assert found["whole"]["num_constraints"] == {"is_non_negative": True}
    assert found["part"]["num_constraints"] == {"is_non_negative": False}


def test_a_column_that_is_always_there_must_almost_always_be() -> None:
    assert suggested(x=[1.0] * 50)["x"]["completeness"] == 0.99


def test_a_column_with_gaps_may_have_as_many_as_a_hundred_rows_show_by_chance() -> None:
    found = suggested(rare=[np.nan] * 2 + [1.0] * 998, common=[np.nan] * 200 + [1.0] * 800, never=[np.nan] * 1000)
    assert found["rare"]["completeness"] == 0.968
    assert found["common"]["completeness"] == 0.64
    assert found["never"]["completeness"] == 0


def test_few_texts_are_the_domain() -> None:
    assert suggested(x=["b", "a"] * 100)["x"]["string_constraints"] == {"domains": ["a", "b"]}
    assert suggested(x=[True, False] * 100)["x"]["string_constraints"] == {"domains": ["False", "True"]}


def test_texts_that_go_on_being_new_are_no_domain() -> None:
    names = [f"name {number}" for number in range(500)]
    assert "string_constraints" not in suggested(x=names)["x"]
    assert "string_constraints" not in suggested(x=names * 3)["x"]
    assert "string_constraints" not in suggested(x=["a", "b"] * 20)["x"]


def test_a_table_without_rows_wants_nothing() -> None:
    document = constraints.suggest(profile_of(pd.DataFrame({"x": pd.Series(dtype="float64")})))
    is_documented("constraints", document)
    assert document["features"] == [{"name": "x", "inferred_type": "Fractional", "completeness": 0.0}]


def test_codes_in_digits_need_not_look_like_texts() -> None:
    found = suggested(code=["007", "49"] * 100, town=["Ulm", "Bonn"] * 100, odd=[None] * 200)
    assert found["code"]["monitoringConfigOverrides"] == {"datatype_check_threshold": 0.0}
    assert "monitoringConfigOverrides" not in found["town"]
    assert found["odd"]["inferred_type"] == "Unknown"
