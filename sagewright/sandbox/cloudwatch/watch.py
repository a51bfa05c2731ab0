"""Why: while a deployment runs somebody must look at its alarms all the time, with the rights that it was given."""

import time
from typing import Any

from botocore.exceptions import ClientError

from .alarm_store import AlarmStore
from .alarms import borders, evaluate
from .held_alarm import HeldAlarm
from .metrics import Metrics, Place
from .samples import AlarmError


class AlarmWatch:
    """Some alarms of one account and region; a state that somebody set by hand counts until the deployment is over.

    Their periods pass at the pace, as the deployment's own waiting does: it evaluates them in the clock's stead.
    """

    def __init__(self, place: Place, names: tuple[str, ...], alarms: AlarmStore, metrics: Metrics, client: Any) -> None:
        self._place = place
        self._names = names
        self._alarms = alarms
        self._metrics = metrics
        self._client = client

    def require(self) -> None:
        """Refuse names that no alarm has, and a client that may not see them."""
        self._seen()

    def firing(self) -> list[str]:
        """Return the names of the alarms in state ALARM, after evaluating them."""
        return [alarm.name for alarm in self._seen() if self._state(alarm) == "ALARM"]

    def _seen(self) -> list[HeldAlarm]:
        try:
            self._client.describe_alarms(AlarmNames=list(self._names), AlarmTypes=["MetricAlarm"])
        except ClientError as error:
            raise AlarmError(error.response["Error"]["Message"]) from error
        found = self._alarms.of(self._place, self._names)
        if missing := set(self._names) - {each.name for each in found}:
            raise AlarmError(
                f"no metric alarm of this name exists in the account and region: {', '.join(sorted(missing))}"
            )
        return found

    def _state(self, alarm: HeldAlarm) -> str:
        alarm.watched_s = time.monotonic()
        by_hand_s = alarm.by_hand_s
        if by_hand_s is not None and alarm.state == "ALARM":
            return "ALARM"
        rule, now_s, pace = alarm.rule, self._metrics.clock.now(), self._metrics.pace
        moments = borders(rule, now_s, pace)
        samples = self._metrics.samples(self._place, rule.metric, moments[0], moments[-1])
        verdict = evaluate(rule, samples, now_s, pace, alarm.state)
        self._alarms.found(alarm, verdict, by_hand_s)
        alarm.seen = None  # what the clock's evaluation saw before does not tell this state
        return verdict.state
