"""Why: a provider's repositories are Git's like any others, and it tells who listens what was pushed and asked for.

This stands for GitHub, GitLab, Bitbucket or Azure DevOps: it knows nothing of AWS's accounts, and asks for no keys.
"""

import re
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from werkzeug.wrappers import Response

from ..clock import Clock
from ..git import smart_http
from ..git.repository import HEADS, BareRepository
from ..git.smart_http import PULL, PUSH, GitRequest
from ..protocol import ApiError
from .connections import Connection, Connections

_WHERE = re.compile(r"/connections/(?P<id>[0-9a-f-]{36})/(?P<name>[\w.-]+(?:/[\w.-]+)+)", re.ASCII)
_HOSTS = {"localhost", "127.0.0.1", "[::1]"}
_USER = "git"


@dataclass(frozen=True)
class RemotePush:
    """A branch or tag that somebody pushed to a provider's repository; None where it was not there before or after."""

    connection: Connection
    repository: str
    reference: str
    before: str | None
    after: str | None
    files: tuple[str, ...]
    """The paths in which it differs from before, a new branch from where it left the default one."""


@dataclass(frozen=True)
class RemotePullRequest:
    """A pull request at a provider, as it now is; `event` is OPEN, UPDATED or CLOSED."""

    connection: Connection
    repository: str
    number: int
    title: str
    source: str
    destination: str
    event: str
    commit: str
    files: tuple[str, ...]


PushTold = Callable[[RemotePush], Any]
PullRequestTold = Callable[[RemotePullRequest], Any]


class Provider:
    """The repositories behind every connection; each is there from the first push to it on."""

    def __init__(self, clock: Clock, connections: Connections, folder: Path) -> None:
        self._clock = clock
        self._connections = connections
        self._folder = folder
        self._lock = threading.RLock()
        self._kept: dict[tuple[str, str], BareRepository] = {}
        self._default: dict[tuple[str, str], str] = {}
        self._requests: list[RemotePullRequest] = []
        self.on_push: list[PushTold] = []
        self.on_pull_request: list[PullRequestTold] = []

    def answer(self, asked: GitRequest) -> Response | None:
        """Answer a git client, or return None where the request is about no repository of a connection."""
        if (matched := _WHERE.fullmatch(asked.where)) is None:
            return None
        if asked.request.host.rsplit(":", 1)[0] not in _HOSTS or "Origin" in asked.request.headers:
            problem = "These repositories are for programs of this machine, not for web pages."
            return smart_http.refused(ApiError("Forbidden", problem, 403))
        try:
            connection = self._connections.identified(matched["id"])
            if connection is None:
                raise ApiError("NotFound", f"There is no connection {matched['id']} in this sandbox.", 404)
            return self._served(asked, connection, matched["name"].removesuffix(".git"))
        except ApiError as error:
            return smart_http.refused(error)

    def repository(self, connection: Connection, name: str) -> BareRepository:
        """Return a repository; one that nobody has pushed to is refused."""
        with self._lock:
            found = self._kept.get((connection.id, name))
        if found is None:
            raise ApiError("NotFound", f"The repository {name} is not there: nobody has pushed to it yet.", 404)
        return found

    def repositories(self, connection: Connection) -> list[str]:
        """Return the names of the repositories that somebody has pushed to."""
        with self._lock:
            return sorted(name for owner, name in self._kept if owner == connection.id)

    def pull_requests(self) -> list[RemotePullRequest]:
        """Return every pull request as it last was."""
        with self._lock:
            return list(self._requests)

    def open(self, connection: Connection, name: str, title: str, source: str, destination: str) -> RemotePullRequest:
        """Open a pull request from a branch into another; both have to be there."""
        with self._clock.work(f"pull request of {name}"), self._lock:
            number = 1 + sum(each.connection is connection and each.repository == name for each in self._requests)
            made = self._request(connection, name, number, title, source, destination, "OPEN")
            self._requests.append(made)
            self._tell(made)
        return made

    def close(self, connection: Connection, name: str, number: int) -> RemotePullRequest:
        """Close an open pull request."""
        with self._clock.work(f"pull request of {name}"), self._lock:
            for at, each in enumerate(self._requests):
                if (each.connection, each.repository, each.number) == (connection, name, number):
                    if each.event == "CLOSED":
                        raise ApiError("Conflict", f"The pull request {number} of {name} is closed already.", 409)
                    said = (number, each.title, each.source, each.destination, "CLOSED", each.commit, each.files)
                    self._requests[at] = closed = RemotePullRequest(connection, name, *said)
                    self._tell(closed)
                    return closed
        raise ApiError("NotFound", f"The repository {name} has no pull request {number}.", 404)

    def _served(self, asked: GitRequest, connection: Connection, name: str) -> Response:
        if asked.service == PUSH and asked.is_announcement:
            self._ensure(connection, name)
        git = self.repository(connection, name)
        if asked.is_announcement or asked.service == PULL:
            return smart_http.answered(git, asked, smart_http.received(asked, self._folder), _USER)
        with (
            smart_http.received(asked, self._folder) as body,
            self._clock.work(f"push to {name}"),
            self._lock,
        ):
            before = git.references()
            answer = smart_http.carried_out(git, asked, body, _USER, self._folder)
            self._pushed(connection, name, before, git.references())
            return answer

    def _ensure(self, connection: Connection, name: str) -> None:
        with self._lock:
            if (connection.id, name) not in self._kept:
                folder = self._folder / connection.id / f"{name.replace('/', '%')}.git"
                self._kept[connection.id, name] = BareRepository.create(folder)

    def _pushed(self, connection: Connection, name: str, before: dict[str, str], after: dict[str, str]) -> None:
        git, key = self._kept[connection.id, name], (connection.id, name)
        changed = [each for each in sorted({*before, *after}) if before.get(each) != after.get(each)]
        branches = [each.removeprefix(HEADS) for each in changed if each.startswith(HEADS) and each in after]
        if key not in self._default and branches:
            self._default[key] = "main" if "main" in branches else branches[0]
            git.point_head(self._default[key])
        for reference in changed:
            old, new = before.get(reference), after.get(reference)
            files = self._files(git, old or before.get(HEADS + self._default.get(key, "")), new, from_base=not old)
            push = RemotePush(connection, name, reference, old, new, files)
            for told in self.on_push:
                told(push)
            if new:
                self._source_moved(push)

    def _files(self, git: BareRepository, old: str | None, new: str | None, *, from_base: bool) -> tuple[str, ...]:
        if new is None:
            return ()
        start = git.merge_base(old, new) if old and from_base else old
        return tuple(git.changed(start, new))

    def _source_moved(self, push: RemotePush) -> None:
        for at, each in enumerate(self._requests):
            of_branch = (each.connection, each.repository, HEADS + each.source) == (
                push.connection,
                push.repository,
                push.reference,
            )
            if of_branch and each.event != "CLOSED":
                said = (each.number, each.title, each.source, each.destination)
                self._requests[at] = updated = self._request(push.connection, push.repository, *said, "UPDATED")
                self._tell(updated)

    def _request(  # noqa: PLR0913, PLR0917 - what a pull request is
        self, connection: Connection, name: str, number: int, title: str, source: str, destination: str, event: str
    ) -> RemotePullRequest:
        git = self.repository(connection, name)
        references = git.references()
        for branch in (source, destination):
            if HEADS + branch not in references:
                raise ApiError("NotFound", f"The repository {name} has no branch {branch}.", 404)
        commit, base = references[HEADS + source], references[HEADS + destination]
        files = self._files(git, base, commit, from_base=True)
        return RemotePullRequest(connection, name, number, title, source, destination, event, commit, files)

    def _tell(self, request: RemotePullRequest) -> None:
        for told in self.on_pull_request:
            told(request)
