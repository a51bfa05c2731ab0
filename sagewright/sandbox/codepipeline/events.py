"""Why: rules act on what becomes of executions, stages and actions, by the events that CodePipeline documents.

https://docs.aws.amazon.com/codepipeline/latest/userguide/detect-state-changes-cloudwatch-events.html
"""

from datetime import UTC, datetime
from typing import Any

from ..clock import Clock
from ..events import Bus
from .executions import FAILED, STARTED_BY_PUSH, SUCCEEDED, ActionRun, Execution, StageRun
from .pipeline import Pipeline

SOURCE = "aws.codepipeline"
STARTED = "STARTED"


class Announcer:
    """Puts CodePipeline's events on the bus of the pipeline's account."""

    def __init__(self, clock: Clock, bus: Bus) -> None:
        self._clock = clock
        self._bus = bus

    def execution(self, pipeline: Pipeline, execution: Execution, state: str) -> None:
        """Tell that an execution came into a state."""
        detail = self._common(pipeline, execution) | {"start-time": _iso(execution.started_s), "state": state}
        trigger = execution.trigger
        if trigger.type == STARTED_BY_PUSH:
            detail["execution-trigger"] = dict(trigger.told)
        elif state == STARTED:
            told = {"trigger-type": trigger.type, "trigger-detail": trigger.detail}
            detail["execution-trigger"] = {key: value for key, value in told.items() if value}
        if execution.last_retry_s is not None:
            detail["last-retry-attempt-time"] = _iso(execution.last_retry_s)
        if execution.stop_reason and state.startswith("STOP"):
            detail["stop-execution-comments"] = execution.stop_reason
        self._emit(pipeline, "Pipeline", detail)

    def stage(self, pipeline: Pipeline, execution: Execution, run: StageRun, state: str) -> None:
        """Tell that a stage came into a state."""
        detail = self._common(pipeline, execution)
        detail |= {"start-time": _iso(run.started_s), "stage": run.name, "state": state}
        if run.last_retry_s is not None:
            detail["stage-last-retry-attempt-time"] = _iso(run.last_retry_s)
        self._emit(pipeline, "Stage", detail)

    def action(self, pipeline: Pipeline, execution: Execution, run: ActionRun, state: str) -> None:
        """Tell that an action came into a state."""
        kind = run.declaration["actionTypeId"]
        detail = self._common(pipeline, execution) | {
            "start-time": _iso(run.started_s),
            "stage": run.stage,
            "action-execution-id": run.id,
            "action": run.name,
            "state": state,
            "region": pipeline.place.region,
            "type": {part: kind[part] for part in ("owner", "provider", "category", "version")},
        }
        if run.inputs:
            detail["input-artifacts"] = [each.document() for each in run.inputs]
        if run.outputs and run.status == SUCCEEDED:
            detail["output-artifacts"] = [each.document() for each in run.outputs]
        if run.status in {SUCCEEDED, FAILED}:
            result = {
                "external-execution-url": run.external_url,
                "external-execution-summary": run.failure.message if run.failure else run.summary,
                "external-execution-id": run.external_id,
                "error-code": run.failure.code if run.failure else "",
            }
            detail["execution-result"] = {key: value for key, value in result.items() if value}
        self._emit(pipeline, "Action", detail)

    @staticmethod
    def _common(pipeline: Pipeline, execution: Execution) -> dict[str, Any]:
        return {
            "pipeline": pipeline.name,
            "execution-id": execution.id,
            "version": float(execution.version),
            "pipeline-execution-attempt": float(execution.attempt),
        }

    def _emit(self, pipeline: Pipeline, level: str, detail: dict[str, Any]) -> None:
        self._bus.emit(
            pipeline.place,
            source=SOURCE,
            detail_type=f"CodePipeline {level} Execution State Change",
            detail=detail,
            resources=[pipeline.arn],
            time_s=self._clock.now(),
        )


def _iso(moment_s: float) -> str:
    return datetime.fromtimestamp(moment_s, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
