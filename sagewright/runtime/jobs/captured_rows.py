"""What captured records say of the columns: each row as the model saw it, counted."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np

from sagewright.runtime.jobs import record_preprocessor
from sagewright.runtime.jobs.drift import Window
from sagewright.runtime.jobs.profiles import Numbers, TableProfile
from sagewright.runtime.serving.columns import Column

Row = dict[str, Any]

# A row is a dictionary until it is counted, which takes a kilobyte or two.
BATCH_ROWS = 8192


class CapturedRows:
    """Takes records in, and keeps no more rows than one batch of them.

    A record that is no table of rows is counted in `unreadable` and left out; a value that its column cannot hold is
    counted by column, because it is what the caller sent, whatever the model answered.
    """

    def __init__(self, columns: Sequence[Column]) -> None:
        self.records = 0
        self.unreadable = 0
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
        return record_preprocessor.rows(
            request["data"], request["encoding"], request.get("observedContentType"), self._kinds
        )

    def _count(self) -> None:
        self._table.rows += len(self._waiting)
        for row in self._waiting:
            self._named.update(row.keys())
        for name, column in self._table.columns.items():
            cells = [row.get(name) for row in self._waiting]
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
