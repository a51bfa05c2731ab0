"""Why: every operation ends in a state AWS knows: done, or taken back to where it began."""

import threading
import traceback
from collections.abc import Callable
from collections.abc import Set as AbstractSet
from dataclasses import replace

from ..clients import Clients
from .deployment import Deployment
from .order import run
from .outputs import in_use, publish
from .provisioning import Failure, Provisioner
from .removal import Removal
from .stack import Resource, Snapshot, Stack, Stacks, now

USER = "User Initiated"
# What a failed operation leads to.
DELETE, ROLLBACK, DO_NOTHING = "DELETE", "ROLLBACK", "DO_NOTHING"


class Engine:
    """Runs operations on stacks, each in a thread of its own; the stack's state tells how far it is."""

    def __init__(self, stacks: Stacks, clients: Clients) -> None:
        self._stacks = stacks
        self._clients = clients

    def create(self, stack: Stack, deployment: Deployment, on_failure: str, token: str | None = None) -> None:
        """Start to create all resources of a stack that has none."""
        stack.deployment = deployment
        self._stacks.set_status(stack, "CREATE_IN_PROGRESS", USER, token)
        self._start(stack, "CREATE_FAILED", lambda: self._create(stack, deployment, on_failure))

    def update(self, stack: Stack, deployment: Deployment, *, rollback: bool, token: str | None = None) -> None:
        """Start to bring a stack's resources to a new deployment."""
        if stack.before is None and stack.deployment is not None:
            stack.before = Snapshot(stack.deployment, dict(stack.resources), stack.outputs, stack.imports)
        retag = stack.deployment is not None and dict(stack.deployment.tags) != dict(deployment.tags)
        stack.deployment, stack.updated = deployment, now()
        self._stacks.set_status(stack, "UPDATE_IN_PROGRESS", USER, token)
        self._start(stack, "UPDATE_FAILED", lambda: self._update(stack, deployment, rollback=rollback, retag=retag))

    def take_over(self, stack: Stack, deployment: Deployment, token: str | None = None) -> None:
        """Start to put resources that are there already under a stack, changing nothing else of it."""
        before, stack.deployment, stack.updated = stack.deployment, deployment, now()
        self._stacks.set_status(stack, "IMPORT_IN_PROGRESS", USER, token)
        self._start(stack, "IMPORT_ROLLBACK_FAILED", lambda: self._take_over(stack, deployment, before))

    def delete(self, stack: Stack, retained: list[str], *, force: bool = False, token: str | None = None) -> None:
        """Start to delete a stack, unless another one uses an export of it."""
        exports = {output.export for output in stack.outputs if output.export}
        if told := in_use(self._stacks, stack, exports, "deleted"):
            # AWS accepts the request, and the stack falls back to the state it had, with the reason.
            self._stacks.set_status(stack, stack.status, told, token)
            return
        stack.deleted = now()
        self._stacks.set_status(stack, "DELETE_IN_PROGRESS", USER, token)
        self._start(stack, "DELETE_FAILED", lambda: self._delete(stack, frozenset(retained), force=force))

    def roll_back(self, stack: Stack, skipped: list[str], token: str | None = None) -> None:
        """Start to take a failed operation back, or go on with a rollback that failed."""
        if stack.before is None:
            self._stacks.set_status(stack, "ROLLBACK_IN_PROGRESS", USER, token)
            self._start(stack, "ROLLBACK_FAILED", lambda: self._undo_create(stack))
            return
        before = stack.before
        self._stacks.set_status(stack, "UPDATE_ROLLBACK_IN_PROGRESS", USER, token)
        self._start(stack, "UPDATE_ROLLBACK_FAILED", lambda: self._undo_update(stack, before, set(skipped)))

    def _start(self, stack: Stack, failed: str, operation: Callable[[], None]) -> None:
        def guarded() -> None:
            try:
                operation()
            except Exception as fault:  # noqa: BLE001 - a fault of ours must not leave the stack in progress for ever
                traceback.print_exc()
                self._stacks.set_status(stack, failed, f"Internal Failure ({type(fault).__name__}: {fault})")

        threading.Thread(target=guarded, name=f"stack {stack.name}", daemon=True).start()

    def _create(self, stack: Stack, deployment: Deployment, on_failure: str) -> None:
        provisioner = self._provisioner(stack, deployment)
        active = deployment.template.active(provisioner.evaluator)
        graph = deployment.template.dependencies(provisioner.evaluator)
        failed = run(graph, lambda logical_id: provisioner.create(logical_id, active[logical_id]))
        told = _failed(failed, "create") or publish(self._stacks, stack, provisioner)
        if told is None:
            self._stacks.set_status(stack, "CREATE_COMPLETE")
        elif on_failure == DO_NOTHING:
            self._stacks.set_status(stack, "CREATE_FAILED", told)
        elif on_failure == DELETE:
            self._stacks.set_status(stack, "DELETE_IN_PROGRESS", f"{told} Delete requested by user.")
            self._delete(stack, frozenset(), force=False)
        else:
            self._stacks.set_status(stack, "ROLLBACK_IN_PROGRESS", f"{told} Rollback requested by user.")
            self._undo_create(stack)

    def _undo_create(self, stack: Stack) -> None:
        failed = self._remove_all(stack, frozenset(), rolls_back=True)
        self._stacks.set_status(stack, "ROLLBACK_FAILED" if failed else "ROLLBACK_COMPLETE", _failed(failed, "delete"))

    def _take_over(self, stack: Stack, deployment: Deployment, before: Deployment | None) -> None:
        provisioner = self._provisioner(stack, deployment)
        active = deployment.template.active(provisioner.evaluator)
        graph = deployment.template.dependencies(provisioner.evaluator)
        wanted = {name: needed for name, needed in graph.items() if provisioner.imports(name)}
        failed = run(wanted, lambda logical_id: provisioner.create(logical_id, active[logical_id]))
        if not failed:
            self._stacks.set_status(stack, "IMPORT_COMPLETE")
            return
        self._stacks.set_status(stack, "IMPORT_ROLLBACK_IN_PROGRESS", _failed(failed, "import"))
        taken = {name: stack.resources.pop(name) for name in wanted if name in stack.resources}
        self._remove(stack, deployment, taken, rolls_back=True)
        stack.deployment = before
        self._stacks.set_status(stack, "IMPORT_ROLLBACK_COMPLETE")

    def _update(self, stack: Stack, deployment: Deployment, *, rollback: bool, retag: bool) -> None:
        provisioner = self._provisioner(stack, deployment)
        active = deployment.template.active(provisioner.evaluator)
        graph = deployment.template.dependencies(provisioner.evaluator)

        def bring(logical_id: str) -> None:
            present = stack.resources.get(logical_id)
            # One whose creation failed in an update without rollback is there in name only.
            if present is None or not present.physical_id:
                provisioner.create(logical_id, active[logical_id])
            else:
                provisioner.update(logical_id, active[logical_id], retag=retag)

        failed = run(graph, bring)
        created = all(stack.resources[name].status == "CREATE_FAILED" for name in failed)
        told = _failed(failed, "create" if created else "update") or publish(self._stacks, stack, provisioner)
        if told is None:
            self._clean_up(stack, active.keys())
        elif rollback and stack.before is not None:
            self._stacks.set_status(stack, "UPDATE_ROLLBACK_IN_PROGRESS", told)
            self._undo_update(stack, stack.before, set())
        else:
            self._stacks.set_status(stack, "UPDATE_FAILED", told)

    def _clean_up(self, stack: Stack, wanted: AbstractSet[str]) -> None:
        """Remove what the update has made superfluous; a failure here is told, and the update stands."""
        self._stacks.set_status(stack, "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS")
        failed: list[str] = []
        if stack.before is not None:
            # Not only what the stack had: an attempt without rollback may have left more.
            gone = [logical_id for logical_id in stack.resources if logical_id not in wanted]
            superfluous = {logical_id: stack.resources.pop(logical_id) for logical_id in gone}
            for logical_id, old in stack.before.resources.items():
                new = stack.resources.get(logical_id)
                if new is not None and new.physical_id != old.physical_id:
                    policy = new.definition.get("UpdateReplacePolicy", "Delete")
                    superfluous[logical_id] = replace(old, definition={**old.definition, "DeletionPolicy": policy})
            failed = self._remove(stack, stack.before.deployment, superfluous)
        stack.before = None
        told = "Update successful. One or more resources could not be deleted." if failed else None
        self._stacks.set_status(stack, "UPDATE_COMPLETE", told)

    def _undo_update(self, stack: Stack, before: Snapshot, skipped: set[str]) -> None:
        """Change back what was changed, put back what was replaced, and remove what is left over."""
        provisioner = self._provisioner(stack, before.deployment)
        superfluous: dict[str, Resource] = {}
        failed: list[str] = []
        attempt = stack.deployment or before.deployment
        for logical_id, new in list(stack.resources.items())[::-1]:
            old = before.resources.get(logical_id)
            if old is None or new.physical_id != old.physical_id:
                superfluous[logical_id] = stack.resources.pop(logical_id)
            else:
                differs = old.properties != new.properties and logical_id not in skipped
                if differs and not self._change_back(stack, provisioner, old, new):
                    failed.append(logical_id)
                    continue
            if old is not None:
                stack.resources[logical_id] = old
        if failed:
            # What is left over stays on record for the next attempt.
            stack.resources.update(superfluous)
            self._stacks.set_status(stack, "UPDATE_ROLLBACK_FAILED", _failed(failed, "update"))
            return
        stack.deployment, stack.before = before.deployment, None
        stack.outputs, stack.imports = before.outputs, before.imports
        self._stacks.set_status(stack, "UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS")
        self._remove(stack, attempt, superfluous, rolls_back=True)
        self._stacks.set_status(stack, "UPDATE_ROLLBACK_COMPLETE")

    def _change_back(self, stack: Stack, provisioner: Provisioner, old: Resource, new: Resource) -> bool:
        old.attributes = None
        self._stacks.set_resource(stack, old, "UPDATE_IN_PROGRESS")
        try:
            provisioner.change(old, new.properties)
        except Failure as failure:
            self._stacks.set_resource(stack, old, "UPDATE_FAILED", str(failure))
            return False
        self._stacks.set_resource(stack, old, "UPDATE_COMPLETE")
        return True

    def _delete(self, stack: Stack, retained: frozenset[str], *, force: bool) -> None:
        failed = self._remove_all(stack, retained, rolls_back=False)
        if failed and not force:
            self._stacks.set_status(stack, "DELETE_FAILED", _failed(failed, "delete"))
            return
        stack.outputs.clear()
        stack.imports.clear()
        self._stacks.set_status(stack, "DELETE_COMPLETE")

    def _remove_all(self, stack: Stack, retained: frozenset[str], *, rolls_back: bool) -> list[str]:
        if stack.deployment is None:
            return []
        present = {name: held for name, held in stack.resources.items() if held.status != "DELETE_COMPLETE"}
        return self._remove(stack, stack.deployment, present, retained, rolls_back=rolls_back)

    def _remove(
        self,
        stack: Stack,
        deployment: Deployment,
        resources: dict[str, Resource],
        retained: frozenset[str] = frozenset(),
        *,
        rolls_back: bool = False,
    ) -> list[str]:
        provisioner = self._provisioner(stack, deployment)
        removal = Removal(self._stacks, stack, provisioner, retained, rolls_back)
        return removal.of(resources, deployment.template.dependencies(provisioner.evaluator))

    def _provisioner(self, stack: Stack, deployment: Deployment) -> Provisioner:
        return Provisioner(self._stacks, stack, deployment, self._clients, stack.actor)


def _failed(logical_ids: list[str], verb: str) -> str | None:
    if not logical_ids:
        return None
    return f"The following resource(s) failed to {verb}: [{', '.join(logical_ids)}]."
