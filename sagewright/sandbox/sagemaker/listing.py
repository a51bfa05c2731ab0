"""Why: SageMaker's List operations filter, sort and page in the same way; it is written once."""

import base64
import binascii
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import Any

from ..protocol import ApiError
from .store import Record

PAGE_SIZE = 10


def matching(records: Iterable[Record], params: dict[str, Any], *, name: str, status: str = "") -> list[Record]:
    """Return the records that pass the request's filters on name, status and times.

    `name` and `status` are the members that hold a record's name and status.
    """
    found = [record for record in records if params.get("NameContains", "").lower() in record[name].lower()]
    if "StatusEquals" in params:
        found = [record for record in found if record[status] == params["StatusEquals"]]
    bounds: tuple[tuple[str, str, Callable[[datetime, datetime], bool]], ...] = (
        ("CreationTimeAfter", "CreationTime", datetime.__gt__),
        ("CreationTimeBefore", "CreationTime", datetime.__lt__),
        ("CreatedAfter", "CreationTime", datetime.__gt__),
        ("CreatedBefore", "CreationTime", datetime.__lt__),
        ("LastModifiedTimeAfter", "LastModifiedTime", datetime.__gt__),
        ("LastModifiedTimeBefore", "LastModifiedTime", datetime.__lt__),
    )
    for bound, member, holds in bounds:
        if bound in params:
            limit = _aware(params[bound])
            found = [record for record in found if holds(record[member], limit)]
    return found


def ordered(
    records: list[Record], params: dict[str, Any], keys: dict[str, str], default: tuple[str, str]
) -> list[Record]:
    """Sort by the member that `keys` names for the request's SortBy; `default` is (SortBy, SortOrder).

    Records of equal rank keep the order of their creation (or its reverse).
    """
    by, order = params.get("SortBy", default[0]), params.get("SortOrder", default[1])
    found = sorted(records, key=lambda record: record[keys[by]])
    return found[::-1] if order == "Descending" else found


def page(result: str, summaries: list[Record], params: dict[str, Any], size: int = PAGE_SIZE) -> dict[str, Any]:
    """Return one page under the member `result`, with NextToken where more follows.

    `size` is the length of a page when the request has no MaxResults.
    """
    start = _offset(params["NextToken"]) if params.get("NextToken") else 0
    end = start + params.get("MaxResults", size)
    answer: dict[str, Any] = {result: summaries[start:end]}
    if end < len(summaries):
        answer["NextToken"] = base64.urlsafe_b64encode(f"offset:{end}".encode()).decode()
    return answer


def only(record: Record, members: Iterable[str]) -> Record:
    """Return those of the members that the record has: what a summary shows of it."""
    return {member: record[member] for member in members if member in record}


def _offset(token: str) -> int:
    try:
        kind, _, offset = base64.urlsafe_b64decode(token.encode()).decode().partition(":")
        if kind == "offset":
            return int(offset)
    except (binascii.Error, UnicodeError, ValueError) as error:
        raise ApiError("ValidationException", "Invalid NextToken: it was not issued by this operation.") from error
    raise ApiError("ValidationException", "Invalid NextToken: it was not issued by this operation.")


def _aware(time: datetime) -> datetime:
    return time if time.tzinfo else time.replace(tzinfo=UTC)
