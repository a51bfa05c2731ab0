"""Why: CloudFormation has no rights of its own: it acts as the stack's role, or else as whoever asks."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..clients import ActingClients, Clients
from ..protocol import ApiError, Caller

if TYPE_CHECKING:
    from .stack import Stack

SERVICE = "cloudformation.amazonaws.com"


@dataclass(frozen=True)
class Actor:
    """In whose name an operation reads and changes resources."""

    role_arn: str | None
    clients: ActingClients


def actor_of(clients: Clients, caller: Caller, given: str | None, stack: "Stack | None") -> Actor:
    """Return who acts: the role that the request names, the one that the stack was last given, or the caller."""
    previous = stack.deployment.role_arn if stack is not None and stack.deployment is not None else None
    role_arn = given or previous
    if role_arn is None:
        return Actor(None, clients.acting(caller.access_key, via=SERVICE))
    parts = role_arn.split(":")
    if len(parts) > 4 and parts[4] != caller.account:  # noqa: PLR2004 - the account's place in an ARN
        raise ApiError("ValidationError", f"Cross-account pass role is not allowed.: {role_arn}")
    try:
        acting = clients.as_role(
            role_arn, service=SERVICE, region=caller.region, source_arn=stack.id if stack is not None else ""
        )
    except ApiError:
        raise ApiError("ValidationError", f"Role {role_arn} is invalid or cannot be assumed") from None
    return Actor(role_arn, acting)
