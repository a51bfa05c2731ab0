"""Cells of a source as the values of a declared feature, a batch at a time, and why some cannot be.

Texts are read by the rules of requests and training tables (`runtime/serving/columns.py`), each distinct one once;
numbers and times from Parquet are converted as whole arrays.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from pyarrow import compute

from sagewright.runtime.jobs.declaration import FRACTIONAL, INTEGRAL, STRING
from sagewright.runtime.serving import event_times
from sagewright.runtime.serving.columns import MISSING, CellError, Column
from sagewright.runtime.serving.errors import UserError
from sagewright.runtime.serving.event_times import EventTimeError

# Its functions are made when it is imported, which no type checker sees.
pc: Any = compute

TYPES = {INTEGRAL: pa.int64(), FRACTIONAL: pa.float64(), STRING: pa.string()}

# https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_feature_store_FeatureValue.html
MOST_CHARACTERS = 358_400

# What Arrow reads as `columns.py` and `event_times.py` do; everything else is left to them.
_PLAIN = {INTEGRAL: r"^-?\d{1,18}$", FRACTIONAL: r"^-?\d{1,15}(\.\d{1,15})?$"}
_PLAIN_TIME = r"^(19[7-9]|20\d|21\d)\d-\d{2}-\d{2}[T ]\d{2}:\d{2}:\d{2}(\.\d{1,9})?Z?$"

_EXACT_IN_FLOAT = 2**53
_INT64_MOST = 2**63 - 1


@dataclass(frozen=True)
class Values:
    """One value for each cell, null where it is missing or wrong, and the reasons by the position of the cell."""

    cells: Any
    wrong: dict[int, str]


def read(cells: Any, kind: str, name: str) -> Values:
    """Read an Arrow array as a feature of a declared type. Raises UserError for a type that no feature can have."""
    cells = _plain(cells)
    if pa.types.is_null(cells.type):
        return Values(pa.nulls(len(cells), TYPES[kind]), {})
    if _is_text(cells.type):
        return _texts(cells) if kind == STRING else _number_cells(cells, kind, name)
    if _is_number(cells.type) or pa.types.is_boolean(cells.type):
        return {INTEGRAL: _integers, FRACTIONAL: _floats, STRING: _number_texts}[kind](cells)
    if _is_time(cells.type) and kind == STRING:
        return Values(pa.array([_iso(value) for value in cells.to_pylist()], pa.string()), {})
    raise UserError(f"column {name} has the Parquet type {cells.type}, which is no value of a {kind} feature")


def read_event_times(cells: Any, kind: str, name: str) -> tuple[Values, Any]:
    """Read an Arrow array as event times: as SageMaker takes them, and in milliseconds since 1970."""
    moments = _moments(_plain(cells), name)
    if kind == FRACTIONAL:
        values = pc.divide(moments.cells.cast(pa.float64()), 1000.0)
    else:
        stamps = moments.cells.cast(pa.timestamp("ms"))
        whole = pc.equal(pc.subtract(moments.cells, pc.multiply(pc.divide(moments.cells, 1000), 1000)), 0)
        seconds = pc.strftime(stamps.cast(pa.timestamp("s"), safe=False), "%Y-%m-%dT%H:%M:%SZ")
        values = pc.if_else(whole, seconds, pc.strftime(stamps, "%Y-%m-%dT%H:%M:%SZ"))
    return Values(values, moments.wrong), moments.cells


def _moments(cells: Any, name: str) -> Values:
    if pa.types.is_null(cells.type):
        return Values(pa.nulls(len(cells), pa.int64()), {})
    if _is_text(cells.type):
        return _iso_cells(cells)
    if pa.types.is_timestamp(cells.type) or pa.types.is_date(cells.type):
        moments = cells.cast(pa.timestamp("ms"), safe=False).cast(pa.int64())
        early, late = pc.less(moments, event_times.EARLIEST_MS), pc.greater_equal(moments, event_times.LATEST_MS)
        return _without(cells, moments, pc.or_(early, late), "is not between 1900 and 2200")
    if _is_number(cells.type):
        return _each(cells, pa.int64(), event_times.milliseconds)
    raise UserError(f"column {name} has the Parquet type {cells.type}: an event time is text, a time, or seconds")


def _moment(text: str) -> int | None:
    return None if text.strip().lower() in MISSING else event_times.milliseconds(text)


def _plain(cells: Any) -> Any:
    if isinstance(cells, pa.ChunkedArray):
        cells = cells.combine_chunks()
    if pa.types.is_dictionary(cells.type):
        cells = cells.dictionary_decode()
    if pa.types.is_decimal(cells.type) or pa.types.is_float16(cells.type) or pa.types.is_float32(cells.type):
        cells = cells.cast(pa.float64())
    # What pandas leaves where a number is missing.
    return pc.if_else(pc.is_nan(cells), None, cells) if pa.types.is_floating(cells.type) else cells


def _is_text(kind: Any) -> bool:
    return pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind)


def _is_number(kind: Any) -> bool:
    return pa.types.is_integer(kind) or pa.types.is_floating(kind)


def _is_time(kind: Any) -> bool:
    return pa.types.is_timestamp(kind) or pa.types.is_date(kind) or pa.types.is_time(kind)


def _texts(cells: Any) -> Values:
    """Take texts as they are; an empty one is missing."""
    longest = pc.max(pc.binary_length(cells)).as_py() or 0
    if longest > MOST_CHARACTERS:
        return _each(cells, pa.string(), _text)
    return Values(pc.if_else(pc.equal(cells, ""), None, cells).cast(pa.string()), {})


def _number_cells(cells: Any, kind: str, name: str) -> Values:
    """Convert plain numbers together, and read what else there is one by one."""
    column = Column(name, "integer" if kind == INTEGRAL else "number", nullable=False)

    def read(text: str) -> Any:
        return None if text.strip().lower() in MISSING else column.read(text)

    plain = pc.fill_null(pc.match_substring_regex(cells, _PLAIN[kind]), fill_value=False)
    quick = pc.if_else(plain, cells, None).cast(TYPES[kind])
    rest = pc.and_(pc.invert(plain), pc.fill_null(pc.not_equal(cells, ""), fill_value=False))
    positions = np.flatnonzero(rest.to_numpy(zero_copy_only=False))
    if not len(positions):
        return Values(quick, {})
    slow = _each(cells.take(pa.array(positions)), TYPES[kind], read)
    wrong = {int(positions[position]): reason for position, reason in slow.wrong.items()}
    return Values(pc.replace_with_mask(quick, rest, slow.cells), wrong)


def _iso_cells(cells: Any) -> Values:
    """Read texts that are all whole times in UTC together; if one is not, each by itself."""
    if pc.all(pc.fill_null(pc.match_substring_regex(cells, _PLAIN_TIME), fill_value=False)).as_py():
        try:
            moments = pc.ascii_rtrim(cells, "Z").cast(pa.timestamp("ns")).cast(pa.timestamp("ms"), safe=False)
        except pa.ArrowInvalid:
            return _text_cells(cells, pa.int64(), _moment)
        return Values(moments.cast(pa.int64()), {})
    return _text_cells(cells, pa.int64(), _moment)


def _text(text: str) -> str | None:
    if len(text) > MOST_CHARACTERS or len(text.encode("utf-8", "replace")) > MOST_CHARACTERS:
        raise CellError(f"text of {len(text)} characters is longer than a feature can be (at most {MOST_CHARACTERS})")
    return text or None


def _text_cells(cells: Any, kind: Any, reader: Callable[[str], Any]) -> Values:
    """Read each distinct text once."""
    encoded = cells.dictionary_encode()
    read = _each(encoded.dictionary, kind, reader)
    indices = encoded.indices
    if not read.wrong:
        return Values(read.cells.take(indices), {})
    found = pc.is_in(indices, pa.array([*read.wrong], indices.type)).to_numpy(zero_copy_only=False)
    wrong = {int(position): read.wrong[indices[int(position)].as_py()] for position in np.flatnonzero(found)}
    return Values(read.cells.take(indices), wrong)


def _each(cells: Any, kind: Any, reader: Callable[[Any], Any]) -> Values:
    values: list[Any] = []
    wrong: dict[int, str] = {}
    for position, cell in enumerate(cells.to_pylist()):
        value = None
        if cell is not None:
            try:
                value = reader(cell)
            except (CellError, EventTimeError) as fault:
                wrong[position] = str(fault)
        values.append(value)
    return Values(pa.array(values, kind), wrong)


def _integers(cells: Any) -> Values:
    if pa.types.is_floating(cells.type):
        whole = pc.and_(pc.is_finite(cells), pc.equal(pc.floor(cells), cells))
        wrong = pc.invert(pc.and_(whole, pc.less_equal(pc.abs(cells), float(_EXACT_IN_FLOAT))))
        return _without(cells, cells, wrong, "is not a whole number that a column of integers holds", pa.int64())
    if pa.types.is_uint64(cells.type):
        return _without(
            cells, cells, pc.greater(cells, _INT64_MOST), "is too large for a column of integers", pa.int64()
        )
    return Values(cells.cast(pa.int64()), {})


def _floats(cells: Any) -> Values:
    numbers = cells.cast(pa.float64(), safe=False)
    return _without(cells, numbers, pc.is_inf(numbers), "is not a finite number")


def _number_texts(cells: Any) -> Values:
    """Write numbers as text: a whole number that a gap turned into a float is the number again."""
    if pa.types.is_floating(cells.type):
        texts = [None if value is None else _float_text(value) for value in cells.to_pylist()]
        return Values(pa.array(texts, pa.string()), {})
    return Values(cells.cast(pa.string()), {})


def _float_text(value: float) -> str:
    whole = math.isfinite(value) and value.is_integer() and abs(value) <= _EXACT_IN_FLOAT
    return str(int(value)) if whole else repr(value)


def _iso(value: Any) -> str | None:
    return None if value is None else value.isoformat()


def _without(cells: Any, values: Any, wrong: Any, why: str, kind: Any = None) -> Values:
    """Return the values without those that are wrong."""
    positions = np.flatnonzero(pc.fill_null(wrong, fill_value=False).to_numpy(zero_copy_only=False))
    kept = pc.if_else(pc.fill_null(wrong, fill_value=False), None, values)
    reasons = {int(position): f"{cells[int(position)].as_py()!r} {why}" for position in positions}
    return Values(kept.cast(kind) if kind is not None else kept, reasons)
