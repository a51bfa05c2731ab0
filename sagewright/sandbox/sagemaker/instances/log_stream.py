"""Why: people look for a container's output in CloudWatch Logs, while it still runs and after it is gone."""

import sys
from collections.abc import Iterator
from pathlib import Path

from botocore.exceptions import ClientError

from ...clients import ActingClients
from ...clock import Clock
from ...protocol import Caller

MAX_EVENTS = 10_000
MAX_BATCH = 1_000_000
OVERHEAD = 26
MAX_LINE = 256_000


class LogStream:
    """Carries a log file's new lines to a stream of CloudWatch Logs as the instance's role; the file itself stays.

    A role that may not write logs does not fail what runs, as in AWS: its lines are nowhere, and the sandbox's own log
    says why.
    """

    def __init__(  # noqa: PLR0913 - who writes, when, and what goes where
        self, acting: ActingClients, caller: Caller, clock: Clock, *, group: str, stream: str, file: Path
    ) -> None:
        self._clock = clock
        self.group = group
        self.stream = stream
        self.file = file
        self._client = acting.get("logs", caller.account, caller.region)
        self._made = False
        self._read = 0
        self._rest = b""

    def ship(self, *, last: bool = False) -> None:
        """Send the lines that were completed since the last call; with `last`, an unfinished one too."""
        if not self.file.exists():
            return
        with self.file.open("rb") as file:
            file.seek(self._read)
            new = file.read()
        self._read += len(new)
        *lines, self._rest = (self._rest + new).split(b"\n")
        if last and self._rest:
            lines.append(self._rest)
            self._rest = b""
        if lines:
            try:
                self._send(lines)
            except ClientError as error:
                sys.stderr.write(f"{len(lines)} lines of {self.group} {self.stream} are not in the logs: {error}\n")

    def note(self, line: str) -> None:
        """Append a line of the instance's own to the log file."""
        self.file.parent.mkdir(parents=True, exist_ok=True)
        with self.file.open("ab") as file:
            file.write(line.encode() + b"\n")

    def _send(self, lines: list[bytes]) -> None:
        self._make()
        for batch in _batches(lines):
            now = int(self._clock.now() * 1000)
            events = [{"timestamp": now, "message": message} for message in batch]
            self._client.put_log_events(logGroupName=self.group, logStreamName=self.stream, logEvents=events)

    def _make(self) -> None:
        if self._made:
            return
        stream = {"logGroupName": self.group, "logStreamName": self.stream}
        try:
            self._client.create_log_stream(**stream)
        except ClientError as error:
            code = error.response["Error"]["Code"]
            if code == "ResourceNotFoundException":  # a role that may not make groups writes to one that is there
                self._make_group()
                self._client.create_log_stream(**stream)
            elif code != "ResourceAlreadyExistsException":
                raise
        self._made = True

    def _make_group(self) -> None:
        try:
            self._client.create_log_group(logGroupName=self.group)
        except ClientError as error:
            if error.response["Error"]["Code"] != "ResourceAlreadyExistsException":  # somebody else was faster
                raise


def _batches(lines: list[bytes]) -> Iterator[list[str]]:
    """Split by what one PutLogEvents takes; an event's message must not be empty."""
    batch: list[str] = []
    size = 0
    for line in lines:
        text = line[:MAX_LINE].decode(errors="replace").rstrip("\r") or " "
        cost = len(text.encode()) + OVERHEAD
        if batch and (len(batch) == MAX_EVENTS or size + cost > MAX_BATCH):
            yield batch
            batch = []
            size = 0
        batch.append(text)
        size += cost
    if batch:
        yield batch
