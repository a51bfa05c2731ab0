"""Why: a schedule's expression says when its runs are due and, left to itself, what window of requests each looks at.

https://docs.aws.amazon.com/sagemaker/latest/dg/model-monitor-schedule-expression.html
"""

import re
from dataclasses import dataclass
from typing import Any

from ...protocol import ApiError
from ..instances.available import refuse_others, unavailable

HOUR_S, DAY_S = 3600, 86_400
DELAY_S = 600
"""AWS starts a run within 20 minutes of its time; the sandbox after 10, when its requests are surely captured."""
_EXPRESSION = re.compile(r"cron\(0 (?P<hours>\*|(?P<first>\d\d?)(?:/(?P<every>\d\d?))?) \? \* \* \*\)")
_OFFSET = re.compile(r"(-?)P(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)S)?)?")
_WHERE = "MonitoringScheduleConfig.ScheduleConfig"


@dataclass(frozen=True)
class Timing:
    """The hours of the day (UTC) at which runs are due, and the window before each, in seconds from it."""

    hours: tuple[int, ...]
    begins_s: int
    ends_s: int

    def next(self, after_s: float) -> int:
        """Return the next time of a run strictly after this moment."""
        hour = int(after_s // HOUR_S) + 1
        while hour % 24 not in self.hours:
            hour += 1
        return hour * HOUR_S

    def window(self, scheduled_s: int) -> tuple[int, int]:
        """Return begin and end of what a run looks at."""
        return scheduled_s + self.begins_s, scheduled_s + self.ends_s


def timing(config: dict[str, Any]) -> Timing:
    """Return what a ScheduleConfig means; refuse what AWS refuses, and by name what the sandbox does not have."""
    refuse_others(_WHERE, config, {"ScheduleExpression", "DataAnalysisStartTime", "DataAnalysisEndTime"})
    expression = config["ScheduleExpression"]
    if expression == "NOW":
        raise unavailable(f"{_WHERE}.ScheduleExpression NOW")
    found = _EXPRESSION.fullmatch(expression)
    first, every = (int(found["first"] or 0), int(found["every"] or 24)) if found else (24, 24)
    if found is None or first not in range(24) or every not in range(1, 25):
        raise ApiError(
            "ValidationException",
            f"{_WHERE}.ScheduleExpression: {expression} is not supported. It has to be cron(0 * ? * * *),"
            " cron(0 [00-23] ? * * *), cron(0 [00-23]/[01-24] ? * * *) or NOW.",
        )
    hours = tuple(range(24)) if found["hours"] == "*" else tuple(range(first, 24, every))
    between_s = HOUR_S if found["hours"] == "*" else every * HOUR_S
    begins_s = _offset(config, "DataAnalysisStartTime", -between_s)
    ends_s = _offset(config, "DataAnalysisEndTime", 0)
    if not begins_s < ends_s <= 0 or ends_s - begins_s > DAY_S:
        raise ApiError(
            "ValidationException",
            f"{_WHERE}: the window has to end after it begins and not after the run, and to last at most 24 hours;"
            f" given are {begins_s} to {ends_s} seconds.",
        )
    return Timing(hours, begins_s, ends_s)


def _offset(config: dict[str, Any], member: str, default_s: int) -> int:
    """Return an ISO 8601 duration such as -PT1H in seconds."""
    text = config.get(member)
    if text is None:
        return default_s
    found = _OFFSET.fullmatch(text)
    if found is None:
        raise ApiError("ValidationException", f"{_WHERE}.{member}: {text} is no offset such as -PT1H or -P1D.")
    days, hours, minutes, seconds = (int(part or 0) for part in found.groups()[1:])
    size_s = days * DAY_S + hours * HOUR_S + minutes * 60 + seconds
    return -size_s if found[1] else size_s
