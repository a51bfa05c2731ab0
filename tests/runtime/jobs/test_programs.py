"""What the three jobs write, for a table of each kind of problem."""

import csv
import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from sagewright.project.metrics import METRICS_OF, ProblemType
from tests.runtime.jobs.project_run import Project

Projects = Callable[[str], Project]
NAMES = ("churn", "loans", "plants", "houses")


def schema_of(project: Project) -> dict[str, Any]:
    return json.loads((project.root / "data" / "baseline" / "schema.json").read_text())


def evaluation_of(project: Project) -> dict[str, Any]:
    return json.loads((project.root / "evaluation" / "evaluation.json").read_text())


def records(path: Path) -> list[list[str]]:
    with path.open(newline="", encoding="utf-8") as lines:
        return list(csv.reader(lines))


def hashes(folder: Path) -> dict[str, str]:
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def test_churn_is_learnt_well_enough_for_its_own_gate(churn: Project) -> None:
    metrics = evaluation_of(churn)["binary_classification_metrics"]
    assert metrics["average_precision"]["value"] > 0.62
    assert metrics["roc_auc"]["value"] > 0.8


def test_the_schema_of_churn_says_what_a_request_must_hold(churn: Project) -> None:
    schema = schema_of(churn)
    columns = {column["name"]: column for column in schema["columns"]}
    assert [column["name"] for column in schema["columns"]][:3] == ["female", "senior_citizen", "partner"]
    assert columns["tenure"] == {"name": "tenure", "type": "integer", "nullable": False}
    assert columns["contract"] == {"name": "contract", "type": "string", "nullable": False}
    assert columns["total_charges"] == {"name": "total_charges", "type": "number", "nullable": True}
    assert "churn" not in columns
    assert (schema["problem"], schema["label"]) == ("binary_classification", "churn")
    assert (schema["classes"], schema["positive_label"]) == (["No", "Yes"], "Yes")


def test_the_manifest_identifies_the_data(churn: Project) -> None:
    manifest = schema_of(churn)["manifest"]
    assert manifest["rows"] == 7043
    assert manifest["train_rows"] + manifest["test_rows"] == 7043
    assert manifest["rows_without_label"] == 0
    assert manifest["data_version"] == "2026-11-21"
    assert manifest["files"] == ["churn.csv"]
    assert len(manifest["sha256"]) == 64


def test_a_stratified_split_keeps_the_share_of_each_class(churn: Project) -> None:
    shares = [(pd.read_parquet(churn.root / "data" / side)["churn"] == "Yes").mean() for side in ("train", "test")]
    assert shares[0] == pytest.approx(shares[1], abs=0.001)


def test_rows_without_a_label_are_dropped_and_counted(projects: Projects) -> None:
    dropped = {name: schema_of(projects(name))["manifest"]["rows_without_label"] for name in NAMES}
    assert dropped == {"churn": 0, "loans": 2, "plants": 3, "houses": 1}
    assert "3 are dropped" in (projects("plants").root / "preprocess.log").read_text()


def test_a_file_that_is_no_data_is_named_in_the_log(projects: Projects) -> None:
    assert "left out: README.txt" in (projects("plants").root / "preprocess.log").read_text()


@pytest.mark.parametrize("name", NAMES)
def test_every_row_with_a_label_is_on_one_side_of_the_split(projects: Projects, name: str) -> None:
    project = projects(name)
    sides = [set(pd.read_parquet(project.root / "data" / side).index) for side in ("train", "test")]
    manifest = schema_of(project)["manifest"]
    assert not sides[0] & sides[1]
    assert len(sides[0] | sides[1]) == manifest["rows"] - manifest["rows_without_label"]


@pytest.mark.parametrize("name", NAMES)
def test_held_out_rows_are_the_test_rows_as_a_caller_sends_them(projects: Projects, name: str) -> None:
    project = projects(name)
    schema = schema_of(project)
    test = pd.read_parquet(project.root / "data" / "test")
    rows, truth = records(project.held_out / "rows.csv"), records(project.held_out / "truth.csv")
    assert rows[0] == [column["name"] for column in schema["columns"]]
    assert truth[0] == [schema["record_id"] or "row_number", schema["label"]]
    assert len(rows) == len(truth) == len(test) + 1
    assert [record for record, _ in truth[1:]] == [str(record) for record in test.index]
    assert [label for _, label in truth[1:]] == [str(label) for label in test[schema["label"]]]


@pytest.mark.parametrize("name", NAMES)
def test_the_evaluation_holds_each_metric_a_project_may_be_judged_by(projects: Projects, name: str) -> None:
    evaluation = evaluation_of(projects(name))
    problem: ProblemType = evaluation["problem"]
    metrics = evaluation[f"{problem}_metrics"]
    # LinearSVC gives no probabilities, and without them there is no log loss.
    expected = {*METRICS_OF[problem]} - ({"log_loss"} if name == "loans" else set())
    assert expected <= {*metrics}
    for metric in expected:
        assert isinstance(metrics[metric]["value"], float)
        assert metrics[metric]["standard_deviation"] == "NaN" or metrics[metric]["standard_deviation"] >= 0


def test_a_model_without_probabilities_is_judged_without_log_loss(projects: Projects) -> None:
    metrics = evaluation_of(projects("loans"))["binary_classification_metrics"]
    assert "log_loss" not in metrics
    # Its decision values rank the positive class, which is False here, first.
    assert metrics["average_precision"]["value"] > 0.7
    assert "log_loss is left out" in (projects("loans").root / "evaluate.log").read_text()


def test_classes_are_integers_if_the_label_is(projects: Projects) -> None:
    evaluation = evaluation_of(projects("plants"))
    assert evaluation["classes"] == [1, 3, 70]
    assert {*evaluation["multiclass_classification_metrics"]["confusion_matrix"]} == {"1", "3", "70"}
    assert evaluation["multiclass_classification_metrics"]["f1_macro"]["value"] > 0.9


def test_classes_are_booleans_if_the_label_is(projects: Projects) -> None:
    schema = schema_of(projects("loans"))
    assert (schema["classes"], schema["positive_label"]) == ([False, True], False)


def test_the_regression_is_close(projects: Projects) -> None:
    metrics = evaluation_of(projects("houses"))["regression_metrics"]
    assert metrics["r2"]["value"] > 0.9
    assert metrics["mae"]["value"] < metrics["rmse"]["value"] < 60


def test_numbers_of_the_own_evaluate_stand_beside_the_metrics(projects: Projects) -> None:
    assert [*evaluation_of(projects("houses"))["custom"]] == ["worst"]
    assert evaluation_of(projects("plants"))["custom"]["seventies_found"] > 0.8
    assert evaluation_of(projects("loans"))["custom"] == {}


def test_a_large_test_set_gives_each_metric_a_deviation(churn: Project) -> None:
    deviation = evaluation_of(churn)["binary_classification_metrics"]["average_precision"]["standard_deviation"]
    assert 0 < deviation < 0.05


def test_the_report_and_the_confusion_matrix_agree(churn: Project) -> None:
    evaluation = evaluation_of(churn)
    matrix = evaluation["binary_classification_metrics"]["confusion_matrix"]
    assert sum(count for row in matrix.values() for count in row.values()) == evaluation["rows"]
    found = matrix["Yes"]["Yes"] / (matrix["Yes"]["Yes"] + matrix["Yes"]["No"])
    assert evaluation["classification_report"]["Yes"]["recall"] == pytest.approx(found)


def test_predictions_carry_the_record_id_and_the_score_of_the_positive_class(churn: Project) -> None:
    header, *rows = records(churn.root / "evaluation" / "predictions.csv")
    assert header == ["row_number", "truth", "prediction", "score"]
    assert [row[:2] for row in rows] == records(churn.held_out / "truth.csv")[1:]
    assert min(float(row[3]) for row in rows if row[2] == "Yes") > max(float(row[3]) for row in rows if row[2] == "No")


@pytest.mark.parametrize("name", ["churn", "plants"])
def test_the_same_input_gives_the_same_bytes(projects: Projects, name: str) -> None:
    project = projects(name)
    project.run_again()
    for written in ("data", "model", "evaluation"):
        assert hashes(project.root / written) == hashes(project.root / f"{written} again")
