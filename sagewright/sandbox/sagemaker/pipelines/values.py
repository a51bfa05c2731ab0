"""Why: what an argument's references and functions stand for is known only while the pipeline runs."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from .arguments import property_value
from .definition import Definition
from .expressions import Path, Reference, is_compound, is_expression, json_path, parse_reference
from .kinds import CALLS
from .parameters import Value, written


class StepFailedError(Exception):
    """A step cannot go on; the text is its FailureReason."""


class NotStoppedError(StepFailedError):
    """A stop was asked for, and the pipeline's role may not stop the job; the text says what was refused."""


@dataclass(frozen=True)
class Values:
    """Resolves expressions in one execution.

    `variables` answers an execution variable; `responses` has, for every finished step, its Describe response (for a
    condition step its outcome); `read` returns the text of an S3 object.
    """

    definition: Definition
    parameters: dict[str, Value]
    variables: Callable[[str], str]
    responses: dict[str, dict[str, Any]]
    read: Callable[[str], str]

    def resolve(self, value: Any) -> Any:
        """Return the value with every expression in it replaced by what it stands for."""
        if is_expression(value):
            return self._expression(*next(iter(value.items())))
        if isinstance(value, dict):
            return {key: self.resolve(member) for key, member in value.items()}
        if isinstance(value, list):
            return [self.resolve(member) for member in value]
        return value

    def _expression(self, function: str, argument: Any) -> Any:
        if function == "Get":
            return self._reference(parse_reference(argument))
        if function == "Std:Join":
            return argument.get("On", "").join(written(self.resolve(each)) for each in argument["Values"])
        return self._json_get(argument)

    def _reference(self, reference: Reference) -> Any:
        if reference.scope == "Parameters":
            return self.parameters[reference.name]
        if reference.scope == "Execution":
            return self.variables(reference.name)
        step = self.definition.steps[reference.name]
        response = self.responses[reference.name]
        if step.type == "Condition":
            return response["Outcome"]
        try:
            value = property_value(CALLS[step.type].response, response, reference.path)
        except KeyError as error:
            raise StepFailedError(
                f"Unable to resolve the property reference '{reference.text}':"
                f" {CALLS[step.type].describe} of the step returned no {error}."
            ) from error
        return value.isoformat() if isinstance(value, datetime) else value

    def _json_get(self, argument: dict[str, Any]) -> Any:
        if "S3Uri" in argument:
            uri = self.resolve(argument["S3Uri"])
        else:
            uri = self._file_uri(parse_reference(argument["PropertyFile"]["Get"]))
        try:
            document = json.loads(self.read(uri))
        except ValueError as error:
            raise StepFailedError(f"Unable to parse the property file {uri} as JSON: {error}.") from error
        return _at(document, json_path(argument["Path"]), argument["Path"], uri)

    def _file_uri(self, reference: Reference) -> str:
        file = self.definition.steps[reference.name].property_files[str(reference.property_file)]
        path: Path = ("ProcessingOutputConfig", "Outputs", file.output, "S3Output", "S3Uri")
        folder = property_value(CALLS["Processing"].response, self.responses[reference.name], path)
        return f"{folder.rstrip('/')}/{file.path}"


def _at(document: Any, path: Path, text: str, uri: str) -> Any:
    value = document
    for key in path:
        is_there = key in value if isinstance(value, dict) else isinstance(value, list) and isinstance(key, int)
        if not is_there or (isinstance(value, list) and isinstance(key, int) and key >= len(value)):
            raise StepFailedError(f"Unable to read '{text}' from the property file {uri}: it has no '{key}' there.")
        value = value[key]
    if is_compound(value) or value is None:
        raise StepFailedError(f"Unable to read '{text}' from the property file {uri}: it is not a single value.")
    return value
