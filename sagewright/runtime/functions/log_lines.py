"""The lines that a container writes: how far it is, and most reasons of a failure, stand there and nowhere else."""

from datetime import datetime
from typing import Any

from botocore.exceptions import ClientError

from .client import Client

NEWEST_STREAMS = 20


def last_lines(  # noqa: PLR0913 - each narrows the lines in a way of its own
    logs: Client,
    group: str,
    *,
    stream: str | None = None,
    created_since: datetime | None = None,
    written_since: datetime | None = None,
    count: int = 30,
) -> list[str]:
    """Read the last lines of a log group: of the streams whose name starts with `stream`, else of the newest ones.

    Streams that came into being before `created_since`, and lines from before `written_since`, are left out. None where
    nothing was written.
    """
    chosen: dict[str, Any] = (
        {"logStreamNamePrefix": stream}
        if stream is not None
        else {"orderBy": "LastEventTime", "descending": True, "limit": NEWEST_STREAMS}
    )
    try:
        streams = logs.describe_log_streams(logGroupName=group, **chosen)["logStreams"]
    except ClientError as error:
        if error.response["Error"]["Code"] == "ResourceNotFoundException":
            return []  # the group comes into being with the first line of the first container
        raise
    events: list[dict[str, Any]] = []
    for each in streams:
        if created_since is not None and each["creationTime"] < _milliseconds(created_since):
            continue
        begin = {"startTime": _milliseconds(written_since)} if written_since is not None else {}
        events += logs.get_log_events(
            logGroupName=group, logStreamName=each["logStreamName"], limit=count, startFromHead=False, **begin
        )["events"]
    events.sort(key=lambda event: event["timestamp"])
    return [event["message"].rstrip("\n") for event in events[-count:]]


def streams(logs: Client, group: str, prefix: str) -> list[str]:
    """Name the streams of a log group that start with `prefix`; none before the first line was written."""
    try:
        found = logs.describe_log_streams(logGroupName=group, logStreamNamePrefix=prefix)["logStreams"]
    except ClientError as error:
        if error.response["Error"]["Code"] == "ResourceNotFoundException":
            return []
        raise
    return [each["logStreamName"] for each in found]


def lines_since(logs: Client, group: str, stream: str, token: str | None) -> tuple[list[str], str]:
    """Read the lines behind a token, or from the first one, and the token of where they end."""
    place = {"nextToken": token} if token is not None else {}
    answer = logs.get_log_events(logGroupName=group, logStreamName=stream, startFromHead=True, **place)
    return [event["message"].rstrip("\n") for event in answer["events"]], answer["nextForwardToken"]


def _milliseconds(moment: datetime) -> int:
    return int(moment.timestamp() * 1000)
