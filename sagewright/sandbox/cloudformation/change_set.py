"""Why: a change set says what an execution would add, change, replace and remove, before anything is touched."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from ..clients import Clients
from ..protocol import ApiError
from .actor import Actor
from .deployment import Deployment
from .functions import UNKNOWN, Evaluator
from .outputs import output_values
from .provisioning import Failure, Provisioner
from .schema import schema_for
from .scope import MISSING_EXPORT, HeldResources
from .stack import Resource, Stack, Stacks

NO_CHANGES = "The submitted information didn't contain changes. Submit different information to create a change set."

_SCOPES = ("Metadata", "DeletionPolicy", "UpdateReplacePolicy", "UpdatePolicy", "CreationPolicy")


class PlannedResources:
    """Reads what is known before the execution; what a creation or replacement will give is a placeholder."""

    def __init__(self, present: HeldResources, pending: set[str], imports: Mapping[str, str]) -> None:
        self._present = present
        self._imports = imports
        self.pending = pending

    def physical_id(self, logical_id: str) -> str:
        """Return what Ref gives, as far as that is known."""
        if logical_id in self._imports:
            return self._imports[logical_id]
        return UNKNOWN if logical_id in self.pending else self._present.physical_id(logical_id)

    def attribute(self, logical_id: str, name: str) -> Any:
        """Return what Fn::GetAtt gives, as far as that is known."""
        return UNKNOWN if logical_id in self.pending else self._present.attribute(logical_id, name)


def plan(stacks: Stacks, stack: Stack, deployment: Deployment, clients: Clients, actor: Actor) -> list[dict[str, Any]]:
    """Return the changes in the API's form, in the template's order, removals last."""
    provisioner = Provisioner(stacks, stack, deployment, clients, actor)
    planned = PlannedResources(provisioner, set(), deployment.imports)
    evaluator = Evaluator(deployment.template.document, replace(provisioner.scope, resources=planned, planning=True))
    active = deployment.template.active(evaluator)
    present = {name: resource for name, resource in stack.resources.items() if resource.physical_id}
    _refuse_new_types(active, present)
    planned.pending = active.keys() - present.keys()
    retag = stack.deployment is not None and dict(stack.deployment.tags) != dict(deployment.tags)
    changes: dict[str, dict[str, Any]] = {}
    graph = deployment.template.dependencies(evaluator)
    for logical_id in _sorted(graph):
        definition = active[logical_id]
        if logical_id not in present:
            evaluator.value(definition.get("Properties"))  # told now, if it is wrong
            changes[logical_id] = _arrival(logical_id, definition["Type"], deployment.imports.get(logical_id))
            continue
        change = _modification(present[logical_id], definition, evaluator, stack.region, retag=retag)
        if change:
            changes[logical_id] = change
            if change["Replacement"] == "True":
                planned.pending.add(logical_id)
    output_values(deployment.template, evaluator)  # a value that is no text is told now
    ordered = [changes[logical_id] for logical_id in active if logical_id in changes]
    ordered += [_removal(resource) for name, resource in present.items() if name not in active]
    return [{"Type": "Resource", "ResourceChange": change} for change in ordered]


def refuse_unplannable(stacks: Stacks, stack: Stack, deployment: Deployment, clients: Clients, actor: Actor) -> None:
    """Refuse what cannot even be planned; a missing export and an attribute are told by the operation itself."""
    try:
        plan(stacks, stack, deployment, clients, actor)
    except Failure:
        return
    except ApiError as error:
        if not error.message.startswith(MISSING_EXPORT):
            raise


def is_same(stack: Stack, deployment: Deployment) -> bool:
    """Whether a deployment asks for exactly what the stack has."""
    old = stack.deployment
    if old is None:
        return False
    return (
        _substance(old) == _substance(deployment)
        and {key: parameter.value for key, parameter in old.parameters.items()}
        == {key: parameter.value for key, parameter in deployment.parameters.items()}
        and dict(old.tags) == dict(deployment.tags)
        and old.notification_arns == deployment.notification_arns
    )


def _substance(deployment: Deployment) -> dict[str, Any]:
    """Return what of a template makes a difference: its description and metadata alone are no change."""
    document = deployment.template.document
    return {key: value for key, value in document.items() if key not in {"Description", "Metadata", "Rules"}}


def _modification(
    resource: Resource, definition: dict[str, Any], evaluator: Evaluator, region: str, *, retag: bool
) -> dict[str, Any] | None:
    schema = schema_for(resource.type, region)
    new = evaluator.value(definition.get("Properties") or {})
    new = schema.coerced(new) if schema else new
    old = resource.properties
    changed = [name for name in {**old, **new} if old.get(name) != new.get(name)]
    scopes = ["Properties"] if changed else []
    scopes += [scope for scope in _SCOPES if resource.definition.get(scope) != definition.get(scope)]
    if retag and schema is not None and schema.document.get("tagging", {}).get("taggable"):
        scopes.append("Tags")
    if not scopes:
        return None
    replaced = False
    details = []
    for name in changed:
        recreates = schema is not None and schema.replaces(old, {**_without(old, name), **_only(new, name)})
        replaced = replaced or recreates
        target = {"Attribute": "Properties", "Name": name, "RequiresRecreation": "Always" if recreates else "Never"}
        dynamic = UNKNOWN in str(new.get(name))
        details.append(
            {
                "Target": target,
                "Evaluation": "Dynamic" if dynamic else "Static",
                "ChangeSource": "ResourceReference" if dynamic else "DirectModification",
            }
        )
    details += [
        {
            "Target": {"Attribute": scope, "RequiresRecreation": "Never"},
            "Evaluation": "Static",
            "ChangeSource": "DirectModification",
        }
        for scope in scopes
        if scope != "Properties"
    ]
    change = {
        "Action": "Modify",
        "LogicalResourceId": resource.logical_id,
        "PhysicalResourceId": resource.physical_id,
        "ResourceType": resource.type,
        "Replacement": "True" if replaced else "False",
        "Scope": scopes,
        "Details": details,
    }
    if replaced:
        keeps = definition.get("UpdateReplacePolicy") == "Retain"
        change["PolicyAction"] = "ReplaceAndRetain" if keeps else "ReplaceAndDelete"
    return change


def _arrival(logical_id: str, type_name: str, physical_id: str | None) -> dict[str, Any]:
    if physical_id is None:
        return {"Action": "Add", "LogicalResourceId": logical_id, "ResourceType": type_name}
    return {
        "Action": "Import",
        "LogicalResourceId": logical_id,
        "PhysicalResourceId": physical_id,
        "ResourceType": type_name,
        "Scope": [],
        "Details": [],
    }


def _removal(resource: Resource) -> dict[str, Any]:
    keeps = resource.definition.get("DeletionPolicy", "Delete") != "Delete"
    return {
        "Action": "Remove",
        "LogicalResourceId": resource.logical_id,
        "PhysicalResourceId": resource.physical_id,
        "ResourceType": resource.type,
        "PolicyAction": "Retain" if keeps else "Delete",
        "Scope": [],
        "Details": [],
    }


def _refuse_new_types(active: dict[str, dict[str, Any]], present: dict[str, Resource]) -> None:
    changed = [name for name, resource in present.items() if name in active and active[name]["Type"] != resource.type]
    if changed:
        raise ApiError(
            "ValidationError",
            "Update of resource type is not permitted. The new template modifies resource type of the following "
            f"resources: [{', '.join(changed)}]",
        )


def _sorted(graph: dict[str, set[str]]) -> list[str]:
    """Return the nodes, each after those it depends on."""
    done: list[str] = []
    while len(done) < len(graph):
        done += [node for node, needed in graph.items() if node not in done and needed <= set(done)]
    return done


def _without(properties: dict[str, Any], name: str) -> dict[str, Any]:
    return {key: value for key, value in properties.items() if key != name}


def _only(properties: dict[str, Any], name: str) -> dict[str, Any]:
    return {name: properties[name]} if name in properties else {}
