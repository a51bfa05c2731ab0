"""Why: a record's values travel as text; each feature has a type, and AWS refuses a text that is none of it."""

import math
import re
from collections.abc import Callable
from datetime import UTC, datetime

from ..protocol import ApiError

Value = str | int | float

INTEGRAL, FRACTIONAL, STRING = "Integral", "Fractional", "String"
SECONDS = {"Seconds": 1, "Minutes": 60, "Hours": 3600, "Days": 86400, "Weeks": 604800}

_INTEGER = re.compile(r"[+-]?[0-9]{1,19}")
_NUMBER = re.compile(r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]+)?")
_MOMENT = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{3})?Z")
_LOWEST, _HIGHEST = -(2**63), 2**63 - 1
_FORMATS = "yyyy-MM-dd'T'HH:mm:ssZ or yyyy-MM-dd'T'HH:mm:ss.SSSZ"


def invalid(message: str) -> ApiError:
    """Return the refusal of a record or of what is asked about one."""
    return ApiError("ValidationError", f"Validation Error: {message}")


def typed(name: str, kind: str, text: str) -> Value:
    """Return the value that a text stands for; refuse one that is none of the feature's type.

    What Java reads as a double and is no number, like NaN, is refused as well: the documents do not say that it passes.
    """
    return _READERS[kind](name, text)


def _integral(name: str, text: str) -> int:
    if _INTEGER.fullmatch(text) and _LOWEST <= (value := int(text)) <= _HIGHEST:
        return value
    raise _mismatch(name, INTEGRAL, text)


def _fractional(name: str, text: str) -> float:
    if _NUMBER.fullmatch(text) and math.isfinite(value := float(text)):
        return value
    raise _mismatch(name, FRACTIONAL, text)


def _string(name: str, text: str) -> str:
    del name
    return text


_READERS: dict[str, Callable[[str, str], Value]] = {INTEGRAL: _integral, FRACTIONAL: _fractional, STRING: _string}


def moment_s(name: str, kind: str, text: str) -> float:
    """Return an event time in seconds since 1970; a String has to be of one of the two documented formats, in UTC.

    https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateFeatureGroup.html
    """
    try:
        if kind == FRACTIONAL and _NUMBER.fullmatch(text):
            datetime.fromtimestamp(float(text), UTC)
            return float(text)
        if kind != FRACTIONAL and _MOMENT.fullmatch(text):
            return datetime.fromisoformat(text).timestamp()
    except (ValueError, OverflowError, OSError):
        pass  # no such day, or none that a calendar has: told below like any other
    allowed = "a Unix timestamp in seconds" if kind == FRACTIONAL else f"an ISO-8601 string in the format {_FORMATS}"
    raise invalid(f"EventTime feature {name} has to be {allowed}, and is: {_short(text)}")


def as_event_time(kind: str, seconds: float) -> str:
    """Return a moment as the event time of a record."""
    return repr(seconds) if kind == FRACTIONAL else iso(seconds)


def iso(seconds: float) -> str:
    """Return a moment in the shorter format, or with milliseconds where it has some."""
    milliseconds = round(seconds * 1000)
    text = datetime.fromtimestamp(milliseconds // 1000, UTC).strftime("%Y-%m-%dT%H:%M:%S")
    return f"{text}.{milliseconds % 1000:03d}Z" if milliseconds % 1000 else f"{text}Z"


def _mismatch(name: str, kind: str, text: str) -> ApiError:
    return invalid(f"The value of feature {name} is not of its type {kind}: {_short(text)}")


def _short(text: str, most: int = 60) -> str:
    return repr(text if len(text) <= most else text[:most] + "…")
