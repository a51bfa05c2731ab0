"""Why: AWS's cron has a year, days of the week from 1 to 7 and a question mark, and its zones have summer time.

https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html
"""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError

from ..protocol import ApiError

_RATE = re.compile(r"rate\(([1-9]\d*) (minute|hour|day)s?\)")
_AT = re.compile(r"at\((\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2})\)")
_CRON = re.compile(r"cron\((\S+) (\S+) (\S+) (\S+) (\S+) (\S+)\)")
_UNITS_S = {"minute": 60, "hour": 3600, "day": 86400}
_DAY_OF_WEEK = re.compile(r"(?<![#/\d])([1-7])(?![\d])")
_YEARS = range(1970, 2200)
_FAR = timedelta(days=366 * 30)


class Expression:
    """When a schedule fires: `rate(…)`, `at(…)` or `cron(…)`, in a time zone."""

    def __init__(self, text: str, zone: str) -> None:
        self._zone = ZoneInfo(zone)
        self._text = text
        self._rate_s = 0
        self._cron: tuple[str, frozenset[int]] | None = None
        self._at: float | None = None
        if match := _RATE.fullmatch(text):
            self._rate_s = int(match[1]) * _UNITS_S[match[2]]
        elif match := _AT.fullmatch(text):
            self._at = self._read_at(match[1])
        elif match := _CRON.fullmatch(text):
            self._cron = self._read_cron(match.groups())
        else:
            raise self._invalid()

    @property
    def once(self) -> bool:
        """Whether it fires a single time."""
        return self._at is not None

    def after(self, moment_s: float, began_s: float) -> float | None:
        """Return the first time strictly after this moment; a rate counts from the schedule's beginning."""
        if self._at is not None:
            return self._at if self._at > moment_s else None
        if self._rate_s:
            if began_s > moment_s:
                return began_s
            return began_s + (int((moment_s - began_s) // self._rate_s) + 1) * self._rate_s
        return next(self._occurrences(moment_s), None)

    def _occurrences(self, moment_s: float) -> Iterator[float]:
        """Yield times of the wall clock: what summer time leaves out does not come, what it repeats comes once."""
        if self._cron is None:
            return
        fields, years = self._cron
        wall = datetime.fromtimestamp(moment_s, self._zone).replace(tzinfo=None, fold=0) - timedelta(hours=3)
        last = wall + _FAR
        if min(years) > wall.year:
            wall = datetime(min(years), 1, 1) - timedelta(seconds=1)  # noqa: DTZ001 - a wall clock's time has no zone
        for found in CronSim(fields, wall):
            if found > last or found.year > max(years):
                return
            local = found.replace(tzinfo=self._zone)
            there = local.astimezone(UTC).astimezone(self._zone).replace(tzinfo=None) == found
            if found.year in years and there and local.timestamp() > moment_s:
                yield local.timestamp()

    def _read_at(self, text: str) -> float:
        try:
            return datetime.fromisoformat(text).replace(tzinfo=self._zone).timestamp()
        except ValueError:
            raise self._invalid() from None

    def _read_cron(self, parts: tuple[str, ...]) -> tuple[str, frozenset[int]]:
        minutes, hours, days, months, weekdays, years = (part.upper() for part in parts)
        if "W" in days and days != "LW":
            raise ApiError("UnsupportedOperation", f"The sandbox's Scheduler does not have W in {self._text}.", 501)
        if (days == "?") == (weekdays == "?"):  # one of the two has to be open, and only one
            raise self._invalid()
        if "0" in re.split(r"[,#/-]", weekdays)[:1] or re.search(r"[089]", re.split(r"[#/]", weekdays)[0]):
            raise self._invalid()
        fields = " ".join((minutes, hours, days.replace("?", "*"), months, _weekdays(weekdays.replace("?", "*"))))
        try:
            CronSim(fields, datetime(2000, 1, 1))  # noqa: DTZ001 - it is only read
            return fields, _years(years)
        except (CronSimError, ValueError):
            raise self._invalid() from None

    def _invalid(self) -> ApiError:
        return ApiError("ValidationException", f"Invalid Schedule Expression {self._text}.")


def _weekdays(text: str) -> str:
    """Return AWS's days of the week, where Sunday is 1 and a lone L is Saturday, as cron has them (Sunday is 0)."""
    if text == "L":
        return "6"
    return _DAY_OF_WEEK.sub(lambda match: str(int(match[1]) - 1), text)


def _years(text: str) -> frozenset[int]:
    """Return the years that the last field means."""
    found: set[int] = set()
    for part in text.split(","):
        span, _, step = part.partition("/")
        first, dash, last = span.partition("-")
        if span == "*":
            first, last = str(_YEARS.start), str(_YEARS.stop - 1)
        elif not dash:
            last = str(_YEARS.stop - 1) if step else first
        chosen = range(int(first), int(last) + 1, int(step or 1))
        if not chosen or chosen[0] not in _YEARS or chosen[-1] not in _YEARS:
            raise ValueError(text)
        found.update(chosen)
    return frozenset(found)
