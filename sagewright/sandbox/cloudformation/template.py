"""Why: what a template asks for is checked as a whole, before anything of it is created."""

import re
from collections.abc import Iterator, Mapping
from collections.abc import Set as AbstractSet
from typing import Any

from ..protocol import ApiError
from .functions import Evaluator, function_name
from .parameters import check_declarations
from .structure import check_structure

PSEUDO_PARAMETERS = {
    "AWS::AccountId",
    "AWS::NoValue",
    "AWS::NotificationARNs",
    "AWS::Partition",
    "AWS::Region",
    "AWS::StackId",
    "AWS::StackName",
    "AWS::URLSuffix",
}
_SUBSTITUTION = re.compile(r"\$\{([^!}][^}]*)\}")
# What needs CAPABILITY_IAM, and the property that makes it CAPABILITY_NAMED_IAM; a policy's name is no such name.
_IAM_NAMES = {
    "AWS::IAM::AccessKey": None,
    "AWS::IAM::Group": "GroupName",
    "AWS::IAM::GroupPolicy": None,
    "AWS::IAM::InstanceProfile": "InstanceProfileName",
    "AWS::IAM::ManagedPolicy": "ManagedPolicyName",
    "AWS::IAM::Policy": None,
    "AWS::IAM::Role": "RoleName",
    "AWS::IAM::RolePolicy": None,
    "AWS::IAM::User": "UserName",
    "AWS::IAM::UserPolicy": None,
    "AWS::IAM::UserToGroupAddition": None,
}


class Template:
    """A template that CloudFormation accepts, as far as that shows without parameter values."""

    def __init__(self, body: str, document: dict[str, Any]) -> None:
        self.body = body
        self.document = document
        self.resources: dict[str, dict[str, Any]] = document.get("Resources") or {}
        self.outputs: dict[str, dict[str, Any]] = document.get("Outputs") or {}
        self.parameters: dict[str, dict[str, Any]] = document.get("Parameters") or {}
        self.rules: dict[str, dict[str, Any]] = document.get("Rules") or {}
        check_structure(document)
        check_declarations(self.parameters)
        self._check_names()

    def capabilities(self) -> tuple[str | None, list[str]]:
        """Return the capability that the template needs, and the resource types that need it."""
        found = [resource for resource in self.resources.values() if resource["Type"] in _IAM_NAMES]
        named = [r for r in found if _IAM_NAMES[r["Type"]] in (r.get("Properties") or {})]
        types = sorted({resource["Type"] for resource in found})
        return ("CAPABILITY_NAMED_IAM" if named else "CAPABILITY_IAM" if found else None), types

    def attributes_read(self) -> Iterator[tuple[str, str]]:
        """Yield every (resource, attribute) that Fn::GetAtt and Fn::Sub read, wherever conditions lead."""
        for logical_id, name in attributes_read([self.resources, self.outputs]):
            if logical_id in self.resources:
                yield logical_id, name

    def active(self, evaluator: Evaluator) -> dict[str, dict[str, Any]]:
        """Return the resources whose condition holds."""
        return {
            logical_id: resource
            for logical_id, resource in self.resources.items()
            if "Condition" not in resource or evaluator.condition(resource["Condition"])
        }

    def dependencies(self, evaluator: Evaluator) -> dict[str, set[str]]:
        """Return, for every active resource, the resources that must exist before it; a circle is refused."""
        active = self.active(evaluator)
        graph = {}
        for logical_id, resource in active.items():
            named = set(references(resource.get("Properties"), evaluator)) & self.resources.keys()
            if gone := sorted(named - active.keys()):
                raise _unresolved(gone, "Resources")
            # DependsOn on what a condition has left out is no dependency.
            graph[logical_id] = named | (set(_depends_on(resource)) & active.keys())
        refuse_circles(graph)
        for name, output in self.active_outputs(evaluator).items():
            named = set(references(output["Value"], evaluator)) & self.resources.keys()
            if gone := sorted(named - active.keys()):
                raise _unresolved(gone, "Outputs", name)
        return graph

    def active_outputs(self, evaluator: Evaluator) -> dict[str, dict[str, Any]]:
        """Return the outputs whose condition holds."""
        return {
            name: output
            for name, output in self.outputs.items()
            if "Condition" not in output or evaluator.condition(output["Condition"])
        }

    def _check_names(self) -> None:
        """Refuse references to what the template does not declare, wherever conditions lead."""
        known = self.parameters.keys() | self.resources.keys() | PSEUDO_PARAMETERS
        conditions = self.document.get("Conditions") or {}
        for logical_id, resource in self.resources.items():
            _check_references(resource.get("Properties"), known, self.resources.keys(), "Resources")
            _check_imports(resource.get("Properties"), self.resources.keys())
            if gone := sorted(set(_depends_on(resource)) - self.resources.keys()):
                raise _unresolved(gone, "Resources")
            if resource.get("Condition") is not None and resource["Condition"] not in conditions:
                name = resource["Condition"]
                raise _error(
                    f"Template format error: Resource {logical_id} is malformed. Condition {name} is not defined."
                )
        for name, output in self.outputs.items():
            if not isinstance(output, dict) or "Value" not in output:
                raise _error(f"Template format error: Every Outputs member must contain a Value object. ({name})")
            _check_references(output["Value"], known, self.resources.keys(), "Outputs")
            _check_imports(output["Value"], self.resources.keys())
            export = output.get("Export", {})
            if set(references(export)) & self.resources.keys():
                raise _error(
                    f"Template format error: Output {name} is malformed.  "
                    "The Name field of Export must not depend on any resources, imported values, or Fn::GetAZs."
                )
        _check_conditions(conditions, self.parameters.keys())


def references(value: Any, evaluator: Evaluator | None = None) -> Iterator[str]:
    """Yield every name that Ref, Fn::GetAtt and Fn::Sub read; with an evaluator, only on the branch that holds."""
    if isinstance(value, list):
        for item in value:
            yield from references(item, evaluator)
        return
    if not isinstance(value, dict):
        return
    name = function_name(value)
    arguments = value[name] if name else None
    if name == "Ref":
        yield str(arguments)
    elif name == "Fn::GetAtt":
        parts = arguments.split(".", 1) if isinstance(arguments, str) else arguments
        if isinstance(parts, list) and parts:
            yield str(parts[0])
    elif name == "Fn::Sub":
        yield from _substituted(arguments, evaluator)
    elif name == "Fn::If" and evaluator and isinstance(arguments, list):
        condition, when_true, when_false = arguments
        yield from references(when_true if evaluator.condition(condition) else when_false, evaluator)
    else:
        for item in value.values():
            yield from references(item, evaluator)


def attributes_read(value: Any) -> Iterator[tuple[str, str]]:
    """Yield every (logical id, attribute) in a value; an attribute that a function gives is not known yet."""
    if isinstance(value, dict):
        name = function_name(value)
        if name == "Fn::GetAtt":
            target = value[name]
            parts = target.split(".", 1) if isinstance(target, str) else target
            if isinstance(parts, list) and len(parts) > 1 and all(isinstance(part, str) for part in parts):
                yield parts[0], ".".join(parts[1:])
        elif name == "Fn::Sub":
            arguments = value[name]
            text, variables = arguments if isinstance(arguments, list) else (arguments, dict[str, Any]())
            names = {match[1].strip() for match in _SUBSTITUTION.finditer(str(text))} - set(variables)
            yield from ((part[0], part[2]) for part in (name.partition(".") for name in sorted(names)) if part[1])
    children = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    for child in children:
        yield from attributes_read(child)


def refuse_circles(graph: Mapping[str, set[str]]) -> None:
    """Refuse a graph in which resources wait for one another."""
    waiting = {node: set(needed) for node, needed in graph.items()}
    while ready := [node for node, needed in waiting.items() if not needed & waiting.keys()]:
        for node in ready:
            del waiting[node]
    # What only waits for a circle is no part of it.
    while ends := [node for node in waiting if not any(node in needed for needed in waiting.values())]:
        for node in ends:
            del waiting[node]
    if waiting:
        raise _error(f"Circular dependency between resources: [{', '.join(sorted(waiting))}]")


def _check_references(value: Any, known: set[str], resources: Any, section: str) -> None:
    for kind, name in _typed_references(value):
        if kind == "Fn::GetAtt" and name not in resources:
            raise _error(f"Template error: instance of Fn::GetAtt references undefined resource {name}")
        if name not in known:
            raise _unresolved([name], section)


def _check_conditions(definitions: Mapping[str, Any], parameters: AbstractSet[str]) -> None:
    for name, definition in definitions.items():
        for other in _named_conditions(definition):
            if name in {other, *_conditions_behind(other, definitions)}:
                raise _error(f"Template format error: Found circular condition dependency between {name} and {other}")
        if gone := sorted(set(references(definition)) - parameters - PSEUDO_PARAMETERS):
            raise _error(
                f"Template error: Unresolved dependencies {gone}. "
                "Cannot reference resources in the Conditions block of the template"
            )


def _conditions_behind(name: str, definitions: Mapping[str, Any]) -> list[str]:
    """Return every condition that one is made of; itself too, where it is made of itself."""
    found = list(_named_conditions(definitions.get(name)))
    for each in found:
        found += [other for other in _named_conditions(definitions.get(each)) if other not in found]
    return found


def _named_conditions(value: Any) -> Iterator[str]:
    if isinstance(value, dict) and function_name(value) == "Condition":
        yield value["Condition"]
    elif isinstance(value, (dict, list)):
        for item in value.values() if isinstance(value, dict) else value:
            yield from _named_conditions(item)


def _check_imports(value: Any, resources: Any) -> None:
    """Refuse an export's name that only a resource would give: imports are read before anything is made."""
    if isinstance(value, list):
        for item in value:
            _check_imports(item, resources)
    elif isinstance(value, dict):
        if function_name(value) == "Fn::ImportValue" and set(references(value["Fn::ImportValue"])) & resources:
            raise _error(
                "Template error: the attribute in Fn::ImportValue must not depend on any resources, "
                "imported values, or Fn::GetAZs"
            )
        for item in value.values():
            _check_imports(item, resources)


def _typed_references(value: Any) -> Iterator[tuple[str, str]]:
    if isinstance(value, list):
        for item in value:
            yield from _typed_references(item)
    elif isinstance(value, dict):
        name = function_name(value)
        if name in {"Ref", "Fn::GetAtt", "Fn::Sub"}:
            yield from ((name, target) for target in references(value))
            if name != "Fn::Sub":
                return
        for item in value.values():
            yield from _typed_references(item)


def _substituted(arguments: Any, evaluator: Evaluator | None) -> Iterator[str]:
    text, variables = arguments if isinstance(arguments, list) else (arguments, dict[str, Any]())
    yield from references(variables, evaluator)
    for match in _SUBSTITUTION.finditer(str(text)):
        name = match[1].strip()
        if name not in variables:
            yield name.split(".", 1)[0]


def _depends_on(resource: dict[str, Any]) -> list[str]:
    named = resource.get("DependsOn", [])
    return [named] if isinstance(named, str) else list(named)


def _unresolved(names: list[str], section: str, output: str | None = None) -> ApiError:
    where = (
        f"{section} block of the template" if output is None else f"{section} block of the template (output {output})"
    )
    return _error(f"Template format error: Unresolved resource dependencies [{', '.join(names)}] in the {where}")


def _error(message: str) -> ApiError:
    return ApiError("ValidationError", message)
