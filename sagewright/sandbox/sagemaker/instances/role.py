"""Why: SageMaker acts with a role that must exist, be of the caller's account and trust SageMaker; else it refuses."""

from ...clients import ActingClients, Clients
from ...protocol import ApiError, Caller
from .failure import InstanceError

PRINCIPAL = "sagemaker.amazonaws.com"


def require_role(clients: Clients, caller: Caller, arn: str, source_arn: str) -> ActingClients:
    """Take the role on behalf of the resource `source_arn` and act with it; refuse one that SageMaker may not take."""
    if arn.split(":")[4] != caller.account:
        raise ApiError("AccessDeniedException", f"Cross-account pass role is not allowed: {arn}.")
    try:
        return clients.as_role(arn, service=PRINCIPAL, region=caller.region, source_arn=source_arn)
    except ApiError as error:
        raise ApiError(
            "ValidationException",
            f"Could not assume role {arn}. Please ensure that the role exists and allows principal '{PRINCIPAL}' to"
            f" assume the role. ({error.message})",
        ) from error


def take_role(clients: Clients, caller: Caller, arn: str, source_arn: str) -> ActingClients:
    """Take the role when an instance starts: it was there when the request was accepted, and may be gone by now."""
    try:
        return require_role(clients, caller, arn, source_arn)
    except ApiError as error:
        raise InstanceError(f"ClientError: {error.message}") from error
