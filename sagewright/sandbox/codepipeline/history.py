"""Why: long after a release people ask what ran, who started it, with which inputs, and how each action ended."""

from collections.abc import Sequence
from typing import Any, TypeVar

from .executions import ROLLBACK, SUCCEEDED, ActionRun, Execution, RuleRun
from .paging import page
from .pipeline import Pipeline
from .state import moment, result

Run = TypeVar("Run", ActionRun, RuleRun)


def execution(pipeline: Pipeline, params: dict[str, Any]) -> dict[str, Any]:
    """Return the answer of GetPipelineExecution."""
    found = pipeline.execution(params["pipelineExecutionId"])
    told = {
        "pipelineName": pipeline.name,
        "pipelineVersion": found.version,
        **_common(found),
        "artifactRevisions": _revisions(found),
        "variables": [{"name": name, "resolvedValue": value} for name, value in sorted(found.variables.items())],
    }
    return {"pipelineExecution": told}


def executions(pipeline: Pipeline, params: dict[str, Any]) -> dict[str, Any]:
    """Return the answer of ListPipelineExecutions, the newest first."""
    shown = list(reversed(pipeline.executions))
    if wanted := (params.get("filter") or {}).get("succeededInStage"):
        name = wanted["stageName"]
        shown = [each for each in shown if name in each.runs and each.runs[name].status == SUCCEEDED]
    return page("pipelineExecutionSummaries", [_summary(each) for each in shown], params)


def actions(pipeline: Pipeline, params: dict[str, Any]) -> dict[str, Any]:
    """Return the answer of ListActionExecutions, the newest first."""
    shown = [_action(each, run) for each in _chosen(pipeline, params) for run in _newest(each, each.actions, params)]
    return page("actionExecutionDetails", shown, params)


def rules(pipeline: Pipeline, params: dict[str, Any]) -> dict[str, Any]:
    """Return the answer of ListRuleExecutions, the newest first."""
    shown = [_rule(each, run) for each in _chosen(pipeline, params) for run in _newest(each, each.rules, params)]
    return page("ruleExecutionDetails", shown, params)


def _common(found: Execution) -> dict[str, Any]:
    told: dict[str, Any] = {
        "pipelineExecutionId": found.id,
        "status": found.status,
        "trigger": found.trigger.document(),
        "executionMode": found.mode,
        "executionType": found.type,
    }
    if found.summary:
        told["statusSummary"] = found.summary
    if found.type == ROLLBACK:
        told["rollbackMetadata"] = {"rollbackTargetPipelineExecutionId": found.target}
    return told


def _summary(found: Execution) -> dict[str, Any]:
    told = {
        **_common(found),
        "startTime": moment(found.started_s),
        "lastUpdateTime": moment(found.changed_s),
        "sourceRevisions": [
            {"actionName": name, **{key: value for key, value in revision.items() if key != "created"}}
            for name, revision in found.revisions.items()
        ],
    }
    return told | ({"stopTrigger": {"reason": found.stop_reason}} if found.stop_reason else {})


def _revisions(found: Execution) -> list[dict[str, Any]]:
    names = {
        action["name"]: action["outputArtifacts"][0]["name"]
        for action in found.stages[0]["actions"]
        if action["outputArtifacts"]
    }
    return [{"name": names[name], **revision} for name, revision in found.revisions.items() if name in names]


def _chosen(pipeline: Pipeline, params: dict[str, Any]) -> list[Execution]:
    given = params.get("filter") or {}
    identity = given.get("pipelineExecutionId") or (given.get("latestInPipelineExecution") or {}).get(
        "pipelineExecutionId"
    )
    return [pipeline.execution(identity)] if identity else list(reversed(pipeline.executions))


def _newest(found: Execution, runs: Sequence[Run], params: dict[str, Any]) -> list[Run]:
    """Return runs, the newest first; of those that were repeated only the last one where no more are asked for."""
    shown = list(reversed(runs))
    latest = (params.get("filter") or {}).get("latestInPipelineExecution") or {}
    if latest.get("startTimeRange") != "Latest":
        return shown
    seen: set[tuple[str, str]] = set()
    kept: list[Run] = []
    for run in shown:
        key = (run.stage, run.declaration["name"])
        if key not in seen and run.stage in found.runs:
            kept.append(run)
        seen.add(key)
    return kept


def _action(found: Execution, run: ActionRun) -> dict[str, Any]:
    declared = run.declaration
    given: dict[str, Any] = {
        "actionTypeId": declared["actionTypeId"],
        "configuration": declared["configuration"],
        "resolvedConfiguration": run.configuration,
        "inputArtifacts": [each.document() for each in run.inputs],
    }
    given |= {member: declared[member] for member in ("roleArn", "region", "namespace") if declared.get(member)}
    told = {**result(run), **({"externalExecutionSummary": run.summary} if run.summary else {})}
    output: dict[str, Any] = {"executionResult": told, "outputVariables": run.variables}
    output["outputArtifacts"] = [each.document() for each in run.outputs] if run.status == SUCCEEDED else []
    shown = {
        "pipelineExecutionId": found.id,
        "actionExecutionId": run.id,
        "pipelineVersion": run.version,
        "stageName": run.stage,
        "actionName": run.name,
        "startTime": moment(run.started_s),
        "lastUpdateTime": moment(run.changed_s),
        "status": run.status,
        "input": given,
        "output": output,
    }
    return shown | ({"updatedBy": run.updated_by} if run.updated_by else {})


def _rule(found: Execution, run: RuleRun) -> dict[str, Any]:
    declared = run.declaration
    given = {
        "ruleTypeId": declared["ruleTypeId"],
        "configuration": declared["configuration"],
        "resolvedConfiguration": run.configuration,
    }
    told: dict[str, Any] = {"externalExecutionSummary": run.summary}
    if run.failure:
        told["errorDetails"] = {"code": run.failure.code, "message": run.failure.message}
    return {
        "pipelineExecutionId": found.id,
        "ruleExecutionId": run.id,
        "pipelineVersion": run.version,
        "stageName": run.stage,
        "ruleName": declared["name"],
        "startTime": moment(run.at_s),
        "lastUpdateTime": moment(run.at_s),
        "status": run.status,
        "input": given,
        "output": {"executionResult": told},
    }
