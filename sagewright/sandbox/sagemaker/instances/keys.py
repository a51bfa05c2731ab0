"""Why: an instance encrypts its volume and what it writes with keys that must exist, and cannot encrypt local disks."""

import re

from botocore.exceptions import ClientError

from ...clients import ActingClients
from ...protocol import ApiError, Caller
from .failure import InstanceError

# Families with local NVMe storage: a `d` among the attributes (m5d, g4dn, p4d), and these.
_LOCAL_STORAGE = re.compile(r"ml\.([a-z]+\d+[a-z]*d[a-z]*|g[567]e?|gr6|i3|p5en?|p6[a-z0-9-]*|trn[12]n?)\.")


def refuse_key_for_local_storage(member: str, key: str | None, instance_type: str) -> None:
    """Refuse a volume key for an instance whose storage encrypts itself and takes no key."""
    if key and _LOCAL_STORAGE.match(instance_type):
        raise ApiError(
            "ValidationException",
            f"KMS key is not supported for NVMe instance storage: {instance_type} has local storage, which is encrypted"
            f" by its hardware. Leave out {member}, or choose an instance type without local storage.",
        )


def require_volume_key(acting: ActingClients, creator: ActingClients, caller: Caller, key: str | None) -> None:
    """End the job or deployment whose disks cannot be encrypted with the key.

    SageMaker hands the key to the disks by a grant, which the role makes or else who created the job or endpoint:
    https://docs.aws.amazon.com/sagemaker/latest/dg/api-permissions-reference.html
    """
    if not key:
        return
    arn = _require_enabled(acting, caller, key)
    try:
        _require(acting, "kms:CreateGrant", arn, caller)
    except ApiError as denial:
        try:
            _require(creator, "kms:CreateGrant", arn, caller)
        except ApiError:
            raise _unusable(key, denial.message) from denial


def require_output_key(acting: ActingClients, caller: Caller, key: str | None) -> None:
    """End the job that cannot write with the key; one that is not named by its ARN has to allow Encrypt, too.

    https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_OutputDataConfig.html
    """
    if not key:
        return
    arn = _require_enabled(acting, caller, key)
    if ":key/" not in key:
        try:
            _require(acting, "kms:Encrypt", arn, caller)
        except ApiError as denial:
            raise _unusable(key, denial.message) from denial


def _require_enabled(acting: ActingClients, caller: Caller, key: str) -> str:
    """Return the key's ARN."""
    _, _, _, region, account, _ = key.split(":", 5) if key.startswith("arn:") else ("", "", "", "", "", "")
    try:
        client = acting.get("kms", account or caller.account, region or caller.region)
        found = client.describe_key(KeyId=key)["KeyMetadata"]
    except ClientError as error:
        raise _unusable(key, error.response["Error"]["Message"]) from error
    if found["KeyState"] != "Enabled":
        raise _unusable(key, f"It is {found['KeyState']}.")
    return found["Arn"]


def _require(acting: ActingClients, action: str, key_arn: str, caller: Caller) -> None:
    context = {
        "kms:CallerAccount": caller.account,
        "kms:GrantIsForAWSResource": "true",
        "kms:ViaService": f"sagemaker.{caller.region}.amazonaws.com",
    }
    _, _, _, region, account, _ = key_arn.split(":", 5)
    acting.require(action, key_arn, region=region, account=account, context=context)


def _unusable(key: str, why: str) -> InstanceError:
    return InstanceError(f"ClientError: KMS key {key} cannot be used: {why}")
