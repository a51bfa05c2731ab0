"""Why: a service that is given a role looks at once whether it could take it, and says so before anything is made."""

from collections.abc import Mapping
from typing import Any

from ..protocol import ApiError
from .actions.arns import own_arn
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
    if value and not _trusts(authorizer, str(value), service, asked):
        raise ApiError(code, message)


def _trusts(authorizer: Authorizer, role_arn: str, service: str, asked: Asked) -> bool:
    """Whether the role exists and lets the service take it for what the request makes or changes."""
    who, caller = Principal("service", service, ""), asked.caller
    context = {"aws:SourceAccount": caller.account, "aws:SourceArn": _source(asked)}
    if role_at(role_arn) is None:
        return False
    return authorizer.denial(who, Demand("sts:AssumeRole", role_arn, context), region=caller.region) is None


def _source(asked: Asked) -> str:
    """Return the resource for which the service will take the role: for a schedule, its group."""
    if asked.service == "scheduler":
        return own_arn("scheduler", asked, f"schedule-group/{asked.text('GroupName') or 'default'}")
    name = asked.text("FunctionName")
    return name if name.startswith("arn:") else own_arn("lambda", asked, f"function:{name}")
