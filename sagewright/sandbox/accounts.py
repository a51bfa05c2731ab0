"""Why: an access key is all that tells accounts apart; each is there, with an administrator, once it is used."""

import re
import threading
from copy import copy

from moto.core.config import default_user_config
from moto.iam.models import IAMBackend, ManagedPolicy, iam_backends
from moto.iam.policy_validation import IAMTrustPolicyDocumentValidator

from .protocol import ApiError

ACCESS_KEY_PREFIX = "AKIASBOX"
_ADMINISTRATOR = re.compile(rf"{ACCESS_KEY_PREFIX}(\d{{12}})")
_USER_NAME = "administrator"

_ADMINISTRATOR_ACCESS = "arn:aws:iam::aws:policy/AdministratorAccess"

# Left out by moto unless asked for; `cdk bootstrap` alone attaches one of them.
default_user_config["iam"]["load_aws_managed_policies"] = True


def _any_version(_validator: object) -> None:
    """Find nothing wrong."""


# An identity policy of ours has to be of the newest version; a trust policy may have none, as the CDK's own.
setattr(IAMTrustPolicyDocumentValidator, "_validate_version", _any_version)  # noqa: B010 - a method of moto's

_read_aws_policies = IAMBackend._init_aws_policies  # noqa: SLF001 - what moto does for each account anew
_aws_policies: dict[str, list[ManagedPolicy]] = {}


def _copied(backend: IAMBackend) -> list[ManagedPolicy]:
    """Read AWS's own 1,600 policies once; each account gets its own count of where they are attached."""
    region = backend.region_name
    if region not in _aws_policies:
        _aws_policies[region] = _read_aws_policies(backend)
    return [copy(policy) for policy in _aws_policies[region]]


setattr(IAMBackend, "_init_aws_policies", _copied)  # noqa: B010 - a method of moto's

_lock = threading.Lock()


def account_of(access_key: str) -> str:
    """Return the account that an administrator's, a user's or an assumed role's access key belongs to."""
    # A copy, because another request may add an account meanwhile.
    for account, partitions in list(iam_backends.items()):
        if access_key in partitions["aws"].access_keys:
            return account
    if administrator := _ADMINISTRATOR.fullmatch(access_key):
        _add_administrator(administrator[1], access_key)
        return administrator[1]
    raise ApiError("InvalidClientTokenId", "The security token included in the request is invalid.", 403)


def _add_administrator(account: str, access_key: str) -> None:
    """Create the user that the keys belong to, so that GetCallerIdentity has somebody to name."""
    iam = iam_backends[account]["aws"]
    with _lock:
        if access_key in iam.access_keys:
            return
        user = iam.create_user("aws", _USER_NAME)
        iam.attach_user_policy(_ADMINISTRATOR_ACCESS, _USER_NAME)
        key = user.create_access_key(prefix="AKIA")
        key.access_key_id = access_key
        iam.access_keys[access_key] = key
