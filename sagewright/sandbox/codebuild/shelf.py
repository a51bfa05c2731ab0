"""Why: what exists is remembered per account and region, read as copies and changed in one place, from any thread."""

import copy
import threading
from collections.abc import Callable
from typing import Any

from ..cloudwatch.metrics import Place

Record = dict[str, Any]


class Shelf:
    """Records by account, region and key, in the order in which they came."""

    def __init__(self) -> None:
        self._records: dict[Place, dict[str, Record]] = {}
        self._changed = threading.Condition()

    def add(self, place: Place, key: str, record: Record) -> bool:
        """Put a record in; tell whether its key was free."""
        with self._changed:
            shelf = self._records.setdefault(place, {})
            if key in shelf:
                return False
            shelf[key] = copy.deepcopy(record)
            self._changed.notify_all()
            return True

    def find(self, place: Place, key: str) -> Record | None:
        """Return a record, or None."""
        with self._changed:
            return copy.deepcopy(self._records.get(place, {}).get(key))

    def change(self, place: Place, key: str, **members: Any) -> Record:
        """Set members of a record that is there, and return it."""
        with self._changed:
            record = self._records[place][key]
            record.update(copy.deepcopy(members))
            self._changed.notify_all()
            return copy.deepcopy(record)

    def drop(self, place: Place, key: str) -> Record | None:
        """Take a record out."""
        with self._changed:
            dropped = self._records.get(place, {}).pop(key, None)
            self._changed.notify_all()
            return dropped

    def all(self, place: Place) -> list[Record]:
        """Return every record of an account and region."""
        with self._changed:
            return copy.deepcopy(list(self._records.get(place, {}).values()))

    def everything(self) -> list[tuple[Place, Record]]:
        """Return every record, with its account and region."""
        with self._changed:
            return [(place, copy.deepcopy(each)) for place, held in self._records.items() for each in held.values()]

    def wait(self, place: Place, key: str, until: Callable[[Record], bool], timeout_s: float | None = None) -> Record:
        """Return the record once it is as wanted, or as it is when the time is over."""
        with self._changed:
            self._changed.wait_for(lambda: until(self._records[place][key]), timeout_s)
            return copy.deepcopy(self._records[place][key])
