"""Why: a key is asked for by id, ARN or alias, and a ciphertext names its key itself; IAM knows the key's ARN alone."""

import base64
from collections.abc import Iterator
from typing import Any

from moto.kms.models import Key, kms_backends

from ...protocol import ApiError
from ..asked import Asked
from ..demand import Context, Demand
from ..resource_policies import key_at
from .arns import ANY, tag_keys

_ABOUT_EVERY_KEY = {
    *("CreateKey", "ListKeys", "ListAliases", "GenerateRandom", "DescribeCustomKeyStores", "ListRetirableGrants"),
}
_ALIASES = {"CreateAlias", "UpdateAlias", "DeleteAlias"}
# What can be done with a key of another account; nobody's policies allow the rest.
# https://docs.aws.amazon.com/kms/latest/developerguide/kms-api-permissions-reference.html
_ACROSS_ACCOUNTS = {
    *("CreateGrant", "Decrypt", "DescribeKey", "DeriveSharedSecret", "Encrypt", "GenerateDataKey"),
    *("GenerateDataKeyPair", "GenerateDataKeyPairWithoutPlaintext", "GenerateDataKeyWithoutPlaintext", "GenerateMac"),
    *("GetKeyRotationStatus", "GetPublicKey", "ListGrants", "ReEncrypt", "RetireGrant", "RevokeGrant", "Sign"),
    *("Verify", "VerifyMac"),
}
_KEY_ID_BYTES = 36  # the key's id, which moto writes in front of its ciphertexts


def demands(asked: Asked) -> Iterator[Demand]:
    """Yield what a request to KMS needs; of a key of the account's own that is not there, KMS says so itself."""
    action = f"kms:{asked.operation}"
    if asked.operation in _ABOUT_EVERY_KEY:
        yield Demand(action, ANY, _context(asked, None, ""))
    elif asked.operation == "ReEncrypt":
        yield from _of_key(asked, "kms:ReEncryptFrom", asked.text("SourceKeyId") or _of_ciphertext(asked))
        yield from _of_key(asked, "kms:ReEncryptTo", asked.text("DestinationKeyId"))
    elif asked.operation in _ALIASES:
        alias = f"arn:aws:kms:{asked.caller.region}:{asked.caller.account}:{asked.text('AliasName')}"
        yield Demand(action, alias, {"kms:RequestAlias": asked.text("AliasName")})
        # A key loses its alias, another gets it: each is asked about.
        keys = [asked.text("AliasName")] if asked.operation != "CreateAlias" else []
        for key in [*keys, *filter(None, [asked.text("TargetKeyId")])]:
            yield from _of_key(asked, action, key)
    else:
        yield from _of_key(asked, action, asked.text("KeyId") or _of_ciphertext(asked))


def owner(asked: Asked) -> tuple[str, str]:
    """Return account and region of the key that a request is about, which an ARN may tell to be another's."""
    parts = asked.text("KeyId").split(":")
    if len(parts) > 5 and parts[4].isdigit():  # noqa: PLR2004 - the six parts of an ARN
        return parts[4], parts[3]
    return asked.caller.account, asked.caller.region


def _of_key(asked: Asked, action: str, key_id: str) -> Iterator[Demand]:
    account, region, rest = asked.caller.account, asked.caller.region, key_id
    if key_id.startswith("arn:"):
        _, _, _, region, account, rest = key_id.split(":", 5)
    if account != asked.caller.account and asked.operation not in _ACROSS_ACCOUNTS:
        raise ApiError("AccessDeniedException", f"{action} is not for keys of other accounts: {key_id}.")
    key = _key(account, region, rest)
    if key is not None:
        yield Demand(action, key.arn, _context(asked, key, key_id))
    elif account != asked.caller.account:
        yield Demand(action, key_id, _context(asked, None, key_id))


def _key(account: str, region: str, name: str) -> Key | None:
    if not name.startswith("alias/"):
        return key_at(f"arn:aws:kms:{region}:{account}:key/{name.removeprefix('key/')}")
    keys = list(kms_backends[account][region].keys.values())
    return next((key for key in keys if name in key.aliases), None)


def _of_ciphertext(asked: Asked) -> str:
    try:
        blob = base64.b64decode(asked.text("CiphertextBlob"))
        return blob[:_KEY_ID_BYTES].decode("ascii")
    except ValueError:
        return ""


def _context(asked: Asked, key: Key | None, key_id: str) -> Context:
    context: dict[str, Any] = {"kms:CallerAccount": asked.caller.account} | tag_keys(asked.params.get("Tags"))
    pairs = asked.params.get("EncryptionContext")
    if isinstance(pairs, dict) and pairs:
        context |= {f"kms:EncryptionContext:{name}": str(value) for name, value in pairs.items()}
        context["kms:EncryptionContextKeys"] = list(pairs)
    if "alias/" in key_id:
        context["kms:RequestAlias"] = f"alias/{key_id.partition('alias/')[2]}"
    if key is not None:
        context["kms:ResourceAliases"] = list(key.aliases)
        usage = key.key_usage or "ENCRYPT_DECRYPT"  # moto keeps what CreateKey was asked for
        context |= {"kms:KeySpec": key.key_spec, "kms:KeyUsage": usage, "kms:KeyOrigin": key.origin}
    if asked.operation == "CreateKey":
        context["kms:KeySpec"] = asked.text("KeySpec") or "SYMMETRIC_DEFAULT"
        context["kms:KeyUsage"] = asked.text("KeyUsage") or "ENCRYPT_DECRYPT"
    if asked.operation in {"CreateKey", "PutKeyPolicy"}:
        bypass = bool(asked.params.get("BypassPolicyLockoutSafetyCheck"))
        context["kms:BypassPolicyLockoutSafetyCheck"] = str(bypass).lower()
    if asked.operation == "CreateGrant":
        context["kms:GrantOperations"] = list(asked.params.get("Operations") or [])
        context["kms:GranteePrincipal"] = asked.text("GranteePrincipal")
        context["kms:GrantIsForAWSResource"] = "false"  # true for what services do in a caller's name
    if "PendingWindowInDays" in asked.params:
        context["kms:ScheduleKeyDeletionPendingWindowInDays"] = str(asked.params["PendingWindowInDays"])
    return context
