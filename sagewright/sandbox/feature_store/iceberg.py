"""Why: an Iceberg table is what its newest metadata says, so each write of the group's role ends with a new one.

What the sandbox writes is format version 2 with the table's schema and partitions, and no list of snapshots: its Athena
reads the data files where they lie, and nothing here removes one.
"""

import json
import uuid
from collections.abc import Iterable, Mapping
from typing import Any

from ..sagemaker.artifacts import split_s3_uri
from .group import Group

_TYPES = {"Integral": "long", "Fractional": "double", "String": "string"}
_OWN = (("write_time", "timestamp"), ("api_invocation_time", "timestamp"), ("is_deleted", "boolean"))
_FIRST_PARTITION = 1000
_DAY_LENGTH = 10
"""Of an ISO-8601 event time: the table is partitioned by its first ten characters."""

Feature = Mapping[str, str]


def first_metadata(group: Group, features: Iterable[Feature], made_s: float) -> tuple[str, bytes]:
    """Return path and text of the metadata that a table begins with."""
    fields = _fields(0, [*_of(features), *_OWN])
    source = next(each["id"] for each in fields if each["name"] == group.event_time.lower())
    partition = {
        "name": f"{group.event_time.lower()}_trunc",
        "transform": f"truncate[{_DAY_LENGTH}]",
        "source-id": source,
        "field-id": _FIRST_PARTITION,
    }
    return _document(
        {
            "format-version": 2,
            "table-uuid": str(uuid.uuid4()),
            "location": group.root,
            "last-sequence-number": 0,
            "last-updated-ms": round(made_s * 1000),
            "last-column-id": len(fields),
            "current-schema-id": 0,
            "schemas": [{"type": "struct", "schema-id": 0, "fields": fields}],
            "default-spec-id": 0,
            "partition-specs": [{"spec-id": 0, "fields": [partition]}],
            "last-partition-id": _FIRST_PARTITION,
            "default-sort-order-id": 0,
            "sort-orders": [{"order-id": 0, "fields": []}],
            "properties": {},
            "snapshots": [],
        }
    )


def next_metadata(s3: Any, location: str, features: Iterable[Feature], at_s: float) -> tuple[str, bytes]:
    """Read the metadata that a table has, and return path and text of the one that follows it.

    Features that it does not know become columns after those that are there.
    """
    bucket, key = split_s3_uri(location)
    document: dict[str, Any] = json.loads(s3.get_object(Bucket=bucket, Key=key)["Body"].read())
    document["last-sequence-number"] += 1
    document["last-updated-ms"] = round(at_s * 1000)
    fields = document["schemas"][-1]["fields"]
    known = {each["name"] for each in fields}
    if added := [(name, kind) for name, kind in _of(features) if name not in known]:
        number = document["current-schema-id"] + 1
        more = _fields(document["last-column-id"], added)
        document["schemas"].append({"type": "struct", "schema-id": number, "fields": [*fields, *more]})
        document |= {"current-schema-id": number, "last-column-id": more[-1]["id"]}
    return _document(document)


def _of(features: Iterable[Feature]) -> list[tuple[str, str]]:
    return [(each["FeatureName"].lower(), _TYPES[each["FeatureType"]]) for each in features]


def _fields(last_id: int, columns: Iterable[tuple[str, str]]) -> list[dict[str, Any]]:
    return [
        {"id": number, "name": name, "required": False, "type": kind}
        for number, (name, kind) in enumerate(columns, last_id + 1)
    ]


def _document(document: dict[str, Any]) -> tuple[str, bytes]:
    number = document["last-sequence-number"]
    return f"metadata/{number:05d}-{uuid.uuid4()}.metadata.json", json.dumps(document).encode()
