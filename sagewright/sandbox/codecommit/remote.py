"""Why: `git push` comes with keys of the account, and IAM decides for each branch whether it may."""

import re
from pathlib import Path

from moto.core.request import Request
from werkzeug.wrappers import Response

from ..cloudwatch.metrics import Place
from ..git import smart_http
from ..git.repository import HEADS, TAGS
from ..git.smart_http import PULL, GitRequest, Update
from ..iam.asked import Asked
from ..iam.authorizer import Authorizer
from ..iam.door import Door, Visitor
from ..protocol import ApiError, Caller
from .repositories import Repositories
from .repository import Repository

_WHERE = re.compile(r"/v1/repos/([\w.-]+)", re.ASCII)
_HOST = re.compile(r"git-codecommit\.([a-z0-9-]+)\.(?:localhost|amazonaws\.com)(?::\d+)?")
_MOST_REFERENCES = 4000


class Remote:
    """Serves CodeCommit's repositories to git clients."""

    def __init__(self, repositories: Repositories, authorizer: Authorizer, folder: Path) -> None:
        self._repositories = repositories
        self._authorizer = authorizer
        self._door = Door(authorizer)
        self._folder = folder

    def answer(self, asked: GitRequest, *, secure: bool) -> Response | None:
        """Answer a git client, or return None where the request is about no repository of CodeCommit's."""
        if (matched := _WHERE.fullmatch(asked.where)) is None:
            return None
        if not asked.user or not asked.secret:
            problem = "Sign in with an access key: its id is the user name, its secret the password."
            return smart_http.refused(ApiError("MissingAuthenticationToken", problem), login=True)
        try:
            # With the keys of a session, the credential helper puts the token behind the key's id.
            key = asked.user.partition("%")[0]
            who = self._authorizer.principal_of(key)
            repository = self._named(matched[1], who.account, asked.request)
            visitor = Visitor(who, Caller(who.account, repository.place.region, key), secure)
            return self._served(asked, repository, visitor)
        except ApiError as error:
            status = 403 if error.code == "AccessDeniedException" else error.status
            return smart_http.refused(ApiError(error.code, error.message, status))

    def _named(self, name: str, account: str, request: Request) -> Repository:
        """Return the repository of an account; AWS's host tells the region, which here may go without saying."""
        found = self._repositories.of_account(account, name)
        if host := _HOST.fullmatch(request.host):
            found = [each for each in found if each.place == Place(account, host[1])]
        if len(found) > 1:
            regions = ", ".join(sorted(each.place.region for each in found))
            problem = (
                f"The account {account} has a repository {name} in each of {regions}: clone one of them from the host"
                " git-codecommit.<region>.localhost."
            )
            raise ApiError("AmbiguousRepository", problem)
        if not found:
            raise ApiError("RepositoryDoesNotExistException", f"The account {account} has no repository {name}.", 404)
        return found[0]

    def _served(self, asked: GitRequest, repository: Repository, visitor: Visitor) -> Response:
        user = visitor.caller.access_key
        self._require(asked, repository, visitor, None)
        if asked.is_announcement or asked.service == PULL:
            return smart_http.answered(repository.git, asked, smart_http.received(asked, self._folder), user)
        with smart_http.received(asked, self._folder) as body:
            push = smart_http.pushed(body)
            problems = [(each.reference, self._problem(asked, repository, visitor, each)) for each in push.updates]
            if len(problems) > _MOST_REFERENCES:
                problem = f"A push changes at most {_MOST_REFERENCES} references."
                raise ApiError("ReferenceLimitExceeded", problem)
            if any(problem for _, problem in problems):
                other = "not changed, because another reference of the push was refused"
                return smart_http.rejected(push, {name: problem or other for name, problem in problems})
            with self._repositories.changes.of(repository, visitor.who.arn):
                return smart_http.carried_out(repository.git, asked, body, user, self._folder)

    def _problem(self, asked: GitRequest, repository: Repository, visitor: Visitor, update: Update) -> str:
        """Return why a reference may not be changed, or nothing."""
        if not update.reference.startswith((HEADS, TAGS)):
            return "the sandbox's CodeCommit has branches and tags, and no other references"
        try:
            self._require(asked, repository, visitor, update.reference)
        except ApiError as error:
            return error.message
        return ""

    def _require(self, asked: GitRequest, repository: Repository, visitor: Visitor, reference: str | None) -> None:
        """Ask for the permission; which reference it is about is not known before the push itself comes."""
        params = {"repositoryName": repository.name} | ({"reference": reference} if reference else {})
        operation = "GitPull" if asked.service == PULL else "GitPush"
        self._door.admit(visitor, Asked("codecommit", operation, params, visitor.caller, asked.request.headers))
