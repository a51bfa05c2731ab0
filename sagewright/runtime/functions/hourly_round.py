"""What no event tells: that something has waited for somebody for days, and how old what serves has become."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from . import gates, live_age, model_versions, promotion
from .delivery_desk import Desk, Event, happened
from .model_versions import PENDING

_DAY = timedelta(hours=24)
# Whoever has not decided about a version for a week has seen the messages.
_REMINDERS = 7


@dataclass(frozen=True)
class _Waiting:
    """Something that waits for somebody: what, since when, and what to do."""

    what: str
    since: datetime
    advice: str
    about: str


def go(desk: Desk, event: Event) -> dict[str, Any]:
    """Remind of what waits, once for each day; write the age of what serves."""
    now = happened(event)
    told = [each.what for each in (*_gates(desk), *_pending(desk)) if _remind(desk, each, now)]
    return {"told": told, "days": _ages(desk, now)}


def _remind(desk: Desk, waiting: _Waiting, now: datetime) -> bool:
    days = (now - waiting.since) // _DAY
    if not 0 < days <= max(_REMINDERS, desk.setting.approval_hours // 24):
        return False
    waited = f"has been waiting for {days * 24} hours, since {waiting.since:%Y-%m-%d %H:%M} UTC"
    text = f"{waiting.what} {waited}. {waiting.advice}"
    subject = f"{waiting.what} waits for {days} day{'s' if days > 1 else ''}"
    return desk.tell(subject, text, about=f"waiting {waiting.about} {days}")


def _gates(desk: Desk) -> Iterator[_Waiting]:
    """Find approvals that wait in the promotion."""
    if desk.setting.delivered_by:
        return
    pipeline = desk.setting.promotion
    for gate in gates.waiting(desk.codepipeline, pipeline):
        execution = desk.execution(pipeline, gate.execution)
        arn = execution.variable(promotion.VERSION) if execution is not None else None
        until = gate.since + timedelta(hours=desk.setting.approval_hours)
        yield _Waiting(
            f"The approval of version {arn.rpartition('/')[2] if arn else 'unknown'} at {gate.stage}",
            gate.since,
            f"Look at its evidence and decide: {desk.setting.page(pipeline)}. Without an answer it ends by itself at "
            f"{until:%Y-%m-%d %H:%M} UTC, and nothing more of it is released.",
            gate.identity,
        )


def _pending(desk: Desk) -> Iterator[_Waiting]:
    """Find the newest version, if it waits for a decision in the registry; an older one was overtaken."""
    newest = next(model_versions.versions(desk.sagemaker, desk.setting.group), None)
    if newest is not None and newest.status == PENDING:
        yield _Waiting(
            f"Version {newest.number}",
            newest.created,
            f"It is registered and nobody has decided about it: `sagewright show {newest.number}` has the evidence; "
            f"then `sagewright approve {newest.number}` promotes it, and `sagewright reject {newest.number}` ends the "
            "reminders.",
            newest.arn,
        )


def _ages(desk: Desk, now: datetime) -> dict[str, float]:
    """Write the metric of each environment that serves something."""
    days: dict[str, float] = {}
    for environment in desk.setting.environments:
        found = live_age.live_since(desk.client("ssm"), desk.setting.release_copy(environment))
        if found is not None:
            _, since = found
            space = desk.setting.namespace(environment)
            days[environment] = live_age.publish(desk.client("cloudwatch"), space, since, now)
    return days
