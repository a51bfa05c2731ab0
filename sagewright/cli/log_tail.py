"""What a container writes, so that nobody has to look for its log first: as it runs, and behind a failure's message."""

import time
from collections.abc import Callable
from datetime import datetime

from botocore.exceptions import ClientError
from rich.markup import escape

from sagewright.runtime.functions import log_lines
from sagewright.runtime.functions.client import Client
from sagewright.runtime.functions.training_progress import LOG_GROUPS, Step

from .errors import DENIED
from .terminal import Terminal

# What a container writes reaches CloudWatch Logs in batches.
ARRIVES_WITHIN_S = 10
POLL_S = 0.5


def of_job(logs: Client, group: str, job: str) -> str:
    """Write the last lines of a job, to be put behind a sentence; where there are none, where they would be."""
    return _told(f"{group}, {job}", lambda: log_lines.last_lines(logs, group, stream=f"{job}/"))


def of_new_instances(logs: Client, group: str, since: datetime) -> str:
    """Write the last lines of an endpoint's new instances; those that serve already have streams from before."""
    return _told(group, lambda: log_lines.last_lines(logs, group, created_since=since))


def of_request(logs: Client, group: str, stream: str | None, sent: datetime) -> str:
    """Write what a container wrote about a request, for which it may be necessary to wait."""

    def read() -> list[str]:
        deadline = time.monotonic() + ARRIVES_WITHIN_S
        while time.monotonic() < deadline:
            lines = log_lines.last_lines(logs, group, stream=stream, written_since=sent)
            if lines:
                return lines
            time.sleep(POLL_S)
        return log_lines.last_lines(logs, group, stream=stream)

    return _told(f"{group}, {stream}" if stream else group, read)


class Lines:
    """Shows the lines of a pipeline's jobs while they run, each once; nothing to those who may not read logs."""

    def __init__(self, logs: Client, terminal: Terminal) -> None:
        self._logs, self._terminal = logs, terminal
        self._tokens: dict[str, str] = {}
        self._may = True

    def show(self, step: Step) -> None:
        """Show what a step's job has written since the last call."""
        if step.job_kind is None or step.job is None or step.cached or not self._may:
            return
        try:
            for stream in log_lines.streams(self._logs, LOG_GROUPS[step.job_kind], f"{step.job}/"):
                self._show(LOG_GROUPS[step.job_kind], stream)
        except ClientError as error:
            if error.response["Error"]["Code"] not in DENIED:
                raise
            self._may = False

    def _show(self, group: str, stream: str) -> None:
        while True:
            token = self._tokens.get(stream)
            lines, self._tokens[stream] = log_lines.lines_since(self._logs, group, stream, token)
            for line in lines:
                self._terminal.note(f"  [dim]{escape(line)}[/]")
            # The end of a stream gives back the token that was sent.
            if self._tokens[stream] == token or not lines:
                return


def _told(name: str, read: Callable[[], list[str]]) -> str:
    try:
        lines = read()
    except ClientError as error:
        if error.response["Error"]["Code"] not in DENIED:
            raise
        return f" The credentials in use may not read the container's log ({name})."
    if not lines:
        return f" Nothing is in the container's log ({name}) yet."
    return f" The last lines of the container's log ({name}):" + "".join(f"\n  {line}" for line in lines)
