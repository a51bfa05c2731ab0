"""Why: lists are cut into pages as in AWS, so that a client that forgets the next page fails here too."""

from typing import Any

from ..protocol import ApiError


def page(name: str, items: list[Any], params: dict[str, Any], size: int) -> dict[str, Any]:
    """Return one page of a list and, where it goes on, the token for the next."""
    token = params.get("NextToken")
    try:
        start = int(token) if token else 0
    except ValueError:
        raise ApiError("ValidationError", f"Invalid NextToken: {token}") from None
    answer: dict[str, Any] = {name: items[start : start + size]}
    if start + size < len(items):
        answer["NextToken"] = str(start + size)
    return answer
