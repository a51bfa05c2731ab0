"""The time of each labelled row: what the split by time and the point-in-time join go by."""

from dataclasses import dataclass

import numpy as np

from sagewright.runtime.jobs.raw_data import RawData
from sagewright.runtime.serving import event_times
from sagewright.runtime.serving.errors import UserError
from sagewright.runtime.serving.event_times import EventTimeError

_ROLE = "data.event_time"


@dataclass(frozen=True)
class RowTimes:
    """The times of the rows in their order, in milliseconds since 1970 and, as they were given, in seconds."""

    milliseconds: np.ndarray
    seconds: np.ndarray


def read(raw: RawData, name: str) -> RowTimes:
    """Read a column of times. Raises UserError where a row has none, or one that cannot be read."""
    column = raw.column(name, _ROLE)
    values = raw.rows[name]
    empty = int(values.isna().sum())
    if empty:
        raise UserError(f"{_ROLE} {name} is empty in {empty} rows: every row needs the time at which it was true")
    known: dict[object, int] = {}
    milliseconds = np.empty(len(values), dtype="int64")
    for row, cell in enumerate(values.tolist()):
        if cell not in known:
            try:
                known[cell] = event_times.milliseconds(cell)
            except EventTimeError as fault:
                raise UserError(f"{_ROLE} {name}, row {row + 1}: {fault}") from fault
        milliseconds[row] = known[cell]
    if column.type == "string":
        return RowTimes(milliseconds, milliseconds / 1000)
    return RowTimes(milliseconds, values.astype("float64").to_numpy())
