"""Why: rules match on what an event says, so each has the members and the wording that CodeCommit documents.

https://docs.aws.amazon.com/codecommit/latest/userguide/monitoring-events.html
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from ..clock import Clock
from ..events import Bus
from .repository import Change, Repository, kind_of

SOURCE = "aws.codecommit"


class Announcer:
    """Puts CodeCommit's events on the account's bus."""

    def __init__(self, clock: Clock, bus: Bus) -> None:
        self._clock = clock
        self._bus = bus

    def reference(self, repository: Repository, change: Change, caller_arn: str, more: Mapping[str, Any]) -> None:
        """Tell that a branch or a tag was made, moved or removed; `more` is what a merge adds."""
        verb = "Created" if change.before is None else "Deleted" if change.after is None else "Updated"
        kind, name = kind_of(change.reference)
        detail = {
            "callerUserArn": caller_arn,
            "event": f"reference{verb}",
            "repositoryName": repository.name,
            "repositoryId": repository.id,
            "referenceType": kind,
            "referenceName": name,
            "referenceFullName": change.reference,
            "commitId": change.after,
            "oldCommitId": change.before,
            **more,
        }
        self._emit(repository, "CodeCommit Repository State Change", detail)

    def pull_request(self, repository: Repository, event: str, told: str, detail: Mapping[str, Any]) -> None:
        """Tell what became of a pull request; `told` is the sentence about it."""
        number = detail["pullRequestId"]
        body = (
            f"A pull request event occurred in the following AWS CodeCommit repository: {repository.name}. {told}"
            f" For more information, go to the AWS CodeCommit console {self._console(repository, number)}"
        )
        self._emit(
            repository,
            "CodeCommit Pull Request State Change",
            {**detail, "event": event, "notificationBody": body, "repositoryNames": [repository.name]},
        )

    def comment(self, repository: Repository, number: str, caller_arn: str, detail: Mapping[str, Any]) -> None:
        """Tell that somebody commented on a pull request."""
        body = (
            f"A comment event occurred in the following AWS CodeCommit repository: {repository.name}."
            f" The user {caller_arn} made a comment. The comment was made on the following Pull Request: {number}."
            f" For more information, go to the AWS CodeCommit console {self._console(repository, number)}"
        )
        told = {
            **detail,
            "event": "commentOnPullRequestCreated",
            "callerUserArn": caller_arn,
            "pullRequestId": number,
            "repositoryId": repository.id,
            "repositoryName": repository.name,
            "notificationBody": body,
        }
        self._emit(repository, "CodeCommit Comment on Pull Request", told)

    def _emit(self, repository: Repository, detail_type: str, detail: Mapping[str, Any]) -> None:
        self._bus.emit(
            repository.place,
            source=SOURCE,
            detail_type=detail_type,
            detail={name: value for name, value in detail.items() if value is not None},
            resources=[repository.arn],
            time_s=self._clock.now(),
        )

    def _console(self, repository: Repository, number: str) -> str:
        region = repository.place.region
        page = f"repositories/{repository.name}/pull-requests/{number}?region={region}"
        return f"https://{region}.console.aws.amazon.com/codesuite/codecommit/{page}"


def date(time_s: float) -> str:
    """Return a time as CodeCommit writes it into events."""
    return datetime.fromtimestamp(time_s, UTC).strftime("%a %b %d %H:%M:%S UTC %Y")
