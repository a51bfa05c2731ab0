"""What captured records say of the columns: each row as the model saw it, counted."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np

from sagewright.runtime.jobs import record_preprocessor
from sagewright.runtime.jobs.drift import Window
from sagewright.runtime.jobs.profiles import Numbers, TableProfile
from sagewright.runtime.serving.by_id import IdRows
from sagewright.runtime.serving.columns import Column

Row = dict[str, Any]

# Stands for a value that the model saw and the capture does not hold.
_ELSEWHERE = object()

# A row is a dictionary until it is counted, which takes a kilobyte or two.
BATCH_ROWS = 8192


class CapturedRows:
    """Takes records in, and keeps no more rows than one batch of them.

    A record that is no table of rows is counted in `unreadable` and left out; a value that its column cannot hold is
    counted by column, because it is what the caller sent, whatever the model answered. Of a row that holds ids in the
    place of features, what the endpoint looked up is not in the capture: those columns are neither there nor missing.
    """

    def __init__(self, columns: Sequence[Column], ids: IdRows | None = None, event_time: str | None = None) -> None:
        """Leaving `ids` out takes every row for one with all its features."""
        self.records = 0
        self.unreadable = 0
        self.by_id = 0
        self._looked_up: dict[str, Any] = dict.fromkeys(ids.looked_up, _ELSEWHERE) if ids else {}
        self._keys = frozenset(ids.keys(columns)) if ids else frozenset[str]()
        # A row by its ids that is sent without a time is one of the moment.
        self._given = self._looked_up | (
            {event_time: _ELSEWHERE} if event_time in {each.name for each in columns} else {}
        )
        self._kinds = [(column.name, column.type) for column in columns]
        self._table = TableProfile.of_columns(columns)
        self._mismatched = Counter[str]()
        self._named = Counter[str]()
        self._waiting: list[Row] = []

    def add(self, record: dict[str, Any] | None) -> None:
        """Add a record of the capture, or None for a line that is none."""
        self.records += 1
        try:
            self._waiting += self._rows(record)
        except (KeyError, TypeError, AttributeError, record_preprocessor.UnreadableError):
            self.unreadable += 1
        if len(self._waiting) >= BATCH_ROWS:
            self._count()

    def window(self) -> Window:
        """Return what all rows so far say."""
        self._count()
        return Window(self._table, self._mismatched, self._named)

    def _rows(self, record: Any) -> list[Row]:
        request = record["captureData"]["endpointInput"]
        keys = tuple(self._keys)
        sent = record_preprocessor.rows(
            request["data"], request["encoding"], request.get("observedContentType"), self._kinds, keys
        )
        return [self._without_ids(row) for row in sent] if self._looked_up else sent

    def _without_ids(self, row: Row) -> Row:
        if not row.keys().isdisjoint(self._looked_up):
            return row
        self.by_id += 1
        return self._given | {name: cell for name, cell in row.items() if name not in self._keys}

    def _count(self) -> None:
        self._table.rows += len(self._waiting)
        for row in self._waiting:
            self._named.update(row.keys())
        for name, column in self._table.columns.items():
            cells = [cell for row in self._waiting if (cell := row.get(name)) is not _ELSEWHERE]
            if isinstance(column, Numbers):
                numbers = [cell for cell in cells if isinstance(cell, int | float) and not isinstance(cell, bool)]
                column.add_values(np.array(numbers, dtype=np.float64))
                missing, counted = cells.count(None), len(numbers)
            else:
                texts = Counter(cell for cell in cells if isinstance(cell, str))
                missing, counted = cells.count(None), texts.total()
                column.add_counts(texts)
            column.missing += missing
            self._mismatched[name] += len(cells) - missing - counted
        self._waiting.clear()
