"""Why: an execution starts because a person, a rule, a push, a poll or the pipeline's creation asked for it.

https://docs.aws.amazon.com/codepipeline/latest/userguide/pipelines-about-starting.html
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from ..as_service import complain
from ..clients import Clients
from ..clock import Clock
from ..protocol import ApiError, Caller
from .engine import Engine
from .executions import FAILED, STARTED_BY_PUSH, Declaration, Execution, Trigger
from .filters import Push, wants
from .pipeline import Pipeline
from .refusals import conflict, invalid
from .variables import chosen

_MOST_EXECUTIONS = 50
_NOTHING: Mapping[str, tuple[str, str]] = MappingProxyType({})
_REVISIONS = {
    "CodeCommit": ("COMMIT_ID",),
    "CodeStarSourceConnection": ("COMMIT_ID",),
    "S3": ("S3_OBJECT_VERSION_ID", "S3_OBJECT_KEY"),
}

Find = Callable[[Caller, str], Pipeline]


class Starting:
    """StartPipelineExecution, and every other way in which an execution starts."""

    def __init__(self, clients: Clients, clock: Clock, engine: Engine) -> None:
        self._clients = clients
        self._clock = clock
        self._engine = engine

    def start(self, pipeline: Pipeline, params: dict[str, Any], caller: Caller) -> dict[str, Any]:
        """Start an execution for a client; the same token starts none a second time."""
        asked = (params.get("variables") or [], params.get("sourceRevisions") or [])
        token = params.get("clientRequestToken", "")
        with self._engine.lock:
            if token in pipeline.tokens:
                known, before = pipeline.tokens[token]
                if before != asked:
                    raise conflict(f"The client request token {token} was used to start another execution, {known}")
                return {"pipelineExecutionId": known}
            if asked[0] and pipeline.declaration["pipelineType"] != "V2":
                raise invalid("Pipeline variables can only be used in a pipeline of type V2")
            variables = chosen(pipeline.declaration, asked[0])
            overrides = _overrides(pipeline.declaration, asked[1])
            self._refuse_crowd(pipeline)
            trigger = Trigger("StartPipelineExecution", self._clients.authorizer.principal_of(caller.access_key).arn)
            execution = self._launch(pipeline, trigger, variables, overrides)
            if token:
                pipeline.tokens[token] = (execution.id, asked)
        return {"pipelineExecutionId": execution.id}

    def by_itself(self, pipeline: Pipeline, trigger: Trigger) -> None:
        """Start an execution that nobody gives variables to; where some have no default, it fails at once."""
        with self._engine.lock:
            if pipeline.deleted:
                return
            self._refuse_crowd(pipeline)
            try:
                variables = chosen(pipeline.declaration, [])
            except ApiError as refused:
                execution = self._execution(pipeline, trigger, {}, _NOTHING)
                execution.status, execution.summary = FAILED, refused.message
                execution.changed_s = execution.started_s
                pipeline.executions.append(execution)
                return
            self._launch(pipeline, trigger, variables, _NOTHING)

    def if_possible(self, pipeline: Pipeline, trigger: Trigger) -> None:
        """Start an execution for a source that nobody waits for an answer to; say in the log if it cannot be."""
        try:
            self.by_itself(pipeline, trigger)
        except ApiError as refused:
            complain(f"{trigger.type} did not start the pipeline {pipeline.arn}: {refused}")

    def pushed(self, pipeline: Pipeline, push: Push) -> None:
        """Start an execution if the pipeline waits for such a push."""
        if wants(pipeline.declaration, push):
            self.if_possible(pipeline, Trigger(STARTED_BY_PUSH, push.detail, push.told))

    def _launch(
        self,
        pipeline: Pipeline,
        trigger: Trigger,
        variables: dict[str, str],
        overrides: Mapping[str, tuple[str, str]],
    ) -> Execution:
        execution = self._execution(pipeline, trigger, variables, overrides)
        self._engine.launch(pipeline, execution)
        return execution

    def _execution(
        self,
        pipeline: Pipeline,
        trigger: Trigger,
        variables: dict[str, str],
        overrides: Mapping[str, tuple[str, str]],
    ) -> Execution:
        return Execution(
            number=len(pipeline.executions),
            version=pipeline.version,
            declaration=pipeline.declaration,
            mode=pipeline.mode,
            trigger=trigger,
            started_s=self._clock.now(),
            variables=variables,
            overrides=dict(overrides),
        )

    @staticmethod
    def _refuse_crowd(pipeline: Pipeline) -> None:
        active = sum(each.active for each in pipeline.executions)
        if pipeline.mode != "SUPERSEDED" and active >= _MOST_EXECUTIONS:
            raise ApiError(
                "ConcurrentPipelineExecutionsLimitExceededException",
                f"The pipeline has reached the limit of {_MOST_EXECUTIONS} concurrent pipeline executions.",
            )


def _overrides(declaration: Declaration, given: list[dict[str, str]]) -> dict[str, tuple[str, str]]:
    sources = {each["name"]: each["actionTypeId"]["provider"] for each in declaration["stages"][0]["actions"]}
    found: dict[str, tuple[str, str]] = {}
    for each in given:
        name, kind = each["actionName"], each["revisionType"]
        if name not in sources:
            raise invalid(f"Source revision for '{name}': the pipeline has no such source action")
        if name in found:
            raise invalid(f"Source revision for '{name}' is given more than once")
        if kind not in _REVISIONS[sources[name]]:
            raise invalid(
                f"Source revision for '{name}': {sources[name]} takes {_REVISIONS[sources[name]]}, not {kind}"
            )
        found[name] = (kind, each["revisionValue"])
    return found
