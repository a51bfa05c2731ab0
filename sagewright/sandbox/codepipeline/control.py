"""Why: a person may halt, repeat, take back or hold what is under way, within what CodePipeline allows.

https://docs.aws.amazon.com/codepipeline/latest/userguide/executions-manage.html
"""

from typing import Any

from ..clients import Clients
from ..clock import Clock
from ..protocol import ApiError, Caller
from .engine import MANUAL, Engine
from .executions import (
    ABANDONED,
    FAILED,
    ROLLBACK,
    STOPPED,
    STOPPING,
    SUCCEEDED,
    Execution,
    Kind,
    StageRun,
    Trigger,
)
from .pipeline import Pipeline
from .refusals import conflict, invalid

_KINDS: dict[str, Kind] = {"BEFORE_ENTRY": "beforeEntry", "ON_SUCCESS": "onSuccess"}


class Control:
    """StopPipelineExecution, RetryStageExecution, RollbackStage, transitions and OverrideStageCondition."""

    def __init__(self, clients: Clients, clock: Clock, engine: Engine) -> None:
        self._clients = clients
        self._clock = clock
        self._engine = engine

    def stop(self, pipeline: Pipeline, params: dict[str, Any]) -> dict[str, Any]:
        """Stop an execution after what runs, or at once."""
        identity, abandon = params["pipelineExecutionId"], bool(params.get("abandon"))
        with self._engine.lock:
            execution = next((each for each in pipeline.executions if each.id == identity), None)
            if execution is None or not execution.active:
                raise ApiError(
                    "PipelineExecutionNotStoppableException",
                    f"Unable to stop the pipeline execution {identity}. The execution might already be in a Stopped"
                    " state, or it might no longer be in progress.",
                )
            if execution.status == STOPPING and not abandon:
                raise ApiError(
                    "DuplicatedStopRequestException",
                    "The pipeline execution is already in a Stopping state. If you already chose to stop and wait, you"
                    " cannot make that request again. You can choose to stop and abandon now, but be aware that this"
                    " option can lead to failed tasks or out of sequence tasks.",
                )
            execution.stop_reason = params.get("reason", "") or execution.stop_reason
            self._engine.stop(pipeline, execution, abandon=abandon)
        return {"pipelineExecutionId": identity}

    def retry(self, pipeline: Pipeline, params: dict[str, Any]) -> dict[str, Any]:
        """Do a failed stage again."""
        with self._engine.lock:
            execution, run = self._latest(pipeline, params)
            mode = params["retryMode"]
            stale = execution.version != pipeline.version
            if stale or run.status not in {FAILED, STOPPED} or (mode == "FAILED_ACTIONS" and not _repeatable(run)):
                raise ApiError(
                    "StageNotRetryableException",
                    "Unable to retry. The pipeline structure or stage state might have changed while actions awaited"
                    " retry, or the stage contains no failed actions.",
                )
            self._lock(pipeline, execution, run)
            self._engine.retry(pipeline, execution, run, mode, MANUAL)
        return {"pipelineExecutionId": execution.id}

    def roll_back(self, pipeline: Pipeline, params: dict[str, Any], caller: Caller) -> dict[str, Any]:
        """Bring a stage back to what an earlier execution made of it."""
        with self._engine.lock:
            name = params["stageName"]
            stage = pipeline.stage(name)
            target = pipeline.execution(params["targetPipelineExecutionId"])
            if target.version != pipeline.version:
                raise ApiError(
                    "PipelineExecutionOutdatedException",
                    "The specified pipeline execution is outdated and cannot be used as a target pipeline execution"
                    " for rollback.",
                )
            run = target.runs.get(name)
            is_first = stage is pipeline.declaration["stages"][0]
            succeeded = run is not None and run.status == SUCCEEDED
            if is_first or target.type == ROLLBACK or not succeeded or self._busy(pipeline, name):
                raise ApiError(
                    "UnableToRollbackStageException",
                    "Unable to roll back the stage. The cause might be if the pipeline version has changed since the"
                    " target pipeline execution was deployed, the stage is currently running, or an incorrect target"
                    " pipeline execution ID was provided.",
                )
            trigger = Trigger("ManualRollback", self._who(caller))
            execution = self._engine.roll_back(pipeline, name, target, trigger)
        return {"pipelineExecutionId": execution.id}

    def enable(self, pipeline: Pipeline, params: dict[str, Any], caller: Caller) -> dict[str, Any]:
        """Let executions into a stage again."""
        self._transition(pipeline, params, caller, enabled=True)
        return {}

    def disable(self, pipeline: Pipeline, params: dict[str, Any], caller: Caller) -> dict[str, Any]:
        """Let no execution into a stage."""
        self._transition(pipeline, params, caller, enabled=False)
        return {}

    def override(self, pipeline: Pipeline, params: dict[str, Any]) -> dict[str, Any]:
        """Go on with a stage that failed by its condition, as if that had been met."""
        kind = _KINDS[params["conditionType"]]
        with self._engine.lock:
            execution, run = self._latest(pipeline, params)
            condition = run.conditions.get(kind)
            if run.status != FAILED or condition is None or condition.status == SUCCEEDED or kind in run.overridden:
                raise ApiError(
                    "ConditionNotOverridableException",
                    "Unable to override because the condition does not allow overrides.",
                )
            self._lock(pipeline, execution, run)
            run.overridden.add(kind)
            condition.status = "Overridden"
            self._engine.proceed(pipeline, execution, run)
        return {}

    def _latest(self, pipeline: Pipeline, params: dict[str, Any]) -> tuple[Execution, StageRun]:
        """Return the execution that came into a stage last; an older one is refused."""
        name = params["stageName"]
        pipeline.stage(name)
        identity = params["pipelineExecutionId"]
        known = next((each for each in pipeline.executions if each.id == identity), None)
        run = known.runs.get(name) if known is not None else None
        is_newest = known is not None and (known.mode == "PARALLEL" or pipeline.entered.get(name) is known)
        if known is None or run is None or not is_newest:
            raise ApiError(
                "NotLatestPipelineExecutionException",
                "The stage has failed in a later run of the pipeline and the pipelineExecutionId associated with the"
                " request is out of date.",
            )
        return known, run

    @staticmethod
    def _lock(pipeline: Pipeline, execution: Execution, run: StageRun) -> None:
        if execution.active:
            raise conflict(f"The pipeline execution {execution.id} is in progress.")
        if execution.mode == "PARALLEL":
            return
        if run.name in pipeline.inside:
            raise conflict(f"Stage '{run.name}' is in use by the pipeline execution {pipeline.inside[run.name].id}.")
        pipeline.inside[run.name] = execution

    @staticmethod
    def _busy(pipeline: Pipeline, stage: str) -> bool:
        return pipeline.mode == "PARALLEL" or stage in pipeline.inside

    def _transition(self, pipeline: Pipeline, params: dict[str, Any], caller: Caller, *, enabled: bool) -> None:
        with self._engine.lock:
            names = [stage["name"] for stage in pipeline.declaration["stages"]]
            pipeline.stage(params["stageName"])
            place = names.index(params["stageName"]) + (params["transitionType"] == "Outbound")
            if place == len(names):
                raise invalid(f"Nothing comes after stage '{params['stageName']}': it has no outbound transition")
            transition = pipeline.transition(names[place])
            transition.enabled, transition.reason = enabled, "" if enabled else params["reason"]
            transition.changed_by, transition.changed_s = self._who(caller), self._clock.now()
            self._engine.admit(pipeline, names[place])

    def _who(self, caller: Caller) -> str:
        return self._clients.authorizer.principal_of(caller.access_key).arn


def _repeatable(run: StageRun) -> bool:
    """Whether there is anything to repeat: an action that failed, or was left, or a condition that let nobody in."""
    undone = any(each.status in {FAILED, ABANDONED} for each in run.actions.values())
    return undone or run.status in {STOPPED, STOPPING} or not run.entered
