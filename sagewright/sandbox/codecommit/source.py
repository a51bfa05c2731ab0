"""Why: a pipeline takes its source from a branch by permissions of its role, some of which no client can ask for."""

from dataclasses import dataclass
from pathlib import Path

from ..clients import ActingClients
from ..cloudwatch.metrics import Place
from ..git.repository import Commit
from ..protocol import ApiError
from .repositories import Repositories


@dataclass(frozen=True)
class Head:
    """What a branch shows, as the variables of a source action tell it."""

    repository: str
    branch: str
    commit: Commit


class Source:
    """Hands repositories over to pipelines.

    https://docs.aws.amazon.com/codecommit/latest/userguide/auth-and-access-control-permissions-reference.html#aa-acp
    """

    def __init__(self, repositories: Repositories) -> None:
        self._repositories = repositories

    def folder(self, place: Place, name: str) -> Path | None:
        """Return the folder of a bare repository, or None where there is none of this name."""
        try:
            return self._repositories.at(place, name).git.folder
        except ApiError:
            return None

    def head(self, acting: ActingClients, place: Place, name: str, branch: str) -> Head:
        """Return what a branch shows, for a role that may ask; an absent repository or branch is refused."""
        self._require(acting, place, name, "GetBranch")
        shown = self._repositories.at(place, name).branch(branch)
        return Head(name, branch, self.commit(acting, place, name, shown))

    def commit(self, acting: ActingClients, place: Place, name: str, commit: str) -> Commit:
        """Return a commit by its id, for a role that may read commits; an absent one is refused."""
        self._require(acting, place, name, "GetCommit")
        found = self._repositories.at(place, name).git.commit(commit)
        if found is None or found.id != commit:
            raise ApiError("CommitIdDoesNotExistException", f"The commit {commit} does not exist in {name}.")
        return found

    def archive(self, acting: ActingClients, place: Place, name: str, commit: str, to: Path) -> Path:
        """Write a commit's files into a zip, for a role that may upload archives and ask how far that is."""
        for action in ("UploadArchive", "GetUploadArchiveStatus"):
            self._require(acting, place, name, action)
        repository = self._repositories.at(place, name)
        if repository.git.commit(commit) is None:
            raise ApiError("CommitDoesNotExistException", f"The commit {commit} does not exist in {name}.")
        return repository.git.archive(commit, to)

    def _require(self, acting: ActingClients, place: Place, name: str, action: str) -> None:
        arn = f"arn:aws:codecommit:{place.region}:{place.account}:{name}"
        acting.require(f"codecommit:{action}", arn, region=place.region, account=place.account, context={})
