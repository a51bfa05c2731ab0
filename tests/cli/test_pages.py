"""What a person reads: numbers that can be compared, and pages that fit."""

import io
from typing import Any

import pytest
from rich.console import Console

from sagewright.cli import invoke, pages, training
from sagewright.cli.asking import Prediction
from sagewright.cli.terminal import Terminal
from sagewright.runtime.functions.evidence import HeldOut

REPORT = {"regression_metrics": {"rmse": {"value": 12.5}, "r2": {"value": 0.4}}, "rows": 3}


def written(page: Any) -> str:
    console = Console(file=io.StringIO(), width=200)
    console.print(page)
    made: Any = console.file
    return made.getvalue()


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.66123, "0.6612"),
        (154561.775658665, "154,562"),
        (-10190.4, "-10,190"),
        (9999.5, "9,999.5000"),
        (0.00012, "0.00012"),
        (0.0, "0.0000"),
        (3e20, "3e+20"),
        (float("nan"), "nan"),
    ],
)
def test_a_number_is_written_in_one_readable_way(value: float, text: str) -> None:
    assert training.number(value) == text


def test_a_value_and_its_truth_are_written_alike() -> None:
    known = HeldOut(rows=[{}], records=["7"], truths=["154561.775658665"])
    told = written(invoke.predictions_table([Prediction(10190.4, {})], known))
    assert "10,190" in told
    assert "154,562" in told


def test_the_gates_sentence_is_written_as_every_other_number() -> None:
    reason = "rmse is 154561.775658665, more than the maximum of 70.0: look at evaluation.json"
    assert training._readable(reason) == "rmse is 154,562, more than the maximum of 70.0000: look at evaluation.json"


def test_a_gate_that_was_missed_by_little_keeps_every_digit() -> None:
    reason = "f1 is 0.59999, less than the minimum of 0.6"
    assert training._readable(reason) == reason


@pytest.mark.parametrize(
    ("champion", "told"),
    [
        (
            {"version": 3, "value": 13.0, "advantage": 0.5, "compared": 1, "reason": "it has 13"},
            "Against what was live: 0.5000 better than version 3, which has 13.0000",
        ),
        (
            {"version": 3, "value": 12.0, "advantage": -0.5, "compared": 1, "reason": "it has 12"},
            "Against what was live: 0.5000 worse than version 3, which has 12.0000",
        ),
        (
            {"version": 3, "value": 12.5, "advantage": 0.0, "compared": 1, "reason": "it has 12.5"},
            "Against what was live: as good as version 3, which has 12.5000",
        ),
        (
            {"version": None, "value": None, "advantage": 0.0, "compared": 0, "reason": "no [version] is live"},
            "Against what was live: not compared: no [version] is live",
        ),
    ],
)
def test_how_a_version_stands_against_what_was_live_is_told_in_a_line(champion: dict[str, Any], told: str) -> None:
    assert told in written(pages.evaluation_page(REPORT | {"champion": champion}, "rmse", 20.0))


def test_the_threshold_that_judged_is_told() -> None:
    assert "maximum 20.0000" in written(pages.evaluation_page(REPORT, "rmse", 20.0))
    assert "the gate judged by this one" in written(pages.evaluation_page(REPORT, "rmse", None))


def test_few_columns_are_listed_and_many_are_counted() -> None:
    columns = [{"name": f"c{number}", "type": "number"} for number in range(20)]
    assert pages._columns(columns).endswith("c19 (number)")
    columns += [{"name": "plan", "type": "string"}]
    assert pages._columns(columns) == "21 (20 number, 1 string); --json lists them"


def test_an_interruption_tells_what_goes_on(capsys: pytest.CaptureFixture[str]) -> None:
    command = "aws sagemaker stop-pipeline-execution --pipeline-execution-arn " + "a" * 200
    with pytest.raises(KeyboardInterrupt), Terminal().if_interrupted("It goes on.", command):
        raise KeyboardInterrupt
    assert f"It goes on.\n{command}\n" in capsys.readouterr().err


def test_the_groups_that_a_training_set_was_joined_with_are_named() -> None:
    read = [{"feature_group": f"shop-{table}", "table": f"shop_features.{table}"} for table in ("plan_v1", "sky_v12")]
    query = {"id": "q-1", "sql": "SELECT 1"}
    counts = dict.fromkeys(("rows", "rows_without_label", "train_rows", "test_rows"), 1)
    manifest = {**counts, "files": ["a.csv"], "sha256": "f", "data_version": "1"}
    baseline: dict[str, Any] = {"manifest": manifest, "label": "late", "columns": []}
    assert "Joined with" not in dict(pages._data(baseline))
    assert pages.joined_with(manifest) is None
    joined = manifest | {"dataset": {"groups": read, "query": query, "rows": 1}}
    facts = dict(pages._data(baseline | {"manifest": joined}))
    assert (facts["Joined with"], facts["Query"]) == ("plan v1, sky v12", "q-1; --json has its text")
    assert pages.joined_with(joined) == {"groups": read, "query": query}
