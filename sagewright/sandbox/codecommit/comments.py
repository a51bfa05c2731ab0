"""Why: what tested a pull request says so where its author looks."""

import threading
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from ..clients import Clients
from ..clock import Clock
from ..protocol import ApiError, Caller
from .events import Announcer
from .pull_requests import PullRequest, PullRequests

_LONGEST = 10240


@dataclass(frozen=True)
class Comment:
    """Something said about a pull request, between two of its commits."""

    id: str
    request: PullRequest
    before: str
    after: str
    content: str
    author_arn: str
    made_s: float
    token: str

    def told(self) -> dict[str, Any]:
        """Return the comment as the API shows it."""
        made = datetime.fromtimestamp(self.made_s, UTC)
        return {
            "commentId": self.id,
            "content": self.content,
            "creationDate": made,
            "lastModifiedDate": made,
            "authorArn": self.author_arn,
            "deleted": False,
            "clientRequestToken": self.token,
        }

    def where(self) -> dict[str, str]:
        """Return what the comment is about."""
        return {
            "repositoryName": self.request.repository.name,
            "pullRequestId": self.request.id,
            "beforeCommitId": self.before,
            "afterCommitId": self.after,
        }


class Comments:
    """The comments on pull requests, each of which is about all of what has changed."""

    def __init__(self, clients: Clients, clock: Clock, requests: PullRequests, announcer: Announcer) -> None:
        self._clients = clients
        self._clock = clock
        self._requests = requests
        self._announcer = announcer
        self._lock = threading.Lock()
        self._kept: list[Comment] = []
        self.operations = {"PostCommentForPullRequest": self._post, "GetCommentsForPullRequest": self._get}

    def _post(self, params: dict[str, Any], caller: Caller) -> dict[str, Any]:
        if "location" in params:
            raise ApiError("UnsupportedOperation", "The sandbox's comments have no location in a file.", 501)
        content = params["content"]
        if not content.strip():
            raise ApiError("CommentContentRequiredException", "The comment is empty.")
        if len(content) > _LONGEST:
            problem = f"The comment has {len(content)} characters; it may have {_LONGEST} at most."
            raise ApiError("CommentContentSizeLimitExceededException", problem)
        request = self._request(params, "PostCommentForPullRequest", caller)
        before, after = params["beforeCommitId"], params["afterCommitId"]
        if before == after:
            problem = "The before commit ID and the after commit ID are the same."
            raise ApiError("BeforeCommitIdAndAfterCommitIdAreSameException", problem)
        for commit in (before, after):
            if request.repository.git.commit(commit) is None:
                raise ApiError("CommitDoesNotExistException", f"The commit {commit} does not exist.")
        who, token = self._clients.authorizer.principal_of(caller.access_key).arn, params.get("clientRequestToken", "")
        said = (request, before, after, content)
        with self._lock:
            again = next((each for each in self._kept if token and each.token == token), None)
            if again is not None and (again.request, again.before, again.after, again.content) != said:
                problem = "The client request token was used with other parameters before."
                raise ApiError("IdempotencyParameterMismatchException", problem)
            made = again or Comment(str(uuid.uuid4()), *said, who, self._clock.now(), token or str(uuid.uuid4()))
            if again is None:
                self._kept.append(made)
        if again is None:
            told = {"beforeCommitId": before, "afterCommitId": after, "commentId": made.id}
            with self._clock.work(f"comment on pull request {request.id}"):
                self._announcer.comment(request.repository, request.id, who, told)
        return {**made.where(), "comment": made.told()}

    def _get(self, params: dict[str, Any], caller: Caller) -> dict[str, Any]:
        request = self._request(params, "GetCommentsForPullRequest", caller)
        before, after = params.get("beforeCommitId"), params.get("afterCommitId")
        with self._lock:
            found = [each for each in self._kept if each.request is request]
        found = [each for each in found if before in {None, each.before} and after in {None, each.after}]
        return {"commentsForPullRequestData": [{**each.where(), "comments": [each.told()]} for each in found]}

    def _request(self, params: dict[str, Any], action: str, caller: Caller) -> PullRequest:
        request = self._requests.admitted(params["pullRequestId"], action, caller)
        if params.get("repositoryName") not in {None, request.repository.name}:
            problem = f"The repository {params['repositoryName']} does not contain the pull request {request.id}."
            raise ApiError("RepositoryNotAssociatedWithPullRequestException", problem)
        return request
