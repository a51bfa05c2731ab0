"""Why: nothing is removed before what depends on it, and nothing that a policy retains."""

from collections.abc import Mapping
from dataclasses import dataclass

from .order import run, turned
from .provisioning import Provisioner
from .stack import Resource, Stack, Stacks


@dataclass(frozen=True)
class Removal:
    """Removes resources of one stack."""

    stacks: Stacks
    stack: Stack
    provisioner: Provisioner
    # Logical ids that a request names to be left behind.
    retained: frozenset[str] = frozenset()
    # RetainExceptOnCreate: what a failed operation made goes again with it.
    rolls_back: bool = False

    def of(self, resources: Mapping[str, Resource], dependencies: Mapping[str, set[str]]) -> list[str]:
        """Remove the resources and return the logical ids of those that could not be removed."""
        return run(turned(dependencies, resources), lambda name: self._remove(resources[name]), keep_going=True)

    def _remove(self, resource: Resource) -> None:
        policy = resource.definition.get("DeletionPolicy", "Delete")
        keeps = policy == "Retain" or (policy == "RetainExceptOnCreate" and not self.rolls_back)
        if self.rolls_back and self.provisioner.imports(resource.logical_id):
            self.stacks.set_resource(self.stack, resource, "IMPORT_ROLLBACK_COMPLETE")
        elif resource.logical_id in self.retained or (keeps and resource.physical_id):
            self.stacks.set_resource(self.stack, resource, "DELETE_SKIPPED")
        else:
            self.provisioner.delete(resource)
