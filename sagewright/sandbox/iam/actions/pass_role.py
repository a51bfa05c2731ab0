"""Why: who hands a role to a service lends it everything the role may do, so that takes a permission of its own.

https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_use_passrole.html
"""

import re
from collections.abc import Iterator
from typing import Any

from moto.iam.models import iam_backends

from ...protocol import ApiError
from ..asked import Asked
from ..demand import Demand

_ROLE = re.compile(r"arn:aws:iam::\d{12}:role/.+")
# Members that hold a role which the service will take; every service names them a little differently.
_MEMBER = re.compile(r"(?i)(.*role_?(arn)?|.*rolearns?|deliverlogspermissionarn|iamroleid)")
_PRINCIPALS = {"ec2": "ec2.amazonaws.com", "cloudwatch": "cloudwatch.amazonaws.com"}
_OF_OPERATIONS = {
    ("ec2", "CreateFlowLogs"): "vpc-flow-logs.amazonaws.com",
}
# What looks at roles, or is about them, and hands them to nobody.
_ABOUT_ROLES = {"iam", "sts", "kms"}
_READS = ("Describe", "Get", "List", "Search", "Filter", "Lookup")


def demands(asked: Asked) -> Iterator[Demand]:
    """Yield the permission to pass each role that the request hands over."""
    if asked.service == "iam" and asked.operation == "AddRoleToInstanceProfile":
        name = asked.text("RoleName")
        roles = iam_backends[asked.caller.account]["aws"].roles
        found = next((each.arn for each in list(roles.values()) if each.name == name), None)
        yield _passing(found or f"arn:aws:iam::{asked.caller.account}:role/{name}", "ec2.amazonaws.com")
    if asked.service in _ABOUT_ROLES or asked.operation.startswith(_READS):
        return
    principal = _OF_OPERATIONS.get((asked.service, asked.operation)) or _PRINCIPALS.get(
        asked.service, f"{asked.service}.amazonaws.com"
    )
    for role in sorted(set(_roles(asked.params))):
        if asked.service == "sagemaker" and role.split(":")[4] != asked.caller.account:
            raise ApiError("AccessDeniedException", f"Cross-account pass role is not allowed: {role}.")
        yield _passing(role, principal)


def _passing(role: str, principal: str) -> Demand:
    return Demand("iam:PassRole", role, {"iam:PassedToService": principal})


def _roles(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for name, member in value.items():
            if isinstance(member, str) and _MEMBER.fullmatch(name) and _ROLE.fullmatch(member):
                yield member
            else:
                yield from _roles(member)
    elif isinstance(value, list):
        for each in value:
            yield from _roles(each)
