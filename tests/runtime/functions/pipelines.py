"""CodePipeline as the delivery function sees it: states that a test sets, and everything that was asked of it.

Requests and answers are held to botocore's own model of the service, so that neither has a member that AWS has not.
"""

import functools
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import boto3
from botocore.exceptions import ClientError
from botocore.validate import validate_parameters

REGION = "eu-west-1"
NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)


@functools.cache
def _operations() -> Any:
    return boto3.client("codepipeline", region_name=REGION).meta


@dataclass
class Execution:
    """One execution as CodePipeline keeps it."""

    pipeline: str
    id: str
    status: str
    variables: Mapping[str, str]
    actions: list[dict[str, Any]] = field(default_factory=list)


@dataclass
class Pipelines:
    """The pipelines of one account."""

    executions: dict[str, Execution] = field(default_factory=dict)
    tokens: dict[str, str] = field(default_factory=dict)
    stages: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    stopped: list[tuple[str, str]] = field(default_factory=list)

    def put(self, pipeline: str, status: str = "InProgress", **variables: str) -> Execution:
        """Let an execution be there."""
        made = Execution(pipeline, str(uuid.uuid4()), status, variables)
        self.executions[made.id] = made
        return made

    def enter(self, execution: Execution, stage: str, status: str, action: dict[str, Any] | None = None) -> None:
        """Let an execution be the last one in a stage, with one action there."""
        states = self.stages.setdefault(execution.pipeline, [])
        states[:] = [each for each in states if each["stageName"] != stage]
        actions = [{"actionName": "Approve", "latestExecution": action}] if action else []
        latest = {"pipelineExecutionId": execution.id, "status": status}
        states.append({"stageName": stage, "latestExecution": latest, "actionStates": actions})

    def act(self, execution: Execution, stage: str, name: str, status: str, **more: Any) -> str:
        """Let an execution have done something; the id of that."""
        identity = str(uuid.uuid4())
        detail = {"pipelineExecutionId": execution.id, "actionExecutionId": identity, "stageName": stage}
        execution.actions.insert(0, {**detail, "actionName": name, "status": status, **more})
        return identity

    def started(self, pipeline: str) -> list[dict[str, str]]:
        """What executions of a pipeline were started with."""
        return [dict(self.executions[each].variables) for each in self.tokens.values() if self._is(each, pipeline)]

    def _is(self, identity: str, pipeline: str) -> bool:
        return self.executions[identity].pipeline == pipeline

    def start_pipeline_execution(self, **asked: Any) -> dict[str, Any]:
        """Start one, or find the one that the token has started."""
        variables = {each["name"]: each["value"] for each in asked["variables"]}
        token = asked["clientRequestToken"]
        if token not in self.tokens:
            self.tokens[token] = self.put(asked["name"], **variables).id
        return _held("StartPipelineExecution", asked, {"pipelineExecutionId": self.tokens[token]})

    def stop_pipeline_execution(self, **asked: Any) -> dict[str, Any]:
        """Stop one that has not ended."""
        identity = asked["pipelineExecutionId"]
        if self.executions[identity].status not in {"InProgress", "Stopping"}:
            error: Any = {"Error": {"Code": "PipelineExecutionNotStoppableException", "Message": "It has ended."}}
            raise ClientError(error, "StopPipelineExecution")
        self.executions[identity].status = "Stopped"
        self.stopped.append((identity, asked["reason"]))
        return _held("StopPipelineExecution", asked, {"pipelineExecutionId": identity})

    def get_pipeline_execution(self, **asked: Any) -> dict[str, Any]:
        """Describe one."""
        found = self.executions.get(asked["pipelineExecutionId"])
        if found is None or found.pipeline != asked["pipelineName"]:
            error: Any = {"Error": {"Code": "PipelineExecutionNotFoundException", "Message": "There is none."}}
            raise ClientError(error, "GetPipelineExecution")
        variables = [{"name": name, "resolvedValue": value} for name, value in found.variables.items()]
        described = {"pipelineExecutionId": found.id, "status": found.status, "variables": variables}
        return _held("GetPipelineExecution", asked, {"pipelineExecution": described})

    def get_pipeline_state(self, **asked: Any) -> dict[str, Any]:
        """Describe the stages."""
        return _held("GetPipelineState", asked, {"stageStates": self.stages.get(asked["name"], [])})

    def get_paginator(self, operation: str) -> "Pages":
        """List executions or actions, on one page."""
        return Pages({"list_pipeline_executions": self._executions, "list_action_executions": self._actions}[operation])

    def _executions(self, **asked: Any) -> dict[str, Any]:
        found = [each for each in self.executions.values() if each.pipeline == asked["pipelineName"]]
        summaries = [{"pipelineExecutionId": each.id, "status": each.status} for each in reversed(found)]
        return _held("ListPipelineExecutions", asked, {"pipelineExecutionSummaries": summaries})

    def _actions(self, **asked: Any) -> dict[str, Any]:
        actions = self.executions[asked["filter"]["pipelineExecutionId"]].actions
        return _held("ListActionExecutions", asked, {"actionExecutionDetails": actions})


@dataclass(frozen=True)
class Pages:
    """A paginator."""

    read: Callable[..., dict[str, Any]]

    def paginate(self, **asked: Any) -> Iterator[dict[str, Any]]:
        yield self.read(**asked)


def _held(operation: str, asked: Mapping[str, Any], answer: dict[str, Any]) -> dict[str, Any]:
    """Hold a request and its answer to the service's model, which also knows lengths."""
    model = _operations().service_model.operation_model(operation)
    validate_parameters(asked, model.input_shape)
    known = set(model.input_shape.members)
    assert set(asked) <= known, f"{operation} has no {set(asked) - known}"
    validate_parameters(answer, model.output_shape)
    return answer
