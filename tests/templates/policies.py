"""What no policy of ours may hold, whatever a scanner's rules happen to be."""

from collections.abc import Iterator
from typing import Any

Resource = dict[str, Any]


def forbidden(resources: dict[str, Resource]) -> Iterator[str]:
    """Name every resource that runs code to deploy, borrows a policy of AWS's, or allows more than it needs."""
    for name, resource in resources.items():
        kind, properties = resource["Type"], resource.get("Properties", {})
        if kind.startswith("Custom::") or kind == "AWS::CloudFormation::CustomResource":
            yield f"{name} is a {kind}"
        if "FullAccess" in str(properties.get("ManagedPolicyArns", "")):
            yield f"{name} borrows {properties['ManagedPolicyArns']}"
        for statement in _statements(properties):
            yield from (f"{name} {statement.get('Sid', '')}: {fault}" for fault in _too_much(statement))


def _statements(properties: Resource) -> Iterator[Resource]:
    """Return what the resource allows an identity; in a resource's own policy `*` is that resource."""
    documents = [
        properties.get("PolicyDocument", {}),
        *(each["PolicyDocument"] for each in properties.get("Policies", [])),
    ]
    for document in documents:
        yield from (each for each in document.get("Statement", []) if "Principal" not in each)


def _too_much(statement: Resource) -> Iterator[str]:
    if statement["Effect"] != "Allow":
        return
    actions, resources = _listed(statement.get("Action", "*")), _listed(statement.get("Resource", "*"))
    if "*" not in resources:
        return
    if [action for action in actions if "*" in action]:
        yield f"{actions} on every resource"
    if [action for action in actions if action.lower() in {"iam:passrole", "iam:*", "*"}]:
        yield "any role may be passed"


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
