"""What the offline store held when a training set was made of it, short enough for a version to carry.

The store only grows, so the objects of a table say which history was read: the same listing is the same history.
"""

import hashlib
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from sagewright.runtime.jobs.datasets.point_in_time import GroupJoin, Plan
from sagewright.runtime.serving.errors import UserError


@dataclass(frozen=True)
class Snapshots:
    """Looks at the objects below the tables that a join reads."""

    glue: Any
    s3: Any

    def take(self, plan: Plan) -> list[dict[str, Any]]:
        """Return number, size, newest time and hash of each group's objects, each table once."""
        tables = {(each.database, each.table): each for each in plan.joins}
        return [self._of(each) for each in tables.values()]

    def _of(self, each: GroupJoin) -> dict[str, Any]:
        location = self._location(each)
        address = urlsplit(location)
        prefix = address.path.strip("/")
        digest, objects, size, newest = hashlib.sha256(), 0, 0, ""
        pages = self.s3.get_paginator("list_objects_v2").paginate(Bucket=address.netloc, Prefix=f"{prefix}/")
        for page in pages:
            for listed in page.get("Contents", []):
                digest.update(f"{listed['ETag']} {listed['Size']} {listed['Key']}\n".encode())
                objects, size = objects + 1, size + listed["Size"]
                newest = max(newest, f"{listed['LastModified']:%Y-%m-%dT%H:%M:%SZ}")
        return {
            "feature_group": each.feature_group,
            "table": f"{each.database}.{each.table}",
            "location": location,
            "objects": objects,
            "bytes": size,
            "newest": newest or None,
            "sha256": digest.hexdigest(),
        }

    def _location(self, each: GroupJoin) -> str:
        try:
            found = self.glue.get_table(DatabaseName=each.database, Name=each.table)
        except self.glue.exceptions.EntityNotFoundException:
            raise UserError(
                f"feature group {each.feature_group} has no table {each.database}.{each.table} in the catalog: deploy "
                "the project, and ingest the group before a training reads it"
            ) from None
        return found["Table"]["StorageDescriptor"]["Location"]
