"""Why: requests name things by name or by ARN, and SageMaker records who made and changed them."""

from typing import Any

from moto.iam.models import iam_backends
from moto.sts.models import sts_backends

from ..protocol import ApiError, Caller


def user_context(caller: Caller) -> dict[str, Any]:
    """Return the UserContext of CreatedBy and LastModifiedBy: an assumed role's session, a user, or the account."""
    role = sts_backends[caller.account]["aws"].get_assumed_role_from_access_key(caller.access_key)
    if role is not None:
        return {"IamIdentity": {"Arn": role.arn, "PrincipalId": role.user_id}}
    iam = iam_backends[caller.account]["aws"]
    name = iam.access_keys[caller.access_key].user_name
    if name is None:  # a session of the account itself
        return {"IamIdentity": {"Arn": f"arn:aws:iam::{caller.account}:root", "PrincipalId": caller.account}}
    user = iam.get_user(name)
    return {"IamIdentity": {"Arn": user.arn, "PrincipalId": user.id}}


def owner_and_name(name_or_arn: str, caller: Caller) -> tuple[Caller, str]:
    """Return in whose account and region a resource is, and its name there."""
    if not name_or_arn.startswith("arn:"):
        return caller, name_or_arn
    _, _, _, region, account, resource = name_or_arn.split(":", 5)
    return Caller(account, region, caller.access_key), resource.partition("/")[2]


def own_name(name_or_arn: str, caller: Caller) -> str:
    """Return the name of a resource that only its own account may use."""
    owner, name = owner_and_name(name_or_arn, caller)
    if owner.account != caller.account:
        who = user_context(caller)["IamIdentity"]["Arn"]
        raise ApiError(
            "AccessDeniedException",
            f"User: {who} is not authorized to access the resource: {name_or_arn} because no resource-based policy"
            " allows it",
        )
    return name
