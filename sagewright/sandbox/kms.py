"""Why: AWS takes a key's ARN wherever it takes its id; moto's operations on a key's life take the id alone."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from moto.kms.models import KmsBackend

_OF_A_KEYS_LIFE = ("enable_key", "disable_key", "schedule_key_deletion", "cancel_key_deletion")


def apply() -> None:
    """Let these operations take an ARN."""
    for name in _OF_A_KEYS_LIFE:
        setattr(KmsBackend, name, _by_id(getattr(KmsBackend, name)))


def _by_id(operation: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(operation)
    def taken(backend: KmsBackend, key_id: str, *others: Any, **more: Any) -> Any:
        return operation(backend, backend.get_key_id(key_id), *others, **more)

    return taken
