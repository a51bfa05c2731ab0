"""Why: the engine decides when a resource is made, changed and removed; a resource type knows how."""

import secrets
import string
from dataclasses import dataclass, field
from typing import Any, Protocol

from ..clients import ActingClients, Clients

Properties = dict[str, Any]

_SUFFIX_LENGTH = 12


@dataclass(frozen=True)
class Context:
    """Where a resource lives, and the stack it belongs to."""

    account: str
    region: str
    stack_name: str
    stack_id: str
    logical_id: str
    tags: dict[str, str]
    # An administrator's, for what the sandbox itself has to look up; AWS does nothing in this name.
    clients: Clients = field(repr=False)
    acting: ActingClients = field(repr=False)

    def client(self, service: str) -> Any:
        """Return a botocore client in the stack's account and region, in the name of who acts for the stack."""
        return self.acting.get(service, self.account, self.region)

    def bookkeeping(self, service: str) -> Any:
        """Return a client for what AWS's service knows by itself and the sandbox has to ask its stand-in for."""
        return self.clients.get(service, self.account, self.region)

    def generated_name(self, max_length: int, *, lower: bool = False) -> str:
        """Return a new `<stack>-<logical id>-<random>`, shortened as CloudFormation does it."""
        suffix = "".join(secrets.choice(string.ascii_uppercase + string.digits) for _ in range(_SUFFIX_LENGTH))
        room = max_length - _SUFFIX_LENGTH - 2
        stack, logical = self.stack_name, self.logical_id
        if len(stack) + len(logical) > room:
            logical = logical[: max(room - len(stack), room // 2)]
            stack = stack[: room - len(logical)]
        name = f"{stack}-{logical}-{suffix}"
        return name.lower() if lower else name


class HandlerError(Exception):
    """A refusal of the handler's own, such as a resource that never becomes ready; `code` is CloudFormation's."""

    def __init__(self, message: str, code: str = "NotStabilized") -> None:
        super().__init__(message)
        self.message = message
        self.code = code


class ResourceType(Protocol):
    """How one resource type is provisioned; a refusal is a botocore ClientError, or a HandlerError."""

    def create(self, context: Context, properties: Properties) -> str:
        """Create the resource and return its physical id, which is what Ref gives."""
        ...

    def attributes(self, context: Context, physical_id: str, properties: Properties) -> dict[str, Any]:
        """Return what Fn::GetAtt may read."""
        ...

    def update(self, context: Context, physical_id: str, old: Properties, new: Properties) -> None:
        """Change the resource in place."""
        ...

    def delete(self, context: Context, physical_id: str, properties: Properties) -> None:
        """Remove the resource; one that is absent already is a success."""
        ...
