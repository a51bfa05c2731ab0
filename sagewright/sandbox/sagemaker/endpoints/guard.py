"""Why: alarms, a time limit and the end of the sandbox all stop a deployment, whatever it is doing at that moment."""

import threading
import time
import traceback
from collections.abc import Callable
from typing import Self

from ...cloudwatch.samples import AlarmError
from ...cloudwatch.watch import AlarmWatch

LOOK_EVERY_S = 12
LEAST_LOOK_S, MOST_LOOK_S = 0.2, 5.0
"""Often enough to see a state that holds for a minute of the pace, in seconds of the clock."""


class StoppedError(Exception):
    """The deployment goes no further; the message is the FailureReason."""


class Guard:
    """Looks at the alarms all along, and lets the deployment wait; waiting passes `pace` times as fast."""

    def __init__(self, watch: AlarmWatch | None, limit_s: float, pace: float, stop: Callable[[], None]) -> None:
        """Call `stop` once the deployment must not go on, from another thread than the one that waits."""
        self._watch = watch
        self._limit_s = limit_s
        self._pace = pace
        self._stop = stop
        self._began = time.monotonic()
        self._gained_s = 0.0
        self._over = threading.Event()
        self._ended = threading.Event()
        self._reason: str | None = None
        self._thread = threading.Thread(target=self._look, name="deployment guard", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    def check(self) -> None:
        """Raise StoppedError if something has stopped the deployment."""
        reason = self._reason or self._late()
        if reason is not None:
            raise StoppedError(reason)

    def wait(self, seconds: float) -> None:
        """Let this much of the policy's time pass, and look once more; something may stop the deployment."""
        self._over.wait(seconds / self._pace)
        self._gained_s += seconds - seconds / self._pace
        found = None if self._reason else self._finding()
        if found is not None:
            self.end(found)
        self.check()

    def end(self, reason: str) -> None:
        """Stop the deployment."""
        if self._reason is None:
            self._reason = reason
            self._over.set()
            self._stop()

    def _look(self) -> None:
        while self._reason is None:
            reason = self._finding()
            if reason is not None:
                self.end(reason)
            if self._ended.wait(min(MOST_LOOK_S, max(LEAST_LOOK_S, LOOK_EVERY_S / self._pace))):
                return

    def _late(self) -> str | None:
        # Instances start in real time; only what the policy makes SageMaker wait is shortened.
        if time.monotonic() - self._began + self._gained_s <= self._limit_s:
            return None
        return f"The deployment timed out: it did not finish within {self._limit_s:.0f} seconds."

    def _finding(self) -> str | None:
        late = self._late()
        if late is not None or self._watch is None:
            return late
        try:
            firing = self._watch.firing()
        except AlarmError as error:
            return f"The alarms of AutoRollbackConfiguration cannot be watched: {error}."
        except Exception as fault:  # noqa: BLE001 - a fault of ours must not leave a deployment unwatched
            traceback.print_exc()
            return f"The alarms of AutoRollbackConfiguration cannot be watched: {type(fault).__name__}: {fault}."
        names = ", ".join(firing)
        return f"One or more alarms of AutoRollbackConfiguration are in ALARM state: {names}." if firing else None
