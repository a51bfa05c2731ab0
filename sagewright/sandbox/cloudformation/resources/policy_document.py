"""Why: AWS reads a policy before it keeps it; what it would not understand, or whom it does not know, it refuses."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

from botocore.exceptions import ClientError

from ...iam.policy_checks import unknown_principals
from .api_call import refusal

_VERSIONS = {"2012-10-17", "2008-10-17"}
_POLICY_KEYS = {"Version", "Id", "Statement"}
_STATEMENT_KEYS = {
    *("Sid", "Effect", "Principal", "NotPrincipal", "Action", "NotAction", "Resource", "NotResource", "Condition"),
}
_PRINCIPAL_KINDS = {"AWS", "Service", "Federated", "CanonicalUser"}
_ACTION = re.compile(r"\*|[a-zA-Z0-9-]+:[a-zA-Z0-9*?]+")


@dataclass(frozen=True)
class PolicyKind:
    """How one service refuses: its operation, its code, and its words about a principal that does not exist."""

    operation: str
    code: str
    unknown_principal: str
    prefix: str = ""

    def refused(self, message: str) -> ClientError:
        """Return the service's refusal."""
        return refusal(self.code, f"{self.prefix}{message}", self.operation)


def checked_policy(document: Any, kind: PolicyKind) -> str:
    """Return a resource policy as JSON text, once everything that AWS checks in it holds."""
    policy = parsed_policy(document, kind)
    if others := policy.keys() - _POLICY_KEYS:
        raise kind.refused(f"Unknown field {min(others)}")
    if policy.get("Version", "2008-10-17") not in _VERSIONS:
        raise kind.refused(f"The policy must contain a valid version string, not {policy['Version']}")
    present = statements(policy)
    if not present:
        raise kind.refused("Missing required field Statement")
    for statement in present:
        _check_statement(statement, kind)
    if unknown := unknown_principals(policy):
        raise kind.refused(kind.unknown_principal.format(principal=unknown[0]))
    return json.dumps(policy)


def parsed_policy(document: Any, kind: PolicyKind) -> dict[str, Any]:
    """Return a policy, which a template may hold as an object or as JSON text."""
    try:
        policy = json.loads(document) if isinstance(document, str) else document
    except ValueError:
        raise kind.refused("This policy contains invalid Json") from None
    if not isinstance(policy, dict):
        raise kind.refused("Policies must be valid JSON and the first byte must be '{'")
    return policy


def statements(policy: dict[str, Any]) -> list[Any]:
    """Return the statements of a policy, which may hold a single one without a list."""
    present = policy.get("Statement") or []
    return present if isinstance(present, list) else [present]


def listed(value: Any) -> list[Any]:
    """Return what may stand alone or in a list as a list."""
    return value if isinstance(value, list) else [value]


def allows(policy: dict[str, Any], action: str, principals: set[str]) -> bool:
    """Whether some statement allows the action to one of the accounts, identities or services, conditions aside."""
    return any(
        statement.get("Effect") == "Allow"
        and any(fnmatchcase(action.lower(), pattern.lower()) for pattern in listed(statement.get("Action", [])))
        and bool(principals & set(_named(statement.get("Principal"))))
        for statement in statements(policy)
    )


def _check_statement(statement: Any, kind: PolicyKind) -> None:
    if not isinstance(statement, dict):
        raise kind.refused("Statement is not an object")
    if unknown := statement.keys() - _STATEMENT_KEYS:
        raise kind.refused(f"Unknown field {min(unknown)}")
    if statement.get("Effect") not in {"Allow", "Deny"}:
        raise kind.refused(f"Invalid effect: {statement.get('Effect')}")
    for element in ("Action", "Principal"):
        if not statement.keys() & {element, f"Not{element}"}:
            raise kind.refused(f"Missing required field {element}")
    if not all(_is_action(action) for action in _both(statement, "Action")):
        raise kind.refused("Policy has invalid action")
    if not all(_is_principal(statement.get(element, "*")) for element in ("Principal", "NotPrincipal")):
        raise kind.refused("Invalid principal in policy")
    if not isinstance(statement.get("Condition", {}), dict):
        raise kind.refused("Invalid condition in policy")


def _both(statement: dict[str, Any], element: str) -> list[Any]:
    return [value for key in (element, f"Not{element}") for value in listed(statement.get(key, []))]


def _is_action(action: Any) -> bool:
    return isinstance(action, str) and _ACTION.fullmatch(action) is not None


def _is_principal(value: Any) -> bool:
    return value == "*" or (isinstance(value, dict) and bool(value) and value.keys() <= _PRINCIPAL_KINDS)


def _of_aws(principal: Any) -> Iterator[str]:
    if isinstance(principal, str):
        yield principal
    elif isinstance(principal, dict):
        yield from (str(value) for value in listed(principal.get("AWS", [])))


def _named(principal: Any) -> Iterator[str]:
    yield from _of_aws(principal)
    if isinstance(principal, dict):
        yield from (str(value) for value in listed(principal.get("Service", [])))
