"""Why: a service takes a role only if the role is there and trusts it; AWS says so when the resource is created."""

from ...iam import role_checks
from ..resource import Context


def trusts(context: Context, role_arn: str, service: str) -> bool:
    """Whether the role exists and lets the service assume it."""
    return role_checks.trusts(context.clients.authorizer, role_arn, service, context.region, context.account)
