"""Why: what clients ask about stacks is answered from the records, without touching them."""

import json
from typing import Any

from ..protocol import ApiError, Caller
from . import descriptions, importing
from .paging import page
from .request_reader import RequestReader
from .stack import Stack, Stacks
from .template import Template

PAGE_SIZE = 100
# A client that waits for a stack asks again after seconds (the CDK 5, boto3's waiters 30). The answer about a stack in
# motion is held back until it settles or this time is over, so that nobody sleeps past the end of a short operation.
HOLD_S = 10.0
NO_STACK = "Stack with id {} does not exist"


class QueryOperations:
    """Describe…, List… and Get… of stacks, resources, events, templates and exports."""

    def __init__(self, stacks: Stacks, reader: RequestReader) -> None:
        self._stacks = stacks
        self._reader = reader

    def describe_stacks(self, params: dict[str, Any], caller: Caller) -> dict[str, Any]:
        """Return one stack, or all that are not deleted."""
        if "StackName" in params:
            stack = self._stacks.get(caller, params["StackName"], NO_STACK)
            self._stacks.wait(stack, lambda held: held.settled, HOLD_S)
            return {"Stacks": [descriptions.stack(stack)]}
        shown = [descriptions.stack(stack) for stack in self._stacks.of(caller) if stack.status != "DELETE_COMPLETE"]
        return page("Stacks", shown, params, PAGE_SIZE)

    def list_stacks(self, params: dict[str, Any], caller: Caller) -> dict[str, Any]:
        """Return every stack, deleted ones too, or those in certain states."""
        wanted = params.get("StackStatusFilter")
        shown = [
            descriptions.summary(stack) for stack in self._stacks.of(caller) if not wanted or stack.status in wanted
        ]
        return page("StackSummaries", shown, params, PAGE_SIZE)

    def describe_stack_events(self, params: dict[str, Any], caller: Caller) -> dict[str, Any]:
        """Return a stack's history, the newest event first."""
        stack = self._stacks.get(caller, params["StackName"])
        return page("StackEvents", self._events(stack), params, PAGE_SIZE)

    def describe_events(self, params: dict[str, Any], caller: Caller) -> dict[str, Any]:
        """Return a stack's failures; a change set has none, because it is refused as a whole."""
        if "StackName" not in params or "ChangeSetName" in params:
            return {"OperationEvents": []}
        stack = self._stacks.get(caller, params["StackName"])
        only_failed = params.get("Filters", {}).get("FailedEvents", False)
        shown = [e for e in self._events(stack) if not only_failed or e["ResourceStatus"].endswith("_FAILED")]
        return page("OperationEvents", [_operation_event(event) for event in shown], params, PAGE_SIZE)

    def describe_stack_resource(self, params: dict[str, Any], caller: Caller) -> dict[str, Any]:
        """Return one resource."""
        stack = self._stacks.get(caller, params["StackName"])
        logical_id = params["LogicalResourceId"]
        if logical_id not in stack.resources:
            raise ApiError("ValidationError", f"Resource {logical_id} does not exist for stack {stack.name}")
        resource = stack.resources[logical_id]
        metadata = json.dumps(resource.definition.get("Metadata", {}))
        return {"StackResourceDetail": {**descriptions.resource(stack, resource), "Metadata": metadata}}

    def describe_stack_resources(self, params: dict[str, Any], caller: Caller) -> dict[str, Any]:
        """Return the resources of a stack, found by its name or by one of its resources."""
        stack = self._holder(params, caller)
        wanted = params.get("LogicalResourceId")
        held = [resource for resource in list(stack.resources.values()) if wanted in {None, resource.logical_id}]
        if wanted and not held:
            raise ApiError("ValidationError", f"Resource {wanted} does not exist for stack {stack.name}")
        return {"StackResources": [descriptions.resource(stack, resource) for resource in held]}

    def list_stack_resources(self, params: dict[str, Any], caller: Caller) -> dict[str, Any]:
        """Return the resources of a stack, page by page."""
        stack = self._stacks.get(caller, params["StackName"], NO_STACK)
        shown = [descriptions.resource(stack, resource) for resource in list(stack.resources.values())]
        return page("StackResourceSummaries", shown, params, PAGE_SIZE)

    def get_template(self, params: dict[str, Any], caller: Caller) -> dict[str, Any]:
        """Return a stack's or a change set's template; without macros, both stages are the same."""
        stack = self._stacks.get(caller, params["StackName"], NO_STACK)
        deployment = stack.deployment
        if name := params.get("ChangeSetName"):
            planned = next((held for held in stack.change_sets.values() if name in {held.name, held.id}), None)
            if planned is None:
                raise ApiError("ChangeSetNotFound", f"ChangeSet [{name}] does not exist", 404)
            deployment = planned.deployment
        # A stack that waits for its first change set has none yet, and is no error: the CDK deploys on from there.
        body = deployment.template.body if deployment else ""
        return {"TemplateBody": body, "StagesAvailable": ["Original", "Processed"]}

    def get_template_summary(self, params: dict[str, Any], caller: Caller) -> dict[str, Any]:
        """Return what a template declares."""
        if "StackName" in params:
            stack = self._stacks.get(caller, params["StackName"], NO_STACK)
            if stack.deployment is None:
                raise ApiError("ValidationError", "GetTemplateSummary cannot be called on REVIEW_IN_PROGRESS stacks.")
            return _summary(stack.deployment.template, caller)
        return _summary(self._reader.template(params, caller), caller)

    def validate_template(self, params: dict[str, Any], caller: Caller) -> dict[str, Any]:
        """Refuse a template that is malformed; its properties are checked when they are used."""
        return descriptions.template_summary(self._reader.template(params, caller))

    def list_exports(self, params: dict[str, Any], caller: Caller) -> dict[str, Any]:
        """Return every export of the account and region."""
        shown = [
            {"ExportingStackId": stack.id, "Name": output.export, "Value": output.value}
            for stack, output in self._stacks.exports(caller)
        ]
        return page("Exports", sorted(shown, key=lambda export: str(export["Name"])), params, PAGE_SIZE)

    def list_imports(self, params: dict[str, Any], caller: Caller) -> dict[str, Any]:
        """Return the names of the stacks that import an export."""
        name = params["ExportName"]
        importers = [stack.name for stack in self._stacks.of(caller) if name in stack.imports]
        if not importers:
            raise ApiError("ValidationError", f"Export '{name}' is not imported by any stack.")
        return page("Imports", sorted(importers), params, PAGE_SIZE)

    def _events(self, stack: Stack) -> list[dict[str, Any]]:
        return [descriptions.event(stack, event) for event in reversed(list(stack.events))]

    def _holder(self, params: dict[str, Any], caller: Caller) -> Stack:
        if "StackName" in params:
            return self._stacks.get(caller, params["StackName"], NO_STACK)
        physical_id = params.get("PhysicalResourceId")
        for stack in self._stacks.of(caller):
            if any(resource.physical_id == physical_id for resource in stack.resources.values()):
                return stack
        raise ApiError("ValidationError", f"Stack for {physical_id} does not exist")


def _summary(template: Template, caller: Caller) -> dict[str, Any]:
    types: dict[str, list[str]] = {}
    for logical_id, resource in template.resources.items():
        types.setdefault(resource["Type"], []).append(logical_id)
    identifiers = importing.identifiers(types, caller.region)
    return {**descriptions.template_summary(template), "ResourceIdentifierSummaries": identifiers}


def _operation_event(event: dict[str, Any]) -> dict[str, Any]:
    return {**{key: value for key, value in event.items() if key != "StackName"}, "EventType": "STACK_EVENT"}
