"""Why: alarms change by requests, by the clock and by deployments, and each change is acted on and remembered once."""

import threading
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from ..clock import Clock
from .alarms import State, Verdict
from .held_alarm import HeldAlarm
from .history import History
from .metrics import Place


@dataclass(frozen=True)
class Change:
    """An alarm that has come into another state, as it was at that moment."""

    alarm: HeldAlarm
    state: State
    reason: str
    data: str
    at_s: float
    before: State
    reason_before: str
    data_before: str
    at_before_s: float


class AlarmStore:
    """Every account's alarms; whoever finds another state tells it here."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.history = History()
        self._lock = threading.RLock()
        self._alarms: defaultdict[Place, dict[str, HeldAlarm]] = defaultdict(dict)
        self._act: Callable[[Change], None] | None = None

    def tell(self, act: Callable[[Change], None]) -> None:
        """Let this act on each change of a state."""
        self._act = act

    def every(self) -> list[HeldAlarm]:
        """Return all alarms of all accounts."""
        with self._lock:
            return [alarm for alarms in self._alarms.values() for alarm in alarms.values()]

    def of(self, place: Place, names: Iterable[str] | None = None) -> list[HeldAlarm]:
        """Return the alarms of an account and region that exist, by name; of the names given, or all."""
        with self._lock:
            alarms = self._alarms[place]
            wanted = sorted(alarms if names is None else set(names) & set(alarms))
            return [alarms[name] for name in wanted]

    def put(self, alarm: HeldAlarm) -> None:
        """Keep a new alarm, or the new configuration of one, whose state and tags stay as they are."""
        with self._lock:
            held = self._alarms[alarm.place].get(alarm.name)
            if held is None:
                alarm.updated_s = alarm.transitioned_s = alarm.configured_s
                self._alarms[alarm.place][alarm.name] = alarm
            else:
                held.request, held.rule, held.configured_s = alarm.request, alarm.rule, alarm.configured_s
                held.seen = None
            self.history.configured(alarm, "created" if held is None else "updated", self.clock.now())

    def delete(self, place: Place, names: Iterable[str]) -> None:
        """Forget alarms; their history stays."""
        with self._lock:
            for alarm in self.of(place, names):
                del self._alarms[place][alarm.name]
                self.history.configured(alarm, "deleted", self.clock.now())

    def set_by_hand(self, alarm: HeldAlarm, verdict: Verdict) -> None:
        """Set a state that lasts until the alarm is evaluated next, which is in a minute of the clock."""
        with self._lock:
            change = self._set(alarm, verdict)
            alarm.reason, alarm.data = verdict.reason, verdict.data
            alarm.by_hand_s, alarm.seen = self.clock.now(), None
        self._tell(change)

    def found(self, alarm: HeldAlarm, verdict: Verdict, by_hand_s: float | None) -> None:
        """Take over what an evaluation has found, unless somebody set the state while it was on its way.

        `by_hand_s` is when somebody had set it as the evaluation began.
        """
        with self._lock:
            change = self._set(alarm, verdict) if verdict.reason and alarm.by_hand_s == by_hand_s else None
        self._tell(change)

    def _set(self, alarm: HeldAlarm, verdict: Verdict) -> Change | None:
        now_s, before = self.clock.now(), (alarm.state, alarm.reason, alarm.data, alarm.updated_s)
        is_other, was_by_hand = alarm.state != verdict.state, alarm.by_hand_s is not None
        alarm.by_hand_s = None
        if is_other or was_by_hand:
            alarm.state, alarm.reason, alarm.data, alarm.updated_s = verdict.state, verdict.reason, verdict.data, now_s
        if not is_other:
            return None
        alarm.transitioned_s = now_s
        change = Change(alarm, verdict.state, verdict.reason, verdict.data, now_s, *before)
        self.history.changed(change_summary(change), alarm, now_s, change_data(change))
        return change

    def _tell(self, change: Change | None) -> None:
        if change is not None and self._act is not None:
            self._act(change)


def change_summary(change: Change) -> str:
    """Return the sentence by which the history tells a change."""
    return f"Alarm updated from {change.before} to {change.state}"


def change_data(change: Change) -> dict[str, Any]:
    """Return what the history tells of a change besides."""
    return {
        "version": "1.0",
        "oldState": {"stateValue": change.before, "stateReason": change.reason_before},
        "newState": {"stateValue": change.state, "stateReason": change.reason},
    }
