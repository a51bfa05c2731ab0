"""Why: some of the sandbox has no counterpart in AWS: the person at this machine moves its clock and reads its mail.

These pages are not signed, because no account is asked; they are for this machine alone.
"""

import json
import math
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from http import HTTPStatus
from types import MappingProxyType
from typing import Any

from moto.core.request import Request
from werkzeug.wrappers import Response

from .clock import BackwardsError, Clock, MovingError

PREFIX = "/_sandbox/"
Document = dict[str, Any]

_HOSTS = {"localhost", "127.0.0.1", "[::1]"}
_FARTHEST_S = 366 * 24 * 3600


class UnreadableError(Exception):
    """Why a request is not understood: what was received, and what is allowed."""


class Person:
    """Answers the pages below /_sandbox/: the clock's, and others that show a document or take one."""

    def __init__(
        self,
        clock: Clock,
        shown: Mapping[str, Callable[[], Document]],
        taken: Mapping[str, Callable[[bytes], Document]] = MappingProxyType({}),
    ) -> None:
        """Show each document under its name, and hand what is posted there to who takes it."""
        self._clock = clock
        self._shown = dict(shown)
        self._taken = dict(taken)

    def answer(self, request: Request) -> Response:
        """Answer one request, with the reason in `message` where it is refused."""
        if request.host.rsplit(":", 1)[0] not in _HOSTS or "Origin" in request.headers:
            return _refusal(HTTPStatus.FORBIDDEN, "this page is for programs of this machine, not for web pages")
        name = request.path.removeprefix(PREFIX)
        if request.method == "POST" and name in {"clock", *self._taken}:
            return self._move(request) if name == "clock" else self._take(name, request)
        pages = {"clock": self._time, **self._shown}
        if name not in pages:
            listed = ", ".join(f"{PREFIX}{each}" for each in sorted(pages))
            return _refusal(HTTPStatus.NOT_FOUND, f"{request.path} is none of the sandbox's own pages: {listed}")
        if request.method not in {"GET", "HEAD"}:
            return _refusal(HTTPStatus.METHOD_NOT_ALLOWED, f"{request.path} does not take {request.method}")
        return _json(HTTPStatus.OK, pages[name]())

    def _take(self, name: str, request: Request) -> Response:
        try:
            return _json(HTTPStatus.OK, self._taken[name](request.get_data()))
        except UnreadableError as error:
            return _refusal(HTTPStatus.BAD_REQUEST, str(error))

    def _move(self, request: Request) -> Response:
        try:
            self._clock.forward(_target(request.get_data(), self._clock.now()))
        except (BackwardsError, UnreadableError) as error:
            return _refusal(HTTPStatus.BAD_REQUEST, str(error))
        except MovingError as error:
            return _refusal(HTTPStatus.CONFLICT, str(error))
        return _json(HTTPStatus.ACCEPTED, self._time())

    def _time(self) -> Document:
        target_s = self._clock.moving_to_s
        return {
            "now": _iso(self._clock.now()),
            "real": _iso(self._clock.now() - self._clock.ahead_s),
            "ahead_seconds": round(self._clock.ahead_s, 3),
            "moving_to": None if target_s is None else _iso(target_s),
            "waiting_for": self._clock.waiting_for(),
        }


def _target(body: bytes, now_s: float) -> float:
    """Read where the clock is to go."""
    allowed = '{"forward_seconds": N} or {"to": "2030-01-31T12:00:00Z"}'
    try:
        wanted = json.loads(body)
    except ValueError:
        raise UnreadableError(f"the body is no JSON; send {allowed}") from None
    match wanted:
        case {"forward_seconds": int() | float() as seconds} if len(wanted) == 1 and not isinstance(seconds, bool):
            target_s = now_s + seconds
        case {"to": str() as text} if len(wanted) == 1:
            target_s = _moment(text, allowed)
        case _:
            raise UnreadableError(f"{json.dumps(wanted)[:200]} says no time; send {allowed}")
    if not math.isfinite(target_s) or target_s - now_s > _FARTHEST_S:
        raise UnreadableError("the clock moves by at most a year (366 days) at a time")
    return target_s


def _moment(text: str, allowed: str) -> float:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise UnreadableError(f"{text!r} is no time in ISO 8601; send {allowed}") from None
    if moment.tzinfo is None:
        raise UnreadableError(f"{text!r} does not say in which time zone; send {allowed}")
    return moment.timestamp()


def _iso(time_s: float) -> str:
    return datetime.fromtimestamp(time_s, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _refusal(status: HTTPStatus, message: str) -> Response:
    return _json(status, {"message": message})


def _json(status: HTTPStatus, document: Document) -> Response:
    return Response(json.dumps(document), status=status, content_type="application/json")
