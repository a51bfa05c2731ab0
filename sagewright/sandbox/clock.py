"""Why: what happens every hour or once a day cannot be waited for, so the sandbox's time can be moved forward.

Everything that is due on the way happens at its moment, in order, as if that time had passed: a move jumps from one due
moment to the next, and only while nothing is under way. What a client compares with its own clock stays with the real
one: the times of CloudFormation's events and of S3's objects, credentials' expiry, the HTTP Date header.
"""

import math
import threading
import time
import traceback
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

_LONGEST_NAP_S = 0.5
"""Agendas change without telling: what is new in one is seen after so long at the latest."""
_TICK_S = 1e-6
"""More than the rounding of a float that counts seconds since 1970, so that a moment jumped to has really come."""


class Agenda(Protocol):
    """What happens at times of its own: schedules, alarms."""

    def due(self, after_s: float) -> float | None:
        """Return the next moment strictly after this one at which something happens; asked often, so answer fast."""
        ...

    def happen(self, at_s: float) -> None:
        """Let it happen, and return at once: what goes on longer counts itself by `Clock.work`, from here on."""
        ...


class ClockError(Exception):
    """Why the clock cannot be moved as asked."""


class BackwardsError(ClockError):
    """A moment that is over already."""


class MovingError(ClockError):
    """Another move is under way."""


class Clock:
    """The sandbox's time, in seconds since 1970: the real one, plus how far it was moved forward."""

    def __init__(self) -> None:
        self._ahead_s = 0.0
        self._reached_s = time.time()
        self._target_s: float | None = None
        self._closing = False
        self._turn = 0
        self._agendas: list[Agenda] = []
        self._under_way: Counter[str] = Counter()
        self._changed = threading.Condition()
        self._hand = threading.Thread(target=self._run, name="clock", daemon=True)
        self._hand.start()

    def now(self) -> float:
        """Return the sandbox's time; it never goes back and never stands still."""
        return time.time() + self._ahead_s

    @property
    def ahead_s(self) -> float:
        """How far the sandbox's time is ahead of the real one."""
        return self._ahead_s

    @property
    def moving_to_s(self) -> float | None:
        """Where the move that is under way ends; None without one."""
        return self._target_s

    def waiting_for(self) -> list[str]:
        """Return what is under way, which is what a move waits for."""
        with self._changed:
            return sorted(f"{what} ({times})" if times > 1 else what for what, times in self._under_way.items())

    def add(self, agenda: Agenda) -> None:
        """Let what is on this agenda happen from now on; at one moment, agendas come in the order of their adding."""
        with self._changed:
            self._agendas.append(agenda)
            self._changed.notify_all()

    @contextmanager
    def work(self, what: str) -> Iterator[None]:
        """Hold a move up until the block is left, in whatever thread.

        Who hands something on to another thread enters the other's work before leaving his own: in between a move
        would go on.
        """
        with self._changed:
            self._under_way[what] += 1
        try:
            yield
        finally:
            with self._changed:
                self._under_way[what] -= 1
                if not self._under_way[what]:
                    del self._under_way[what]
                self._turn += 1
                self._changed.notify_all()

    def forward(self, to_s: float) -> None:
        """Begin to move to this moment, and return; `moving_to_s` tells when it is reached."""
        with self._changed:
            if self._target_s is not None:
                raise MovingError("the clock is being moved already; wait until it has arrived")
            if to_s < self.now():
                raise BackwardsError("the sandbox's clock only goes forward; this moment is over")
            self._target_s = to_s
            self._turn += 1
            self._changed.notify_all()

    def arrived(self, timeout_s: float | None = None) -> bool:
        """Wait until no move is under way; tell whether that came in time."""
        with self._changed:
            return self._changed.wait_for(lambda: self._target_s is None, timeout_s)

    def close(self) -> None:
        """Stop: nothing becomes due any more."""
        with self._changed:
            self._closing = True
            self._changed.notify_all()
        if threading.current_thread() is not self._hand:
            self._hand.join()

    def _run(self) -> None:
        while not self._closing:
            asked = self._turn
            next_s, agendas = self._next()
            if next_s <= self.now():
                self._reached_s = next_s
                for agenda in agendas:
                    self._let_happen(agenda, next_s)
            else:
                self._move_or_wait(next_s, asked)

    def _next(self) -> tuple[float, list[Agenda]]:
        """Return when something is due next, and on which agendas; what passed with nothing due is over."""
        now_s = self.now()
        with self._changed:
            agendas = list(self._agendas)
        moments = [self._due(each) for each in agendas]
        next_s = min(moments, default=math.inf)
        if next_s > now_s:
            self._reached_s = max(self._reached_s, now_s)
        return next_s, [each for each, moment in zip(agendas, moments, strict=True) if moment == next_s]

    def _due(self, agenda: Agenda) -> float:
        try:
            moment = agenda.due(self._reached_s)
        except Exception:  # noqa: BLE001 - a fault in one agenda is logged, and the others go on
            traceback.print_exc()
            return math.inf
        return math.inf if moment is None else moment

    def _let_happen(self, agenda: Agenda, at_s: float) -> None:
        try:
            agenda.happen(at_s)
        except Exception:  # noqa: BLE001 - a fault in one agenda is logged, and the others go on
            traceback.print_exc()

    def _move_or_wait(self, next_s: float, asked: int) -> None:
        """Jump to the next moment of a move if nothing is under way; else sleep until something may have changed."""
        with self._changed:
            if self._closing or asked != self._turn:
                return  # what is due next was asked before the last work ended, which may have put something there
            if self._target_s is not None and not self._under_way:
                self._jump(min(next_s, self._target_s))
                if next_s > self._target_s:
                    self._target_s = None
                    self._changed.notify_all()
                return
            nap_s = min(_LONGEST_NAP_S, next_s - self.now())
            if nap_s > 0:
                self._changed.wait(nap_s)

    def _jump(self, moment_s: float) -> None:
        self._ahead_s = max(self._ahead_s, moment_s - time.time() + _TICK_S)
