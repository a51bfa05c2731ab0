"""Why: a service that is given a role looks at once whether it could take it, and says so before anything is made."""

from collections.abc import Mapping
from typing import Any

from ..protocol import ApiError
from .asked import Asked
from .authorizer import Authorizer
from .demand import Demand
from .identities import role_at
from .principal import Principal

_LAMBDA = (
    "Role",
    "lambda.amazonaws.com",
    "InvalidParameterValueException",
    "The role defined for the function cannot be assumed by Lambda.",
)
_SCHEDULER = (
    "Target.RoleArn",
    "scheduler.amazonaws.com",
    "ValidationException",
    "The execution role you provide must allow AWS EventBridge Scheduler to assume the role.",
)
# SageMaker and CloudFormation look for themselves: they take the role at once.
_GIVEN = {
    ("lambda", "CreateFunction"): _LAMBDA,
    ("lambda", "UpdateFunctionConfiguration"): _LAMBDA,
    ("scheduler", "CreateSchedule"): _SCHEDULER,
    ("scheduler", "UpdateSchedule"): _SCHEDULER,
}


def check(asked: Asked, authorizer: Authorizer) -> None:
    """Refuse a role that is absent, or that the service could not take."""
    if (asked.service, asked.operation) not in _GIVEN:
        return
    member, service, code, message = _GIVEN[asked.service, asked.operation]
    value: Any = asked.params
    for name in member.split("."):
        value = value.get(name) if isinstance(value, Mapping) else None
    if value and not trusts(authorizer, str(value), service, asked.caller.region, asked.caller.account):
        raise ApiError(code, message)


def trusts(authorizer: Authorizer, role_arn: str, service: str, region: str, account: str) -> bool:
    """Whether the role exists and lets the service take it for something of the account."""
    who = Principal("service", service, "")
    context = {"aws:SourceAccount": account}
    if role_at(role_arn) is None:
        return False
    return authorizer.denial(who, Demand("sts:AssumeRole", role_arn, context), region=region) is None
