"""Why: what is written online is in the offline store only some time later, and programs must not count on less.

Records are buffered, and written as the group's role within fifteen minutes of the sandbox's clock. Where the role may
not, the offline store is blocked and says why; the sandbox keeps the records and tries again, which is not documented.
"""

import threading
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Protocol

from botocore.exceptions import ClientError

from ..clients import ActingClients, Clients
from ..clock import Clock
from ..errands import begin
from ..protocol import ApiError
from ..sagemaker.artifacts import split_s3_uri
from ..sagemaker.instances.role import PRINCIPAL
from .group import Entry, Group
from .parquet import Row, files

DELAY_S = 15 * 60.0
"""AWS promises to be as fast as this, at least."""
MOST_ROWS = 50_000
"""So many records are written earlier: they would only fill memory."""


class Keeper(Protocol):
    """Who knows the groups."""

    def commit(self, acting: ActingClients, group: Group, at_s: float) -> None:
        """Let a group's table, where its format needs that, know of what was written."""
        ...

    def written(self, group: Group, refusal: str) -> None:
        """Hear how writing ended: with the reason why it could not be done, or with nothing."""
        ...


@dataclass
class _Buffer:
    group: Group
    began_s: float
    rows: list[Row] = field(default_factory=list)


class OfflineStore:
    """The offline stores of all groups: an agenda of writes."""

    def __init__(self, clients: Clients, clock: Clock, keeper: Keeper) -> None:
        self._clients = clients
        self._clock = clock
        self._keeper = keeper
        self._lock = threading.Lock()
        self._buffers: dict[str, _Buffer] = {}

    def append(self, group: Group, entry: Entry, *, is_deleted: bool = False) -> None:
        """Take a record up; it is written within the delay."""
        now_s = self._clock.now()
        row = Row(entry, now_s, is_deleted)
        with self._lock:
            buffer = self._buffers.setdefault(group.arn, _Buffer(group, now_s))
            buffer.rows.append(row)
            is_full = len(buffer.rows) >= MOST_ROWS
            if is_full:
                del self._buffers[group.arn]
        if is_full:
            begin(self._clock, _what(group), partial(self._write, buffer))

    def due(self, after_s: float) -> float | None:
        """Return when the next buffer is to be written."""
        with self._lock:
            first = min((buffer.began_s for buffer in self._buffers.values()), default=None)
        return None if first is None else max(first + DELAY_S, after_s)

    def happen(self, at_s: float) -> None:
        """Write what has waited for long enough."""
        with self._lock:
            ripe = [arn for arn, buffer in self._buffers.items() if buffer.began_s + DELAY_S <= at_s]
            buffers = [self._buffers.pop(arn) for arn in ripe]
        for buffer in buffers:
            begin(self._clock, _what(buffer.group), partial(self._write, buffer))

    def _write(self, buffer: _Buffer) -> None:
        group, written_s = buffer.group, self._clock.now()
        left = dict.fromkeys(map(id, buffer.rows))
        try:
            acting = self._clients.as_role(
                group.role, service=PRINCIPAL, region=group.owner.region, source_arn=group.arn
            )
            for file in files(group, buffer.rows, written_s):
                put(acting, group, file.path, file.body)
                for row in file.rows:
                    del left[id(row)]
            self._keeper.commit(acting, group, written_s)
        except (ClientError, ApiError) as refused:
            self._keep(group, [row for row in buffer.rows if id(row) in left])
            self._keeper.written(group, _reason(refused))
        else:
            self._keeper.written(group, "")

    def _keep(self, group: Group, rows: list[Row]) -> None:
        """Put rows back to be tried again after another delay."""
        if not rows:
            return
        with self._lock:
            newer = self._buffers.get(group.arn)
            self._buffers[group.arn] = _Buffer(group, self._clock.now(), rows + (newer.rows if newer else []))


def put(acting: ActingClients, group: Group, path: str, body: bytes) -> None:
    """Write one object below the group's root, with the permissions that AWS's own policy for such roles lists."""
    bucket, key = split_s3_uri(f"{group.root}/{path}")
    encryption: dict[str, Any] = {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": group.offline_key}
    if not group.offline_key:
        encryption = {}
    acting.get("s3", group.owner.account, group.owner.region).put_object(
        Bucket=bucket, Key=key, Body=body, ACL="bucket-owner-full-control", **encryption
    )


def _what(group: Group) -> str:
    return f"offline store of feature group {group.name}"


def _reason(refused: ClientError | ApiError) -> str:
    return refused.message if isinstance(refused, ApiError) else refused.response["Error"]["Message"]
