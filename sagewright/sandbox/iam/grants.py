"""Why: a grant lets somebody use a key whom no policy names; services hand keys on this way."""

from collections.abc import Mapping
from typing import Any

from .decision import Decision, Reason
from .principal import Principal
from .resource_policies import key_at

_CONTEXT = "kms:encryptioncontext:"


def granted(who: Principal, action: str, key_arn: str, context: Mapping[str, Any]) -> Decision | None:
    """Return the decision of a grant on the key, or None where there is no fitting one."""
    key = key_at(key_arn)
    operation = action.removeprefix("kms:")
    pairs = {name[len(_CONTEXT) :]: value for name, value in context.items() if name.lower().startswith(_CONTEXT)}
    for grant in list(key.grants.values()) if key else ():
        if grant.grantee_principal not in {who.arn, who.role_arn} or operation not in grant.operations:
            continue
        constraints = grant.constraints or {}
        subset, whole = constraints.get("EncryptionContextSubset"), constraints.get("EncryptionContextEquals")
        if (whole is None or whole == pairs) and (subset is None or subset.items() <= pairs.items()):
            return Decision(True, Reason.ALLOWED, matched=((f"grant {grant.id}", grant.name or ""),))
    return None
