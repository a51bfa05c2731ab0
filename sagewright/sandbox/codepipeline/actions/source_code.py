"""Why: a source in Git is the commit that a branch shows, or that the start of the execution asked for.

https://docs.aws.amazon.com/codepipeline/latest/userguide/action-reference-CodeCommit.html
https://docs.aws.amazon.com/codepipeline/latest/userguide/action-reference-CodestarConnectionSource.html
"""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from ...codecommit.source import Source
from ...codeconnections.source import RemoteSource
from ...git.repository import Commit, Person
from ...protocol import ApiError
from ..failures import ActionError, refused
from .action import Done, Job

_MOST_MESSAGE = 100 * 1024


class CodeCommitSource:
    """Takes a commit of a repository in CodeCommit."""

    def __init__(self, source: Source) -> None:
        self._source = source

    def perform(self, job: Job) -> Done:
        """Leave the commit's files as the artifact."""
        name, branch = job.configuration["RepositoryName"], job.configuration["BranchName"]
        place, asked = job.place, _asked(job)
        try:
            commit = asked or self._source.head(job.acting, place, name, branch).commit.id
            found = self._source.commit(job.acting, place, name, commit)
            archive = self._source.archive(job.acting, place, name, found.id, job.folder / "source.zip")
        except ApiError as error:
            raise refused(error, f"read the branch {branch} of the repository {name}") from error
        job.leave(archive.read_bytes())
        console = f"https://{place.region}.console.aws.amazon.com/codecommit/home#/repository/{name}/commit/{found.id}"
        dates = {"CommitterDate": date(found.committer), "RepositoryName": name}
        return _done(found, console, {**_variables(found, branch), **dates})


class ConnectionSource:
    """Takes a commit of a repository at a provider, over a connection."""

    def __init__(self, source: RemoteSource) -> None:
        self._source = source

    def perform(self, job: Job) -> Done:
        """Leave the commit's files as the artifact."""
        arn, name = job.configuration["ConnectionArn"], job.configuration["FullRepositoryId"]
        branch, asked = job.configuration["BranchName"], _asked(job)
        pushed = job.execution.trigger.told
        if pushed.get("full-repository-name") == name and pushed.get("connection-arn") == arn:
            branch, asked = str(pushed["branch-name"]), asked or str(pushed["commit-id"])
        try:
            head = self._source.head(job.acting, arn, name, branch)
            if asked:
                head = replace(head, commit=self._source.commit(head, asked))
            archive = self._source.archive(job.acting, arn, head, job.folder / "source.zip")
            # AWS uploads it with an access list, which other sources do not: https://github.com/aws/aws-cdk/issues/13557
            out, place = job.run.outputs[0], {"region": job.place.region, "account": job.place.account}
            job.acting.require("s3:PutObjectAcl", f"arn:aws:s3:::{out.bucket}/{out.key}", context={}, **place)
        except ApiError as error:
            raise refused(error, f"read the branch {branch} of the repository {name}") from error
        job.leave(archive.read_bytes())
        page = f"https://{job.place.region}.console.aws.amazon.com/codesuite/settings/connections/redirect"
        url = f"{page}?connectionArn={arn}&referenceType=COMMIT&FullRepositoryId={name}&Commit={head.commit.id}"
        more = {"ConnectionArn": arn, "FullRepositoryName": name}
        return _done(head.commit, url, {**_variables(head.commit, branch), **more})


def _asked(job: Job) -> str:
    kind, value = job.execution.overrides.get(job.run.name, ("", ""))
    if kind not in {"", "COMMIT_ID"}:
        raise ActionError(
            "ConfigurationError", f"Action {job.run.name} takes revisions of the type COMMIT_ID, not {kind}"
        )
    return value


def _variables(commit: Commit, branch: str) -> dict[str, str]:
    return {
        "AuthorDate": date(commit.author),
        "BranchName": branch,
        "CommitId": commit.id,
        "CommitMessage": _message(commit),
    }


def _done(commit: Commit, url: str, variables: dict[str, str]) -> Done:
    revision: dict[str, Any] = {
        "revisionId": commit.id,
        "revisionSummary": _message(commit)[:2048],
        "revisionUrl": url,
        "created": datetime.fromtimestamp(_seconds(commit.committer), UTC),
    }
    return Done(_message(commit)[:2048], commit.id, url, variables, revision)


def _message(commit: Commit) -> str:
    return commit.message[:_MOST_MESSAGE].rstrip("\n")


def _seconds(person: Person) -> int:
    return int(person.date.split()[0])


def date(person: Person) -> str:
    """Return when somebody wrote a commit, as variables and events tell it."""
    return datetime.fromtimestamp(_seconds(person), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
