"""Our vocabulary writes what the SageMaker SDK writes: its primitives are the reference for the format."""

from importlib import import_module
from typing import Any

import pytest

from sagewright.pipelines import expressions
from sagewright.pipelines.expressions import Parameter, PropertyFile

REPORT = PropertyFile("EvaluationReport", "Evaluate", "evaluation", "evaluation.json")
THRESHOLD = Parameter("MetricThreshold", "Float", 0.5)


class Sdk:
    """The SDK's vocabulary by module and name, and what we declare above in its words."""

    def __init__(self) -> None:
        declared = {"name": "EvaluationReport", "output_name": "evaluation", "path": "evaluation.json"}
        self.report = self("properties", "PropertyFile", **declared)
        asked = {"property_file": self.report, "json_path": "regression_metrics.rmse.value"}
        self.get = self("functions", "JsonGet", step_name="Evaluate", **asked)
        self.threshold = self("parameters", "ParameterFloat", name="MetricThreshold", default_value=0.5)

    def of(self, module: str, name: str) -> Any:
        return getattr(import_module(f"sagemaker.core.workflow.{module}"), name)

    def __call__(self, module: str, name: str, /, **given: Any) -> Any:
        return self.of(module, name)(**given)


@pytest.fixture(scope="module")
def sdk() -> Sdk:
    """Import it, which takes a second, for these tests only and not wherever they are collected."""
    return Sdk()


@pytest.mark.parametrize(
    ("ours", "kind", "given"),
    [
        (Parameter("DataVersion", "String"), "ParameterString", {"name": "DataVersion"}),
        (Parameter("GitCommit", "String", "none"), "ParameterString", {"name": "GitCommit", "default_value": "none"}),
        (THRESHOLD, "ParameterFloat", {"name": "MetricThreshold", "default_value": 0.5}),
        (Parameter("Zero", "Float", 0.0), "ParameterFloat", {"name": "Zero", "default_value": 0.0}),
    ],
)
def test_parameters_are_declared_and_read_as_the_sdk_does(
    sdk: Sdk, ours: Parameter, kind: str, given: dict[str, Any]
) -> None:
    theirs = sdk("parameters", kind, **given)
    assert ours.declaration() == theirs.to_request()
    assert ours.value == theirs.expr


def test_execution_variables_are_the_sdks(sdk: Sdk) -> None:
    variables = sdk.of("execution_variables", "ExecutionVariables")
    assert variables.PIPELINE_EXECUTION_ID.expr == expressions.EXECUTION_ID
    assert variables.PIPELINE_EXECUTION_ARN.expr == expressions.EXECUTION_ARN


def test_join_is_the_sdks(sdk: Sdk) -> None:
    execution = sdk.of("execution_variables", "ExecutionVariables").PIPELINE_EXECUTION_ID
    theirs = sdk("functions", "Join", on="/", values=["s3://bucket", execution, 1, sdk.threshold])

    assert expressions.join("/", "s3://bucket", expressions.EXECUTION_ID, 1, THRESHOLD.value) == theirs.expr


def test_a_property_file_is_declared_and_read_as_the_sdk_does(sdk: Sdk) -> None:
    assert REPORT.declaration() == sdk.report.expr
    assert REPORT.get("regression_metrics.rmse.value") == sdk.get.expr


def test_a_value_of_a_property_file_may_stand_in_a_join_as_the_sdk_puts_it_there(sdk: Sdk) -> None:
    assert expressions.join("", REPORT.get("regression_metrics.rmse.value")) == sdk.get.to_string().expr


@pytest.mark.parametrize("kind", ["GreaterThanOrEqualTo", "LessThan", "LessThanOrEqualTo"])
def test_comparisons_are_the_sdks(sdk: Sdk, kind: Any) -> None:
    request = sdk("conditions", f"Condition{kind}", left=sdk.get, right=sdk.threshold).to_request()
    read = sdk.of("conditions", "primitive_or_expr")

    assert expressions.compare(kind, REPORT.get("regression_metrics.rmse.value"), THRESHOLD.value) == {
        key: read(value) for key, value in request.items()
    }


def test_outputs_of_steps_are_referred_to_as_the_sdk_does(sdk: Sdk) -> None:
    # The SDK makes their attributes from the shapes of the API when the program runs.
    shapes = {"Preprocess": "DescribeProcessingJobResponse", "Train": "DescribeTrainingJobResponse"}
    processing, training = (
        sdk("properties", "Properties", step_name=step, shape_name=shape) for step, shape in shapes.items()
    )

    output = processing.ProcessingOutputConfig.Outputs["train"].S3Output.S3Uri
    assert expressions.processing_output("Preprocess", "train") == output.expr
    assert expressions.model_data("Train") == training.ModelArtifacts.S3ModelArtifacts.expr
