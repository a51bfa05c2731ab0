"""Why: a build is followed by its phases, in its record and by events, as they come and go."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from ..clock import Clock
from ..cloudwatch.metrics import Place
from .events import Events
from .failures import CutOffError, PhaseError
from .shelf import Record, Shelf


class Progress:
    """The record of one build while it runs."""

    def __init__(self, builds: Shelf, place: Place, key: str, events: Events, clock: Clock) -> None:
        self._builds = builds
        self._place = place
        self._key = key
        self._events = events
        self._clock = clock

    @property
    def build(self) -> Record:
        """Return the build as it is now."""
        found = self._builds.find(self._place, self._key)
        if found is None:
            raise RuntimeError(f"The build {self._key} is not there while it runs.")
        return found

    def say(self, **members: Any) -> None:
        """Set members of the build's record."""
        self._builds.change(self._place, self._key, **members)

    def begin(self) -> None:
        """Tell that the build is there."""
        self._events.state_changed(self._place, self.build)

    @contextmanager
    def phase(self, name: str) -> Iterator[None]:
        """Enter a phase and leave it with what became of it."""
        started = self._now()
        self.say(currentPhase=name, phases=[*self.build["phases"], {"phaseType": name, "startTime": started}])
        try:
            yield
        except PhaseError as failure:
            self._leave("FAILED", failure.code, failure.message)
            raise
        except CutOffError as cut:
            self._leave(cut.status, cut.code, cut.message)
            raise
        except BaseException as fault:
            self._leave("FAULT", "INTERNAL_SERVICE_ERROR", f"{type(fault).__name__}: {fault}")
            raise
        self._leave("SUCCEEDED", "", "")

    def end(self, status: str) -> Record:
        """Complete the build."""
        now = self._now()
        phases = [*self.build["phases"], {"phaseType": "COMPLETED", "startTime": now}]
        ended = self._builds.change(
            self._place,
            self._key,
            currentPhase="COMPLETED",
            phases=phases,
            buildStatus=status,
            endTime=now,
            buildComplete=True,
        )
        self._events.state_changed(self._place, ended)
        return ended

    def _leave(self, status: str, code: str, message: str) -> None:
        now, phases = self._now(), self.build["phases"]
        phase = phases[-1]
        phase |= {
            "phaseStatus": status,
            "endTime": now,
            "durationInSeconds": int((now - phase["startTime"]).total_seconds()),
            "contexts": [{"statusCode": code, "message": message}],
        }
        self.say(phases=phases)
        self._events.phase_completed(self._place, self.build, phase)

    def _now(self) -> datetime:
        return datetime.fromtimestamp(self._clock.now(), UTC)
