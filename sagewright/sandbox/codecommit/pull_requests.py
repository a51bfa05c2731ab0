"""Why: a change can be asked for before it is made: by a branch, another one that it is to go to, and what is said."""

import threading
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from ..clients import Clients
from ..clock import Clock
from ..git.repository import HEADS
from ..protocol import ApiError, Caller
from .events import Announcer, date
from .repositories import Repositories
from .repository import Change, Repository


@dataclass(eq=False)
class PullRequest:
    """A request to bring a branch into another."""

    id: str
    repository: Repository
    source: str
    destination: str
    title: str
    description: str
    author_arn: str
    created_s: float
    active_s: float
    token: str
    revision: str = field(default_factory=lambda: uuid.uuid4().hex)
    is_open: bool = True
    merged: dict[str, Any] | None = None
    """Who merged it, how, and into which commit."""
    last: tuple[str, str, str] = ("", "", "")
    """The commits of source, destination and merge base; once it is closed, as they were then."""

    def commits(self) -> tuple[str, str, str]:
        """Return the commits of source, destination and merge base; a branch that is gone shows what it last did."""
        if self.is_open:
            references = self.repository.git.references()
            source = references.get(HEADS + self.source, self.last[0])
            destination = references.get(HEADS + self.destination, self.last[1])
            self.last = (source, destination, self.repository.git.merge_base(source, destination) or "")
        return self.last

    def told(self) -> dict[str, Any]:
        """Return the request as the API shows it."""
        source, destination, base = self.commits()
        target = {
            "repositoryName": self.repository.name,
            "sourceReference": HEADS + self.source,
            "destinationReference": HEADS + self.destination,
            "sourceCommit": source,
            "destinationCommit": destination,
            "mergeBase": base,
            "mergeMetadata": self.merged or {"isMerged": False},
        }
        return {
            "pullRequestId": self.id,
            "title": self.title,
            **({"description": self.description} if self.description else {}),
            "creationDate": datetime.fromtimestamp(self.created_s, UTC),
            "lastActivityDate": datetime.fromtimestamp(self.active_s, UTC),
            "pullRequestStatus": "OPEN" if self.is_open else "CLOSED",
            "authorArn": self.author_arn,
            "pullRequestTargets": [target],
            "clientRequestToken": self.token,
            "revisionId": self.revision,
            "approvalRules": [],
        }

    def detail(self, caller_arn: str) -> dict[str, Any]:
        """Return the request as its events show it."""
        source, destination, _ = self.commits()
        return {
            "author": self.author_arn,
            "callerUserArn": caller_arn,
            "creationDate": date(self.created_s),
            "description": self.description or None,
            "destinationCommit": destination,
            "destinationReference": HEADS + self.destination,
            "isMerged": str(bool(self.merged)),
            "lastModifiedDate": date(self.active_s),
            "mergeOption": self.merged["mergeOption"] if self.merged else None,
            "pullRequestId": self.id,
            "pullRequestStatus": "Open" if self.is_open else "Closed",
            "revisionId": self.revision,
            "sourceCommit": source,
            "sourceReference": HEADS + self.source,
            "title": self.title,
        }


class PullRequests:
    """The pull requests of every account and region: their numbers are the account's, not the repository's."""

    def __init__(self, clients: Clients, clock: Clock, repositories: Repositories, announcer: Announcer) -> None:
        self._clients = clients
        self._clock = clock
        self._repositories = repositories
        self._announcer = announcer
        self._lock = threading.RLock()
        self._kept: dict[tuple[str, str], list[PullRequest]] = {}
        self.operations = {
            "CreatePullRequest": self._create,
            "GetPullRequest": self._get,
            "ListPullRequests": self._list,
            "UpdatePullRequestStatus": self._close,
        }

    def admitted(self, number: str, action: str, caller: Caller, *, writes: bool = False) -> PullRequest:
        """Return a request, for a caller who may do this in its repository: only now is it known which one that is."""
        found = self._find(number, caller)
        arn, region = found.repository.arn, caller.region
        context = {"codecommit:References": HEADS + found.destination} if writes else {}
        who = self._clients.authorizer.principal_of(caller.access_key)
        self._clients.authorizer.authorize(who, f"codecommit:{action}", arn, region=region, context=context)
        return found

    def moved(self, repository: Repository, change: Change, caller_arn: str, more: Mapping[str, Any]) -> None:
        """Tell of each open request whose source branch has moved."""
        del more
        if not change.branch or change.after is None:
            return
        with self._lock:
            kept = [each for every in self._kept.values() for each in every]
        for each in kept:
            if each.is_open and each.repository is repository and each.source == change.branch:
                each.revision, each.active_s = uuid.uuid4().hex, self._clock.now()
                told = (
                    f"User: {caller_arn}. Event: Updated. The user updated the following pull request: {each.id}."
                    f" The pull request was updated with one or more commits to the source branch: {each.source}."
                )
                self._tell(each, "pullRequestSourceBranchUpdated", told, caller_arn)

    def end(
        self,
        request: PullRequest,
        caller_arn: str,
        merged: dict[str, Any] | None = None,
        commits: tuple[str, str, str] | None = None,
    ) -> None:
        """Close a request, merged or not, with its commits as they are or were, and tell."""
        request.last = commits or request.commits()
        request.is_open, request.merged, request.active_s = False, merged, self._clock.now()
        event, what, state = "pullRequestStatusChanged", "status", "closed"
        if merged:
            event, what, state = "pullRequestMergeStatusUpdated", "merge status", "merged"
        told = (
            f"{caller_arn} updated the following PullRequest {request.id}. The pull request {what} has been updated."
            f" The status is {state}."
        )
        self._tell(request, event, told, caller_arn)

    def _create(self, params: dict[str, Any], caller: Caller) -> dict[str, Any]:
        if len(params["targets"]) != 1:
            raise ApiError("InvalidTargetsException", "A pull request has one target.")
        if not params["title"].strip():
            raise ApiError("TitleRequiredException", "A pull request title is required.")
        (target,) = params["targets"]
        repository = self._repositories.named(target["repositoryName"], caller)
        source = _named(repository, target["sourceReference"])
        destination = _named(repository, target.get("destinationReference") or repository.default_branch)
        if source == destination:
            problem = "The source branch and destination branch for the pull request are the same."
            raise ApiError("SourceAndDestinationAreSameException", problem)
        who = self._clients.authorizer.principal_of(caller.access_key).arn
        token, now_s = params.get("clientRequestToken", ""), self._clock.now()
        said = (repository, source, destination, params["title"], params.get("description", ""))
        with self._lock:
            kept = self._kept.setdefault((caller.account, caller.region), [])
            if again := next((each for each in kept if token and each.token == token), None):
                first = (again.repository, again.source, again.destination, again.title, again.description)
                if first != said:
                    problem = "The client request token was used with other parameters before."
                    raise ApiError("IdempotencyParameterMismatchException", problem)
                return {"pullRequest": again.told()}
            made = PullRequest(str(len(kept) + 1), *said, who, now_s, now_s, token or str(uuid.uuid4()))
            made.commits()
            kept.append(made)
        told = (
            f"User: {who}. Event: Created. The pull request was created with the following information:"
            f" Pull Request ID as {made.id} and title as {made.title}."
        )
        with self._clock.work(f"pull request {made.id}"):
            self._tell(made, "pullRequestCreated", told, who)
        return {"pullRequest": made.told()}

    def _get(self, params: dict[str, Any], caller: Caller) -> dict[str, Any]:
        return {"pullRequest": self.admitted(params["pullRequestId"], "GetPullRequest", caller).told()}

    def _list(self, params: dict[str, Any], caller: Caller) -> dict[str, Any]:
        repository = self._repositories.named(params["repositoryName"], caller)
        with self._lock:
            kept = list(self._kept.get((caller.account, caller.region), []))
        author, status = params.get("authorArn"), params.get("pullRequestStatus")
        found = [
            each.id
            for each in reversed(kept)
            if each.repository is repository
            and author in {None, each.author_arn}
            and status in {None, "OPEN" if each.is_open else "CLOSED"}
        ]
        return {"pullRequestIds": found}

    def _close(self, params: dict[str, Any], caller: Caller) -> dict[str, Any]:
        request = self.admitted(params["pullRequestId"], "UpdatePullRequestStatus", caller)
        if params["pullRequestStatus"] == "OPEN" or not request.is_open:
            problem = "The pull request status update is not valid. The only valid update is from OPEN to CLOSED."
            raise ApiError("InvalidPullRequestStatusUpdateException", problem)
        who = self._clients.authorizer.principal_of(caller.access_key).arn
        with self._clock.work(f"pull request {request.id}"):
            self.end(request, who)
        return {"pullRequest": request.told()}

    def _find(self, number: str, caller: Caller) -> PullRequest:
        with self._lock:
            kept = list(self._kept.get((caller.account, caller.region), []))
        found = next((each for each in kept if each.id == number), None)
        if found is None:
            raise ApiError("PullRequestDoesNotExistException", f"The pull request {number} does not exist.")
        return found

    def _tell(self, request: PullRequest, event: str, told: str, caller_arn: str) -> None:
        self._announcer.pull_request(request.repository, event, told, request.detail(caller_arn))


def _named(repository: Repository, reference: str) -> str:
    """Return the branch that a short or a full name means; an absent one is refused."""
    name = reference.removeprefix(HEADS)
    if HEADS + name not in repository.git.references():
        raise ApiError("ReferenceDoesNotExistException", f"The branch {reference} does not exist in {repository.name}.")
    return name
