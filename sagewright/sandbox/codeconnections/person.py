"""Why: only a person can agree to a connection, and opens a pull request on a provider's page; here by these pages."""

import json
from typing import Any

from ..person import UnreadableError
from ..protocol import ApiError
from .connections import Connections
from .provider import Provider, RemotePullRequest

Document = dict[str, Any]


class Desk:
    """What the person at this machine does at a provider's."""

    def __init__(self, connections: Connections, provider: Provider, endpoint: str) -> None:
        self._connections = connections
        self._provider = provider
        self._endpoint = endpoint

    def connections(self) -> Document:
        """Return what /_sandbox/connections shows: what there is, and where its repositories are cloned from."""
        listed = [
            {
                "arn": each.arn,
                "name": each.name,
                "provider": each.provider,
                "status": each.status,
                "url": f"{self._endpoint}/connections/{each.id}/<owner>/<repository>",
                "repositories": self._provider.repositories(each),
            }
            for each in self._connections.all()
        ]
        return {"connections": listed}

    def complete(self, body: bytes) -> Document:
        """Complete the connection that is named."""
        wanted = _read(body, {"arn": str}, '{"arn": "arn:aws:codeconnections:…"}')
        connection = self._found(wanted["arn"])
        connection.status = "AVAILABLE"
        return {"arn": connection.arn, "name": connection.name, "status": connection.status}

    def pull_requests(self) -> Document:
        """Return what /_sandbox/pull-requests shows."""
        return {"pull_requests": [_shown(each) for each in self._provider.pull_requests()]}

    def pull_request(self, body: bytes) -> Document:
        """Open a pull request, or close the one of a number."""
        allowed = (
            '{"connection": ARN, "repository": "owner/name", "source": "branch", "destination": "branch",'
            ' "title": "…"} to open one or {"connection": ARN, "repository": "owner/name", "close": number}'
        )
        closing = {"connection": str, "repository": str, "close": int}
        opening = {"connection": str, "repository": str, "source": str, "destination": str, "title": str}
        try:
            wanted = _read(body, closing if b'"close"' in body else opening, allowed)
            connection, name = self._found(wanted["connection"]), wanted["repository"]
            if "close" in wanted:
                return _shown(self._provider.close(connection, name, wanted["close"]))
            said = (wanted["title"], wanted["source"], wanted["destination"])
            return _shown(self._provider.open(connection, name, *said))
        except ApiError as error:
            raise UnreadableError(error.message) from None

    def _found(self, arn: str) -> Any:
        try:
            return self._connections.at(arn)
        except ApiError:
            listed = ", ".join(each.arn for each in self._connections.all()) or "none at all"
            raise UnreadableError(f"there is no connection {arn}; there is {listed}") from None


def _read(body: bytes, members: dict[str, type], allowed: str) -> Document:
    try:
        wanted = json.loads(body)
    except ValueError:
        raise UnreadableError(f"the body is no JSON; send {allowed}") from None
    if not isinstance(wanted, dict) or {name: type(value) for name, value in wanted.items()} != members:
        raise UnreadableError(f"{json.dumps(wanted)[:200]} is not understood; send {allowed}")
    return wanted


def _shown(request: RemotePullRequest) -> Document:
    return {
        "connection": request.connection.arn,
        "repository": request.repository,
        "number": request.number,
        "title": request.title,
        "source": request.source,
        "destination": request.destination,
        "state": "CLOSED" if request.event == "CLOSED" else "OPEN",
        "commit": request.commit,
    }
