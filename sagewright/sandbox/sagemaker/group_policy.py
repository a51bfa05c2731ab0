"""Why: what is attached to a model package group decides about other accounts, so it has to be a resource policy."""

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


def _statements(policy: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield from _several(policy.get("Statement", []))


def _several(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
