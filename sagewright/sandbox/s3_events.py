"""Why: what arrives in a bucket starts work, by the events that S3 sends where the bucket is set to send them.

moto has the moments at which objects come; of these it makes events that reach no rule here, and it has not all at
which objects go. https://docs.aws.amazon.com/AmazonS3/latest/userguide/ev-events.html
"""

import itertools
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from moto.s3 import notifications
from moto.s3.models import FakeDeleteMarker, FakeKey, S3Backend

from .clock import Clock
from .cloudwatch.metrics import Place
from .event_sink import Bus

_CREATED = {
    "s3:ObjectCreated:Put": "PutObject",
    "s3:ObjectCreated:Post": "POST Object",
    "s3:ObjectCreated:Copy": "CopyObject",
    "s3:ObjectCreated:CompleteMultipartUpload": "CompleteMultipartUpload",
}
_asking: ContextVar[tuple[str, str]] = ContextVar("asking", default=("", ""))
_delete = S3Backend.delete_object
_order = itertools.count(time.time_ns())


@contextmanager
def asked_by(account: str, address: str) -> Iterator[None]:
    """Let events of what is done in this block tell who asked for it."""
    token = _asking.set((account, address))
    try:
        yield
    finally:
        _asking.reset(token)


def apply(bus: Bus, clock: Clock) -> None:
    """Put the events of buckets with EventBridge notifications on the bus of their account."""

    def emit(account: str, bucket: Any, kind: str, detail: dict[str, Any]) -> None:
        place, resources = Place(account, bucket.region_name), [bucket.arn]
        bus.emit(place, source="aws.s3", detail_type=kind, detail=detail, resources=resources, time_s=clock.now())

    def created(account_id: str, bucket: Any, event_name: str, key: Any) -> None:
        reason = _CREATED.get(getattr(event_name, "value", event_name))
        # An upload in parts is to moto as if it were put, too, before it is complete.
        if reason and (key.multipart is None or reason in {"CopyObject", "CompleteMultipartUpload"}):
            told = {"size": key.size, "etag": key.etag.strip('"'), **_version(bucket, key.version_id)}
            detail = _event(bucket, key.name, told, {"reason": reason}, account_id)
            emit(account_id, bucket, "Object Created", detail)

    def deleted(backend: S3Backend, bucket_name: str, key_name: str, *rest: Any, **named: Any) -> Any:
        bucket: Any = backend.get_bucket(bucket_name)
        version_id = named.get("version_id", rest[0] if rest else None)
        gone = _meant(bucket, key_name, version_id)
        answer = _delete(backend, bucket_name, key_name, *rest, **named)
        done, meta = answer
        marked = bucket.is_versioned and version_id is None
        if done and _tells(bucket) and (marked or gone is not None):
            etag = {"etag": gone.etag.strip('"')} if isinstance(gone, FakeKey) and not marked else {}
            told = {**etag, **_version(bucket, meta.get("version-id"))}
            kind = "Delete Marker Created" if marked else "Permanently Deleted"
            more = {"reason": "DeleteObject", "deletion-type": kind}
            detail = _event(bucket, key_name, told, more, backend.account_id)
            emit(backend.account_id, bucket, "Object Deleted", detail)
        return answer

    setattr(notifications, "_send_event_bridge_message", created)  # noqa: B010 - moto's own function
    setattr(S3Backend, "delete_object", deleted)  # noqa: B010 - moto's own method


def _tells(bucket: Any) -> bool:
    configuration = bucket.notification_configuration
    return configuration is not None and configuration.event_bridge is not None


def _meant(bucket: Any, key: str, version: str | None) -> FakeKey | FakeDeleteMarker | None:
    held = bucket.keys.getlist(key, default=[])
    if version is not None:
        held = [each for each in held if str(each.version_id) == str(version)]
    return held[-1] if held else None


def _version(bucket: Any, version: Any) -> dict[str, str]:
    return {"version-id": str(version)} if bucket.is_versioned and version else {}


def _event(bucket: Any, key: str, told: dict[str, Any], more: dict[str, str], account: str) -> dict[str, Any]:
    """Return what an event tells; `told` is about the object, `more` about what happened to it."""
    requester, address = _asking.get()
    return {
        "version": "0",
        "bucket": {"name": bucket.name},
        "object": {"key": key, **told, "sequencer": f"{next(_order):016X}"},
        "request-id": secrets.token_hex(8).upper(),
        "requester": requester or account,
        "source-ip-address": address or "127.0.0.1",
        **more,
    }
