"""The training pipeline says what runs, in which order, on what, and what decides."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from sagewright.pipelines import Bindings, training
from sagewright.project import load

Define = Callable[..., dict[str, Any]]

IMAGE = "141502667606.dkr.ecr.eu-west-1.amazonaws.com/sagemaker-scikit-learn:1.9-0-cpu-py3"


def steps_of(definition: dict[str, Any]) -> dict[str, Any]:
    gate = definition["Steps"][-1]["Arguments"]
    return {step["Name"]: step for step in (*definition["Steps"], *gate["IfSteps"], *gate["ElseSteps"])}


def arguments(definition: dict[str, Any], step: str) -> list[str]:
    request = steps_of(definition)[step]["Arguments"]
    specification = request.get("AppSpecification") or request["AlgorithmSpecification"]
    return specification["ContainerArguments"]


def found(value: Any, key: str) -> Iterator[Any]:
    """Find every value of a key, however deep."""
    if isinstance(value, list):
        for each in value:
            yield from found(each, key)
    elif isinstance(value, dict):
        for name, each in value.items():
            if name == key:
                yield each
            yield from found(each, key)


def test_it_preprocesses_trains_evaluates_and_registers_only_through_the_gate(define: Define) -> None:
    definition = define()

    assert [step["Name"] for step in definition["Steps"]] == ["Preprocess", "Train", "Evaluate", "Gate"]
    gate = definition["Steps"][-1]["Arguments"]
    assert [step["Name"] for step in gate["IfSteps"]] == ["Register"]
    assert [step["Name"] for step in gate["ElseSteps"]] == ["NotGoodEnough"]
    assert {step["Name"]: step["Type"] for step in steps_of(definition).values()} == {
        "Preprocess": "Processing",
        "Train": "Training",
        "Evaluate": "Processing",
        "Gate": "Condition",
        "Register": "RegisterModel",
        "NotGoodEnough": "Fail",
    }


def test_a_run_must_say_which_data_and_may_change_instances_and_threshold(define: Define) -> None:
    definition = define(training="{code: src/churn, instance: {type: ml.c5.xlarge}}")

    assert definition["Parameters"] == [
        {"Name": "DataVersion", "Type": "String"},
        {"Name": "GitCommit", "Type": "String", "DefaultValue": "none"},
        {"Name": "ProcessingInstanceType", "Type": "String", "DefaultValue": "ml.c5.xlarge"},
        {"Name": "TrainingInstanceType", "Type": "String", "DefaultValue": "ml.c5.xlarge"},
        {"Name": "MetricThreshold", "Type": "Float", "DefaultValue": 0.55},
    ]
    steps = steps_of(definition)
    assert steps["Preprocess"]["Arguments"]["Environment"] == {"DATA_VERSION": {"Get": "Parameters.DataVersion"}}
    kinds = {name: next(found(steps[name], "InstanceType")) for name in ("Preprocess", "Train", "Evaluate")}
    assert kinds == {
        "Preprocess": {"Get": "Parameters.ProcessingInstanceType"},
        "Train": {"Get": "Parameters.TrainingInstanceType"},
        "Evaluate": {"Get": "Parameters.ProcessingInstanceType"},
    }


@pytest.mark.parametrize(
    ("problem", "evaluation", "path", "told"),
    [
        (
            "binary_classification",
            "{minimum: 0.55}",
            "binary_classification_metrics.average_precision.value",
            ["average_precision is ", ", less than the minimum of "],
        ),
        (
            "binary_classification",
            "{metric: log_loss, maximum: 0.4}",
            "binary_classification_metrics.log_loss.value",
            ["log_loss is ", ", more than the maximum of "],
        ),
        (
            "multiclass_classification",
            "{minimum: 0.55}",
            "multiclass_classification_metrics.f1_macro.value",
            ["f1_macro is ", ", less than the minimum of "],
        ),
        (
            "regression",
            "{maximum: 12}",
            "regression_metrics.rmse.value",
            ["rmse is ", ", more than the maximum of "],
        ),
        (
            "regression",
            "{metric: r2, minimum: -0.5}",
            "regression_metrics.r2.value",
            ["r2 is ", ", less than the minimum of "],
        ),
    ],
)
def test_the_gate_compares_in_the_metrics_direction_and_a_failure_says_both_numbers(
    define: Define, problem: str, evaluation: str, path: str, told: list[str]
) -> None:
    definition = define(problem=problem, evaluation=evaluation)

    report = {"Get": "Steps.Evaluate.PropertyFiles.EvaluationReport"}
    value = {"Std:JsonGet": {"PropertyFile": report, "Path": path}}
    comparison = "GreaterThanOrEqualTo" if "minimum" in evaluation else "LessThanOrEqualTo"
    steps = steps_of(definition)
    assert steps["Gate"]["Arguments"]["Conditions"] == [
        {"Type": comparison, "LeftValue": value, "RightValue": {"Get": "Parameters.MetricThreshold"}}
    ]
    message = steps["NotGoodEnough"]["Arguments"]["ErrorMessage"]["Std:Join"]["Values"]
    assert message[:4] == [told[0], value, told[1], {"Get": "Parameters.MetricThreshold"}]
    assert isinstance(definition["Parameters"][-1]["DefaultValue"], float)


def test_the_report_that_the_gate_reads_is_declared_where_it_is_written(define: Define) -> None:
    evaluate = steps_of(define())["Evaluate"]

    assert evaluate["PropertyFiles"] == [
        {"PropertyFileName": "EvaluationReport", "OutputName": "evaluation", "FilePath": "evaluation.json"}
    ]
    assert [output["OutputName"] for output in next(found(evaluate, "Outputs"))] == ["evaluation"]


def test_the_programs_are_told_what_the_project_says(define: Define) -> None:
    definition = define(data="positive_label: 1, record_id: id, split: {test: 0.3}")

    assert arguments(definition, "Preprocess") == [
        "preprocess",
        *("--package", "churn"),
        *("--raw", "/opt/ml/processing/input/raw"),
        *("--output", "/opt/ml/processing/output"),
        *("--problem", "binary_classification"),
        *("--label", "churned"),
        *("--positive-label", "1"),
        *("--record-id", "id"),
        *("--split-by", "stratified"),
        *("--test-fraction", "0.3"),
        *("--message", "/opt/ml/output/message"),
    ]
    assert arguments(definition, "Train") == [
        "train",
        *("--package", "churn"),
        *("--train", "/opt/ml/input/data/train"),
        *("--baseline", "/opt/ml/input/data/baseline"),
        *("--model", "/opt/ml/model"),
        *("--hyperparameters", "/opt/ml/input/config/hyperparameters.json"),
        *("--failure", "/opt/ml/output/failure"),
    ]
    assert arguments(definition, "Evaluate") == [
        "evaluate",
        *("--package", "churn"),
        *("--model", "/opt/ml/processing/input/model"),
        *("--test", "/opt/ml/processing/input/test"),
        *("--output", "/opt/ml/processing/output/evaluation"),
        *("--message", "/opt/ml/output/message"),
    ]


def test_what_the_project_leaves_out_is_not_told(define: Define) -> None:
    told = arguments(define(), "Preprocess")

    assert "--positive-label" not in told
    assert "--record-id" not in told


def test_the_bundle_is_started_from_where_each_kind_of_job_finds_it(define: Define, bindings: Bindings) -> None:
    steps = steps_of(define())

    entrypoints = {
        name: next(found(steps[name], "ContainerEntrypoint")) for name in ("Preprocess", "Train", "Evaluate")
    }
    assert entrypoints == {
        "Preprocess": ["python3", f"/opt/ml/processing/input/code/{bindings.bundle_name}"],
        "Train": ["python3", f"/opt/ml/input/data/code/{bindings.bundle_name}"],
        "Evaluate": ["python3", f"/opt/ml/processing/input/code/{bindings.bundle_name}"],
    }


@pytest.mark.parametrize(
    ("source", "raw"),
    [
        ("table.csv", "s3://churn-dev-data-111111111111-eu-west-1/raw/"),
        ("s3://elsewhere/customers/", "s3://elsewhere/customers/"),
    ],
)
def test_raw_data_comes_from_the_projects_bucket_or_from_where_it_already_is(
    define: Define, source: str, raw: str
) -> None:
    inputs = next(found(steps_of(define(source=source))["Preprocess"], "ProcessingInputs"))

    assert {each["InputName"]: each["S3Input"]["S3Uri"] for each in inputs}["raw"] == raw


def test_every_job_is_cut_off_from_the_network_and_writes_with_the_key_under_its_execution(
    define: Define, bindings: Bindings
) -> None:
    steps = steps_of(define())

    for name in ("Preprocess", "Train", "Evaluate"):
        request = steps[name]["Arguments"]
        assert next(found(request, "EnableNetworkIsolation")) is True
        assert next(found(request, "EnableInterContainerTrafficEncryption")) is True
        assert set(found(request, "VolumeKmsKeyId")) == {bindings.key_arn}
        assert set(found(request, "KmsKeyId")) == {bindings.key_arn}
        assert next(found(request, "MaxRuntimeInSeconds")) > 0
        written = [*found(request.get("ProcessingOutputConfig", {}), "S3Uri"), *found(request, "S3OutputPath")]
        for uri in written:
            root, execution, step, *_ = uri["Std:Join"]["Values"]
            assert uri["Std:Join"]["On"] == "/"
            assert root == f"s3://{bindings.data_bucket}/executions"
            assert (execution, step) == ({"Get": "Execution.PipelineExecutionId"}, name)


def test_the_training_job_alone_has_the_variables_of_the_project(define: Define, awkward: str) -> None:
    variables = {"OMP_NUM_THREADS": "4", "TEXT": awkward, "EMPTY": ""}
    steps = steps_of(define(training=f"{{code: src/churn, environment: {json.dumps(variables)}}}"))

    assert steps["Train"]["Arguments"]["Environment"] == variables
    assert set(steps["Preprocess"]["Arguments"]["Environment"]) == {"DATA_VERSION"}
    assert "Environment" not in steps["Evaluate"]["Arguments"]


def test_without_variables_training_asks_for_no_environment(define: Define) -> None:
    assert "Environment" not in steps_of(define())["Train"]["Arguments"]


def test_each_kind_of_job_has_a_role_of_its_own(define: Define, bindings: Bindings) -> None:
    steps = steps_of(define())

    roles = {name: next(found(steps[name], "RoleArn")) for name in ("Preprocess", "Train", "Evaluate")}
    assert roles == {
        "Preprocess": bindings.preprocess_role_arn,
        "Train": bindings.training_role_arn,
        "Evaluate": bindings.evaluate_role_arn,
    }


# https://docs.aws.amazon.com/sagemaker/latest/dg/pipelines-default-keys.html
CACHE_KEYS = {
    "Processing": ["AppSpecification", "Environment", "ProcessingInputs"],
    "Training": [
        "AlgorithmSpecification",
        "CheckpointConfig",
        "DebugHookConfig",
        "DebugRuleConfigurations",
        "Environment",
        "HyperParameters",
        "InputDataConfig",
    ],
}


def test_nothing_that_differs_from_run_to_run_is_in_what_the_cache_compares_but_inputs(define: Define) -> None:
    allowed = {"Parameters.DataVersion", "Steps.Train.ModelArtifacts.S3ModelArtifacts"} | {
        f"Steps.Preprocess.ProcessingOutputConfig.Outputs['{output}'].S3Output.S3Uri"
        for output in ("train", "test", "baseline")
    }
    for name in ("Preprocess", "Train", "Evaluate"):
        step = steps_of(define())[name]
        compared = {key: step["Arguments"].get(key) for key in CACHE_KEYS[step["Type"]]}

        assert step["CacheConfig"] == {"Enabled": True, "ExpireAfter": "P30D"}
        assert set(found(compared, "Get")) <= allowed


def test_a_change_of_the_code_or_the_data_is_in_what_the_cache_compares(define: Define, bindings: Bindings) -> None:
    for name in ("Preprocess", "Train", "Evaluate"):
        step = steps_of(define())[name]
        compared = {key: step["Arguments"].get(key) for key in CACHE_KEYS[step["Type"]]}

        assert bindings.bundle_uri in found(compared, "S3Uri")
    assert {"Get": "Parameters.DataVersion"} in found(steps_of(define())["Preprocess"], "DATA_VERSION")


def test_only_what_can_pass_is_tried_again_and_not_for_ever(define: Define) -> None:
    steps = steps_of(define())

    for name in ("Preprocess", "Train", "Evaluate"):
        retried = [kind for policy in steps[name]["RetryPolicies"] for kind in policy["ExceptionType"]]
        assert retried == [
            "Step.SERVICE_FAULT",
            "Step.THROTTLING",
            "SageMaker.CAPACITY_ERROR",
            "SageMaker.JOB_INTERNAL_ERROR",
        ]
        assert all(policy["MaxAttempts"] <= 20 for policy in steps[name]["RetryPolicies"])
    assert [policy["ExceptionType"] for policy in steps["Register"]["RetryPolicies"]] == [
        ["Step.SERVICE_FAULT", "Step.THROTTLING"]
    ]


def test_a_version_waits_for_approval_with_everything_that_approver_and_release_need(
    define: Define, bindings: Bindings
) -> None:
    request = steps_of(define())["Register"]["Arguments"]

    assert request["ModelPackageGroupName"] == "churn"
    assert request["ModelApprovalStatus"] == "PendingManualApproval"
    assert request["InferenceSpecification"]["SupportedContentTypes"] == ["text/csv", "application/json"]
    [container] = request["InferenceSpecification"]["Containers"]
    assert container["Image"] == IMAGE
    assert container["ModelDataUrl"] == {"Get": "Steps.Train.ModelArtifacts.S3ModelArtifacts"}
    assert container["Environment"]["SAGEMAKER_PROGRAM"] == "inference.py"

    def output(step: str, name: str) -> dict[str, str]:
        return {"Get": f"Steps.{step}.ProcessingOutputConfig.Outputs['{name}'].S3Output.S3Uri"}

    assert request["CustomerMetadataProperties"] == {
        "BaselineUri": output("Preprocess", "baseline"),
        "EvaluationUri": output("Evaluate", "evaluation"),
        "HeldOutUri": output("Preprocess", "held_out"),
        "DataVersion": {"Get": "Parameters.DataVersion"},
        "GitCommit": {"Get": "Parameters.GitCommit"},
        "ExecutionArn": {"Get": "Execution.PipelineExecutionArn"},
        "Metric": "average_precision",
        "CodeBundle": bindings.bundle_uri,
    }
    statistics = request["ModelMetrics"]["ModelQuality"]["Statistics"]
    assert statistics == {
        "ContentType": "application/json",
        "S3Uri": {"Std:Join": {"On": "/", "Values": [output("Evaluate", "evaluation"), "evaluation.json"]}},
    }
    baseline = {
        kind: {
            "ContentType": "application/json",
            "S3Uri": {"Std:Join": {"On": "/", "Values": [output("Preprocess", "baseline"), file]}},
        }
        for kind, file in (("Statistics", "statistics.json"), ("Constraints", "constraints.json"))
    }
    assert request["ModelMetrics"]["ModelDataQuality"] == baseline
    assert request["DriftCheckBaselines"] == {"ModelDataQuality": baseline}


def test_the_instance_types_of_every_environment_that_serves_are_registered(define: Define) -> None:
    environments = (
        "{dev: {region: eu-west-1}, prod: {region: eu-west-1, serving: {instances: {type: ml.c5.xlarge}}}, "
        "staging: {region: eu-west-1}}"
    )
    types = next(found(define(environments=environments), "SupportedRealtimeInferenceInstanceTypes"))

    assert types == ["ml.c5.xlarge", "ml.m5.large"]


def test_text_of_the_user_arrives_as_it_was_written(define: Define, awkward: str) -> None:
    quoted = "'" + awkward.replace("'", "''") + "'"
    definition = define(
        data=f"record_id: {quoted}, positive_label: {quoted}",
        training=f"{{code: src/churn, hyperparameters: {{{quoted}: [{quoted}, 1, null]}}}}",
        description=quoted,
    )

    arrived = json.loads(json.dumps(definition))
    assert arrived == definition
    told = arguments(arrived, "Preprocess")
    assert told[told.index("--record-id") + 1] == awkward
    assert told[told.index("--positive-label") + 1] == awkward
    hyperparameters = next(found(arrived, "HyperParameters"))
    assert {key: json.loads(value) for key, value in hyperparameters.items()} == {awkward: [awkward, 1, None]}
    assert next(found(arrived, "ModelPackageDescription")) == awkward


def test_tokens_of_cloudformation_are_placed_whole(define: Define, bindings: Bindings, tmp_path: Path) -> None:
    define()
    token = "${Token[TOKEN.123]}"
    definition = training.definition(
        load(tmp_path), replace(bindings, data_bucket=token, key_arn=token, bundle_uri=token)
    )

    assert f"s3://{token}/raw/" in found(definition, "S3Uri")
    assert set(found(definition, "KmsKeyId")) == {token}


def test_the_same_project_gives_the_same_bytes_in_another_process(
    define: Define, bindings: Bindings, tmp_path: Path
) -> None:
    first = json.dumps(define(training="{code: src/churn, hyperparameters: {b: 1, a: {d: 1, c: 2}}}"))
    program = (
        "import json, sys\nfrom pathlib import Path\nfrom sagewright.pipelines import Bindings, training\n"
        "from sagewright.project import load\n"
        "print(json.dumps(training.definition(load(Path(sys.argv[1])), Bindings(**json.loads(sys.argv[2])))))\n"
    )
    environment = {key: value for key, value in os.environ.items() if not key.startswith("AWS_")}
    again = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path), json.dumps(vars(bindings))],
        capture_output=True,
        text=True,
        check=True,
        env=environment | {"PYTHONHASHSEED": "7", "AWS_EC2_METADATA_DISABLED": "true"},
    )

    assert again.stdout.strip() == first


def test_the_largest_definition_that_a_project_can_ask_for_is_what_sagemaker_takes(define: Define) -> None:
    # 100 names of 256 characters that JSON writes in twelve each, with values of which it escapes every character.
    name, value = "\U0001d489" * 253, '"' * 1249
    hyperparameters = ", ".join(f"'{n:03}{name}': '{value}'" for n in range(100))
    definition = define(training=f"{{code: src/churn, hyperparameters: {{{hyperparameters}}}}}")

    assert 500_000 < len(json.dumps(definition).encode()) < 1024 * 1024


def test_importing_the_room_costs_neither_the_sdk_nor_the_cdk() -> None:
    program = (
        "import sys, sagewright.pipelines; print([m for m in ('sagemaker', 'aws_cdk', 'boto3') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "[]"
