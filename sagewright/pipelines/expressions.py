"""What a definition says about values that exist only while it runs: the expressions of the format 2020-12-01.

A small vocabulary of our own, because the SDK's pipeline classes come with PyTorch and call AWS when they are made.
The tests compare every expression with that of the SDK's own primitives. The format is described at
https://aws-sagemaker-mlops.github.io/sagemaker-model-building-pipeline-definition-JSON-schema/
"""

from dataclasses import dataclass
from typing import Any, Literal

Expression = dict[str, Any]
Value = str | int | float | Expression


@dataclass(frozen=True)
class Parameter:
    """A value that each run may set; without a default each run must."""

    name: str
    type: Literal["String", "Float"]
    default: str | float | None = None

    def declaration(self) -> dict[str, Any]:
        """Declare the parameter in a definition."""
        declared = {"Name": self.name, "Type": self.type}
        return declared if self.default is None else declared | {"DefaultValue": self.default}

    @property
    def value(self) -> Expression:
        """Refer to what the run has set."""
        return {"Get": f"Parameters.{self.name}"}


EXECUTION_ID: Expression = {"Get": "Execution.PipelineExecutionId"}
EXECUTION_ARN: Expression = {"Get": "Execution.PipelineExecutionArn"}


@dataclass(frozen=True)
class PropertyFile:
    """A JSON file of a processing step's output from which later steps may read."""

    name: str
    step: str
    output: str
    path: str

    def declaration(self) -> dict[str, str]:
        """Declare the file at the step that writes it."""
        return {"PropertyFileName": self.name, "OutputName": self.output, "FilePath": self.path}

    def get(self, path: str) -> Expression:
        """Refer to a value in the file."""
        return {"Std:JsonGet": {"PropertyFile": {"Get": f"Steps.{self.step}.PropertyFiles.{self.name}"}, "Path": path}}


def join(on: str, *values: Value) -> Expression:
    """Concatenate values as text, whatever their type, when the pipeline runs."""
    return {"Std:Join": {"On": on, "Values": list(values)}}


def compare(
    kind: Literal["GreaterThanOrEqualTo", "LessThan", "LessThanOrEqualTo"], left: Value, right: Value
) -> Expression:
    """Compare two values, for the condition of a step."""
    return {"Type": kind, "LeftValue": left, "RightValue": right}


def processing_output(step: str, output: str) -> Expression:
    """Refer to the S3 URI of a processing step's output; a cached step gives the URI of the run that it repeats."""
    return {"Get": f"Steps.{step}.ProcessingOutputConfig.Outputs['{output}'].S3Output.S3Uri"}


def model_data(step: str) -> Expression:
    """Refer to the S3 URI of a training step's model.tar.gz."""
    return {"Get": f"Steps.{step}.ModelArtifacts.S3ModelArtifacts"}
