"""Why: whom a resource's policy names decides which other policies still have a say.

A role's session named directly is bound by nothing but explicit denies; its role is bound by boundary and session
policies; an account only hands the decision to its own identity policies.
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic_policy-eval-denyallow.html
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

from .principal import Principal

_ACCOUNT = re.compile(r"arn:aws[\w-]*:iam::(\d{12}):root|(\d{12})")
_NAMED = re.compile(
    r"arn:aws[\w-]*:(?:iam::\d{12}:(?:user|role)/[^*?]+|sts::\d{12}:(?:assumed-role/[^*?/]+/|federated-user/)[^*?/]+)"
)
_UNIQUE_ID = re.compile(r"A(?:IDA|ROA)[A-Z0-9]{8,}")
_SERVICE = re.compile(r"[a-z0-9-]+(?:\.[a-z0-9-]+)*\.(?:amazonaws\.com(?:\.cn)?|amazon\.com|aws\.internal)")


class Naming(IntEnum):
    """How directly a statement names a principal; the more directly, the fewer other policies bind it."""

    NOT = 0
    ACCOUNT = 1  # the account, or its root user: identity policies decide
    ROLE = 2  # the role behind a session
    DIRECT = 3  # the user, session or service itself, or everybody


class GranteeError(Exception):
    """A principal that no policy may name."""


@dataclass(frozen=True)
class Grantees:
    """A Principal or NotPrincipal element.

    `identities` holds the ARNs and unique ids of users, roles and sessions. Federated principals are left out: nobody
    signs in to the sandbox through an identity provider, so that naming one grants nothing.
    """

    everybody: bool
    accounts: frozenset[str]
    identities: frozenset[str]
    services: frozenset[str]

    def naming(self, principal: Principal) -> Naming:
        """Return how directly a principal is named."""
        if self.everybody or (principal.kind == "service" and principal.arn in self.services):
            return Naming.DIRECT
        if not principal.account:
            return Naming.NOT
        if self.identities:
            unique_id = principal.user_id.partition(":")[0]
            if principal.arn in self.identities or (principal.kind == "user" and unique_id in self.identities):
                return Naming.DIRECT
            if principal.role_arn in self.identities or (principal.role_arn and unique_id in self.identities):
                return Naming.ROLE
        return Naming.ACCOUNT if principal.account in self.accounts else Naming.NOT

    def exempts(self, principal: Principal) -> bool:
        """Return whether a NotPrincipal element spares a principal.

        AWS may check the account first, then the role, then its session: each must be named.
        https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_notprincipal.html
        """
        if self.everybody or (principal.kind == "service" and principal.arn in self.services):
            return True
        if not principal.account or principal.account not in self.accounts:
            return False
        if principal.kind == "root":
            return True
        return principal.arn in self.identities and (not principal.role_arn or principal.role_arn in self.identities)


def read(element: Any) -> Grantees:
    """Read a Principal or NotPrincipal element, or say in IAM's words which entry is none."""
    if element == "*":
        element = {"AWS": "*"}
    if not isinstance(element, Mapping) or not element:
        raise GranteeError(f'Invalid principal in policy: "{element}"')
    entries = [
        (kind, entry)
        for kind, given in element.items()
        for entry in (given if isinstance(given, list) else [given])
        if not _is_federated(kind, entry)
    ]
    arns = [entry for kind, entry in entries if kind == "AWS"]
    accounts = {entry: found[1] or found[2] for entry in arns if (found := _ACCOUNT.fullmatch(entry))}
    return Grantees(
        everybody="*" in arns,
        accounts=frozenset(accounts.values()),
        identities=frozenset(arns) - accounts.keys() - {"*"},
        services=frozenset(entry for kind, entry in entries if kind == "Service"),
    )


def _is_federated(kind: str, entry: Any) -> bool:
    """Return whether an entry names somebody from an identity provider; raise where it can name nobody at all."""
    if isinstance(entry, str):
        if kind == "Federated":
            return True
        if kind == "AWS" and (entry == "*" or any(form.fullmatch(entry) for form in (_ACCOUNT, _NAMED, _UNIQUE_ID))):
            return False
        if kind == "Service" and _SERVICE.fullmatch(entry):
            return False
    advice = (
        " (the sandbox knows no canonical users: name the account, user or role)" if kind == "CanonicalUser" else ""
    )
    raise GranteeError(f'Invalid principal in policy: "{kind}":"{entry}"{advice}')
