"""Why: what a build prints goes to CloudWatch Logs as its role, without the secrets that it was given."""

from datetime import UTC, datetime

from botocore.exceptions import ClientError
from typing_extensions import override

from ..sagemaker.instances.log_stream import LogStream
from .failures import PhaseError
from .shelf import Record

_HIDDEN = b"***"


class BuildLog(LogStream):
    """The log of one build."""

    hidden: frozenset[bytes] = frozenset()

    def open(self, build: Record) -> None:
        """Make the stream, or end the phase: without a log that it asks for, no build runs."""
        try:
            self._make()
        except ClientError as error:
            problem = (
                f"Service role {build['serviceRole']} does not allow AWS CodeBuild to create Amazon CloudWatch Logs log"
                f" streams for build {build['arn']}. Error message: {error.response['Error']['Message']}"
            )
            raise PhaseError("ACCESS_DENIED", problem) from error

    def say(self, line: str) -> None:
        """Write a line of CodeBuild's own."""
        self.note(f"[Container] {datetime.now(UTC):%Y/%m/%d %H:%M:%S.%f} {line}")

    def hide(self, texts: set[str]) -> None:
        """Let none of these texts get into the log; the longest first, as one may hold another."""
        self.hidden = frozenset(text.encode() for text in texts)

    @override
    def _send(self, lines: list[bytes]) -> None:
        for text in sorted(self.hidden, key=len, reverse=True):
            lines = [line.replace(text, _HIDDEN) for line in lines]
        super()._send(lines)


class NoLog(BuildLog):
    """The log of a build that wants none: what it prints is nowhere."""

    @override
    def open(self, build: Record) -> None:
        """Make nothing."""

    @override
    def _send(self, lines: list[bytes]) -> None:
        """Send nothing."""
