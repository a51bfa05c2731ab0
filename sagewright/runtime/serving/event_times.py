"""When something holds: one reading of event times for what is ingested, joined and asked for.

SageMaker takes ISO 8601 text in UTC, to the second or the millisecond, or seconds since 1970. What is finer than a
millisecond is cut off, on every side alike.
https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateFeatureGroup.html
"""

import math
import re
from datetime import UTC, datetime, timedelta

_ISO = re.compile(
    r"\d{4}-\d{2}-\d{2}(?:[T ]\d{2}:\d{2}(?::\d{2}(?:[.,]\d{1,9})?)?(?: ?(?:[Zz]|[+-]\d{2}(?::?\d{2})?))?)?"
)
_NUMBER = re.compile(r"-?\d+(?:\.\d*)?(?:[eE][+-]?\d+)?")

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)
EARLIEST_MS = (datetime(1900, 1, 1, tzinfo=UTC) - _EPOCH) // _MILLISECOND
# Numbers beyond it are milliseconds that were taken for seconds.
LATEST_MS = (datetime(2200, 1, 1, tzinfo=UTC) - _EPOCH) // _MILLISECOND


class EventTimeError(ValueError):
    """A cell that says no time; the text says what was received and what is allowed."""


def milliseconds(cell: str | float) -> int:
    """Return milliseconds since 1970 of ISO 8601 text (without a zone, UTC), or of seconds since 1970."""
    if isinstance(cell, str):
        text = cell.strip()
        if _ISO.fullmatch(text):
            return _in_range(_of_iso(text, cell), cell)
        if not _NUMBER.fullmatch(text):
            raise EventTimeError(f"{_shown(cell)} is neither a time in ISO 8601 nor seconds since 1970")
        return _of_seconds(float(text), cell)
    return _of_seconds(cell, cell)


def text(moment_ms: int) -> str:
    """Write it as SageMaker takes it: with milliseconds only where there are any."""
    moment = _EPOCH + timedelta(milliseconds=moment_ms)
    fraction = f".{moment_ms % 1000:03}" if moment_ms % 1000 else ""
    return f"{moment:%Y-%m-%dT%H:%M:%S}{fraction}Z"


def _of_iso(text: str, cell: str) -> int:
    try:
        moment = datetime.fromisoformat(text.replace(",", ".").replace(" Z", "Z").replace(" +", "+").replace(" -", "-"))
    except ValueError as fault:
        raise EventTimeError(f"{_shown(cell)} is no time: {fault}") from None
    return ((moment if moment.tzinfo else moment.replace(tzinfo=UTC)) - _EPOCH) // _MILLISECOND


def _of_seconds(seconds: float, cell: object) -> int:
    if not math.isfinite(seconds):
        raise EventTimeError(f"{_shown(cell)} is no time")
    return _in_range(round(seconds * 1000), cell)


def _in_range(moment_ms: int, cell: object) -> int:
    if EARLIEST_MS <= moment_ms < LATEST_MS:
        return moment_ms
    raise EventTimeError(
        f"{_shown(cell)} is not between 1900 and 2200: "
        "a time is ISO 8601 text, or seconds since 1970 (not milliseconds)"
    )


_LONGEST_SHOWN = 60


def _shown(cell: object) -> str:
    shown = repr(cell)
    return shown if len(shown) <= _LONGEST_SHOWN else f"{shown[:_LONGEST_SHOWN]}…"
