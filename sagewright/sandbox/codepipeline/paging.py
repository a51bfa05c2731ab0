"""Why: CodePipeline's lists come in pages that all ask on in the same way."""

import base64
import binascii
from typing import Any

from ..protocol import ApiError

_PREFIX = "from:"


def page(member: str, found: list[Any], params: dict[str, Any], size: int = 100) -> dict[str, Any]:
    """Return one page under a member's name, with the token of the next one."""
    start = _start(params["nextToken"]) if params.get("nextToken") else 0
    end = start + min(params.get("maxResults") or size, size)
    answer: dict[str, Any] = {member: found[start:end]}
    if end < len(found):
        answer["nextToken"] = base64.urlsafe_b64encode(f"{_PREFIX}{end}".encode()).decode()
    return answer


def _start(token: str) -> int:
    try:
        text = base64.urlsafe_b64decode(token.encode()).decode()
        if text.startswith(_PREFIX):
            return int(text.removeprefix(_PREFIX))
    except (binascii.Error, ValueError):
        pass
    raise ApiError("InvalidNextTokenException", "The next token was specified in an invalid format.")
