"""Why: `cdk deploy` works through change sets alone: plan, look, execute."""

import uuid
from dataclasses import replace
from typing import Any

from ..clients import Clients
from ..protocol import ApiError, Caller
from . import descriptions, importing
from .actor import Actor, actor_of
from .change_set import NO_CHANGES, is_same, plan
from .engine import Engine
from .paging import page
from .provisioning import Failure, Provisioner
from .request_reader import RequestReader
from .scope import MISSING_EXPORT
from .stack import REVIEW, ChangeSet, Stack, Stacks
from .stack_api import failure_mode, refuse_update

CREATE, UPDATE = "CREATE", "UPDATE"
PAGE_SIZE = 100


class ChangeSetOperations:
    """CreateChangeSet, DescribeChangeSet, ExecuteChangeSet, DeleteChangeSet and their lists."""

    def __init__(self, stacks: Stacks, engine: Engine, reader: RequestReader, clients: Clients) -> None:
        self._stacks = stacks
        self._engine = engine
        self._reader = reader
        self._clients = clients

    def create_change_set(self, params: dict[str, Any], caller: Caller) -> dict[str, Any]:
        """Plan a deployment; a new stack is there for review from now on."""
        kind = params.get("ChangeSetType", UPDATE)
        stack = self._target(params, kind, caller)
        name = params["ChangeSetName"]
        actor = self._reader.actor(params, caller, stack)
        deployment = self._reader.deployment(params, caller, actor, stack)
        is_new = stack is None
        stack = stack or self._stacks.add(caller, params["StackName"], REVIEW, actor)
        change_set = ChangeSet(
            id=f"arn:aws:cloudformation:{caller.region}:{caller.account}:changeSet/{name}/{uuid.uuid4()}",
            name=name,
            kind=kind,
            deployment=deployment,
            request=params,
            changes=[],
            status="CREATE_COMPLETE",
            execution_status="AVAILABLE",
            reason=None,
        )
        try:
            self._plan(stack, change_set, actor)
        except Failure as failure:
            _fail(change_set, str(failure))
        except ApiError as error:
            # AWS tells a missing export in the change set, and everything else at once.
            if not error.message.startswith(MISSING_EXPORT):
                if is_new:
                    self._stacks.forget(stack)
                raise
            _fail(change_set, error.message)
        if change_set.status != "FAILED" and not change_set.changes and is_same(stack, change_set.deployment):
            _fail(change_set, NO_CHANGES)
        if is_new:
            self._stacks.set_status(stack, REVIEW, "User Initiated", params.get("ClientToken"))
        stack.change_sets[name] = change_set
        return {"Id": change_set.id, "StackId": stack.id}

    def describe_change_set(self, params: dict[str, Any], caller: Caller) -> dict[str, Any]:
        """Return a change set with its changes."""
        stack, change_set = self._found(params, caller)
        description = descriptions.change_set(stack, change_set)
        return description | page("Changes", description["Changes"], params, PAGE_SIZE)

    def execute_change_set(self, params: dict[str, Any], caller: Caller) -> dict[str, Any]:
        """Start what a change set plans."""
        stack, change_set = self._found(params, caller)
        if change_set.execution_status != "AVAILABLE":
            raise ApiError(
                "InvalidChangeSetStatus",
                f"ChangeSet [{change_set.id}] cannot be executed in its current status of [{change_set.status}]",
            )
        if change_set.kind == UPDATE or (change_set.kind == importing.IMPORT and stack.status != REVIEW):
            refuse_update(stack)
        mode = failure_mode({**change_set.request, **params})
        token = params.get("ClientRequestToken")
        stack.disable_rollback = mode == "DO_NOTHING"
        stack.actor = actor_of(self._clients, caller, change_set.deployment.role_arn, stack)
        # What else was planned, was planned for a stack that is no more; AWS deletes it with the execution.
        stack.change_sets.clear()
        if change_set.kind == CREATE:
            self._engine.create(stack, change_set.deployment, mode, token)
        elif change_set.kind == importing.IMPORT:
            self._engine.take_over(stack, change_set.deployment, token)
        else:
            self._engine.update(stack, change_set.deployment, rollback=mode != "DO_NOTHING", token=token)
        return {}

    def delete_change_set(self, params: dict[str, Any], caller: Caller) -> dict[str, Any]:
        """Delete a change set; one that is absent is a success."""
        stack = self._stack_of(params, caller)
        if stack is None and "StackName" in params:
            raise ApiError("ValidationError", f"Stack [{params['StackName']}] does not exist")
        found = stack and self._in(stack, params["ChangeSetName"])
        if stack and found:
            del stack.change_sets[found.name]
        return {}

    def list_change_sets(self, params: dict[str, Any], caller: Caller) -> dict[str, Any]:
        """Return the change sets of a stack."""
        stack = self._stacks.get(caller, params["StackName"])
        summaries = [descriptions.change_set_summary(stack, change_set) for change_set in stack.change_sets.values()]
        return page("Summaries", summaries, params, PAGE_SIZE)

    def list_hook_results(self, _: dict[str, Any], __: Caller) -> dict[str, Any]:
        """Return no result: the sandbox has no hooks."""
        return {"HookResults": []}

    def _plan(self, stack: Stack, change_set: ChangeSet, actor: Actor) -> None:
        """Work out the changes, with what is imported instead of made."""
        deployment, request = change_set.deployment, change_set.request
        provisioner = Provisioner(self._stacks, stack, deployment, self._clients, actor)
        if change_set.kind == importing.IMPORT:
            imports = importing.asked_for(request.get("ResourcesToImport", []), stack, deployment)
        elif request.get("ImportExistingResources"):
            imports = importing.found_by_name(self._stacks, stack, deployment, provisioner)
        else:
            imports = importing.Imports()
        change_set.deployment = deployment = replace(deployment, imports=imports)
        change_set.changes = plan(self._stacks, stack, deployment, self._clients, actor)
        if change_set.kind == importing.IMPORT:
            importing.refuse_other_changes(stack, deployment, change_set.changes)
            importing.require_importable(self._stacks, stack, deployment, provisioner)
            change_set.reason = importing.REVIEW_REASON

    def _target(self, params: dict[str, Any], kind: str, caller: Caller) -> Stack | None:
        """Return the stack to plan for, or None where there is none yet; one in the wrong state is refused."""
        if kind == UPDATE:
            stack = self._stacks.get(caller, params["StackName"])
            refuse_update(stack)
        else:
            stack = self._stacks.find(caller, params["StackName"])
            if stack is None:
                return None
            if stack.status != REVIEW and kind == importing.IMPORT:
                refuse_update(stack)
            elif stack.status != REVIEW:
                raise ApiError("AlreadyExistsException", f"Stack [{stack.name}] already exists")
        if params["ChangeSetName"] in stack.change_sets:
            raise ApiError("AlreadyExistsException", f"ChangeSet [{params['ChangeSetName']}] already exists")
        return stack

    def _found(self, params: dict[str, Any], caller: Caller) -> tuple[Stack, ChangeSet]:
        name = params["ChangeSetName"]
        stack = self._stack_of(params, caller)
        if stack is None and not name.startswith("arn:"):
            if "StackName" not in params:
                raise ApiError(
                    "ValidationError", "StackName must be specified if ChangeSetName is not specified as an ARN."
                )
            raise ApiError("ValidationError", f"Stack [{params['StackName']}] does not exist")
        change_set = self._in(stack, name) if stack else None
        if stack is None or change_set is None:
            raise ApiError("ChangeSetNotFound", f"ChangeSet [{name}] does not exist", 404)
        return stack, change_set

    def _stack_of(self, params: dict[str, Any], caller: Caller) -> Stack | None:
        if "StackName" in params:
            return self._stacks.find(caller, params["StackName"])
        return next((stack for stack in self._stacks.of(caller) if self._in(stack, params["ChangeSetName"])), None)

    def _in(self, stack: Stack, name_or_id: str) -> ChangeSet | None:
        return next((held for held in stack.change_sets.values() if name_or_id in {held.name, held.id}), None)


def _fail(change_set: ChangeSet, reason: str) -> None:
    change_set.status, change_set.execution_status, change_set.reason = "FAILED", "UNAVAILABLE", reason
