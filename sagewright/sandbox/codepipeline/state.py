"""Why: where a pipeline stands is what each stage did last, who waits before it, and which gate is open.

https://docs.aws.amazon.com/codepipeline/latest/APIReference/API_GetPipelineState.html
"""

from datetime import UTC, datetime
from typing import Any

from .executions import SKIPPED, ActionRun, ConditionRun, Declaration, Execution, RuleRun, StageRun
from .pipeline import Pipeline

_MEMBERS = {
    "beforeEntry": "beforeEntryConditionState",
    "onSuccess": "onSuccessConditionState",
    "onFailure": "onFailureConditionState",
}


def state(pipeline: Pipeline) -> dict[str, Any]:
    """Return the answer of GetPipelineState."""
    return {
        "pipelineName": pipeline.name,
        "pipelineVersion": pipeline.version,
        "stageStates": [_stage(pipeline, stage) for stage in pipeline.declaration["stages"]],
        "created": moment(pipeline.created_s),
        "updated": moment(pipeline.changed_s),
    }


def moment(time_s: float) -> datetime:
    """Return a time as the API has it."""
    return datetime.fromtimestamp(time_s, UTC)


def result(run: ActionRun) -> dict[str, Any]:
    """Return what is told of an action's end."""
    found: dict[str, Any] = {
        "externalExecutionId": run.external_id,
        "externalExecutionUrl": run.external_url,
    }
    if run.failure:
        found["errorDetails"] = {"code": run.failure.code, "message": run.failure.message}
    return {key: value for key, value in found.items() if value}


def _stage(pipeline: Pipeline, stage: Declaration) -> dict[str, Any]:
    name = stage["name"]
    told: dict[str, Any] = {"stageName": name, "inboundTransitionState": _transition(pipeline, name)}
    waiting = [_execution(each, "InProgress") for each in pipeline.queue(name)]
    if waiting:
        told |= {"inboundExecution": waiting[-1], "inboundExecutions": waiting}
    execution = pipeline.entered.get(name)
    run = execution.runs.get(name) if execution is not None else None
    told["actionStates"] = [_action(pipeline, stage, action, run) for action in stage["actions"]]
    if execution is None or run is None:
        return told
    told["latestExecution"] = _execution(execution, run.status)
    for kind, condition in run.conditions.items():
        told[_MEMBERS[kind]] = _condition(condition)
    if run.last_retry:
        told["retryStageMetadata"] = {
            "autoStageRetryAttempt": run.automatic_retries,
            "manualStageRetryAttempt": run.manual_retries,
            "latestRetryTrigger": run.last_retry,
        }
    return told


def _transition(pipeline: Pipeline, stage: str) -> dict[str, Any]:
    transition = pipeline.transition(stage)
    told: dict[str, Any] = {"enabled": transition.enabled}
    if transition.changed_s is not None:
        told |= {"lastChangedBy": transition.changed_by, "lastChangedAt": moment(transition.changed_s)}
    return told | ({"disabledReason": transition.reason} if transition.reason else {})


def _execution(execution: Execution, status: str) -> dict[str, Any]:
    return {"pipelineExecutionId": execution.id, "status": status, "type": execution.type}


def _action(pipeline: Pipeline, stage: Declaration, action: Declaration, run: StageRun | None) -> dict[str, Any]:
    told: dict[str, Any] = {"actionName": action["name"]}
    latest = _latest(pipeline, stage["name"], action["name"], run)
    if latest is None:
        return told
    execution, done = latest
    shown: dict[str, Any] = {
        "actionExecutionId": done.id,
        "status": done.status,
        "lastStatusChange": moment(done.changed_s),
        "summary": done.summary,
        "lastUpdatedBy": done.updated_by,
        **result(done),
    }
    if done.token and done.status == "InProgress":
        shown["token"] = done.token
    told["latestExecution"] = {key: value for key, value in shown.items() if value}
    if (
        revision := execution.revisions.get(done.name)
        if done.declaration["actionTypeId"]["category"] == "Source"
        else None
    ):
        told["currentRevision"] = {
            "revisionId": revision["revisionId"],
            "revisionChangeId": revision["revisionId"],
            "created": revision["created"],
        }
    return told


def _latest(pipeline: Pipeline, stage: str, action: str, run: StageRun | None) -> tuple[Execution, ActionRun] | None:
    """Return the action's newest run: that of the stage's newest execution, or else what an earlier one left."""
    if run is not None and action in run.actions:
        return pipeline.entered[stage], run.actions[action]
    if run is not None and run.status == SKIPPED:
        return None
    for execution in reversed(pipeline.executions):
        before = execution.runs[stage].actions if stage in execution.runs else {}
        if action in before:
            return execution, before[action]
    return None


def _condition(condition: ConditionRun) -> dict[str, Any]:
    latest = {"status": condition.status, "summary": condition.summary}
    timed = {**latest, "lastStatusChange": moment(condition.at_s)}
    rules = [{"ruleName": rule.declaration["name"], "latestExecution": _rule(rule)} for rule in condition.rules]
    return {"latestExecution": latest, "conditionStates": [{"latestExecution": timed, "ruleStates": rules}]}


def _rule(rule: RuleRun) -> dict[str, Any]:
    told: dict[str, Any] = {
        "ruleExecutionId": rule.id,
        "status": rule.status,
        "summary": rule.summary,
        "lastStatusChange": moment(rule.at_s),
    }
    if rule.failure:
        told["errorDetails"] = {"code": rule.failure.code, "message": rule.failure.message}
    return told
