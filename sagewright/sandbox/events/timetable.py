"""Why: a rule may have a timetable instead of a pattern, or beside it; then time itself is the event."""

import re
from typing import Any

from moto.events.models import events_backends

from ..cloudwatch.metrics import Place
from ..protocol import ApiError
from ..scheduler.expressions import Expression

_SINGULAR = re.compile(r"rate\(1 \w+s\)|rate\((?!1 )\d+ (minute|hour|day)\)")


def check_timetable(text: str, bus: str) -> None:
    """Refuse what is no timetable: a rule's rate is in the singular for one, and in the plural for more."""
    if bus != "default":
        raise ApiError("ValidationException", "ScheduleExpression is supported only on the default event bus.")
    try:
        once = Expression(text, "UTC").once
    except ApiError as refused:
        if refused.code != "ValidationException":
            raise
        once = True
    if once or _SINGULAR.fullmatch(text):
        raise ApiError("ValidationException", "Parameter ScheduleExpression is not valid.")


class Timetables:
    """When the rules with a timetable are due."""

    def __init__(self) -> None:
        self._read: dict[str, Expression] = {}

    def due(self, after_s: float) -> float | None:
        """Return when the next rule is due."""
        moments = [self._next(rule, after_s) for _, rule in self._rules()]
        return min((moment for moment in moments if moment is not None), default=None)

    def at(self, moment_s: float) -> list[tuple[Place, Any]]:
        """Return the rules that are due at this very moment."""
        return [(place, rule) for place, rule in self._rules() if self._next(rule, moment_s - 1e-6) == moment_s]

    def _next(self, rule: Any, after_s: float) -> float | None:
        text = rule.scheduled_expression
        if text not in self._read:
            self._read[text] = Expression(text, "UTC")
        # A rate comes for the first time when it has passed once.
        return self._read[text].after(max(after_s, rule.sandbox_put_s), rule.sandbox_put_s)

    @staticmethod
    def _rules() -> list[tuple[Place, Any]]:
        return [
            (Place(account, region), rule)
            for account, regions in list(events_backends.items())
            for region, backend in list(regions.items())
            for rule in list(_default_rules(backend))
            if rule.scheduled_expression and rule.state == "ENABLED"
        ]


def _default_rules(backend: Any) -> list[Any]:
    return list(backend.event_buses["default"].rules.values())
