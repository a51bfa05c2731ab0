"""Why: what changes a stack is refused in the wrong state, in AWS's words, and answered at once in the right one."""

from typing import Any

from ..clients import Clients
from ..protocol import ApiError, Caller
from .change_set import is_same, refuse_unplannable
from .engine import DELETE, DO_NOTHING, ROLLBACK, Engine
from .request_reader import RequestReader
from .stack import REVIEW, Stack, Stacks

UPDATABLE = {
    *("CREATE_COMPLETE", "UPDATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE", "IMPORT_COMPLETE", "IMPORT_ROLLBACK_COMPLETE"),
    *("CREATE_FAILED", "UPDATE_FAILED"),
}
ROLLABLE = {"CREATE_FAILED", "UPDATE_FAILED", "ROLLBACK_FAILED", "UPDATE_ROLLBACK_FAILED"}


class StackOperations:
    """CreateStack, UpdateStack, DeleteStack and what else sets a stack in motion."""

    def __init__(self, stacks: Stacks, engine: Engine, reader: RequestReader, clients: Clients) -> None:
        self._stacks = stacks
        self._clients = clients
        self._engine = engine
        self._reader = reader

    def create_stack(self, params: dict[str, Any], caller: Caller) -> dict[str, Any]:
        """Start to create a stack."""
        if "OnFailure" in params and "DisableRollback" in params:
            raise ApiError("ValidationError", "You can specify either DisableRollback or OnFailure, but not both.")
        name = params["StackName"]
        if self._stacks.find(caller, name):
            raise ApiError("AlreadyExistsException", f"Stack [{name}] already exists")
        actor = self._reader.actor(params, caller)
        deployment = self._reader.deployment(params, caller, actor)
        stack = self._stacks.add(caller, name, "CREATE_IN_PROGRESS", actor)
        try:
            refuse_unplannable(self._stacks, stack, deployment, self._clients, actor)
        except ApiError:
            self._stacks.forget(stack)
            raise
        stack.protected = bool(params.get("EnableTerminationProtection"))
        on_failure = params.get("OnFailure") or failure_mode(params)
        stack.disable_rollback = on_failure == DO_NOTHING
        self._engine.create(stack, deployment, on_failure, params.get("ClientRequestToken"))
        return {"StackId": stack.id}

    def update_stack(self, params: dict[str, Any], caller: Caller) -> dict[str, Any]:
        """Start to update a stack, unless nothing would change."""
        stack = self._stacks.get(caller, params["StackName"])
        refuse_update(stack)
        actor = self._reader.actor(params, caller, stack)
        deployment = self._reader.deployment(params, caller, actor, stack)
        if is_same(stack, deployment) and not stack.status.endswith("_FAILED"):
            raise ApiError("ValidationError", "No updates are to be performed.")
        refuse_unplannable(self._stacks, stack, deployment, self._clients, actor)
        stack.actor = actor
        rollback = failure_mode(params) == ROLLBACK
        self._engine.update(stack, deployment, rollback=rollback, token=params.get("ClientRequestToken"))
        return {"StackId": stack.id}

    def delete_stack(self, params: dict[str, Any], caller: Caller) -> dict[str, Any]:
        """Start to delete a stack; one that is absent is a success."""
        stack = self._stacks.find(caller, params["StackName"])
        if stack is None or stack.status in {"DELETE_COMPLETE", "DELETE_IN_PROGRESS"}:
            return {}
        if stack.protected:
            raise ApiError(
                "ValidationError", f"Stack [{stack.name}] cannot be deleted while TerminationProtection is enabled"
            )
        if not stack.settled:
            raise _in_progress(stack, "deleted")
        retained = params.get("RetainResources", [])
        if retained and stack.status != "DELETE_FAILED":
            raise ApiError(
                "ValidationError",
                "Invalid operation on stack. RetainResources can be specified only for stacks in DELETE_FAILED state",
            )
        if unknown := sorted(set(retained) - stack.resources.keys()):
            raise ApiError(
                "ValidationError", f"The following resources do not exist in the stack: [{', '.join(unknown)}]"
            )
        stack.actor = self._reader.actor(params, caller, stack)
        force = params.get("DeletionMode") == "FORCE_DELETE_STACK"
        self._engine.delete(stack, retained, force=force, token=params.get("ClientRequestToken"))
        return {}

    def update_termination_protection(self, params: dict[str, Any], caller: Caller) -> dict[str, Any]:
        """Protect a stack from deletion, or no longer."""
        stack = self._stacks.get(caller, params["StackName"])
        stack.protected = params["EnableTerminationProtection"]
        return {"StackId": stack.id}

    def continue_update_rollback(self, params: dict[str, Any], caller: Caller) -> dict[str, Any]:
        """Go on with a rollback that failed, without the resources to skip."""
        stack = self._stacks.get(caller, params["StackName"])
        if stack.status != "UPDATE_ROLLBACK_FAILED":
            raise ApiError(
                "ValidationError", f"Stack:{stack.id} is in {stack.status} state and can not continue rollback."
            )
        stack.actor = self._reader.actor(params, caller, stack)
        self._engine.roll_back(stack, params.get("ResourcesToSkip", []), params.get("ClientRequestToken"))
        return {}

    def rollback_stack(self, params: dict[str, Any], caller: Caller) -> dict[str, Any]:
        """Take back an operation that failed without rollback."""
        stack = self._stacks.get(caller, params["StackName"])
        if stack.status not in ROLLABLE:
            raise ApiError(
                "ValidationError", f"Stack:{stack.id} is in {stack.status} state and can not be rolled back."
            )
        stack.actor = self._reader.actor(params, caller, stack)
        self._engine.roll_back(stack, [], params.get("ClientRequestToken"))
        return {"StackId": stack.id}


def failure_mode(params: dict[str, Any]) -> str:
    """Return what a failed operation shall lead to, as the request says it."""
    if params.get("DisableRollback"):
        return DO_NOTHING
    return {"DO_NOTHING": DO_NOTHING, "DELETE": DELETE}.get(params.get("OnStackFailure", ""), ROLLBACK)


def refuse_update(stack: Stack) -> None:
    """Refuse a stack whose state forbids an update."""
    if stack.status == REVIEW:
        raise ApiError("ValidationError", f"Stack [{stack.name}] does not exist")
    if stack.status not in UPDATABLE:
        raise _in_progress(stack, "updated")


def _in_progress(stack: Stack, verb: str) -> ApiError:
    return ApiError("ValidationError", f"Stack:{stack.id} is in {stack.status} state and can not be {verb}.")
