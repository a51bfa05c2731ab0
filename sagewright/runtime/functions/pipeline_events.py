"""What happens on the way: executions that begin and end, environments that have a version, approvals and failures."""

from collections.abc import Mapping
from typing import Any

from . import build_log, code_pipelines, promotion, rollback
from .code_pipelines import Execution, Failure
from .delivery_desk import Desk, Event, happened
from .rollback import Wish

_PARTLY = {"FAILED", "STOPPED", "CANCELED"}
_ENDS = {"FAILED", "STOPPED", "SUCCEEDED", "SUPERSEDED", "CANCELED"}
_IN_ORDER = {"InProgress", "Succeeded", "Skipped"}
# The last action of an environment: when it fails, the version serves there and was verified.
_WATCH = "monitoring"
_APPROVAL = "Approval"


def executed(desk: Desk, event: Event) -> dict[str, Any]:
    """Write down that an execution has begun or ended, and tell the owner where it has failed."""
    detail, setting = event["detail"], desk.setting
    pipeline, identity, state = detail["pipeline"], detail["execution-id"], detail["state"]
    execution = desk.execution(pipeline, identity)
    if execution is None:
        return {"ignored": f"{pipeline} knows no execution {identity}"}
    if pipeline == setting.promotion and execution.variable(promotion.VERSION) is not None:
        _record_promotion(desk, event, execution)
    elif pipeline == setting.rollback and execution.variable(rollback.ENVIRONMENT) is not None:
        _record_rollback(desk, event, execution)
    if state == "FAILED":
        return {"told": _tell_failure(desk, execution)}
    return {"seen": f"{pipeline} {identity} {state}"}


def _record_promotion(desk: Desk, event: Event, execution: Execution) -> None:
    state = event["detail"]["state"]
    if state != "STARTED" and state not in _ENDS:
        return
    number = (execution.variable(promotion.VERSION) or "").rpartition("/")[2]
    desk.record(
        "promotion",
        happened(event),
        execution.trigger or execution.pipeline,
        f"The promotion of version {number} {_verb(state)}.",
        about=f"{execution.id} {state} {event['id']}",
        version=execution.variable(promotion.VERSION),
        execution=execution.id,
        event=event["id"],
    )


def _record_rollback(desk: Desk, event: Event, execution: Execution) -> None:
    state, environment = event["detail"]["state"], execution.variable(rollback.ENVIRONMENT)
    if state != "STARTED" and state not in _ENDS:
        return
    summary = _resolved(desk, execution).get("Summary", "") if state in _ENDS else ""
    who, reason = execution.variable(rollback.WHO) or "", execution.variable(rollback.REASON) or ""
    desk.record(
        "rollback",
        happened(event),
        who,
        f"The rollback of {environment} {_verb(state)}.{f' {summary}' if summary else ''}",
        about=f"{execution.id} {state} {event['id']}",
        words=reason,
        execution=execution.id,
        promotion=execution.variable(rollback.PROMOTION),
        event=event["id"],
    )
    if state == "SUCCEEDED" and summary and not summary.startswith("Nothing to do"):
        # What goes back says itself who wanted it; what was deleted does not.
        asked = f" Asked for by {who or 'nobody who is known'}: {reason or 'no reason was given'}."
        desk.tell(
            f"{environment} was taken back",
            f"{summary.rstrip('.')}.{'' if 'Asked for by' in summary else asked} Nothing is to be done now; what "
            f"happened is in {desk.setting.page(execution.pipeline, execution.id)}.",
            about=f"rollback {execution.id} {state}",
        )


def _verb(state: str) -> str:
    return "was started" if state == "STARTED" else f"has ended: {state.lower()}"


def _resolved(desk: Desk, execution: Execution) -> Mapping[str, str]:
    """Read what the resolving step of an execution has told."""
    for each in code_pipelines.actions(desk.codepipeline, execution.pipeline, execution.id):
        told = each.get("output", {}).get("outputVariables", {})
        if "Summary" in told:
            return told
    return {}


def _tell_failure(desk: Desk, execution: Execution) -> bool:
    """Say in one message what failed, why in its own words, what that means, and what to do."""
    failed = code_pipelines.failure(desk.codepipeline, execution.pipeline, execution.id)
    log = None
    if failed is None:
        subject, why = "failed", "CodePipeline names no action that failed."
    else:
        subject = f"failed at {failed.stage} ({failed.action})"
        log = build_log.read(desk.client, failed.external_id)
        said = log.after(failed.why) if log is not None else build_log.plain(failed.why)
        why = f"{failed.stage} ({failed.action}) failed: {said or 'no reason is given'}"
    what, meaning = _meaning(desk, execution, failed)
    page = desk.setting.page(execution.pipeline, execution.id)
    whole = f"The whole log: `{log.whole(desk.setting.region)}`. " if log is not None else ""
    text = f"{what}: {why.rstrip('.')}. {meaning} {whole}Everything about it: {page}"
    return desk.tell(f"{what.split(' (')[0]} {subject}", text, about=f"failure {execution.id} {subject}")


def _meaning(desk: Desk, execution: Execution, failed: Failure | None) -> tuple[str, str]:
    """Say what it was that failed, and what follows from it."""
    setting = desk.setting
    again = (
        f"`aws codepipeline retry-stage-execution --region {setting.region} --pipeline-name {execution.pipeline} "
        f"--pipeline-execution-id {execution.id} --stage-name {failed.stage} --retry-mode FAILED_ACTIONS`"
        if failed is not None
        else ""
    )
    if execution.pipeline == setting.promotion:
        number = (execution.variable(promotion.VERSION) or "").rpartition("/")[2]
        what = f"Promotion of version {number}"
        if failed is not None and failed.stage in setting.environments:
            if _WATCH in failed.action.lower():
                return what, (
                    f"The version serves in {failed.stage} and was verified, but what watches it was not put right. "
                    f"When the cause is gone, run the stage again: {again}."
                )
            return what, (
                f"{failed.stage} is being taken back to what was verified there before, and no later environment gets "
                "the version. Look at the cause; then approve it again, or reject it with "
                f"`sagewright reject {number}`."
            )
        return what, (
            f"Nothing more of it is released; what serves goes on serving. To go on with it, approve it again, or run "
            f"the stage again: {again}."
        )
    if execution.pipeline == setting.rollback:
        environment = execution.variable(rollback.ENVIRONMENT) or "an environment"
        return f"Rollback of {environment}", (
            f"Somebody has to look at {environment} NOW: it may serve what was to go. When the cause is gone, run the "
            f"stage again: {again}; or go to a version by name: `sagewright rollback {environment}`."
        )
    return "Build", f"Nothing was deployed after this step. Push what puts it right, or run the stage again: {again}."


def staged(desk: Desk, event: Event) -> dict[str, Any]:
    """Write down that an environment has a version; take back one in which a promotion did not come to its end."""
    detail, setting = event["detail"], desk.setting
    pipeline, stage, state = detail["pipeline"], detail["stage"], detail["state"]
    if pipeline != setting.promotion or stage not in setting.environments:
        return {"ignored": f"{pipeline} {stage}"}
    execution = desk.execution(pipeline, detail["execution-id"])
    arn = execution.variable(promotion.VERSION) if execution is not None else None
    if execution is None or arn is None:
        return {"ignored": f"{pipeline} {stage} of nothing"}
    if state == "SUCCEEDED":
        return {"recorded": _record_release(desk, event, execution, arn)}
    if state not in _PARTLY:
        return {"ignored": f"{stage} {state}"}
    return _take_back(desk, event, execution, arn)


def _record_release(desk: Desk, event: Event, execution: Execution, arn: str) -> bool:
    gate = _gate(desk, execution)
    stage = event["detail"]["stage"]
    return desk.record(
        "release",
        happened(event),
        gate.get("updatedBy", "") or execution.pipeline,
        f"Version {arn.rpartition('/')[2]} serves in {stage}, and was verified there.",
        about=f"{execution.id} {stage} {event['id']}",
        words=gate.get("output", {}).get("executionResult", {}).get("externalExecutionSummary", ""),
        version=arn,
        execution=execution.id,
        approval=gate.get("actionExecutionId"),
        event=event["id"],
    )


def _gate(desk: Desk, execution: Execution) -> Mapping[str, Any]:
    """Find the approval that an execution passed last; nothing where there was none yet."""
    for each in code_pipelines.actions(desk.codepipeline, execution.pipeline, execution.id):
        category = each.get("input", {}).get("actionTypeId", {}).get("category")
        if category == _APPROVAL and each["status"] == "Succeeded":
            return each
    return {}


def _take_back(desk: Desk, event: Event, execution: Execution, arn: str) -> dict[str, Any]:
    """Start the rollback of an environment, unless the stage has gone on since or one is on its way already."""
    setting, stage = desk.setting, event["detail"]["stage"]
    last = code_pipelines.last_in(code_pipelines.stages(desk.codepipeline, setting.promotion).get(stage, {}))
    if last is not None and last[0] == execution.id and last[1] in _IN_ORDER:
        return {"ignored": f"{stage} of {execution.id} is {last[1]} by now"}
    failed = code_pipelines.failure(desk.codepipeline, execution.pipeline, execution.id)
    if failed is not None and failed.stage == stage and _WATCH in failed.action.lower():
        return {"ignored": f"the version serves in {stage}; only its watch failed"}
    number = int(arn.rpartition("/")[2])
    for other in code_pipelines.running(desk.codepipeline, setting.rollback):
        wanted = (other.variable(rollback.ENVIRONMENT), other.variable(rollback.LEAVING))
        if wanted == (stage, str(number)):
            return {"ignored": f"rollback {other.id} of {stage} is on its way"}
    at = f" at {failed.action}" if failed is not None and failed.stage == stage else ""
    wish = Wish(
        stage,
        f"promotion {execution.id}",
        f"version {number} ended as {event['detail']['state'].lower()}{at}",
        leaving=number,
        promotion=execution.id,
    )
    because = f"of promotion {execution.id} in {event['id']}"
    return {"rollback": rollback.start(desk.codepipeline, setting.rollback, wish, because=because)}


def answered(desk: Desk, event: Event) -> dict[str, Any]:
    """Write down who answered an approval, and in which words."""
    detail = event["detail"]
    if detail.get("type", {}).get("category") != _APPROVAL or detail["state"] not in {
        "SUCCEEDED",
        "FAILED",
        "ABANDONED",
    }:
        return {"ignored": f"{detail['action']} {detail['state']}"}
    pipeline, identity, action = detail["pipeline"], detail["execution-id"], detail["action-execution-id"]
    answer = code_pipelines.answer(desk.codepipeline, pipeline, identity, action)
    execution = desk.execution(pipeline, identity)
    arn = execution.variable(promotion.VERSION) if execution is not None else None
    number = arn.rpartition("/")[2] if arn else "none"
    said = {"SUCCEEDED": "was approved", "FAILED": "was not approved", "ABANDONED": "was not decided about"}
    late = "" if answer.who or detail["state"] != "FAILED" else f" within {desk.setting.approval_hours} hours"
    written = desk.record(
        "gate",
        happened(event),
        answer.who or "nobody",
        f"Version {number} {said[detail['state']]} at {detail['stage']}{late}.",
        about=f"{action} {detail['state']}",
        words=answer.words,
        version=arn,
        execution=identity,
        approval=action,
        stage=detail["stage"],
        answer=detail["state"],
        event=event["id"],
    )
    return {"recorded": written}
