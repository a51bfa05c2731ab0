"""One release at a time for each environment: a note in its bucket says whose turn it is.

Two at once would mix: the CDK gives every change set the same name, so that one release may execute the plan of the
other. The note is written by S3's conditional writes, which only one of two writers wins.
https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html
"""

import json
import threading
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from .client import Client
from .objects import Location
from .refusal import Refused

NOTE = "in-progress.json"
RENEW_S = 60.0
# A holder that has not been heard of for so long is dead, or cut off from AWS.
DEAD_AFTER_S = 200
_LOST = {"PreconditionFailed", "ConditionalRequestConflict", "412", "409"}


@dataclass(frozen=True)
class Holder:
    """Whose turn it is: what is released, by whom, and in which process of which machine."""

    version: int
    who: str
    host: str
    process: int
    since: str

    @classmethod
    def now(cls, version: int, who: str, host: str, process: int) -> "Holder":
        """Make the holder of a turn that begins now."""
        return cls(version, who, host, process, datetime.now(UTC).isoformat(timespec="seconds"))

    def __str__(self) -> str:
        return f"version {self.version}, started {self.since} by {self.who} on {self.host} (process {self.process})"


class Turn:
    """A turn that was taken; `confirm` before each step that others must not take at the same time."""

    def __init__(self, s3: Client, note: Location, holder: Holder, etag: str) -> None:
        self._s3 = s3
        self._note = note
        self._holder = holder
        self._etag = etag
        self._lock = threading.Lock()
        self._over = threading.Event()
        self._renewal = threading.Thread(target=self._keep_renewing, name="release turn", daemon=True)

    @property
    def who(self) -> str:
        """Who releases."""
        return self._holder.who

    def confirm(self) -> None:
        """Make sure that it still is our turn: another one may have taken a process that slept for dead."""
        with self._lock:
            try:
                self._etag = _write(self._s3, self._note, self._holder, IfMatch=self._etag)
            except ClientError as error:
                if error.response["Error"]["Code"] not in _LOST:
                    raise
                self._etag = self._ours_after_all(error)

    def _ours_after_all(self, error: ClientError) -> str:
        """Read the note anew: where an answer of S3's was lost on its way, the retry found our own note in the way."""
        answer = self._s3.get_object(Bucket=self._note.bucket, Key=self._note.key)
        if _holder(answer) != self._holder:
            raise Refused(
                f"Another release has taken this one's turn, which had not been heard of for {DEAD_AFTER_S} s: "
                "nothing more is done. Release again when that one has ended."
            ) from error
        return answer["ETag"]

    def begin(self) -> None:
        """Renew the note in the background from now on."""
        self._renewal.start()

    def give_back(self) -> None:
        """Let the next one have a turn; where somebody has taken it already, it is theirs."""
        self._over.set()
        # What the release ended with says more than a refusal here; a note that stays gives way when its time is over.
        with self._lock, suppress(ClientError, BotoCoreError):
            _write(self._s3, self._note, None, IfMatch=self._etag)

    def _keep_renewing(self) -> None:
        while not self._over.wait(RENEW_S):
            try:
                self.confirm()
            except Refused:
                return  # the next step's own confirmation says so to whoever waits for it
            except (ClientError, BotoCoreError):
                continue  # a renewal may fail; the next comes long before the note is taken for a dead one's


@contextmanager
def taken(s3: Client, folder: Location, holder: Holder, *, is_gone: Callable[[Holder], bool]) -> Iterator[Turn]:
    """Take the turn for the length of the block, or refuse with who has it.

    `is_gone` says of a holder whose process the caller can look for that there is none any more: then nobody waits.
    """
    note = folder / NOTE
    turn = Turn(s3, note, holder, _take(s3, note, holder, is_gone))
    turn.begin()
    try:
        yield turn
    finally:
        turn.give_back()


def _take(s3: Client, note: Location, holder: Holder, is_gone: Callable[[Holder], bool]) -> str:
    try:
        return _write(s3, note, holder, IfNoneMatch="*")
    except ClientError as error:
        if error.response["Error"]["Code"] not in _LOST:
            raise
    answer = s3.get_object(Bucket=note.bucket, Key=note.key)
    other = _holder(answer)
    if other is not None and not is_gone(other):
        # Both times are S3's own, so no clock of anybody's machine has a say in it.
        quiet_s = _answered(answer) - answer["LastModified"].timestamp()
        if quiet_s < DEAD_AFTER_S:
            raise _busy(other, DEAD_AFTER_S - quiet_s)
    try:
        return _write(s3, note, holder, IfMatch=answer["ETag"])
    except ClientError as error:
        if error.response["Error"]["Code"] not in _LOST:
            raise
    winner = _holder(s3.get_object(Bucket=note.bucket, Key=note.key))
    raise _busy(winner or holder, DEAD_AFTER_S)


def _busy(holder: Holder, left_s: float) -> Refused:
    return Refused(
        f"Another release to this environment is in progress: {holder}. Nothing was done. Wait until it has ended and "
        f"release again; one that was killed is taken for dead in {left_s:.0f} s, unless it is heard of again."
    )


def _write(s3: Client, note: Location, holder: Holder | None, **condition: str) -> str:
    # The id makes each note another one, even where the same holder writes it again.
    content = {"holder": asdict(holder) if holder is not None else None, "id": uuid.uuid4().hex}
    body = json.dumps(content).encode()
    return s3.put_object(Bucket=note.bucket, Key=note.key, Body=body, ContentType="application/json", **condition)[
        "ETag"
    ]


def _holder(answer: dict[str, Any]) -> Holder | None:
    said = json.loads(answer["Body"].read())["holder"]
    return Holder(**said) if said is not None else None


def _answered(answer: dict[str, Any]) -> float:
    return parsedate_to_datetime(answer["ResponseMetadata"]["HTTPHeaders"]["date"]).timestamp()
