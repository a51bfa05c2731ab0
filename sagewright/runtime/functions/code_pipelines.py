"""What CodePipeline knows of an execution, read anew whenever it matters: events come late, twice and out of order."""

import hashlib
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from .client import Client

GOES_ON = "InProgress"
RUNNING = {GOES_ON, "Stopping"}
NONE = "none"
"""What a variable says that was given no value: CodePipeline knows no empty ones."""
# https://docs.aws.amazon.com/codepipeline/latest/APIReference/API_StopPipelineExecution.html
_REASON_LENGTH = 200
# https://docs.aws.amazon.com/codepipeline/latest/APIReference/API_PipelineVariable.html
_VALUE_LENGTH = 1000
_NO_EXECUTION = "PipelineExecutionNotFoundException"
_ENDED = {"PipelineExecutionNotStoppableException", "DuplicatedStopRequestException"}


@dataclass(frozen=True)
class Execution:
    """One execution: its state, and the variables it was started with."""

    pipeline: str
    id: str
    status: str
    variables: Mapping[str, str]
    trigger: str = ""
    """Who or what started it, as CodePipeline has it: an ARN, for one that was started by a call."""

    def variable(self, name: str) -> str | None:
        """Read a variable; None where it was given no value."""
        value = self.variables.get(name, NONE)
        return None if value in {"", NONE} else value


@dataclass(frozen=True)
class Answer:
    """Who decided at an approval, and in which words; both are empty where nobody did in time."""

    who: str
    words: str


@dataclass(frozen=True)
class Failure:
    """The action that an execution failed at, with what its provider said of it."""

    stage: str
    action: str
    why: str
    external_id: str
    url: str


def token(*parts: object) -> str:
    """Make the client token of a request: the same for the same reason, so that asking again starts nothing anew."""
    return hashlib.sha256(" ".join(map(str, parts)).encode()).hexdigest()


def start(codepipeline: Client, pipeline: str, variables: Mapping[str, str], *, because: str) -> str:
    """Start an execution, once for each reason; returns its id."""
    given = [{"name": name, "value": _value(value)} for name, value in variables.items()]
    return codepipeline.start_pipeline_execution(name=pipeline, variables=given, clientRequestToken=token(because))[
        "pipelineExecutionId"
    ]


def _value(text: str) -> str:
    """Write words into a variable: on one line, and never empty."""
    return " ".join(text.split())[:_VALUE_LENGTH] or NONE


def execution(codepipeline: Client, pipeline: str, identity: str) -> Execution | None:
    """Read one execution; None where the pipeline does not know it (any more)."""
    try:
        found = codepipeline.get_pipeline_execution(pipelineName=pipeline, pipelineExecutionId=identity)
    except ClientError as error:
        if error.response["Error"]["Code"] == _NO_EXECUTION:
            return None
        raise
    described = found["pipelineExecution"]
    variables = {each["name"]: each["resolvedValue"] for each in described.get("variables", [])}
    trigger = described.get("trigger", {}).get("triggerDetail", "")
    return Execution(pipeline, identity, described["status"], variables, trigger)


def running(codepipeline: Client, pipeline: str) -> Iterator[Execution]:
    """List the executions that have not ended, the latest first."""
    pages = codepipeline.get_paginator("list_pipeline_executions").paginate(pipelineName=pipeline)
    for page in pages:
        for each in page["pipelineExecutionSummaries"]:
            if each["status"] in RUNNING:
                found = execution(codepipeline, pipeline, each["pipelineExecutionId"])
                if found is not None:
                    yield found


def stages(codepipeline: Client, pipeline: str) -> dict[str, dict[str, Any]]:
    """Read the state of every stage by its name."""
    return {each["stageName"]: each for each in codepipeline.get_pipeline_state(name=pipeline)["stageStates"]}


def last_in(stage: Mapping[str, Any]) -> tuple[str, str] | None:
    """Tell which execution was in a stage last, and how it is there; None where none ever was."""
    latest = stage.get("latestExecution")
    return (latest["pipelineExecutionId"], latest["status"]) if latest else None


def stop(codepipeline: Client, pipeline: str, identity: str, reason: str) -> bool:
    """Stop an execution without waiting for what its actions do; False where it has ended by itself."""
    try:
        codepipeline.stop_pipeline_execution(
            pipelineName=pipeline, pipelineExecutionId=identity, abandon=True, reason=reason[:_REASON_LENGTH]
        )
    except ClientError as error:
        if error.response["Error"]["Code"] in _ENDED:
            return False
        raise
    return True


def ended(codepipeline: Client, pipeline: str, identity: str, *, poll_s: float, longest_s: float) -> bool:
    """Wait until an execution has ended; False where it has not in that time."""
    until = time.monotonic() + longest_s
    while True:
        found = execution(codepipeline, pipeline, identity)
        if found is None or found.status not in RUNNING:
            return True
        if time.monotonic() > until:
            return False
        time.sleep(poll_s)


def actions(codepipeline: Client, pipeline: str, identity: str) -> list[dict[str, Any]]:
    """List what the actions of an execution did, the latest first."""
    pages = codepipeline.get_paginator("list_action_executions").paginate(
        pipelineName=pipeline, filter={"pipelineExecutionId": identity}
    )
    return [each for page in pages for each in page["actionExecutionDetails"]]


def answer(codepipeline: Client, pipeline: str, identity: str, action_execution: str) -> Answer:
    """Read who answered an approval: from the stage while it is the last one there, else from the history."""
    for stage in stages(codepipeline, pipeline).values():
        for action in stage.get("actionStates", []):
            latest = action.get("latestExecution", {})
            if latest.get("actionExecutionId") == action_execution:
                return Answer(latest.get("lastUpdatedBy", ""), latest.get("summary", ""))
    for each in actions(codepipeline, pipeline, identity):
        if each["actionExecutionId"] == action_execution:
            said = each.get("output", {}).get("executionResult", {}).get("externalExecutionSummary", "")
            return Answer(each.get("updatedBy", ""), said)
    return Answer("", "")


def failure(codepipeline: Client, pipeline: str, identity: str) -> Failure | None:
    """Find the action at which an execution failed; None where none of its actions did."""
    for each in actions(codepipeline, pipeline, identity):
        if each["status"] == "Failed":
            result = each.get("output", {}).get("executionResult", {})
            why = result.get("errorDetails", {}).get("message") or result.get("externalExecutionSummary") or ""
            return Failure(
                each["stageName"],
                each["actionName"],
                " ".join(why.split()),
                result.get("externalExecutionId", ""),
                result.get("externalExecutionUrl", ""),
            )
    return None
