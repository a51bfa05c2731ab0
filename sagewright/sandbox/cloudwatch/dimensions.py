"""Why: CloudWatch refuses a dimension that could not name a metric, of values that are put and of alarms alike.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_Dimension.html
"""

from collections.abc import Iterable, Mapping
from typing import Any

from ..protocol import ApiError


def check_dimensions(dimensions: Iterable[Mapping[str, Any]], where: str, code: str) -> None:
    """Refuse, by this code, dimensions that are no names of a metric; `where` is the path of their list."""
    seen: set[str] = set()
    for number, dimension in enumerate(dimensions, 1):
        for member in ("Name", "Value"):
            if problem := _problem(dimension[member]):
                path = f"{where}.member.{number}.{member}"
                raise ApiError(code, f"The value {dimension[member]} for parameter {path} {problem}.")
        name = dimension["Name"]
        if name.startswith(":"):
            path = f"{where}.member.{number}.Name"
            raise ApiError(code, f"The value {name} for parameter {path} is invalid: it must not start with a colon.")
        if name in seen:
            raise ApiError(code, f"No metric may specify the same dimension name twice. {where} has {name} twice.")
        seen.add(name)


def _problem(text: str) -> str:
    if not text.isascii():
        return "contains non-ASCII characters"
    if not text.isprintable():
        return "contains ASCII control characters"
    return "" if text.strip() else "is invalid: it must contain at least one character that is no space"
