"""Why: one service answers for repositories, their commits and pull requests; what it lacks, it refuses by name."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from ..clients import Clients
from ..clock import Clock
from ..events import Bus
from ..protocol import ApiError, Caller
from .comments import Comments
from .commits import Commits
from .events import Announcer
from .merging import Merging
from .pull_requests import PullRequests
from .remote import Remote
from .repositories import Repositories
from .source import Source

Operation = Callable[[dict[str, Any], Caller], dict[str, Any]]


class CodeCommit:
    """CodeCommit: `remote` serves git clients, `source` pipelines; who `listen`s is told of changes."""

    service_name = "codecommit"

    def __init__(self, clients: Clients, clock: Clock, bus: Bus, data: Path) -> None:
        folder = data / "codecommit"
        folder.mkdir(parents=True, exist_ok=True)
        repositories, announcer = Repositories(clock, folder, clients.endpoint), Announcer(clock, bus)
        requests = PullRequests(clients, clock, repositories, announcer)
        repositories.changes.listen(announcer.reference)
        repositories.changes.listen(requests.moved)
        self.listen = repositories.changes.listen
        self.remote = Remote(repositories, clients.authorizer, folder)
        self.source = Source(repositories)
        self.operations: dict[str, Operation] = {
            **repositories.operations,
            **Commits(clients, clock, repositories).operations,
            **requests.operations,
            **Merging(clients, clock, requests, repositories.changes).operations,
            **Comments(clients, clock, requests, announcer).operations,
        }
        clients.authorizer.tags.provide("codecommit", repositories.tags_of)

    def call(self, operation: str, params: dict[str, Any], caller: Caller) -> dict[str, Any]:
        """Answer one request of a client."""
        if operation not in self.operations:
            raise ApiError("UnsupportedOperation", f"The sandbox's CodeCommit does not have {operation}.", 501)
        if params.get("maxResults"):
            problem = f"The sandbox's {operation} does not have maxResults: it answers with everything at once."
            raise ApiError("UnsupportedOperation", problem, 501)
        if params.get("nextToken"):
            raise ApiError("InvalidContinuationTokenException", "The specified continuation token is not valid.")
        return self.operations[operation](params, caller)
