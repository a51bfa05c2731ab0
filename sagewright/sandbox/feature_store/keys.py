"""Why: an online store is encrypted with a key that whoever makes it, writes it and reads it must be allowed to use.

https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_OnlineStoreSecurityConfig.html
"""

from botocore.exceptions import ClientError

from ..clients import ActingClients, Clients
from ..protocol import ApiError, Caller
from .definition import refused

# Of those listed, ListAliases is about no key.
_CREATING = (
    *("kms:DescribeKey", "kms:Encrypt", "kms:Decrypt", "kms:CreateGrant", "kms:RetireGrant", "kms:ReEncryptFrom"),
    *("kms:ReEncryptTo", "kms:GenerateDataKey", "kms:ListGrants", "kms:RevokeGrant"),
)
_USING = "kms:Decrypt"


def require_for_creating(clients: Clients, caller: Caller, key: str) -> str:
    """Refuse whoever may not give the key to an online store, and a key that is not there; return its ARN."""
    creator = clients.acting(caller.access_key)
    account, region = _place(key, caller)
    try:
        # Only by its ARN a key can be asked about, and that is what the lookup is for.
        found = clients.get("kms", account, region).describe_key(KeyId=key)["KeyMetadata"]
    except ClientError as error:
        raise refused(f"KMS key {key} cannot be used: {error.response['Error']['Message']}") from error
    if found["KeyState"] != "Enabled":
        raise refused(f"KMS key {key} cannot be used: it is {found['KeyState']}.")
    for action in _CREATING:
        _require(creator, action, found["Arn"], caller)
    return str(found["Arn"])


def require_for_using(clients: Clients, caller: Caller, key_arn: str) -> None:
    """Refuse whoever may not decrypt with the key of an online store."""
    _require(clients.acting(caller.access_key), _USING, key_arn, caller)


def _require(acting: ActingClients, action: str, key_arn: str, caller: Caller) -> None:
    account, region = _place(key_arn, caller)
    context = {"kms:CallerAccount": caller.account, "kms:ViaService": f"sagemaker.{region}.amazonaws.com"}
    if action == "kms:CreateGrant":
        context["kms:GrantIsForAWSResource"] = "true"
    try:
        acting.require(action, key_arn, region=region, account=account, context=context)
    except ApiError as denial:
        raise ApiError("AccessDeniedException", denial.message) from denial


def _place(key: str, caller: Caller) -> tuple[str, str]:
    if not key.startswith("arn:"):
        return caller.account, caller.region
    _, _, _, region, account, _ = key.split(":", 5)
    return account, region
