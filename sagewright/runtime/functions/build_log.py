"""The last error in the log of a build: CodeBuild itself says only that a command ended with status 1."""

import re
from collections.abc import Callable

from .client import Client

# <project>:<uuid>; other actions have ids of other forms.
_BUILD = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]+:[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_ERROR = "Error: "
_LINES = 100
_LENGTH = 2000


def last_error(client: Callable[[str], Client], identity: str) -> str | None:
    """Read the last line that begins with an error of ours; None where the id is no build's, or it told none."""
    if _BUILD.fullmatch(identity) is None:
        return None
    build = next(iter(client("codebuild").batch_get_builds(ids=[identity])["builds"]), {})
    log: dict[str, str] = build.get("logs", {})
    if "groupName" not in log or "streamName" not in log:
        return None
    events = client("logs").get_log_events(
        logGroupName=log["groupName"], logStreamName=log["streamName"], limit=_LINES, startFromHead=False
    )["events"]
    for event in reversed(events):
        for line in reversed(event["message"].splitlines()):
            if line.startswith(_ERROR):
                return line.removeprefix(_ERROR)[:_LENGTH]
    return None
