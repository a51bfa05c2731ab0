"""Why: a policy means the very role or user that it was written for, not a later one of the same name.

AWS keeps a principal's unique id in the policy, and shows that id once the role or user is gone.
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html
"""

import json
from collections.abc import Iterator
from typing import Any

from moto.iam.models import iam_backends
from moto.kms.models import kms_backends
from moto.s3.models import s3_backends

from .asked import Asked

_KINDS = {"DeleteRole": ("roles", "RoleName"), "DeleteUser": ("users", "UserName")}


def leaving(asked: Asked) -> tuple[str, str] | None:
    """Return ARN and unique id of the role or user that a request deletes."""
    if asked.service != "iam" or asked.operation not in _KINDS:
        return None
    kept, member = _KINDS[asked.operation]
    everybody: Any = getattr(iam_backends[asked.caller.account]["aws"], kept)
    found = next((each for each in list(everybody.values()) if each.name == asked.text(member)), None)
    return (found.arn, found.id) if found is not None else None


def forget(arn: str, unique_id: str) -> None:
    """Let the trust, key and bucket policies that name who is gone name nobody any more."""

    def renamed(element: dict[str, Any]) -> dict[str, Any]:
        given = element.get("AWS")
        if isinstance(given, list):
            return {**element, "AWS": [unique_id if each == arn else each for each in given]}
        return {**element, "AWS": unique_id} if given == arn else element

    for holder, attribute in _holders():
        kept = getattr(holder, attribute)
        text = kept.decode() if isinstance(kept, bytes) else str(kept or "")
        if f'"{arn}"' in text:
            changed = json.dumps(json.loads(text, object_hook=renamed))
            setattr(holder, attribute, changed.encode() if isinstance(kept, bytes) else changed)


def _holders() -> Iterator[tuple[Any, str]]:
    backends: Any
    for backends, kept, attribute in (
        (iam_backends, "roles", "assume_role_policy_document"),
        (kms_backends, "keys", "policy"),
        (s3_backends, "buckets", "policy"),
    ):
        for account in list(backends.values()):
            for backend in list(account.values()):
                yield from ((each, attribute) for each in list(getattr(backend, kept).values()))
