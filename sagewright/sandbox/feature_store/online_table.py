"""Why: online, the newest record of an id is all there is; what comes late must not undo it."""

import threading
from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Kept:
    """The newest that is known of an id; without values it was deleted, and older records stay out."""

    moment_s: float
    values: Mapping[str, str] | None
    expires_s: float | None
    size: int


class OnlineTable:
    """The online store of one group, by record id; the last event time wins, in whatever order records arrive."""

    def __init__(self) -> None:
        self._kept: dict[str, Kept] = {}
        self._lock = threading.Lock()

    def put(self, record_id: str, record: Kept, now_s: float) -> bool:
        """Keep a record and return True; one that is not newer than what there is is a historic one, and passed over.

        AWS writes a record of a greater event time; of two with the same the first stays.
        """
        with self._lock:
            if not self._is_newer(record_id, record.moment_s, now_s):
                return False
            self._kept[record_id] = record
            return True

    def get(self, record_id: str, now_s: float) -> Kept | None:
        """Return the record; None where there is none, or was."""
        found = self._kept.get(record_id)
        return found if found is not None and found.values is not None and not _is_over(found, now_s) else None

    def bury(self, record_id: str, moment_s: float, now_s: float) -> bool:
        """Delete the values and keep the moment: older records that come later stay out."""
        return self.put(record_id, Kept(moment_s, None, None, 0), now_s)

    def remove(self, record_id: str, moment_s: float, now_s: float) -> bool:
        """Delete the record as if it had never been; False where what there is is newer."""
        with self._lock:
            if not self._is_newer(record_id, moment_s, now_s):
                return False
            self._kept.pop(record_id, None)
            return True

    def expire(self, record_id: str, expires_s: float) -> Kept | None:
        """Remove the record that expires at the moment, and return it; another one may be there by now."""
        with self._lock:
            found = self._kept.get(record_id)
            if found is None or found.expires_s != expires_s:
                return None
            return self._kept.pop(record_id)

    @property
    def size(self) -> int:
        """How many bytes there are."""
        return sum(each.size for each in list(self._kept.values()))

    def _is_newer(self, record_id: str, moment_s: float, now_s: float) -> bool:
        found = self._kept.get(record_id)
        return found is None or _is_over(found, now_s) or moment_s > found.moment_s


def _is_over(kept: Kept, now_s: float) -> bool:
    return kept.expires_s is not None and kept.expires_s <= now_s
