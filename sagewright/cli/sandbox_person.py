"""The sandbox's own pages, which are no part of AWS: its clock and its inbox, for the person at this machine."""

import json
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from http.client import HTTPConnection
from typing import Any
from urllib.parse import urlsplit

from .errors import CommandError
from .sandbox_process import RunningSandbox
from .target import Sandbox, Target

CLOCK, INBOX, CONNECTIONS = "/_sandbox/clock", "/_sandbox/inbox", "/_sandbox/connections"
_POLL_S = 0.1
_TIMEOUT_S = 60
_FAULT = 400
_LINK = re.compile(r"https?://\S+ConfirmSubscription\S*")


@dataclass(frozen=True)
class Clock:
    """What the sandbox's clock says: its time, the real one, and what a move under way waits for."""

    now: datetime
    real: datetime
    ahead_s: float
    moving_to: datetime | None
    waiting_for: tuple[str, ...]


@dataclass(frozen=True)
class Message:
    """A message in the sandbox's inbox."""

    id: str
    time: datetime
    to: str
    subject: str
    text: str

    @property
    def confirmation(self) -> str | None:
        """The link by which a subscription is confirmed, in a message that asks for it."""
        found = _LINK.search(self.text)
        return found[0] if found is not None else None


@dataclass(frozen=True)
class Connection:
    """A connection to a Git provider in the sandbox, and where its repositories are."""

    arn: str
    status: str
    url: str

    def url_of(self, repository: str) -> str:
        """Say where a repository behind it is pushed to."""
        return f"{self.url.partition('<')[0]}{repository}"


class _RefusedError(CommandError):
    """The sandbox answered, and said no."""


def clock(sandbox: RunningSandbox) -> Clock:
    """Read the clock."""
    return _clock(_ask(sandbox, "GET", CLOCK))


def move(sandbox: RunningSandbox, to: datetime, tell: Callable[[Clock], None]) -> Clock:
    """Move the clock forward to a moment and wait until it is there, with all that is due on the way done."""
    state = _clock(_ask(sandbox, "POST", CLOCK, {"to": to.isoformat()}))
    while state.moving_to is not None:
        tell(state)
        time.sleep(_POLL_S)
        state = clock(sandbox)
    return state


def inbox(sandbox: RunningSandbox) -> list[Message]:
    """Read all messages, the newest last."""
    return [
        Message(each["id"], datetime.fromisoformat(each["time"]), each["to"], each["subject"], each["text"])
        for each in _ask(sandbox, "GET", INBOX)["messages"]
    ]


def connections(sandbox: RunningSandbox) -> list[Connection]:
    """List the connections that were made in the sandbox."""
    listed = _ask(sandbox, "GET", CONNECTIONS)["connections"]
    return [Connection(each["arn"], each["status"], each["url"]) for each in listed]


def complete(sandbox: RunningSandbox, connection: str) -> None:
    """Agree to a connection, as a person does at the provider."""
    _ask(sandbox, "POST", CONNECTIONS, {"arn": connection})


def confirm(sandbox: RunningSandbox, message: Message) -> bool:
    """Open the link of a message that asks whether a subscription is wanted; False where nobody asks any more."""
    if message.confirmation is None:
        raise CommandError(f"Message {message.id} ('{message.subject}') asks for no confirmation.")
    link = urlsplit(message.confirmation)
    try:
        _request(sandbox, "GET", f"{link.path}?{link.query}")
    except _RefusedError:
        return False  # its topic is gone, or it was made anew, which another message asks about
    return True


def now(target: Target) -> datetime:
    """Tell what time it is where a command acts."""
    return clock(target.running).now if isinstance(target, Sandbox) else datetime.now(UTC)


def _clock(document: dict[str, Any]) -> Clock:
    moving = document["moving_to"]
    return Clock(
        datetime.fromisoformat(document["now"]),
        datetime.fromisoformat(document["real"]),
        document["ahead_seconds"],
        datetime.fromisoformat(moving) if moving is not None else None,
        tuple(document["waiting_for"]),
    )


def _ask(sandbox: RunningSandbox, method: str, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
    return json.loads(_request(sandbox, method, path, body))


def _request(sandbox: RunningSandbox, method: str, path: str, body: dict[str, Any] | None = None) -> bytes:
    """Send one request; no proxy stands between two processes of one machine."""
    address = urlsplit(sandbox.endpoint)
    connection = HTTPConnection(address.hostname or "localhost", address.port, timeout=_TIMEOUT_S)
    try:
        connection.request(method, path, json.dumps(body) if body is not None else None)
        answer = connection.getresponse()
        content = answer.read()
    except OSError as error:
        raise CommandError(f"The sandbox at {sandbox.endpoint} does not answer: {error}.") from error
    finally:
        connection.close()
    if answer.status >= _FAULT:
        raise _RefusedError(f"The sandbox refused {method} {path}: {_message(content)}")
    return content


def _message(content: bytes) -> str:
    try:
        return json.loads(content)["message"]
    except (ValueError, KeyError, TypeError):
        return " ".join(content.decode(errors="replace").split())
