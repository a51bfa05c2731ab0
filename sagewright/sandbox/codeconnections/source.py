"""Why: a role uses a connection only as its policies say, for this repository and branch, and only once it is open."""

from dataclasses import dataclass
from pathlib import Path

from ..clients import ActingClients
from ..git.repository import HEADS, Commit
from ..protocol import ApiError
from .connections import Connection, Connections
from .provider import Provider


@dataclass(frozen=True)
class RemoteHead:
    """What a branch at a provider shows, as the variables of a source action tell it."""

    connection: Connection
    repository: str
    branch: str
    commit: Commit


class RemoteSource:
    """Hands a provider's repositories over to pipelines.

    https://docs.aws.amazon.com/dtconsole/latest/userguide/security_iam_id-based-policy-examples-connections.html
    """

    def __init__(self, connections: Connections, provider: Provider) -> None:
        self._connections = connections
        self._provider = provider

    def head(self, acting: ActingClients, arn: str, name: str, branch: str) -> RemoteHead:
        """Return what a branch shows, for a role that may use the connection to ask."""
        connection = self._opened(acting, arn, name, branch, "GetBranch")
        git = self._provider.repository(connection, name)
        commit = git.commit(HEADS + branch)
        if commit is None:
            raise ApiError("BranchDoesNotExist", f"The repository {name} has no branch {branch}.")
        return RemoteHead(connection, name, branch, commit)

    def commit(self, head: RemoteHead, commit: str) -> Commit:
        """Return another commit of a repository whose head the role got; an absent one is refused."""
        found = self._provider.repository(head.connection, head.repository).commit(commit)
        if found is None or found.id != commit:
            raise ApiError("CommitDoesNotExist", f"The repository {head.repository} has no commit {commit}.")
        return found

    def archive(self, acting: ActingClients, arn: str, head: RemoteHead, to: Path) -> Path:
        """Write the head's files into a zip, for a role that may use the connection to have them uploaded."""
        for action in ("StartUploadArchiveToS3", "GetUploadArchiveToS3Status"):
            connection = self._opened(acting, arn, head.repository, head.branch, action)
        return self._provider.repository(connection, head.repository).archive(head.commit.id, to)

    def opened(self, acting: ActingClients, arn: str) -> Connection:
        """Return a connection for a build's role that may have it, its token, and the use of it.

        https://docs.aws.amazon.com/codebuild/latest/userguide/connections-github-app.html
        """
        service, region, account = [*arn.split(":"), "", "", "", "", ""][2:5]
        for action in ("GetConnection", "GetConnectionToken", "UseConnection"):
            acting.require(f"{service}:{action}", arn, region=region, account=account, context={})
        return self._available(arn)

    def folder(self, acting: ActingClients, arn: str, name: str) -> Path:
        """Return a bare repository's folder, for such a role."""
        return self._provider.repository(self.opened(acting, arn), name).folder

    def _opened(self, acting: ActingClients, arn: str, name: str, branch: str, action: str) -> Connection:
        """Return the connection, for whom IAM lets; the permission has the prefix of the connection's ARN."""
        parts = arn.split(":")
        if len(parts) != 6:  # noqa: PLR2004 - an ARN's six parts
            raise ApiError("InvalidInputException", f"{arn} is not the ARN of a connection.")
        _, _, service, region, account, _ = parts
        context = {
            f"{service}:FullRepositoryId": name,
            f"{service}:RepositoryName": name.rpartition("/")[2],
            f"{service}:OwnerId": name.partition("/")[0],
            f"{service}:BranchName": branch,
            f"{service}:ProviderAction": action,
            f"{service}:ProviderPermissionsRequired": "read_only",
        }
        acting.require(f"{service}:UseConnection", arn, region=region, account=account, context=context)
        return self._available(arn)

    def _available(self, arn: str) -> Connection:
        connection = self._connections.at(arn)
        if connection.status != "AVAILABLE":
            problem = (
                f"The connection {connection.name} ({arn}) is {connection.status}: it cannot be used before a person"
                " has completed it."
            )
            raise ApiError("ConnectionUnavailableException", problem)
        return connection
