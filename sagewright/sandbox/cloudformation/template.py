"""Why: what a template asks for is checked as a whole, before anything of it is created."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from ..protocol import ApiError
from .functions import Evaluator, function_name
from .parameters import check_declarations

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
DELETION_POLICIES = {"Delete", "Retain", "RetainExceptOnCreate"}
REPLACE_POLICIES = {"Delete", "Retain"}

_SECTIONS = {
    *("AWSTemplateFormatVersion", "Description", "Metadata", "Parameters", "Rules", "Mappings", "Conditions"),
    *("Transform", "Resources", "Outputs", "Hooks"),
}
_RESOURCE_MEMBERS = {
    *("Type", "Properties", "DependsOn", "Condition", "Metadata", "DeletionPolicy", "UpdateReplacePolicy"),
    *("UpdatePolicy", "CreationPolicy", "Description", "Version"),
}
_LIMITS = {"Resources": 500, "Parameters": 200, "Mappings": 200, "Outputs": 200}
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
        _check_sections(document)
        check_declarations(self.parameters)
        for logical_id, resource in self.resources.items():
            _check_resource(logical_id, resource)
        self._check_names()

    def capabilities(self) -> tuple[str | None, list[str]]:
        """Return the capability that the template needs, and the resource types that need it."""
        found = [resource for resource in self.resources.values() if resource["Type"] in _IAM_NAMES]
        named = [r for r in found if _IAM_NAMES[r["Type"]] in (r.get("Properties") or {})]
        types = sorted({resource["Type"] for resource in found})
        return ("CAPABILITY_NAMED_IAM" if named else "CAPABILITY_IAM" if found else None), types

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
            export = output.get("Export", {})
            if set(references(export)) & self.resources.keys():
                raise _error(
                    f"Template format error: Output {name} is malformed.  "
                    "The Name field of Export must not depend on any resources, imported values, or Fn::GetAZs."
                )
        for definition in conditions.values():
            if gone := sorted(set(references(definition)) - self.parameters.keys() - PSEUDO_PARAMETERS):
                raise _error(
                    f"Template error: Unresolved dependencies {gone}. "
                    "Cannot reference resources in the Conditions block of the template"
                )


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


def _check_sections(document: dict[str, Any]) -> None:
    if unknown := sorted(set(map(str, document)) - _SECTIONS):
        raise _error(f"Invalid template property or properties [{', '.join(unknown)}]")
    version = document.get("AWSTemplateFormatVersion", "2010-09-09")
    if version != "2010-09-09":
        raise _error("Template format error: unsupported value for AWSTemplateFormatVersion.")
    if document.get("Transform"):
        raise _error(f"The sandbox does not run macros: Transform {document['Transform']} works in AWS only.")
    for section in ("Parameters", "Mappings", "Conditions", "Resources", "Outputs", "Rules"):
        members = document.get(section)
        if members is not None and not isinstance(members, dict):
            raise _error(f"Template format error: {section} must be an object.")
        if section in _LIMITS and members and len(members) > _LIMITS[section]:
            raise _error(
                f"Template format error: Number of {section.lower()}, {len(members)}, "
                f"is greater than maximum allowed, {_LIMITS[section]}"
            )
    if not document.get("Resources"):
        raise _error("Template format error: At least one Resources member must be defined.")


def _check_resource(logical_id: str, resource: Any) -> None:
    if not re.fullmatch(r"[A-Za-z0-9]+", str(logical_id)):
        raise _error(f"Template format error: Resource name {logical_id} is non alphanumeric.")
    if not isinstance(resource, dict) or not isinstance(resource.get("Type"), str):
        raise _error(
            f"Template format error: [/Resources/{logical_id}] Every Resources object must contain a Type member."
        )
    if unknown := sorted(set(resource) - _RESOURCE_MEMBERS):
        raise _error(f"Invalid template resource property '{unknown[0]}'")
    if not isinstance(resource.get("Properties") or {}, dict):
        raise _error(
            f"Template format error: [/Resources/{logical_id}/Properties] 'null' values are not allowed in templates"
        )
    for member, allowed in (("DeletionPolicy", DELETION_POLICIES), ("UpdateReplacePolicy", REPLACE_POLICIES)):
        policy = resource.get(member, "Delete")
        if policy == "Snapshot":
            raise _error(f"Template error: resource type {resource['Type']} does not support deletion policy Snapshot")
        if policy not in allowed:
            raise _error(f"Template format error: Unrecognized {member} {policy} for resource {logical_id}")


def _check_references(value: Any, known: set[str], resources: Any, section: str) -> None:
    for kind, name in _typed_references(value):
        if kind == "Fn::GetAtt" and name not in resources:
            raise _error(f"Template error: instance of Fn::GetAtt references undefined resource {name}")
        if name not in known:
            raise _unresolved([name], section)


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
