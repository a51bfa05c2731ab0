"""Why: a service takes a role only if the role is there and trusts it; AWS says so when the resource is created."""

import re

from ..resource import Context
from .api_call import found
from .policy_document import listed, statements

_ROLE = re.compile(r"arn:aws:iam::(?P<account>\d{12}):role/(?:[^/]+/)*(?P<name>[^/]+)")


def trusts(context: Context, role_arn: str, service: str) -> bool:
    """Whether the role exists and lets the service assume it."""
    role = _ROLE.fullmatch(role_arn)
    if role is None:
        return False
    iam = context.clients.get("iam", role["account"], context.region)
    answer = found(iam, "get_role", RoleName=role["name"])
    if answer is None or answer["Role"]["Arn"] != role_arn:
        return False
    return any(
        statement.get("Effect") == "Allow"
        and isinstance(statement.get("Principal"), dict)
        and service in listed(statement["Principal"].get("Service", []))
        for statement in statements(answer["Role"]["AssumeRolePolicyDocument"])
    )
