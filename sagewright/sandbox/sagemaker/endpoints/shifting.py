"""Why: the ways to move an endpoint to a new fleet differ in what they start and stop; what stops them is the same."""

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence

from .fleet import Fleet
from .guard import Guard
from .plan import Plan
from .traffic import Traffic

Tell = Callable[[str, Fleet], None]
"""Told the variant's stage, in DescribeEndpoint's words, and the new fleet."""


class Shifting(ABC):
    """A deployment from old fleets (one, unless a rollback failed before) to a new one."""

    def __init__(self, plan: Plan, traffic: Traffic, old: Sequence[Fleet], new: Fleet, tell: Tell) -> None:
        self._plan = plan
        self._traffic = traffic
        self._old = {fleet: fleet.size for fleet in old}
        self._new = new
        self._tell = tell

    @abstractmethod
    def run(self, guard: Guard) -> None:
        """Bring the new fleet up and move the traffic; StoppedError or InstanceError say why that ended early."""

    @abstractmethod
    def roll_back(self) -> None:
        """Move all traffic back to the old fleets and take the new one down; InstanceError says why it could not."""

    def finish(self) -> None:
        """Take the old fleets down."""
        self._new.activate(None)
        self._traffic.route((self._new, 1))
        for fleet in self._old:
            fleet.retire()

    def _route(self, share: float) -> None:
        """Send a share of the requests to the new fleet, and the rest to what is left of the old ones."""
        sizes = {fleet: fleet.size for fleet in self._old}
        rest = [(fleet, (1 - share) * size / sum(sizes.values())) for fleet, size in sizes.items() if size]
        self._traffic.route((self._new, share), *rest)


class BlueGreen(Shifting):
    """A second whole fleet comes up beside the old one, which stays until the end."""

    def run(self, guard: Guard) -> None:
        """Activate instance after instance of the new fleet, as many at a time as the plan says."""
        count = self._new.deployment.instance_count
        self._tell("Creating", self._new)
        self._new.grow(count)
        guard.check()
        for active in self._plan.steps:
            share = active / count
            self._new.activate(active)
            for fleet, size in self._old.items():
                fleet.activate(max(1, math.ceil(size * (1 - share))))
            self._tell("ActivatingTraffic", self._new)
            self._route(share)
            self._tell("Baking", self._new)
            if active < count:
                guard.wait(self._plan.bake_s)
        guard.wait(self._plan.termination_wait_s)

    def roll_back(self) -> None:
        """Send everything to the old fleet at once, which is still whole."""
        for fleet in self._old:
            fleet.activate(None)
        self._route(0)
        self._new.retire()


class Rolling(Shifting):
    """Batch by batch, some new instances come up and as many old ones go."""

    def run(self, guard: Guard) -> None:
        """Replace a batch when the one before has been watched for long enough."""
        count, had = self._new.deployment.instance_count, sum(self._old.values())
        for done in self._plan.steps:
            self._tell("Creating", self._new)
            self._new.grow(done - self._new.size)
            guard.check()
            self._tell("ActivatingTraffic", self._new)
            self._route(done / count)
            self._tell("Baking", self._new)
            guard.wait(self._plan.bake_s)
            self._shrink_old(math.ceil(had * (1 - done / count)))

    def roll_back(self) -> None:
        """Bring the old instances back, in batches of their own size, before the new ones go."""
        count, had = self._new.deployment.instance_count, sum(self._old.values())
        back = sum(fleet.size for fleet in self._old)
        while True:
            self._route(1 - back / had)
            self._new.shrink(max(0, self._new.size - math.ceil(count * (1 - back / had))))
            if back >= had:
                break
            back += self._grow_old(self._plan.rollback_batch)
        self._new.retire()

    def _shrink_old(self, keep: int) -> None:
        """Take instances of the old fleets away until so many are left; some always serve while they have a share."""
        for fleet in self._old:
            surplus = sum(each.size for each in self._old) - keep
            if keep and surplus > 0:
                fleet.shrink(min(surplus, fleet.size))

    def _grow_old(self, most: int) -> int:
        for fleet, size in self._old.items():
            if fleet.size < size:
                missing = min(most, size - fleet.size)
                fleet.grow(missing)
                return missing
        return most
