"""The record that an auditor reads: who did what to which version, when, and in which words; written once and kept.

Each entry is an object of its own below `audit/` in the first environment's bucket. Its name comes from what it is
about, and it is written only where there is none of that name: the same event three times leaves one entry.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal

from botocore.exceptions import ClientError

from .client import Client
from .objects import Location, listing, read_json

FOLDER = "audit"
Kind = Literal[
    "training",
    "approval",
    "rejection",
    "promotion",
    "gate",
    "release",
    "rollback",
    "retirement",
    "settings",
]
# S3's answer to a conditional write where the object is there.
_THERE = {"PreconditionFailed", "412"}


@dataclass(frozen=True)
class Entry:
    """One thing that happened; `about` tells it from every other one, and is the same however often it is told."""

    kind: Kind
    when: datetime
    who: str
    what: str
    about: str
    words: str = ""
    sources: Mapping[str, Any] = field(default_factory=dict)

    @property
    def key(self) -> str:
        """The name of its object: sorted by name, entries are sorted by time."""
        digest = hashlib.sha256(f"{self.kind} {self.about}".encode()).hexdigest()[:12]
        return f"{FOLDER}/{self.when.astimezone(UTC):%Y/%m/%d/%H%M%S}-{self.kind}-{digest}.json"

    @property
    def document(self) -> dict[str, Any]:
        """What is in it."""
        return {
            "kind": self.kind,
            "when": self.when.astimezone(UTC).isoformat(timespec="seconds"),
            "who": self.who,
            "what": self.what,
            "words": self.words,
            "sources": dict(self.sources),
        }


def write(s3: Client, bucket: str, entry: Entry) -> bool:
    """Write the entry; False where it is there already."""
    body = json.dumps(entry.document, ensure_ascii=False, indent=2).encode()
    try:
        s3.put_object(Bucket=bucket, Key=entry.key, Body=body, ContentType="application/json", IfNoneMatch="*")
    except ClientError as error:
        if error.response["Error"]["Code"] in _THERE:
            return False
        raise
    return True


def read(s3: Client, bucket: str, since: datetime) -> Iterator[dict[str, Any]]:
    """Read the entries since a moment, the oldest first."""
    first = f"{FOLDER}/{since.astimezone(UTC):%Y/%m/%d/%H%M%S}"
    for each in listing(s3, Location(bucket, f"{FOLDER}/")):
        if each["Key"] >= first:
            yield read_json(s3, Location(bucket, each["Key"]))
