"""What is under way is told with where it is and whom it waits for; what has ended, with how."""

import uuid
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from typing_extensions import override

from sagewright.cli import gate, on_the_way
from sagewright.cli.errors import CommandError
from sagewright.cli.on_the_way import OnTheWay
from sagewright.cli.options import Options
from sagewright.cli.terminal import Terminal
from sagewright.project import Project, load
from sagewright.runtime.functions import gates

WHEN = datetime(2030, 1, 31, 12, tzinfo=UTC)
ARN = "arn:aws:sagemaker:eu-west-1:111111111111:model-package/leavers"
NOT_YET, WAITS, FAILED = "queued", "waiting", "failed"


def approval(**told: Any) -> dict[str, Any]:
    return {"actionName": "Approve", "latestExecution": {"lastStatusChange": WHEN, **told}}


class Pipelines:
    """CodePipeline, with one promotion at the gate, one behind it, and one that has failed before."""

    def __init__(self) -> None:
        self.answered: list[dict[str, Any]] = []
        self.result: dict[str, Any] = {"errorDetails": {"message": "too slow"}}

    def list_pipeline_executions(self, **given: str) -> dict[str, Any]:
        told: dict[str, str] = {NOT_YET: "InProgress", WAITS: "InProgress", FAILED: "Failed", "older": "Failed"}
        if not given["pipelineName"].endswith("promotion"):
            told.clear()
        times = {"startTime": WHEN, "lastUpdateTime": WHEN}
        summaries = [{"pipelineExecutionId": name, "status": status, **times} for name, status in told.items()]
        return {"pipelineExecutionSummaries": summaries}

    def get_pipeline_execution(self, **given: str) -> dict[str, Any]:
        identity = given["pipelineExecutionId"]
        numbers = {NOT_YET: 4, WAITS: 3, FAILED: 2, "older": 1}
        status = "Failed" if identity in {FAILED, "older"} else "InProgress"
        variables = [{"name": "Version", "resolvedValue": f"{ARN}/{numbers[identity]}"}]
        return {"pipelineExecution": {"status": status, "variables": variables}}

    def get_pipeline_state(self, name: str) -> dict[str, Any]:
        latest = {"pipelineExecutionId": WAITS, "status": "InProgress"}
        asked = approval(status="InProgress", token="secret", actionExecutionId="question")
        behind = [{"pipelineExecutionId": NOT_YET}]
        gate = {"stageName": "Approve", "latestExecution": latest, "actionStates": [asked], "inboundExecutions": behind}
        return {"stageStates": [gate] if name.endswith("promotion") else []}

    def get_paginator(self, _operation: str) -> "Pipelines":
        return self

    def paginate(self, **_given: Any) -> list[dict[str, Any]]:
        failed = {
            "stageName": "staging",
            "actionName": "Verify",
            "actionExecutionId": "verify",
            "status": "Failed",
            "output": {"executionResult": self.result},
        }
        configured = {"resolvedConfiguration": {"CustomData": "Version 3: recall 0.9"}}
        asked = {"actionExecutionId": "question", "status": "InProgress", "input": configured}
        return [{"actionExecutionDetails": [failed, asked]}]

    def batch_get_builds(self, ids: list[str]) -> dict[str, Any]:
        return {"builds": [{"logs": {"groupName": "/aws/codebuild/leavers-test", "streamName": each}} for each in ids]}

    def get_log_events(self, **_given: Any) -> dict[str, Any]:
        return {"events": [{"message": "FAILED tests/test_a.py::test_b - assert 1 == 2"}]}

    def put_approval_result(self, **given: Any) -> None:
        self.answered.append(given)


class Target:
    """An AWS in which only CodePipeline is asked."""

    is_sandbox = True

    def __init__(self) -> None:
        self.pipelines = Pipelines()

    def client(self, _service: str, _environment: Any) -> Any:
        return self.pipelines


@pytest.fixture
def delivered(project: Path) -> Project:
    with (project / "project.yaml").open("a") as file:
        file.write("\nrepository: {provider: codecommit, name: leavers}\n")
    return load(project)


@pytest.fixture
def found(delivered: Project) -> dict[str, OnTheWay]:
    target: Any = Target()
    return {each.execution: each for each in on_the_way.of(delivered, target)}


def test_what_waits_for_a_person_is_told_with_the_command_that_answers(found: dict[str, OnTheWay]) -> None:
    assert (found[WAITS].what, found[WAITS].stage, found[WAITS].since) == ("version 3", "Approve", WHEN)
    assert found[WAITS].told == "waits at Approve: sagewright approve --gate dev"


def test_what_waits_for_another_one_is_told_as_such(found: dict[str, OnTheWay]) -> None:
    assert found[NOT_YET].told == "at Approve (waits for the one before)"


def test_of_what_has_ended_only_the_last_is_told_with_why(found: dict[str, OnTheWay]) -> None:
    assert found[FAILED].told == "failed at staging (Verify): too slow"
    assert "older" not in found


def test_a_build_that_failed_is_told_with_the_test_and_the_command_for_the_whole_log(delivered: Project) -> None:
    target: Any = Target()
    build = f"leavers-test:{uuid.uuid4()}"
    result = {"externalExecutionId": build, "errorDetails": {"message": "exit status 1"}}
    target.pipelines.result = result
    (told,) = [each for each in on_the_way.of(delivered, target) if each.execution == FAILED]
    assert told.told.endswith("exit status 1. Its log: FAILED tests/test_a.py::test_b - assert 1 == 2")
    assert told.log is not None
    assert told.log.startswith(f"aws logs tail /aws/codebuild/leavers-test --log-stream-names {build}")


def test_a_project_without_delivery_has_nothing_on_its_way(project: Path) -> None:
    target: Any = None
    assert on_the_way.of(load(project), target) == []


class Asked(Options):
    """Options of a command that acts on a target of ours."""

    @override
    def target(self, project: Project) -> Any:
        return TARGETS[project.root]


TARGETS: dict[Path, Target] = {}


@pytest.fixture
def asked(delivered: Project) -> Options:
    TARGETS[delivered.root] = Target()
    return Asked(Terminal(), delivered.root, yes=True)


def test_the_gate_is_answered_with_the_note_that_is_kept(asked: Options, capsys: pytest.CaptureFixture[str]) -> None:
    gate.decide(asked, "dev", None, gates.APPROVED, "discussed on Monday")
    (answered,) = TARGETS[asked.folder].pipelines.answered
    assert answered["result"] == {"summary": "discussed on Monday", "status": "Approved"}
    assert (answered["stageName"], answered["actionName"], answered["token"]) == ("Approve", "Approve", "secret")
    told = capsys.readouterr()
    assert "Version 3: recall 0.9" in told.err
    assert "Version 3 goes on to dev" in told.out


def test_another_version_than_the_one_at_the_gate_is_not_let_through(asked: Options) -> None:
    with pytest.raises(CommandError, match="At the gate of dev waits version 3, and not version 4"):
        gate.decide(asked, "dev", 4, gates.APPROVED, None)
    assert TARGETS[asked.folder].pipelines.answered == []


def test_a_gate_that_there_is_not_is_refused_with_where_the_project_serves(asked: Options) -> None:
    with pytest.raises(CommandError, match=r"'prod' is no environment in which leavers serves\. It serves in: dev"):
        gate.decide(asked, "prod", None, gates.REJECTED, None)


def test_a_build_that_trained_nothing_says_why() -> None:
    skipped = "Training skipped: code, settings and data are those of the training that has succeeded"
    ended = OnTheWay("build", "1", "commit 1", None, "Succeeded", None, None, WHEN, why=skipped)
    assert ended.told == f"succeeded: {skipped}"
