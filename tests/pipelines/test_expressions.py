"""Our vocabulary writes what the SageMaker SDK writes: its primitives are the reference for the format."""

from collections.abc import Callable
from typing import Any

import pytest
from sagemaker.core.workflow.conditions import (
    ConditionGreaterThanOrEqualTo,
    ConditionLessThan,
    ConditionLessThanOrEqualTo,
    primitive_or_expr,
)
from sagemaker.core.workflow.execution_variables import ExecutionVariables
from sagemaker.core.workflow.functions import Join, JsonGet
from sagemaker.core.workflow.parameters import ParameterFloat, ParameterString
from sagemaker.core.workflow.properties import Properties
from sagemaker.core.workflow.properties import PropertyFile as SdkPropertyFile

from sagewright.pipelines import expressions
from sagewright.pipelines.expressions import Parameter, PropertyFile

REPORT = PropertyFile("EvaluationReport", "Evaluate", "evaluation", "evaluation.json")
SDK_REPORT = SdkPropertyFile(name="EvaluationReport", output_name="evaluation", path="evaluation.json")
SDK_GET = JsonGet(step_name="Evaluate", property_file=SDK_REPORT, json_path="regression_metrics.rmse.value")
THRESHOLD = Parameter("MetricThreshold", "Float", 0.5)
SDK_THRESHOLD = ParameterFloat(name="MetricThreshold", default_value=0.5)


@pytest.mark.parametrize(
    ("ours", "sdk"),
    [
        (Parameter("DataVersion", "String"), ParameterString(name="DataVersion")),
        (Parameter("GitCommit", "String", "none"), ParameterString(name="GitCommit", default_value="none")),
        (THRESHOLD, SDK_THRESHOLD),
        (Parameter("Zero", "Float", 0.0), ParameterFloat(name="Zero", default_value=0.0)),
    ],
)
def test_parameters_are_declared_and_read_as_the_sdk_does(ours: Parameter, sdk: Any) -> None:
    assert ours.declaration() == sdk.to_request()
    assert ours.value == sdk.expr


def test_execution_variables_are_the_sdks() -> None:
    assert ExecutionVariables.PIPELINE_EXECUTION_ID.expr == expressions.EXECUTION_ID
    assert ExecutionVariables.PIPELINE_EXECUTION_ARN.expr == expressions.EXECUTION_ARN


def test_join_is_the_sdks() -> None:
    sdk = Join(on="/", values=["s3://bucket", ExecutionVariables.PIPELINE_EXECUTION_ID, 1, SDK_THRESHOLD])

    assert expressions.join("/", "s3://bucket", expressions.EXECUTION_ID, 1, THRESHOLD.value) == sdk.expr


def test_a_property_file_is_declared_and_read_as_the_sdk_does() -> None:
    assert REPORT.declaration() == SDK_REPORT.expr
    assert REPORT.get("regression_metrics.rmse.value") == SDK_GET.expr


def test_a_value_of_a_property_file_may_stand_in_a_join_as_the_sdk_puts_it_there() -> None:
    assert expressions.join("", REPORT.get("regression_metrics.rmse.value")) == SDK_GET.to_string().expr


@pytest.mark.parametrize(
    ("kind", "sdk"),
    [
        ("GreaterThanOrEqualTo", ConditionGreaterThanOrEqualTo),
        ("LessThan", ConditionLessThan),
        ("LessThanOrEqualTo", ConditionLessThanOrEqualTo),
    ],
)
def test_comparisons_are_the_sdks(kind: Any, sdk: Callable[..., Any]) -> None:
    request = sdk(left=SDK_GET, right=SDK_THRESHOLD).to_request()

    assert expressions.compare(kind, REPORT.get("regression_metrics.rmse.value"), THRESHOLD.value) == {
        key: primitive_or_expr(value) for key, value in request.items()
    }


def test_outputs_of_steps_are_referred_to_as_the_sdk_does() -> None:
    # The SDK makes their attributes from the shapes of the API when the program runs.
    processing: Any = Properties(step_name="Preprocess", shape_name="DescribeProcessingJobResponse")
    training: Any = Properties(step_name="Train", shape_name="DescribeTrainingJobResponse")

    output = processing.ProcessingOutputConfig.Outputs["train"].S3Output.S3Uri
    assert expressions.processing_output("Preprocess", "train") == output.expr
    assert expressions.model_data("Train") == training.ModelArtifacts.S3ModelArtifacts.expr
