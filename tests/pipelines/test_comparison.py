"""Where the project compares with what is live, the evaluation is given both models, and the gate asks for both."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from sagewright.sandbox.sagemaker.pipelines.conditions import holds
from sagewright.sandbox.sagemaker.pipelines.definition import parse_definition

Define = Callable[..., dict[str, Any]]
Document = dict[str, Any]

COMPARED = "{minimum: 0.55, champion: {tolerance: 0.01}}"
AUTOMATIC = {
    "evaluation": COMPARED,
    "repository": "{provider: codecommit, name: churn}",
    "approval": "{registry: automatic}",
}
METRIC = "binary_classification_metrics.average_precision.value"


def report(path: str) -> Document:
    return {"Std:JsonGet": {"PropertyFile": {"Get": "Steps.Evaluate.PropertyFiles.EvaluationReport"}, "Path": path}}


def named(definition: Document, name: str) -> Document:
    return next(step for step in definition["Steps"] if step["Name"] == name)


def test_a_run_must_say_who_the_champion_is(define: Define) -> None:
    assert define(evaluation=COMPARED)["Parameters"][-2:] == [
        {"Name": "ChampionModelUri", "Type": "String"},
        {"Name": "ChampionVersion", "Type": "String"},
    ]


def test_the_evaluation_gets_the_champion_and_the_rows_as_callers_send_them(define: Define) -> None:
    request = named(define(evaluation=COMPARED), "Evaluate")["Arguments"]
    inputs = {each["InputName"]: each["S3Input"]["S3Uri"] for each in request["ProcessingInputs"]}
    told = request["AppSpecification"]["ContainerArguments"]

    assert list(inputs) == ["code", "model", "test", "held_out", "champion"]
    assert inputs["champion"] == {"Get": "Parameters.ChampionModelUri"}
    assert inputs["held_out"] == {
        "Get": "Steps.Preprocess.ProcessingOutputConfig.Outputs['held_out'].S3Output.S3Uri",
    }
    assert told[told.index("--held-out") : told.index("--message")] == [
        *("--held-out", "/opt/ml/processing/input/held_out"),
        *("--champion", "/opt/ml/processing/input/champion"),
        *("--champion-version", {"Get": "Parameters.ChampionVersion"}),
        *("--metric", "average_precision"),
        *("--direction", "maximize"),
    ]
    assert request["NetworkConfig"]["EnableNetworkIsolation"] is True


@pytest.mark.parametrize(
    ("sections", "path", "kind", "direction"),
    [
        ({"evaluation": COMPARED}, METRIC, "GreaterThanOrEqualTo", "maximize"),
        (
            {"problem": "regression", "evaluation": "{maximum: 12, champion: {tolerance: 0.01}}"},
            "regression_metrics.rmse.value",
            "LessThanOrEqualTo",
            "minimize",
        ),
    ],
)
def test_the_gate_asks_for_the_threshold_and_for_no_disadvantage_beyond_the_tolerance(
    define: Define, sections: dict[str, str], path: str, kind: str, direction: str
) -> None:
    definition = define(**sections)
    gate = named(definition, "Gate")["Arguments"]

    assert gate["Conditions"] == [
        {"Type": kind, "LeftValue": report(path), "RightValue": {"Get": "Parameters.MetricThreshold"}},
        {"Type": "GreaterThanOrEqualTo", "LeftValue": report("champion.advantage"), "RightValue": -0.01},
    ]
    assert direction in named(definition, "Evaluate")["Arguments"]["AppSpecification"]["ContainerArguments"]


def test_a_refusal_says_the_metric_the_threshold_the_advantage_the_tolerance_and_what_the_champion_has(
    define: Define,
) -> None:
    (failing,) = named(define(evaluation=COMPARED), "Gate")["Arguments"]["ElseSteps"]
    said = failing["Arguments"]["ErrorMessage"]["Std:Join"]["Values"]
    values = {METRIC: "0.6", "champion.advantage": "-0.03", "champion.reason": "version 1, which is live, has 0.63"}

    def shown(value: Any) -> str:
        if isinstance(value, str):
            return value
        return values[value["Std:JsonGet"]["Path"]] if "Std:JsonGet" in value else "0.55"

    assert "".join(map(shown, said)).startswith(
        "average_precision is 0.6 and must be at least 0.55; its advantage over the champion is -0.03 and must be at "
        "least -0.01 (version 1, which is live, has 0.63): nothing was registered;"
    )


def test_a_tolerance_of_nothing_is_no_negative_zero(define: Define) -> None:
    gate = named(define(evaluation="{minimum: 0.55, champion: {tolerance: 0}}"), "Gate")["Arguments"]
    assert json.dumps(gate["Conditions"][1]["RightValue"]) == "0.0"


def test_a_version_says_which_one_it_was_compared_with(define: Define) -> None:
    (register,) = named(define(evaluation=COMPARED), "Gate")["Arguments"]["IfSteps"]
    assert register["Arguments"]["ModelApprovalStatus"] == "PendingManualApproval"
    assert register["Arguments"]["CustomerMetadataProperties"]["ChampionVersion"] == {
        "Get": "Parameters.ChampionVersion"
    }


@pytest.mark.parametrize(
    ("metric", "advantage", "compared", "runs"),
    [
        (0.6, 0.02, 1, ["RegisterApproved"]),
        (0.6, -0.01, 1, ["RegisterApproved"]),
        (0.6, -0.02, 1, ["NotGoodEnough"]),
        (0.6, 0.0, 0, ["Register"]),
        (0.5, 0.02, 1, ["NotGoodEnough"]),
        (0.5, 0.0, 0, ["NotGoodEnough"]),
    ],
)
def test_of_approving_waiting_and_failing_exactly_one_happens(
    define: Define, metric: float, advantage: float, compared: int, runs: list[str]
) -> None:
    definition = define(**AUTOMATIC)
    found = {METRIC: metric, "champion.advantage": advantage, "champion.compared": compared}

    def resolved(value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        return found[value["Std:JsonGet"]["Path"]] if "Std:JsonGet" in value else 0.55

    ran: list[str] = []
    for step in definition["Steps"][3:]:
        arguments = step["Arguments"]
        conditions = [
            condition | {side: resolved(condition[side]) for side in ("LeftValue", "RightValue")}
            for condition in arguments["Conditions"]
        ]
        ran += [each["Name"] for each in arguments["IfSteps" if all(map(holds, conditions)) else "ElseSteps"]]

    assert ran == runs


def test_only_what_was_compared_is_approved_by_itself(define: Define) -> None:
    definition = define(**AUTOMATIC)
    registered = {
        each["Name"]: each["Arguments"]["ModelApprovalStatus"]
        for step in definition["Steps"][3:]
        for each in step["Arguments"]["IfSteps"]
    }
    assert registered == {"RegisterApproved": "Approved", "Register": "PendingManualApproval"}
    # No condition stands in another one's branch, which would be refused here.
    assert list(parse_definition(json.dumps(definition)).steps)[3:] == [
        *("Gate", "NotGoodEnough", "Compared", "RegisterApproved", "NotCompared", "Register")
    ]


def test_without_a_champion_nothing_of_it_is_in_the_definition(define: Define) -> None:
    assert "hampion" not in json.dumps(define())
