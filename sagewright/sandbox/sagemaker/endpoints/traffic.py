"""Why: during an update two fleets answer, each its share, and none may be stopped over a request that it has."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from .fleet import Fleet
from .instance import Instance


class Traffic:
    """Sends requests to fleets by their shares: of 4 requests at a share of 1/4, exactly one."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._shares: list[tuple[Fleet, float]] = []
        self._owed: dict[Fleet, float] = {}

    @property
    def fleets(self) -> list[Fleet]:
        """Return the fleets that get requests."""
        with self._lock:
            return [fleet for fleet, _ in self._shares]

    def route(self, *shares: tuple[Fleet, float]) -> None:
        """Send new requests to these fleets from now on."""
        with self._lock:
            self._shares = [(fleet, share) for fleet, share in shares if share > 0]
            self._owed = dict.fromkeys((fleet for fleet, _ in self._shares), 0.0)

    @contextmanager
    def lend(self) -> Iterator[tuple[Fleet, Instance | None] | None]:
        """Lend an instance for one request, which is not stopped before that is answered; None without any fleet."""
        with self._lock:
            fleet = self._next()
            instance = fleet.borrow() if fleet is not None else None
        try:
            yield (fleet, instance) if fleet is not None else None
        finally:
            if fleet is not None and instance is not None:
                fleet.give_back(instance)

    def _next(self) -> Fleet | None:
        """Return the fleet that is owed most after every one has got its share of this request."""
        if not self._shares:
            return None
        for fleet, share in self._shares:
            self._owed[fleet] += share
        chosen = max((fleet for fleet, _ in self._shares), key=lambda fleet: self._owed[fleet])
        self._owed[chosen] -= 1
        return chosen
