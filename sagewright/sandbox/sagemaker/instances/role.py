"""Why: SageMaker acts with a role that must exist, be of the caller's account and trust SageMaker; else it refuses."""

import json
from typing import Any
from urllib.parse import unquote

from botocore.exceptions import ClientError

from ...clients import Clients
from ...protocol import ApiError, Caller

PRINCIPAL = "sagemaker.amazonaws.com"


def require_role(clients: Clients, caller: Caller, arn: str) -> None:
    """Refuse a role that SageMaker could not assume."""
    if arn.split(":")[4] != caller.account:
        raise ApiError("AccessDeniedException", f"Cross-account pass role is not allowed: {arn}.")
    try:
        role = clients.get("iam", caller.account, caller.region).get_role(RoleName=arn.rpartition("/")[2])["Role"]
    except ClientError as error:
        if error.response["Error"]["Code"] != "NoSuchEntity":
            raise
        raise _refusal(arn) from error
    if role["Arn"] != arn or not _trusts_sagemaker(role["AssumeRolePolicyDocument"]):
        raise _refusal(arn)


def credentials(clients: Clients, caller: Caller, arn: str) -> dict[str, str]:
    """Return the environment by which a program on the instance acts as the role, in this sandbox."""
    keys = clients.get("sts", caller.account, caller.region).assume_role(RoleArn=arn, RoleSessionName="SageMaker")
    return {
        "AWS_ENDPOINT_URL": clients.endpoint,
        "AWS_ACCESS_KEY_ID": keys["Credentials"]["AccessKeyId"],
        "AWS_SECRET_ACCESS_KEY": keys["Credentials"]["SecretAccessKey"],
        "AWS_SESSION_TOKEN": keys["Credentials"]["SessionToken"],
    }


def _refusal(arn: str) -> ApiError:
    return ApiError(
        "ValidationException",
        f"Could not assume role {arn}. Please ensure that the role exists and allows principal '{PRINCIPAL}' to"
        " assume the role.",
    )


def _trusts_sagemaker(policy: dict[str, Any] | str) -> bool:
    document = json.loads(unquote(policy)) if isinstance(policy, str) else policy
    statements = [
        statement
        for statement in _several(document.get("Statement", []))
        if PRINCIPAL in _services(statement.get("Principal", {})) and _assumes(statement.get("Action", []))
    ]
    effects = {statement.get("Effect") for statement in statements}
    return effects == {"Allow"}


def _services(principal: dict[str, Any] | str) -> list[Any]:
    if principal == "*":
        return [PRINCIPAL]
    return _several(principal.get("Service", [])) if isinstance(principal, dict) else []


def _assumes(action: list[str] | str) -> bool:
    return any(name.lower() in {"sts:assumerole", "sts:*", "*"} for name in _several(action))


def _several(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
