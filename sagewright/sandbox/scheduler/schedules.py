"""Why: a schedule that could never do its work is refused when it is written, and not when it is due."""

import json
import re
from collections.abc import Mapping
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from moto.scheduler.models import scheduler_backends

from ..clock import Clock
from ..protocol import ApiError, Caller
from .expressions import Expression
from .targets import check as check_target

_QUEUE = re.compile(r"arn:aws:sqs:[a-z0-9-]+:\d{12}:[\w-]+")
_DEFAULT_RETRIES, _DEFAULT_AGE_S = 185, 86400


class Schedules:
    """CreateSchedule and UpdateSchedule, and what they leave in moto's keeping."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    def create(self, params: dict[str, Any], caller: Caller) -> dict[str, Any]:
        """Create a schedule."""
        group = self._group(params, caller)
        if params["Name"] in group.schedules:
            raise ApiError("ConflictException", f"Schedule {params['Name']} already exists.", 409)
        self._check(params, "")
        backend: Any = scheduler_backends[caller.account][caller.region]
        schedule = backend.create_schedule(
            name=params["Name"],
            group_name=group.name,
            action_after_completion=params.get("ActionAfterCompletion", "NONE"),
            **_kept(params),
        )
        schedule.creation_date = schedule.last_modified_date = self._clock.now()
        return {"ScheduleArn": schedule.arn}

    def update(self, params: dict[str, Any], caller: Caller) -> dict[str, Any]:
        """Put the whole schedule anew: what the request leaves out goes back to its default."""
        group = self._group(params, caller)
        if params["Name"] not in group.schedules:
            raise ApiError("ResourceNotFoundException", f"Schedule {params['Name']} does not exist.", 404)
        schedule = group.schedules[params["Name"]]
        self._check(params, schedule.schedule_expression)
        schedule.update(**_kept(params))
        schedule.action_after_completion = params.get("ActionAfterCompletion", "NONE")
        schedule.last_modified_date = self._clock.now()
        return {"ScheduleArn": schedule.arn}

    def _group(self, params: Mapping[str, Any], caller: Caller) -> Any:
        name = params.get("GroupName", "default")
        groups: Any = scheduler_backends[caller.account][caller.region].schedule_groups
        if name not in groups:
            raise ApiError("ResourceNotFoundException", f"Schedule group {name} does not exist.", 404)
        return groups[name]

    def _check(self, params: Mapping[str, Any], before: str) -> None:
        text = params["ScheduleExpression"]
        zone = params.get("ScheduleExpressionTimezone", "UTC")
        try:
            ZoneInfo(zone)
        except (ZoneInfoNotFoundError, ValueError):
            raise _invalid(f"Provided time zone {zone} is invalid.") from None
        now_s = self._clock.now()
        expression = Expression(text, zone)
        if expression.once and text != before and expression.after(now_s, now_s) is None:
            raise _invalid(f"Invalid Schedule Expression {text}: it is over.")
        _check_dates(params, now_s)
        _check_window(params["FlexibleTimeWindow"])
        if params.get("KmsKeyArn"):
            problem = (
                "The sandbox's Scheduler does not have keys of customers (KmsKeyArn): it keeps no input encrypted."
            )
            raise ApiError("UnsupportedOperation", problem, 501)
        check_target(params["Target"])
        queue = (params["Target"].get("DeadLetterConfig") or {}).get("Arn")
        if queue and not _QUEUE.fullmatch(queue):  # a FIFO queue is none for it
            raise _invalid(f"The dead-letter queue {queue} is no standard queue.")


def _check_dates(params: Mapping[str, Any], now_s: float) -> None:
    starts, ends = params.get("StartDate"), params.get("EndDate")
    if ends and ends.timestamp() <= now_s:
        raise _invalid("The EndDate you specify must be in the future.")
    if starts and ends and starts >= ends:
        raise _invalid("The StartDate must be earlier than the EndDate.")


def _check_window(window: Mapping[str, Any]) -> None:
    minutes = window.get("MaximumWindowInMinutes")
    if window["Mode"] == "FLEXIBLE" and minutes is None:
        raise _invalid("MaximumWindowInMinutes is required when FlexibleTimeWindow is FLEXIBLE.")
    if window["Mode"] == "OFF" and minutes is not None:
        raise _invalid("MaximumWindowInMinutes must not be set when FlexibleTimeWindow is OFF.")


def _kept(params: Mapping[str, Any]) -> dict[str, Any]:
    """Return what moto keeps of a request; it wants dates as it gets them from JSON, as numbers."""
    target = json.loads(json.dumps(params["Target"]))
    given = target.get("RetryPolicy") or {}
    defaults = {"MaximumEventAgeInSeconds": _DEFAULT_AGE_S, "MaximumRetryAttempts": _DEFAULT_RETRIES}
    target["RetryPolicy"] = {**defaults, **given}
    starts, ends = params.get("StartDate"), params.get("EndDate")
    return {
        "description": params.get("Description"),
        "end_date": ends.timestamp() if ends else None,
        "flexible_time_window": dict(params["FlexibleTimeWindow"]),
        "kms_key_arn": None,
        "schedule_expression": params["ScheduleExpression"],
        "schedule_expression_timezone": params.get("ScheduleExpressionTimezone", "UTC"),
        "start_date": starts.timestamp() if starts else None,
        "state": params.get("State", "ENABLED"),
        "target": target,
    }


def _invalid(problem: str) -> ApiError:
    return ApiError("ValidationException", problem)
