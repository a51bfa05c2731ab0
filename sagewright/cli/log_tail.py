"""The end of a failure's message: what the container wrote last, so that nobody has to look for its log first."""

import time
from collections.abc import Callable
from datetime import datetime

from botocore.exceptions import ClientError

from sagewright.runtime.functions import log_lines
from sagewright.runtime.functions.client import Client

from .errors import DENIED

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
