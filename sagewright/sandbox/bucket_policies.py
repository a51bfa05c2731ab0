"""Why: a bucket policy's statement that moto cannot judge must not count.

It looks at neither conditions nor principals, so that a common rule against plain HTTP would shut everybody out.
"""

import json
from typing import Any

from moto.iam.access_control import IAMPolicy, PermissionResult
from moto.s3.models import FakeBucket

_EVERYBODY = ("*", {"AWS": "*"}, {"AWS": ["*"]})


def apply() -> None:
    """Make moto's buckets judge by the statements that moto understands."""
    FakeBucket.get_permission = _permission  # pyrefly: ignore[method-assign, bad-assignment]: moto has no hook for it


def _permission(bucket: FakeBucket, action: str, resource: str) -> PermissionResult:
    if bucket.policy is None:
        return PermissionResult.NEUTRAL
    document = json.loads(bucket.policy)
    statements = document["Statement"]
    listed = statements if isinstance(statements, list) else [statements]
    judged = {**document, "Statement": [statement for statement in listed if _is_for_everybody(statement)]}
    return IAMPolicy(json.dumps(judged)).is_action_permitted(action, resource)


def _is_for_everybody(statement: dict[str, Any]) -> bool:
    return "Condition" not in statement and statement.get("Principal") in _EVERYBODY
