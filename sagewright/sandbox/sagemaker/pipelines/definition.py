"""Why: a pipeline that cannot run is refused when it is made, not after its first step has been paid for."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from ...protocol import ApiError
from .arguments import check_arguments, check_item, check_property
from .conditions import check_conditions
from .expressions import EXECUTION_VARIABLES, Reference, is_expression, json_array, json_object, malformed, references
from .kinds import ABSENT, CALLS, LOCAL
from .parameters import Parameter, parse_parameters
from .policies import Cache, Retry, parse_cache, parse_retries

VERSION = "2020-12-01"
MAX_BYTES = 1_048_576
MAX_STEPS = 50
STEP_NAME = re.compile(r"[A-Za-z0-9\-_]{1,64}")
TOP_MEMBERS = ("Version", "Metadata", "Parameters", "PipelineExperimentConfig", "Steps")
STEP_MEMBERS = ("Name", "Type", "Arguments", "DisplayName", "Description", "DependsOn")
FILE_MEMBERS = ("PropertyFileName", "OutputName", "FilePath")


@dataclass(frozen=True)
class PropertyFile:
    """A JSON file that a processing step leaves in one of its outputs for others to read from."""

    output: str
    path: str


@dataclass(frozen=True)
class Step:
    """One step; `branch` says under which condition step it stands, and for which outcome it runs."""

    name: str
    type: str
    arguments: dict[str, Any]
    display_name: str | None = None
    description: str | None = None
    depends_on: tuple[str, ...] = ()
    property_files: dict[str, PropertyFile] = field(default_factory=dict)
    cache: Cache | None = None
    retries: tuple[Retry, ...] = ()
    branch: tuple[str, bool] | None = None

    @property
    def references(self) -> tuple[Reference, ...]:
        """What the step's own arguments refer to; the steps in a condition's branches refer for themselves."""
        return tuple(references(self.own_arguments))

    @property
    def own_arguments(self) -> dict[str, Any]:
        """The arguments without the steps of a condition's branches."""
        return {key: value for key, value in self.arguments.items() if key not in ("IfSteps", "ElseSteps")}

    @property
    def dependencies(self) -> tuple[str, ...]:
        """The steps that have to be over before this one starts."""
        referred = [reference.name for reference in self.references if reference.scope == "Steps"]
        above = [self.branch[0]] if self.branch else []
        return tuple(dict.fromkeys((*referred, *self.depends_on, *above)))


@dataclass(frozen=True)
class Definition:
    """A valid pipeline definition: its parameters and, in one mapping, the steps of every branch."""

    parameters: dict[str, Parameter]
    steps: dict[str, Step]
    experiment: dict[str, Any] | None = None


def parse_definition(text: str) -> Definition:
    """Read a definition; the first fault is refused, in AWS's words where they are known."""
    if len(text.encode()) > MAX_BYTES:
        raise malformed(f"The definition has {len(text.encode())} bytes; at most {MAX_BYTES} are allowed.")
    try:
        document = json.loads(text)
    except ValueError as error:
        raise malformed(f"Invalid JSON: {error}.") from error
    json_object(document, "Pipeline", TOP_MEMBERS)
    if document.get("Version") != VERSION:
        raise malformed(f"Version {document.get('Version')!r} is not supported: the version is '{VERSION}'.")
    parameters = parse_parameters(document.get("Parameters", []))
    if not document.get("Steps"):
        raise malformed("The pipeline has no Steps.")
    steps: dict[str, Step] = {}
    for step in _steps(document["Steps"], None):
        if step.name in steps:
            raise malformed(f"Step names must be unique: '{step.name}' is used more than once.")
        steps[step.name] = step
    if len(steps) > MAX_STEPS:
        raise malformed(f"The pipeline has {len(steps)} steps; at most {MAX_STEPS} are allowed.")
    definition = Definition(parameters, steps, _experiment(document.get("PipelineExperimentConfig"), parameters))
    for step in steps.values():
        _check_references(definition, step)
        _check_step(step)
    _check_order(steps)
    return definition


def _experiment(config: Any, parameters: dict[str, Parameter]) -> dict[str, Any] | None:
    if config is None:
        return None
    json_object(config, "PipelineExperimentConfig", ("ExperimentName", "TrialName"))
    known = {"Parameters": parameters, "Execution": EXECUTION_VARIABLES}
    for reference in references(config):
        if reference.name not in known.get(reference.scope, ()):
            raise malformed(f"PipelineExperimentConfig refers to '{reference.text}', which the pipeline does not have.")
    return config


def _steps(documents: Any, branch: tuple[str, bool] | None) -> Iterator[Step]:
    for document in json_array(documents):
        step = _step(document, branch)
        yield step
        if step.type == "Condition" and branch is not None:
            # https://docs.aws.amazon.com/sagemaker/latest/dg/build-and-manage-steps-types.html#step-type-condition
            raise malformed(f"Condition step '{step.name}' is in a branch of '{branch[0]}': nesting is not supported.")
        if step.type == "Condition":
            yield from _steps(step.arguments.get("IfSteps", []), (step.name, True))
            yield from _steps(step.arguments.get("ElseSteps", []), (step.name, False))


def _step(document: Any, branch: tuple[str, bool] | None) -> Step:
    if not isinstance(document, dict):
        raise malformed("Expecting start of Json Object.")
    name, kind, arguments = document.get("Name"), str(document.get("Type")), document.get("Arguments", {})
    if not isinstance(name, str) or not STEP_NAME.fullmatch(name):
        raise malformed(
            f"Value '{name}' for 'StepName' failed to satisfy regular expression pattern: {STEP_NAME.pattern}"
        )
    _check_type(name, kind)
    if not isinstance(arguments, dict) or is_expression(arguments):
        raise malformed("Expecting start of Json Object.")
    allowed = list(STEP_MEMBERS)
    allowed += ["RetryPolicies"] * (kind in CALLS)
    allowed += ["CacheConfig"] * (kind in CALLS and bool(CALLS[kind].cache_keys))
    allowed += ["PropertyFiles"] * (kind == "Processing")
    json_object(document, f"{kind}Step", allowed)
    depends_on = document.get("DependsOn", [])
    if not isinstance(depends_on, list) or not all(isinstance(each, str) for each in depends_on):
        raise malformed(f"DependsOn of step '{name}' is a list of step names; received {depends_on!r}.")
    return Step(
        name=name,
        type=kind,
        arguments=arguments,
        display_name=document.get("DisplayName"),
        description=document.get("Description"),
        depends_on=tuple(depends_on),
        property_files=_property_files(name, document.get("PropertyFiles", [])),
        cache=parse_cache(document["CacheConfig"]) if "CacheConfig" in document else None,
        retries=parse_retries(document.get("RetryPolicies", [])),
        branch=branch,
    )


def _check_type(name: str, kind: str) -> None:
    if kind in ABSENT:
        here = ", ".join((*CALLS, *LOCAL))
        raise ApiError(
            "UnsupportedOperation",
            f"The sandbox does not have the step type {kind} of step '{name}'. It has {here}.",
            501,
        )
    if kind not in CALLS and kind not in LOCAL:
        types = ", ".join(sorted((*CALLS, *LOCAL, *ABSENT)))
        raise malformed(f"Value '{kind}' for 'StepType' failed to satisfy enum value set: [{types}]")


def _property_files(step: str, documents: Any) -> dict[str, PropertyFile]:
    files: dict[str, PropertyFile] = {}
    for document in json_array(documents):
        for member in (*FILE_MEMBERS, *json_object(document, "PropertyFile", FILE_MEMBERS)):
            if not isinstance(document.get(member), str):
                raise malformed(f"A PropertyFile of step '{step}' has no {member}.")
        if document["PropertyFileName"] in files:
            raise malformed(f"Step '{step}' has more than one PropertyFile '{document['PropertyFileName']}'.")
        files[document["PropertyFileName"]] = PropertyFile(document["OutputName"], document["FilePath"])
    return files


def _check_step(step: Step) -> None:
    if step.type == "Condition":
        json_object(step.arguments, "Argument", ("Conditions", "IfSteps", "ElseSteps"))
        check_conditions(step.arguments.get("Conditions"))
    elif step.type == "Fail":
        json_object(step.arguments, "Argument", ("ErrorMessage",))
        message = step.arguments.get("ErrorMessage", "")
        if not isinstance(message, str) and not is_expression(message):
            raise malformed(f"ErrorMessage of step '{step.name}' is a string; received {message!r}.")
    else:
        check_arguments(CALLS[step.type], step.arguments)
    outputs = step.arguments.get("ProcessingOutputConfig", {}).get("Outputs", [])
    for name, file in step.property_files.items():
        if file.output not in [output.get("OutputName") for output in outputs]:
            raise malformed(
                f"PropertyFile '{name}' of step '{step.name}' is in output '{file.output}',"
                " which the step does not have."
            )


def _check_references(definition: Definition, step: Step) -> None:
    for name in step.dependencies:
        if name not in definition.steps:
            raise malformed(f"Step '{step.name}' refers to step '{name}', which is not in the pipeline.")
        if definition.steps[name].type == "Fail":
            raise malformed(f"{step.name} can not depends on {name}")
    for reference in step.references:
        if reference.scope == "Parameters" and reference.name not in definition.parameters:
            raise malformed(
                f"Step '{step.name}' refers to parameter '{reference.name}', which the pipeline does not have."
            )
        if reference.scope == "Execution" and reference.name not in EXECUTION_VARIABLES:
            known = ", ".join(sorted(EXECUTION_VARIABLES))
            raise malformed(f"Step '{step.name}' refers to '{reference.text}': the execution variables are {known}.")
        if reference.scope == "Steps":
            _check_property(definition.steps[reference.name], reference)


def _check_property(target: Step, reference: Reference) -> None:
    if reference.property_file is not None:
        if reference.property_file not in target.property_files:
            raise malformed(
                f"Step '{target.name}' has no PropertyFile '{reference.property_file}' ('{reference.text}')."
            )
    elif target.type == "Condition":
        if reference.path != ("Outcome",):
            raise malformed(f"Invalid property reference '{reference.text}': a condition step has Outcome only.")
    else:
        check_property(CALLS[target.type].response, reference)
        check_item(CALLS[target.type], target.arguments, reference)


def _check_order(steps: dict[str, Step]) -> None:
    done: set[str] = set()

    def visit(name: str, trail: tuple[str, ...]) -> None:
        if name in trail:
            cycle = " -> ".join((*trail[trail.index(name) :], name))
            raise malformed(f"The steps depend on one another in a cycle: {cycle}.")
        if name not in done:
            for dependency in steps[name].dependencies:
                visit(dependency, (*trail, name))
            done.add(name)

    for name in steps:
        visit(name, ())
