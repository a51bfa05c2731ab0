"""Why: what the sandbox would ignore must be refused by its name, or a test here would prove nothing of AWS."""

from collections.abc import Collection, Mapping
from typing import Any

from ...protocol import ApiError


def refuse_others(where: str, given: Mapping[str, Any], available: Collection[str]) -> None:
    """Refuse members that the sandbox does not have; an empty one asks for nothing."""
    others = [name for name, value in given.items() if name not in available and value not in ({}, [], "", False)]
    if others:
        raise unavailable(f"{where}.{others[0]}")


def unavailable(what: str) -> ApiError:
    """Return the refusal of what exists in AWS and not here."""
    return ApiError("UnsupportedOperation", f"{what} is not available in the sandbox.", 501)
