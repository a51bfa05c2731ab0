"""Why: repositories are named by operations in one way and by git clients in another, connections by two prefixes."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from typing_extensions import override

from ..asked import Asked
from ..demand import Context, Demand
from . import named
from .arns import ANY, Table

_REPOSITORY = "{repositoryName}"
_HEADS = "refs/heads/"
_WRITING = ("CreateBranch", "DeleteBranch", "CreateCommit", "PutFile")


def _references(asked: Asked, resource: str) -> Context:
    """Return the tags in a request, and the reference that it changes."""
    context: dict[str, Any] = dict(named.tags(asked, resource))
    if pushed := asked.text("reference"):
        context["codecommit:References"] = pushed
    elif asked.operation in _WRITING:
        context["codecommit:References"] = _HEADS + asked.text("branchName")
    return context


def _targets(asked: Asked) -> list[str]:
    """Return the repositories that a pull request is for."""
    targets: Any = asked.params.get("targets") or []
    names = {str(target.get("repositoryName", "")) for target in targets}
    return [f"arn:aws:codecommit:{asked.caller.region}:{asked.caller.account}:{name}" for name in sorted(names)] or [
        ANY
    ]


CODECOMMIT = Table(
    "codecommit",
    {
        "ListRepositories": ANY,
        **dict.fromkeys(
            (
                *("GitPull", "GitPush", "CreateRepository", "GetRepository", "DeleteRepository"),
                *("UpdateRepositoryDescription", "UpdateDefaultBranch", "GetBranch", "ListBranches", "CreateBranch"),
                *("DeleteBranch", "GetCommit", "GetFile", "CreateCommit", "PutFile", "ListPullRequests"),
            ),
            _REPOSITORY,
        ),
        "UpdateRepositoryName": ("{oldName}", "{newName}"),
        "CreatePullRequest": _targets,
        **dict.fromkeys(("TagResource", "UntagResource", "ListTagsForResource"), "{resourceArn}"),
    },
    # Which repository these are about is known only once the pull request is found: the service asks then.
    free=frozenset(
        {
            *("GetPullRequest", "UpdatePullRequestStatus", "PostCommentForPullRequest", "GetCommentsForPullRequest"),
            *("MergePullRequestByFastForward", "MergePullRequestBySquash"),
        }
    ),
    context=_references,
)


class _Connections(Table):
    """Connections have the prefix of the service that made them, and so have the actions on them, whoever answers.

    https://docs.aws.amazon.com/dtconsole/latest/userguide/rename.html
    """

    @override
    def demands(self, asked: Asked) -> Iterator[Demand]:
        for demand in super().demands(asked):
            prefix = demand.resource.split(":", 3)[2] if demand.resource.startswith("arn:") else self.prefix
            yield replace(demand, action=f"{prefix}:{demand.action.partition(':')[2]}")


def _connection(asked: Asked, resource: str) -> Context:
    """Return the tags in a request, and the provider that a connection is to be to."""
    context: dict[str, Any] = dict(named.tags(asked, resource))
    if provider := asked.text("ProviderType") or asked.text("ProviderTypeFilter"):
        key = "ProviderTypeFilter" if asked.text("ProviderTypeFilter") else "ProviderType"
        context[f"{asked.service}:{key}"] = provider
    return context


def _connections(service: str) -> Table:
    return _Connections(
        service,
        {
            **dict.fromkeys(("CreateConnection", "ListConnections"), ANY),
            **dict.fromkeys(("GetConnection", "DeleteConnection"), "{ConnectionArn}"),
            **dict.fromkeys(("TagResource", "UntagResource", "ListTagsForResource"), "{ResourceArn}"),
        },
        context=_connection,
    )


SOURCE_CODE = {
    "codecommit": CODECOMMIT,
    **{service: _connections(service) for service in ("codeconnections", "codestar-connections")},
}
