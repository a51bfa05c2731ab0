"""Why: who pays for so many units a second is throttled beyond them, and a program has to live with that."""

import math
import threading
import time
from collections.abc import Mapping
from typing import Any

from ..protocol import ApiError

WRITE_UNIT_BYTES = 1024
READ_UNIT_BYTES = 4096


class Meter:
    """Counts units as they are used; those of one second can be used at once, and none is saved for later.

    Provisioned tables of AWS let bursts through now and then. The second is a real one: whoever writes does not
    wait for the sandbox's clock.
    """

    def __init__(self, units_per_s: float) -> None:
        self._rate = units_per_s
        self._left = units_per_s
        self._since_s = time.monotonic()
        self._lock = threading.Lock()

    def take(self, units: int) -> bool:
        """Use units, if there are any left: the last of a second may be more than was left."""
        with self._lock:
            now_s = time.monotonic()
            self._left = min(self._rate, self._left + (now_s - self._since_s) * self._rate)
            self._since_s = now_s
            if self._left <= 0:
                return False
            self._left -= units
            return True


class Throughput:
    """What a group's mode lets through; on demand everything."""

    def __init__(self, config: Mapping[str, Any]) -> None:
        """Count from now on by a ThroughputConfig; a capacity that is left out is none at all."""
        provisioned = config.get("ThroughputMode") == "Provisioned"
        self._reads = Meter(config.get("ProvisionedReadCapacityUnits", 0)) if provisioned else None
        self._writes = Meter(config.get("ProvisionedWriteCapacityUnits", 0)) if provisioned else None

    def write(self, size: int) -> None:
        """Use what writing so many bytes costs, or refuse."""
        if self._writes is not None and not self._writes.take(_units(size, WRITE_UNIT_BYTES)):
            raise _throttled("write")

    def read(self, size: int) -> None:
        """Use what reading so many bytes costs, or refuse."""
        if not self.can_read(size):
            raise _throttled("read")

    def can_read(self, size: int) -> bool:
        """Use what reading so many bytes costs, and tell whether that was there."""
        return self._reads is None or self._reads.take(_units(size, READ_UNIT_BYTES))


def _units(size: int, unit: int) -> int:
    return max(1, math.ceil(size / unit))


def _throttled(what: str) -> ApiError:
    return ApiError(
        "ThrottlingException",
        f"Rate exceeded: the provisioned {what} capacity of the feature group is used up. Retry with backoff, or"
        " provision more.",
    )
