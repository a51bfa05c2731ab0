"""Why: a pull request ends in a merge, which moves the destination branch and so starts what listens to that."""

from typing import Any

from ..clients import Clients
from ..clock import Clock
from ..git.repository import HEADS, Draft, Person
from ..protocol import ApiError, Caller
from .pull_requests import PullRequest, PullRequests
from .repository import Changes

_UNAVAILABLE = ("conflictResolution", "conflictDetailLevel", "conflictResolutionStrategy", "keepEmptyFolders")


class Merging:
    """Merges pull requests whose source contains all of the destination; any other is refused as needing a person."""

    def __init__(self, clients: Clients, clock: Clock, requests: PullRequests, changes: Changes) -> None:
        self._clients = clients
        self._clock = clock
        self._requests = requests
        self._changes = changes
        self.operations = {
            "MergePullRequestByFastForward": self._fast_forward,
            "MergePullRequestBySquash": self._squash,
        }

    def _fast_forward(self, params: dict[str, Any], caller: Caller) -> dict[str, Any]:
        return self._merged(params, caller, "MergePullRequestByFastForward", "FAST_FORWARD_MERGE")

    def _squash(self, params: dict[str, Any], caller: Caller) -> dict[str, Any]:
        for name in _UNAVAILABLE:
            if params.get(name):
                problem = f"The sandbox's MergePullRequestBySquash does not have {name}."
                raise ApiError("UnsupportedOperation", problem, 501)
        return self._merged(params, caller, "MergePullRequestBySquash", "SQUASH_MERGE")

    def _merged(self, params: dict[str, Any], caller: Caller, action: str, option: str) -> dict[str, Any]:
        request = self._requests.admitted(params["pullRequestId"], action, caller, writes=True)
        repository = request.repository
        if params["repositoryName"] != repository.name:
            problem = f"The repository {params['repositoryName']} does not contain the pull request {request.id}."
            raise ApiError("RepositoryNotAssociatedWithPullRequestException", problem)
        who = self._clients.authorizer.principal_of(caller.access_key).arn
        with repository.lock:
            source, destination, base = _checked(request, params.get("sourceCommitId"))
            told = {
                "sourceCommitId": source,
                "destinationCommitId": destination,
                "baseCommitId": base,
                "mergeOption": option,
                "conflictDetailsLevel": "LINE_LEVEL",
                "conflictResolutionStrategy": "NONE",
            }
            with self._changes.of(repository, who, told):
                made = source
                if option == "SQUASH_MERGE":
                    made = repository.git.write(self._squashed(request, params, who, source, destination))
                repository.git.move(HEADS + request.destination, made)
                merged = {"isMerged": True, "mergedBy": who, "mergeCommitId": made, "mergeOption": option}
                self._requests.end(request, who, merged, (source, destination, base))
        return {"pullRequest": request.told()}

    def _squashed(self, request: PullRequest, params: dict[str, Any], who: str, source: str, destination: str) -> Draft:
        """Return the commit that brings all of the source at once: its files, on top of the destination."""
        git = request.repository.git
        before = {entry.path for entry in git.entries(destination)}
        after = {entry.path: entry for entry in git.entries(source)}
        author = Person(
            params.get("authorName") or who.rpartition("/")[2],
            params.get("email", ""),
            f"{int(self._clock.now())} +0000",
        )
        message = params.get("commitMessage") or f"Squashed commit of pull request {request.id}: {request.title}"
        files = {path: (entry.mode, git.content(entry.blob)) for path, entry in after.items()}
        return Draft((destination,), author, message, files, sorted(before - {*after}))


def _checked(request: PullRequest, expected: str | None) -> tuple[str, str, str]:
    """Return the commits to merge; refuse a request that is over, has moved on, or needs a person."""
    if not request.is_open:
        raise ApiError("PullRequestAlreadyClosedException", f"The pull request {request.id} is closed already.")
    source, destination, base = request.commits()
    if expected and expected != source:
        problem = f"The tip of the source branch is {source}, not {expected}."
        raise ApiError("TipOfSourceReferenceIsDifferentException", problem)
    if base != destination:
        problem = f"The pull request {request.id} cannot be merged automatically: its branches have gone apart."
        raise ApiError("ManualMergeRequiredException", problem)
    return source, destination, base
