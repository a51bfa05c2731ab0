"""Why: for what its API knows by no id of its own, CloudFormation makes one up, and Ref gives that."""

from abc import ABC, abstractmethod
from typing import Any

from typing_extensions import override

from ..resource import Context, Properties
from .api_resource import Attributes
from .policy_document import PolicyKind, checked_policy

_ID_LIMIT = 128


class Unidentified:
    """A resource that is nothing but its id, as far as this class goes."""

    def create(self, context: Context, properties: Properties) -> str:
        """Write the resource and give it an id."""
        self.write(context, properties)
        return context.generated_name(_ID_LIMIT)

    def attributes(self, context: Context, physical_id: str, properties: Properties) -> Attributes:
        """Return the id."""
        del context, properties
        return {"Id": physical_id}

    def update(self, context: Context, physical_id: str, old: Properties, new: Properties) -> None:
        """Write the resource anew, then remove it where it no longer applies."""
        self.write(context, new)
        self.delete(context, physical_id, self.left(old, new))

    def delete(self, context: Context, physical_id: str, properties: Properties) -> None:
        """Remove what was written."""

    def write(self, context: Context, properties: Properties) -> None:
        """Write the resource."""

    def left(self, old: Properties, new: Properties) -> Properties:
        """Return the old properties, reduced to what a change leaves to be removed."""
        del new
        return old


class AttachedPolicy(Unidentified, ABC):
    """A policy that a template puts onto several resources of a service."""

    def __init__(self, targets: str, kind: PolicyKind) -> None:
        self._targets = targets
        self._kind = kind

    @override
    def delete(self, context: Context, physical_id: str, properties: Properties) -> None:
        for target in properties[self._targets]:
            self.take_off(context, target)

    @override
    def write(self, context: Context, properties: Properties) -> None:
        policy = checked_policy(properties["PolicyDocument"], self._kind)
        for target in properties[self._targets]:
            self.put_on(context, target, policy)

    @override
    def left(self, old: Properties, new: Properties) -> Properties:
        gone: list[Any] = [target for target in old[self._targets] if target not in new[self._targets]]
        return {**old, self._targets: gone}

    @abstractmethod
    def put_on(self, context: Context, target: str, policy: str) -> None:
        """Give one resource the policy."""

    @abstractmethod
    def take_off(self, context: Context, target: str) -> None:
        """Take the policy from one resource, which may be gone itself."""
