"""Why: a model package group is another account's to use only if its resource policy names that account."""

import json
from collections.abc import Iterator
from typing import Any

from ..protocol import ApiError

REQUIRED = ("Effect", "Principal", "Action", "Resource")


def check_policy(document: str) -> None:
    """Refuse a text that is not a resource policy."""
    try:
        policy = json.loads(document)
    except ValueError as error:
        raise ApiError("ValidationException", f"ResourcePolicy is not valid JSON: {error}") from error
    statements = list(_statements(policy)) if isinstance(policy, dict) else []
    if not statements:
        raise ApiError("ValidationException", "ResourcePolicy is not a policy document: it has no Statement.")
    for statement in statements:
        missing = [key for key in REQUIRED if key not in statement]
        if missing:
            raise ApiError(
                "ValidationException", f"ResourcePolicy is not a resource policy: a statement has no {missing[0]}."
            )


def names_account(document: str, account: str) -> bool:
    """Tell whether a statement allows the account, or a principal of it, anything at all."""
    return any(
        statement["Effect"] == "Allow" and any(_is_of(principal, account) for principal in _principals(statement))
        for statement in _statements(json.loads(document))
    )


def _is_of(principal: str, account: str) -> bool:
    return principal in ("*", account) or principal.startswith(f"arn:aws:iam::{account}:")


def _statements(policy: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield from _several(policy.get("Statement", []))


def _principals(statement: dict[str, Any]) -> list[str]:
    principal = statement["Principal"]
    return _several(principal.get("AWS", []) if isinstance(principal, dict) else principal)


def _several(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
