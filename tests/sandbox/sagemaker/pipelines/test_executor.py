"""What an execution does with its steps; jobs are scripted at SageMaker's own boundary, all else is the sandbox."""

import re
import threading
from typing import Any

import pytest

PARAMETERS = [{"Name": "Data", "Value": "v1"}]
BUCKET = "executor-results"
TIMEOUT_S = 20


def test_a_good_model_is_registered(bench: Any, document: dict[str, Any]) -> None:
    bench.at_a_fixed_place(document, {"metrics": {"score": {"value": 0.7}}})
    bench.create(document)
    execution = bench.run()
    steps = bench.steps(execution)
    assert execution["PipelineExecutionStatus"] == "Succeeded"
    assert list(steps) == ["Prepare", "Train", "Gate", "Register"]
    assert steps["Gate"]["Metadata"] == {"Condition": {"Outcome": "True"}}
    assert steps["Register"]["Metadata"]["RegisterModel"]["Arn"].endswith(":model-package/churn/1")
    assert steps["Train"]["Metadata"]["TrainingJob"]["Arn"].startswith(
        f"arn:aws:sagemaker:eu-west-1:111111111111:training-job/pipelines-{bench.id(execution)}-Train-"
    )
    assert [step["AttemptCount"] for step in steps.values()] == [1, 1, 0, 1]


def test_a_model_below_the_threshold_fails_with_the_message(bench: Any, document: dict[str, Any]) -> None:
    bench.at_a_fixed_place(document, {"metrics": {"score": {"value": 0.2}}})
    bench.create(document)
    execution = bench.run(PipelineParameters=[*PARAMETERS, {"Name": "Threshold", "Value": "0.6"}])
    steps = bench.steps(execution)
    assert execution["PipelineExecutionStatus"] == "Failed"
    assert execution["FailureReason"] == "Step failure: One or multiple steps failed."
    assert steps["Gate"]["Metadata"] == {"Condition": {"Outcome": "False"}}
    assert steps["NotGoodEnough"]["StepStatus"] == "Failed"
    assert steps["NotGoodEnough"]["FailureReason"] == "below 0.6"
    assert steps["NotGoodEnough"]["Metadata"] == {"Fail": {"ErrorMessage": "below 0.6"}}
    assert "Register" not in steps


def test_references_are_resolved_in_the_requests(bench: Any, document: dict[str, Any]) -> None:
    bench.at_a_fixed_place(document, {"metrics": {"score": {"value": 0.7}}})
    environment = document["Steps"][0]["Arguments"]["Environment"]
    variables = ("PipelineExecutionId", "PipelineExecutionArn", "PipelineName", "PipelineArn", "StartDateTime")
    environment |= {name: {"Get": f"Execution.{name}"} for name in variables}
    bench.create(document)
    execution = bench.run()
    requests = dict(bench.jobs.requests)
    assert requests["Prepare"]["Environment"] == {
        "DATA": "v1",
        "PipelineExecutionId": bench.id(execution),
        "PipelineExecutionArn": execution["PipelineExecutionArn"],
        "PipelineName": bench.name,
        "PipelineArn": execution["PipelineArn"],
        "StartDateTime": "2026-11-21T00:00:00.000Z",
    }
    source = requests["Train"]["InputDataConfig"][0]["DataSource"]["S3DataSource"]["S3Uri"]
    assert source == requests["Prepare"]["ProcessingOutputConfig"]["Outputs"][0]["S3Output"]["S3Uri"]
    tag = {"Key": "sagemaker:pipeline-execution-arn", "Value": execution["PipelineExecutionArn"]}
    assert requests["Train"]["Tags"] == [tag]
    container = requests["Register"]["InferenceSpecification"]["Containers"][0]
    assert container["ModelDataUrl"].endswith("/model.tar.gz")
    assert requests["Register"]["MetadataProperties"] == {"GeneratedBy": execution["PipelineExecutionArn"]}


def test_independent_steps_run_at_once(bench: Any) -> None:
    gates = [threading.Event(), threading.Event()]
    bench.jobs.outcomes |= {"A": [gates[0]], "B": [gates[1]]}
    bench.create(bench.pipeline(bench.job("A"), bench.job("B")))
    arn = bench.start()
    bench.jobs.started("A")
    bench.jobs.started("B")
    for gate in gates:
        bench.jobs.release(gate)
    assert bench.end(arn)["PipelineExecutionStatus"] == "Succeeded"


def test_no_more_steps_run_at_once_than_allowed(bench: Any) -> None:
    bench.create(bench.pipeline(*(bench.job(name) for name in "ABCD")))
    execution = bench.run(ParallelismConfiguration={"MaxParallelExecutionSteps": 1})
    assert bench.jobs.most_running == 1
    assert len(bench.steps(execution)) == 4


def test_a_step_waits_for_what_it_depends_on(bench: Any) -> None:
    gate = threading.Event()
    bench.jobs.outcomes["First"] = [gate]
    bench.create(bench.pipeline(bench.job("Second", DependsOn=["First"]), bench.job("First"), bench.job("Other")))
    arn = bench.start()
    bench.jobs.started("First")
    bench.jobs.started("Other")
    assert "Second" not in [step for step, _ in bench.jobs.requests]
    bench.jobs.release(gate)
    assert list(bench.steps(bench.end(arn)))[-1] == "Second"


def test_after_a_failure_running_steps_end_and_no_other_starts(bench: Any) -> None:
    gate = threading.Event()
    bench.jobs.outcomes |= {"Bad": ["AlgorithmError: exit code 1"], "Long": [gate]}
    bench.create(bench.pipeline(bench.job("Long"), bench.job("Bad"), bench.job("After", DependsOn=["Long"])))
    arn = bench.start()
    bench.jobs.started("Bad")
    bench.jobs.started("Long")
    bench.jobs.release(gate)
    execution = bench.end(arn)
    steps = bench.steps(execution)
    assert execution["PipelineExecutionStatus"] == "Failed"
    assert steps["Bad"]["FailureReason"] == "ClientError: AlgorithmError: exit code 1"
    assert steps["Long"]["StepStatus"] == "Succeeded"


@pytest.mark.parametrize(
    ("condition", "outcome"),
    [
        ({"Type": "Equals", "LeftValue": {"Get": "Parameters.Data"}, "RightValue": "v1"}, "True"),
        ({"Type": "Equals", "LeftValue": True, "RightValue": 1}, "False"),
        ({"Type": "GreaterThan", "LeftValue": 2, "RightValue": 1.5}, "True"),
        ({"Type": "GreaterThanOrEqualTo", "LeftValue": 2, "RightValue": 2}, "True"),
        ({"Type": "LessThan", "LeftValue": "a", "RightValue": "b"}, "True"),
        ({"Type": "LessThanOrEqualTo", "LeftValue": 3, "RightValue": 2}, "False"),
        ({"Type": "In", "QueryValue": {"Get": "Parameters.Data"}, "Values": ["v0", "v1"]}, "True"),
        ({"Type": "Not", "Condition": {"Type": "Equals", "LeftValue": 1, "RightValue": 1}}, "False"),
        (
            {
                "Type": "Or",
                "Conditions": [
                    {"Type": "Equals", "LeftValue": 1, "RightValue": 2},
                    {"Type": "Equals", "LeftValue": 1, "RightValue": 1},
                ],
            },
            "True",
        ),
    ],
)
def test_every_type_of_condition_is_evaluated(bench: Any, condition: dict[str, Any], outcome: str) -> None:
    gate = {
        "Name": "Gate",
        "Type": "Condition",
        "Arguments": {"Conditions": [condition]},
    }
    bench.create(bench.pipeline(gate))
    assert bench.steps(bench.run())["Gate"]["Metadata"]["Condition"]["Outcome"] == outcome


def test_all_conditions_of_a_step_have_to_hold(bench: Any) -> None:
    conditions = [{"Type": "Equals", "LeftValue": 1, "RightValue": value} for value in (1, 2)]
    gate = {"Name": "Gate", "Type": "Condition", "Arguments": {"Conditions": conditions}}
    message = {"Std:Join": {"On": ": ", "Values": ["gate", {"Get": "Steps.Gate.Outcome"}]}}
    outcome = {"Name": "Say", "Type": "Fail", "Arguments": {"ErrorMessage": message}}
    bench.create(bench.pipeline(gate, outcome))
    assert bench.steps(bench.run())["Say"]["FailureReason"] == "gate: false"


def test_a_fail_step_without_a_message_has_no_failure_reason(bench: Any) -> None:
    bench.create(bench.pipeline({"Name": "Stop", "Type": "Fail", "Arguments": {}}))
    step = bench.steps(bench.run())["Stop"]
    assert step["Metadata"] == {"Fail": {"ErrorMessage": ""}}
    assert "FailureReason" not in step


def test_values_that_cannot_be_compared_fail_the_step(bench: Any) -> None:
    condition = {"Type": "GreaterThan", "LeftValue": {"Get": "Parameters.Data"}, "RightValue": 1}
    bench.create(bench.pipeline({"Name": "Gate", "Type": "Condition", "Arguments": {"Conditions": [condition]}}))
    reason = bench.steps(bench.run())["Gate"]["FailureReason"]
    assert (
        reason
        == "Unable to evaluate the condition: GreaterThan compares two numbers or two strings; received 'v1' and 1."
    )


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ({"metrics": {}}, "Unable to read 'metrics.score.value' from the property file .*: it has no 'score' there"),
        ({"metrics": {"score": {"value": [1]}}}, "it is not a single value"),
        (None, "it has no 'metrics' there"),
    ],
)
def test_a_property_file_without_the_value_fails_the_step(
    bench: Any, document: dict[str, Any], body: Any, reason: str
) -> None:
    bench.at_a_fixed_place(document, body)
    bench.create(document)
    assert re.search(reason, bench.steps(bench.run())["Gate"]["FailureReason"])


def test_an_absent_property_file_fails_the_step(bench: Any, document: dict[str, Any]) -> None:
    bench.create(document)
    execution = bench.run()
    reason = bench.steps(execution)["Gate"]["FailureReason"]
    assert reason.startswith(f"Unable to read the property file s3://{BUCKET}/{bench.id(execution)}/report.json: ")


def test_a_value_is_read_from_a_json_file_on_s3(bench: Any) -> None:
    uri = bench.put("folds.json", {"folds": [{"score": 1}, {"score": 2}]})
    value = {"Std:JsonGet": {"S3Uri": uri, "Path": "$.folds[1]['score']"}}
    message = {"Std:Join": {"On": " ", "Values": ["score", value]}}
    bench.create(bench.pipeline({"Name": "Say", "Type": "Fail", "Arguments": {"ErrorMessage": message}}))
    assert bench.steps(bench.run())["Say"]["FailureReason"] == "score 2"


def test_a_property_that_the_job_does_not_have_fails_the_step(bench: Any) -> None:
    environment = {"EXIT": {"Get": "Steps.A.ExitMessage"}}
    after = bench.job("B")
    after["Arguments"]["Environment"] = environment
    bench.create(bench.pipeline(bench.job("A"), after))
    reason = bench.steps(bench.run())["B"]["FailureReason"]
    assert "Unable to resolve the property reference 'Steps.A.ExitMessage'" in reason


def test_a_fault_of_the_sandbox_is_reported_and_ends_the_step(bench: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def lost(_: str) -> dict[str, Any]:
        raise RuntimeError("the jobs are gone")

    reported = threading.Event()

    def report(_: threading.ExceptHookArgs) -> None:
        reported.set()

    monkeypatch.setattr(threading, "excepthook", report)
    monkeypatch.setattr(bench.jobs, "wait", lost)
    bench.create(bench.pipeline(bench.job("A")))
    step = bench.steps(bench.run())["A"]
    assert step["StepStatus"] == "Failed"
    assert step["FailureReason"] == "InternalServerError: the sandbox failed; see its log."
    assert reported.wait(TIMEOUT_S)
