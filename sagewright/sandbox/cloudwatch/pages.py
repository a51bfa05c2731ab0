"""Why: CloudWatch's lists come in pages, and a client that stops at the first one must notice here, too."""

from collections.abc import Sequence
from typing import Any

from ..protocol import ApiError


def page(items: Sequence[Any], size: int, token: str | None) -> tuple[list[Any], dict[str, str]]:
    """Return a page, and the member NextToken where another one follows."""
    if token is not None and not token.isdigit():
        raise ApiError("InvalidNextToken", "The next token specified is invalid.")
    begin = int(token or 0)
    end = begin + size
    return list(items[begin:end]), {"NextToken": str(end)} if end < len(items) else {}
