"""Why: alarms are looked at every minute of the clock, whether somebody deploys or not."""

import time

from .alarm_store import AlarmStore
from .alarms import MINUTE_S, borders, evaluate
from .held_alarm import HeldAlarm
from .metrics import Metrics

DEPLOYMENT_LOOKS_WITHIN_S = 10.0
"""A deployment looks at its alarms more often than that; one that it looks at passes its periods at the pace."""


class StandingEvaluation:
    """The agenda on which every alarm is evaluated, in real periods of the clock.

    An alarm that a deployment watches is left to it, so that two measures of time do not quarrel over one state.
    """

    def __init__(self, alarms: AlarmStore, metrics: Metrics) -> None:
        self._alarms = alarms
        self._metrics = metrics

    def due(self, after_s: float) -> float | None:
        """Return the next full minute, or ten seconds where an alarm has shorter periods."""
        step_s = min((alarm.rule.every_s for alarm in self._alarms.every()), default=None)
        return None if step_s is None else (after_s // step_s + 1) * step_s

    def happen(self, at_s: float) -> None:
        """Evaluate the alarms whose turn it is."""
        for alarm in self._alarms.every():
            is_watched = time.monotonic() - alarm.watched_s < DEPLOYMENT_LOOKS_WITHIN_S
            if at_s % alarm.rule.every_s == 0 and not is_watched:
                self._evaluate(alarm, at_s)

    def _evaluate(self, alarm: HeldAlarm, at_s: float) -> None:
        rule, by_hand_s = alarm.rule, alarm.by_hand_s
        if by_hand_s is not None and at_s < by_hand_s + MINUTE_S:
            return
        moments = borders(rule, at_s, 1)
        seen = self._metrics.cut(alarm.place, rule.metric, moments)
        if seen == alarm.seen and by_hand_s is None:
            return
        samples = self._metrics.samples(alarm.place, rule.metric, moments[0], moments[-1])
        self._alarms.found(alarm, evaluate(rule, samples, at_s, 1, alarm.state), by_hand_s)
        alarm.seen = seen
