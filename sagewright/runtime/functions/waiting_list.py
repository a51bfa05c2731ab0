"""What another system is to begin: AWS cannot start its jobs without a secret of theirs, so they come and look.

Each is an object of its own, named after the decision that it comes of, and written only where there is none of that
name. It stays there when it has begun, with a second object beside it: the same event once more begins nothing anew,
and a list of names tells whether anything waits.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal

from botocore.exceptions import ClientError

from . import code_pipelines
from .client import Client
from .objects import Location, listing, read_json

FOLDER = "delivery/waiting"
PROMOTION, ROLLBACK = "promotion", "rollback"
What = Literal["promotion", "rollback"]
_WAITS, _BEGUN = ".json", ".begun"
# What nobody has come for in that time would come as a surprise.
_LONGEST = timedelta(days=7)
_THERE = {"PreconditionFailed", "412"}


@dataclass(frozen=True)
class Waiting:
    """One thing to begin, with the variables to begin it with."""

    identity: str
    what: What
    variables: Mapping[str, str]


def put(  # noqa: PLR0913 - where, what, with which words, since when, and why
    s3: Client, bucket: str, what: What, variables: Mapping[str, str], *, when: datetime, because: str
) -> str:
    """Let something wait, once for each reason; returns its identity."""
    identity = f"{when.astimezone(UTC):%Y%m%dT%H%M%SZ}-{what}-{code_pipelines.token(because)[:12]}"
    body = json.dumps({"what": what, "variables": dict(variables)}, ensure_ascii=False).encode()
    try:
        s3.put_object(Bucket=bucket, Key=_key(identity), Body=body, ContentType="application/json", IfNoneMatch="*")
    except ClientError as error:
        if error.response["Error"]["Code"] not in _THERE:
            raise
    return identity


def waiting(s3: Client, bucket: str, now: datetime) -> Iterator[Waiting]:
    """List what waits, the longest waiting first; what has waited for too long waits no more."""
    earliest = f"{(now - _LONGEST).astimezone(UTC):%Y%m%dT%H%M%SZ}"
    names = {each["Key"].rpartition("/")[2] for each in listing(s3, Location(bucket, f"{FOLDER}/"))}
    for name in sorted(names):
        identity = name.removesuffix(_WAITS)
        if name.endswith(_WAITS) and name >= earliest and f"{identity}{_BEGUN}" not in names:
            found = read_json(s3, Location(bucket, _key(identity)))
            yield Waiting(identity, found["what"], found["variables"])


def begin(s3: Client, bucket: str, identity: str, by: str) -> None:
    """Note that something has begun, and in which job."""
    body = json.dumps({"by": by}).encode()
    s3.put_object(Bucket=bucket, Key=f"{FOLDER}/{identity}{_BEGUN}", Body=body, ContentType="application/json")


def _key(identity: str) -> str:
    return f"{FOLDER}/{identity}{_WAITS}"
