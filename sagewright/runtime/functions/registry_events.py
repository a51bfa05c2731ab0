"""A decision in the registry: an approval sends a version on its way, a rejection takes it back from wherever it is."""

from typing import Any

from . import code_pipelines, live, model_versions, promotion, rollback, waiting_list
from .delivery_desk import Desk, Event, happened
from .model_versions import APPROVED, REJECTED, Version
from .rollback import Wish

_DECISION = "ModelApprovalStatus"
# What can be changed of a version without a word about whether it may be released.
_UNDECIDED = {
    *(
        "AdditionalInferenceSpecifications",
        "CustomerMetadataProperties",
        "InferenceSpecification",
        "MetadataProperties",
    ),
    *("ModelCard", "ModelLifeCycle", "ModelPackageDescription", "SourceUri", "Tags", "sourceUri"),
}


def decided(desk: Desk, event: Event) -> dict[str, Any]:
    """Act on what the registry says now; the event itself says only that it is worth asking."""
    detail = event["detail"]
    arn = detail["ModelPackageArn"]
    changed = {*detail.get("UpdatedModelPackageFields", [])}
    if changed and changed <= _UNDECIDED:
        return {"ignored": f"{arn} was changed, but nothing was decided about it"}
    version = model_versions.existing(desk.sagemaker, arn)
    _record(desk, event, arn, version)
    if version is None:
        return {"ignored": f"{arn} was deleted"}
    if desk.setting.delivered_by:
        return {"waiting": _leave_to_others(desk, version)}
    if version.status == APPROVED:
        return {"promotion": promotion.start(desk.codepipeline, desk.setting.promotion, version)}
    if version.status == REJECTED:
        return {"rollbacks": _take_back(desk, version)}
    return {"ignored": f"{arn} is {version.status}"}


def _leave_to_others(desk: Desk, version: Version) -> list[str]:
    """Write down what another system shall begin: a promotion, or a rollback of each environment that serves it."""
    s3, bucket, because = desk.client("s3"), desk.setting.bucket, f"{version.arn} {version.status} at {version.changed}"
    when = version.changed or version.created
    if version.status == APPROVED:
        variables = {promotion.VERSION: version.arn}
        return [waiting_list.put(s3, bucket, waiting_list.PROMOTION, variables, when=when, because=because)]
    if version.status != REJECTED:
        return []
    wishes = [
        _wish(environment, version) for environment in desk.setting.environments if _serves(desk, environment, version)
    ]
    return [
        waiting_list.put(
            s3, bucket, waiting_list.ROLLBACK, wish.variables, when=when, because=f"{because} {wish.environment}"
        )
        for wish in wishes
    ]


def _serves(desk: Desk, environment: str, version: Version) -> bool:
    recorded = live.recorded(desk.client("ssm"), desk.setting.release_copy(environment))
    return recorded is not None and recorded.model_package_arn == version.arn


def _wish(environment: str, version: Version) -> Wish:
    because = f" ({version.note})" if version.note else ""
    return Wish(
        environment,
        version.changed_by or "whoever decides in the registry",
        f"version {version.number} was rejected{because}",
        leaving=version.number,
    )


def _record(desk: Desk, event: Event, arn: str, version: Version | None) -> None:
    """Write down the decision that the event tells of, also where another one has followed it already."""
    said = event["detail"][_DECISION]
    if said not in {APPROVED, REJECTED}:
        return
    stands = version is not None and version.status == said
    when = (version.changed if stands and version is not None else None) or happened(event)
    desk.record(
        "approval" if said == APPROVED else "rejection",
        when,
        (version.changed_by or "") if stands and version is not None else "",
        f"Version {arn.rpartition('/')[2]} was {said.lower()}.",
        # The time is that of the decision where it still stands: another event of the same decision has another one.
        about=f"{arn} {said} {when.isoformat()}",
        words=(version.note or "") if stands and version is not None else "",
        version=arn,
        event=event.get("id"),
    )


def _take_back(desk: Desk, version: Version) -> dict[str, str]:
    """Take a rejected version back from every environment that serves it, or is just being given it."""
    setting, codepipeline = desk.setting, desk.codepipeline
    under_way = [
        each
        for each in code_pipelines.running(codepipeline, setting.promotion)
        if each.variable(promotion.VERSION) == version.arn
    ]
    reached = _reached(desk, {each.id for each in under_way})
    because = f" ({version.note})" if version.note else ""
    started: dict[str, str] = {}
    for environment in setting.environments:
        if _serves(desk, environment, version) or environment in reached:
            wish = _wish(environment, version)
            reason = f"{version.arn} rejected at {version.changed}"
            started[environment] = rollback.start(codepipeline, setting.rollback, wish, because=reason)
    # Only now: a second attempt after a failure has to find again what the promotion has reached.
    for each in under_way:
        code_pipelines.stop(
            codepipeline, setting.promotion, each.id, f"Version {version.number} was rejected{because}."
        )
    return started


def _reached(desk: Desk, executions: set[str]) -> set[str]:
    """Say in which environments these promotions have begun."""
    if not executions:
        return set()
    states = code_pipelines.stages(desk.codepipeline, desk.setting.promotion)
    return {
        name
        for name in desk.setting.environments
        if (last := code_pipelines.last_in(states.get(name, {}))) is not None and last[0] in executions
    }
