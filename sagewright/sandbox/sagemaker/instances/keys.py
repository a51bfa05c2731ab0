"""Why: an instance encrypts its volume and what it writes with keys that must exist, and cannot encrypt local disks."""

import re

from botocore.exceptions import ClientError

from ...clients import Clients
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


def require_key(clients: Clients, caller: Caller, key: str | None, role: str) -> None:
    """End the job or deployment whose KMS key does not exist or cannot be used."""
    if not key:
        return
    _, _, _, region, account, _ = key.split(":", 5) if key.startswith("arn:") else ("", "", "", "", "", "")
    try:
        client = clients.get("kms", account or caller.account, region or caller.region)
        state = client.describe_key(KeyId=key)["KeyMetadata"]["KeyState"]
    except ClientError as error:
        raise InstanceError(
            f"ClientError: KMS key {key} cannot be used: {error.response['Error']['Message']}. Please ensure that the"
            f" key exists and that the role {role} has permission to use it."
        ) from error
    if state != "Enabled":
        raise InstanceError(f"ClientError: KMS key {key} cannot be used: it is {state}.")
