"""Pull requests: tested once for each commit, and answered below themselves."""

import uuid
from dataclasses import dataclass, field
from typing import Any

import pytest

from sagewright.runtime.functions import pull_requests
from sagewright.runtime.functions.pull_requests import PullRequest

BEFORE, AFTER = "a" * 40, "b" * 40
BUILD = f"churn-pull-request:{uuid.uuid4()}"


@dataclass
class Services:
    """In the place of CodeCommit and CodeBuild."""

    status: str = "OPEN"
    started: list[dict[str, Any]] = field(default_factory=list)
    comments: list[dict[str, Any]] = field(default_factory=list)
    result: dict[str, Any] = field(default_factory=lambda: {"buildStatus": "SUCCEEDED"})

    def get_pull_request(self, **asked: str) -> Any:
        target = {"repositoryName": "churn", "destinationCommit": BEFORE, "sourceCommit": AFTER}
        found = {"pullRequestStatus": self.status, "pullRequestTargets": [target]}
        return {"pullRequest": found | {"pullRequestId": asked["pullRequestId"]}}

    def start_build(self, **asked: Any) -> Any:
        self.started.append(asked)
        return {"build": {"id": BUILD}}

    def batch_get_builds(self, **asked: Any) -> Any:
        variables = self.started[0]["environmentVariablesOverride"] if self.started else []
        environment = {"environment": {"environmentVariables": variables}}
        return {"builds": [environment | self.result for _ in asked["ids"]]}

    def get_log_events(self, **_asked: Any) -> Any:
        said = ["F401 `os` imported but unused", " --> src/a.py:1:8", "Found 1 error."]
        return {"events": [{"message": line} for line in said]}

    def post_comment_for_pull_request(self, **asked: Any) -> None:
        self.comments.append(asked)


@pytest.fixture
def services() -> Services:
    return Services()


def tested(services: Services) -> None:
    request = pull_requests.read(services, "7", "churn")
    assert request == PullRequest("7", "churn", BEFORE, AFTER)
    assert request is not None
    pull_requests.test(services, "churn-pull-request", request)


def test_each_commit_of_a_request_is_tested_once(services: Services) -> None:
    tested(services)
    tested(services)
    first, again = services.started
    assert first["sourceVersion"] == AFTER
    assert first["idempotencyToken"] == again["idempotencyToken"]


def test_a_request_that_was_closed_meanwhile_is_not_tested(services: Services) -> None:
    services.status = "CLOSED"
    assert pull_requests.read(services, "7", "churn") is None


def test_a_request_of_another_repository_is_not_ours(services: Services) -> None:
    assert pull_requests.read(services, "7", "lifts") is None


def test_the_result_is_written_below_the_very_commit(services: Services) -> None:
    tested(services)
    assert pull_requests.report(lambda _service: services, BUILD, "churn", "eu-west-1")
    (comment,) = services.comments
    assert (comment["pullRequestId"], comment["beforeCommitId"], comment["afterCommitId"]) == ("7", BEFORE, AFTER)
    assert comment["content"] == "The tests of bbbbbbbbbbbb have passed."


def test_a_failure_says_in_which_phase_and_where_the_rest_is(services: Services) -> None:
    tested(services)
    reason = "Error while executing command: ruff check .. Reason: exit status 1"
    contexts = [{"statusCode": "COMMAND_EXECUTION_ERROR", "message": reason}]
    phases = [{"phaseType": "SUBMITTED", "phaseStatus": "SUCCEEDED"}, {"phaseType": "BUILD", "phaseStatus": "FAILED"}]
    phases[1]["contexts"] = contexts  # type: ignore[assignment]
    services.result = {"buildStatus": "FAILED", "phases": phases, "logs": {"deepLink": "https://log"}}
    pull_requests.report(lambda _service: services, BUILD, "churn", "eu-west-1")
    failed = "The tests of bbbbbbbbbbbb have not passed: FAILED in phase BUILD: `ruff check .` failed: exit status 1"
    assert services.comments[0]["content"] == f"{failed}. The whole output: https://log"

    services.result["logs"] |= {"groupName": "/aws/codebuild/churn-pull-request", "streamName": "1"}
    pull_requests.report(lambda _service: services, BUILD, "churn", "eu-west-1")
    told = services.comments[1]["content"]
    assert told.startswith(f"{failed}. Its log: src/a.py:1:8 F401 `os` imported but unused; Found 1 error. The whole")
    assert "`aws logs tail /aws/codebuild/churn-pull-request --log-stream-names 1 --since" in told


def test_a_build_that_somebody_has_started_by_hand_is_about_no_request(services: Services) -> None:
    assert not pull_requests.report(lambda _service: services, BUILD, "churn", "eu-west-1")
