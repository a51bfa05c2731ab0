"""Why: schedules are due at their own times, and each firing is a call with the role of its target."""

import threading
import zlib
from collections import deque
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

from moto.scheduler.models import scheduler_backends

from ..as_service import complain
from ..clients import Clients
from ..clock import Clock
from ..errands import begin
from ..protocol import Caller
from .expressions import Expression
from .firing import Firing, attempt, bury
from .schedules import Schedules

_REMEMBERED = 200

Operation = Callable[[dict[str, Any], Caller], dict[str, Any]]


class Scheduler:
    """EventBridge Scheduler: the agenda of every enabled schedule."""

    service_name = "scheduler"

    def __init__(self, clients: Clients, clock: Clock) -> None:
        self._clients = clients
        self._clock = clock
        schedules = Schedules(clock)
        self.operations: dict[str, Operation] = {
            "CreateSchedule": schedules.create,
            "UpdateSchedule": schedules.update,
        }
        self._lock = threading.Lock()
        self._retries: list[tuple[float, Firing]] = []
        self._fired: deque[dict[str, Any]] = deque(maxlen=_REMEMBERED)
        self._read: dict[tuple[str, str], Expression] = {}
        # The next time of each schedule, as long as the schedule is the same and that time is still to come.
        self._next: dict[str, tuple[object, float, float | None]] = {}

    def call(self, operation: str, params: dict[str, Any], caller: Caller) -> dict[str, Any]:
        """Answer one request of a client."""
        return self.operations[operation](params, caller)

    def due(self, after_s: float) -> float | None:
        """Return when the next schedule fires, or the next failed firing is tried again."""
        with self._lock:
            retries = [at_s for at_s, _ in self._retries if at_s > after_s]
        coming = [at_s for schedule in _enabled() if (at_s := self._after(schedule, after_s)) is not None]
        return min([*retries, *coming], default=None)

    def happen(self, at_s: float) -> None:
        """Fire what is due."""
        with self._lock:
            ready = [firing for due_s, firing in self._retries if due_s <= at_s]
            self._retries = [(due_s, firing) for due_s, firing in self._retries if due_s > at_s]
        for schedule in _enabled():
            if self._after(schedule, at_s - 1e-6) == at_s:
                ready.append(self._firing(schedule, at_s))
                if self._expression(schedule).once and schedule.action_after_completion == "DELETE":
                    _backend(schedule).schedule_groups[schedule.group_name].schedules.pop(schedule.name, None)
        for firing in ready:
            begin(self._clock, f"schedule {firing.schedule_arn.rpartition('/')[2]}", lambda f=firing: self._fire(f))

    def document(self) -> dict[str, Any]:
        """Return what /_sandbox/schedules shows: when each schedule fires next, and how the last firings went."""
        now_s = self._clock.now()
        schedules = [
            {
                "arn": schedule.arn,
                "expression": schedule.schedule_expression,
                "time_zone": schedule.schedule_expression_timezone,
                "state": schedule.state,
                "next": _shown(self._after(schedule, now_s) if schedule.state == "ENABLED" else None),
            }
            for schedule in _all()
        ]
        with self._lock:
            return {"schedules": schedules, "fired": list(self._fired)}

    def _fire(self, firing: Firing) -> None:
        failure = attempt(self._clients, firing)
        outcome = "delivered" if failure is None else f"{failure.code}: {failure.message}"
        self._remember(firing, outcome)
        if failure is None:
            return
        now_s = self._clock.now()
        again = None if failure.final else firing.again(now_s)
        if again is not None:
            with self._lock:
                self._retries.append((now_s + firing.wait_s, again))
            return
        complain(f"{firing.schedule_arn} did not reach {firing.target['Arn']}: {outcome}")
        bury(self._clients, firing, failure)

    def _remember(self, firing: Firing, outcome: str) -> None:
        told = {
            "arn": firing.schedule_arn,
            "scheduled": firing.scheduled,
            "attempt": firing.attempt,
            "time": _shown(self._clock.now()),
            "target": firing.target["Arn"],
            "outcome": outcome,
        }
        with self._lock:
            self._fired.append(told)

    def _firing(self, schedule: Any, at_s: float) -> Firing:
        _, _, _, region, account, _ = schedule.arn.split(":", 5)
        return Firing(
            account=account,
            region=region,
            schedule_arn=schedule.arn,
            group=schedule.group_name,
            target=schedule.target,
            scheduled_s=at_s - _delay_s(schedule),
        )

    def _after(self, schedule: Any, after_s: float) -> float | None:
        state = (schedule.schedule_expression, schedule.schedule_expression_timezone, schedule.last_modified_date)
        known = self._next.get(schedule.arn)
        if known and known[0] == state and known[1] <= after_s and (known[2] is None or known[2] > after_s):
            return known[2]
        found = self._computed(schedule, after_s)
        self._next[schedule.arn] = (state, after_s, found)
        return found

    def _computed(self, schedule: Any, after_s: float) -> float | None:
        # Without a start, a rate begins at once: a second later, so that the moment is still to come.
        began_s = float(schedule.start_date or int(schedule.last_modified_date) + 1)
        expression, delay_s = self._expression(schedule), _delay_s(schedule)
        earliest_s = max(after_s - delay_s, began_s - 1e-6 if schedule.start_date else after_s - delay_s)
        at_s = expression.after(earliest_s, began_s)
        if at_s is None or (schedule.end_date and at_s > float(schedule.end_date)):
            return None
        return at_s + delay_s

    def _expression(self, schedule: Any) -> Expression:
        key = (schedule.schedule_expression, schedule.schedule_expression_timezone)
        if key not in self._read:
            self._read[key] = Expression(*key)
        return self._read[key]


def _delay_s(schedule: Any) -> float:
    """Return how far within its flexible window a schedule fires; always the same, so that a run can be repeated."""
    window = schedule.flexible_time_window
    if window.get("Mode") != "FLEXIBLE":
        return 0.0
    return float(zlib.crc32(schedule.arn.encode()) % (int(window["MaximumWindowInMinutes"]) * 60))


def _all() -> Iterator[Any]:
    for regions in list(scheduler_backends.values()):
        for backend in list(regions.values()):
            groups: Any = backend.schedule_groups
            for group in list(groups.values()):
                yield from list(group.schedules.values())


def _enabled() -> Iterator[Any]:
    return (schedule for schedule in _all() if schedule.state == "ENABLED")


def _backend(schedule: Any) -> Any:
    _, _, _, region, account, _ = schedule.arn.split(":", 5)
    return scheduler_backends[account][region]


def _shown(moment_s: float | None) -> str | None:
    if moment_s is None:
        return None
    return datetime.fromtimestamp(moment_s, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
