"""Why: what a deleted stack retained must come back under a stack without being made anew, and never by accident."""

from collections.abc import Iterator, Mapping
from typing import Any

from ..protocol import ApiError
from .deployment import Deployment
from .provisioning import Failure, Provisioner
from .resources.existing import identifying
from .stack import Stack, Stacks

IMPORT = "IMPORT"
# What AWS says of a change set that is ready to import.
REVIEW_REASON = (
    "Verify that resources and their properties defined in the template match the intended configuration of the"
    " resource import to avoid unexpected changes."
)
_RETAINED = {"Retain", "RetainExceptOnCreate"}

# Logical id to physical id.
Imports = dict[str, str]


def found_by_name(stacks: Stacks, stack: Stack, deployment: Deployment, provisioner: Provisioner) -> Imports:
    """Find what a deployment would create and is there already, as ImportExistingResources asks.

    Only a name that stands in the template as it is counts. One that a function makes is documented not to, and neither
    is an identifier that the service gives: a key or a model package group is imported by name in an IMPORT change set.
    https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/import-resources-automatically.html
    """
    imports: Imports = {}
    unretained: list[str] = []
    for logical_id, definition in deployment.template.active(provisioner.evaluator).items():
        named = _named(definition, stack.region)
        if logical_id in stack.resources or not named:
            continue
        physical_id = "|".join(named.values())
        if not provisioner.looked_up(logical_id, definition["Type"], physical_id):
            continue
        _refuse_held(stacks, stack, definition["Type"], physical_id)
        imports[logical_id] = physical_id
        if definition.get("DeletionPolicy") not in _RETAINED:
            unretained.append(f"{logical_id} ({{{', '.join(f'{key}={value}' for key, value in named.items())}}})")
    if unretained:
        raise Failure(
            "CloudFormation is attempting to import some resources because they already exist in your account. The"
            " resources must have the DeletionPolicy attribute set to 'Retain' or 'RetainExceptOnCreate' in the"
            f" template for successful import. The affected resources are {', '.join(unretained)}"
        )
    return imports


def asked_for(requested: list[dict[str, Any]], stack: Stack, deployment: Deployment) -> Imports:
    """Read the resources that an IMPORT change set names, and refuse what AWS refuses of such a request."""
    declared = deployment.template.resources
    if not requested:
        raise _refused("Must Provide at least one resource to import")
    names = [each["LogicalResourceId"] for each in requested]
    if len(set(names)) != len(names):
        raise _refused("Every resource to import must have unique LogicalResourceId")
    if unknown := [name for name in names if name not in declared]:
        raise _refused(
            f"The logical resource ids {_listed(unknown)} provided in ResourceToImport do not exist in the template."
        )
    imports = {each["LogicalResourceId"]: _physical_id(each, declared, stack.region) for each in requested}
    if held := [name for name in names if name in stack.resources]:
        raise _refused(
            f"Resources {_listed(held)} passed in ResourceToImport are already in a stack and cannot be imported."
        )
    if deletable := [name for name in names if "DeletionPolicy" not in declared[name]]:
        raise _refused(
            f"The following resources to import {_listed(deletable)} must have DeletionPolicy attribute specified in"
            " the template."
        )
    return imports


def refuse_other_changes(stack: Stack, deployment: Deployment, changes: list[dict[str, Any]]) -> None:
    """Refuse an IMPORT change set that would do more than import."""
    before = stack.deployment
    outputs = before.template.outputs if before else {}
    tags = dict(before.tags) if before else {}
    for part, differs in (
        ("Outputs", deployment.template.outputs != outputs),
        ("Tags", dict(deployment.tags) != tags),
    ):
        if differs:
            raise _refused(f"As part of the import operation, you cannot modify or add [{part}]")
    if added := list(_with_action(changes, "Add")):
        raise _refused(f"Resources {_listed(added)} is missing from ResourceToImport list")
    if modified := sorted([*_with_action(changes, "Modify"), *_with_action(changes, "Remove")]):
        raise _refused(
            f"You have modified resources {_listed(modified)} in your template that are not being imported. Update,"
            " create or delete operations cannot be executed during import operations."
        )


def require_importable(stacks: Stacks, stack: Stack, deployment: Deployment, provisioner: Provisioner) -> None:
    """Refuse to import what is not there, and what another stack holds."""
    for logical_id, physical_id in deployment.imports.items():
        type_name = deployment.template.resources[logical_id]["Type"]
        if not provisioner.looked_up(logical_id, type_name, physical_id):
            raise Failure(f"Resource of type '{type_name}' with identifier '{physical_id}' was not found.")
        _refuse_held(stacks, stack, type_name, physical_id)


def identifiers(types: Mapping[str, list[str]], region: str) -> list[dict[str, Any]]:
    """Return what identifies each type that can be imported, as GetTemplateSummary tells it."""
    return [
        {"ResourceType": name, "LogicalResourceIds": logical_ids, "ResourceIdentifiers": [",".join(keys)]}
        for name, logical_ids in types.items()
        if (keys := identifying(name, region))
    ]


def _named(definition: dict[str, Any], region: str) -> dict[str, str]:
    """Return the identifying properties as the template writes them, or nothing where one is missing or made up."""
    properties = definition.get("Properties") or {}
    named = {key: properties.get(key) for key in identifying(definition["Type"], region)}
    is_static = all(isinstance(value, str) and "{{resolve:" not in value for value in named.values())
    return {key: str(value) for key, value in named.items()} if is_static else {}


def _physical_id(requested: dict[str, Any], declared: Mapping[str, Any], region: str) -> str:
    name, type_name = requested["LogicalResourceId"], requested["ResourceType"]
    if declared[name]["Type"] != type_name:
        raise _refused(
            f"Resource type of [{name}] passed in ResourceToImport does not match with resource type defined in the"
            f" template. Resource type in ResourceToImport: {type_name}; Resource type in Template:"
            f" {declared[name]['Type']}."
        )
    keys = identifying(type_name, region)
    if not keys:
        raise _refused(f"The sandbox does not import {type_name}: its import works in AWS only.")
    given: dict[str, str] = requested["ResourceIdentifier"]
    if sorted(given) != sorted(keys):
        raise _refused(f"Invalid resource identifier for resource type {type_name}. Expected [{', '.join(keys)}]")
    return "|".join(given[key] for key in keys)


def _refuse_held(stacks: Stacks, stack: Stack, type_name: str, physical_id: str) -> None:
    for other in stacks.neighbours(stack):
        held = ((resource.type, resource.physical_id) for resource in list(other.resources.values()))
        if (type_name, physical_id) in held:
            raise Failure(f"{physical_id} already exists in stack {other.id}")


def _with_action(changes: list[dict[str, Any]], action: str) -> Iterator[str]:
    for change in changes:
        if change["ResourceChange"]["Action"] == action:
            yield change["ResourceChange"]["LogicalResourceId"]


def _listed(names: list[str]) -> str:
    return f"[{', '.join(names)}]"


def _refused(message: str) -> ApiError:
    return ApiError("ValidationError", message)
