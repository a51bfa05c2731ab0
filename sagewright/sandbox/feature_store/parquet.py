"""Why: the offline store is read by whatever reads Parquet, so its files have SageMaker's own columns, types and names.

https://docs.aws.amazon.com/sagemaker/latest/dg/feature-store-offline.html
"""

import io
import secrets
import string
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import groupby
from typing import Any

from .group import Entry, Group

_ALPHANUMERIC = string.ascii_letters + string.digits
_RANDOM = 16


@dataclass(frozen=True, slots=True)
class Row:
    """What is to be appended: a record or the marker of its deletion, and when it was asked for."""

    entry: Entry
    invoked_s: float
    is_deleted: bool


@dataclass(frozen=True)
class File:
    """One object of the offline store: where it lies below the group's root, its bytes, and the rows in it."""

    path: str
    body: bytes
    rows: list[Row]


def files(group: Group, rows: Iterable[Row], written_s: float) -> Iterator[File]:
    """Yield the files that rows make: one for each hour of their event times, for Iceberg one for each day."""
    place = _day if group.is_iceberg else _hour

    def where(row: Row) -> str:
        return place(group, datetime.fromtimestamp(row.entry.moment_s, UTC))

    for folder, several in groupby(sorted(rows, key=where), where):
        of_folder = list(several)
        latest = datetime.fromtimestamp(max(row.entry.moment_s for row in of_folder), UTC)
        prefix = f"data/{_random(8)}" if group.is_iceberg else "data"
        name = f"{latest:%Y%m%dT%H%M%SZ}_{_random(_RANDOM)}.parquet"
        yield File(f"{prefix}/{folder}/{name}", _body(group, of_folder, written_s), of_folder)


def _hour(group: Group, moment: datetime) -> str:
    del group
    return f"{moment:year=%Y/month=%m/day=%d/hour=%H}"


def _day(group: Group, moment: datetime) -> str:
    return f"{group.event_time}_trunc={moment:%Y-%m-%d}"


def _body(group: Group, rows: list[Row], written_s: float) -> bytes:
    # It takes a tenth of a second to import, which only who uses an offline store has to wait for.
    import pyarrow as pa  # noqa: PLC0415 - see above
    from pyarrow import parquet  # noqa: PLC0415 - likewise

    # Arrow's own allocator breaks the process when the thread that used it first has ended and another one goes on.
    pa.set_memory_pool(pa.system_memory_pool())
    kinds = {"Integral": pa.int64(), "Fractional": pa.float64(), "String": pa.string()}
    moment = pa.timestamp("us" if group.is_iceberg else "ms")
    columns: dict[str, Any] = {
        name: pa.array(values, kinds[group.types[name]])
        for name, values in group.columns([row.entry for row in rows]).items()
    }
    columns["write_time"] = pa.array([_time(written_s)] * len(rows), moment)
    columns["api_invocation_time"] = pa.array([_time(row.invoked_s) for row in rows], moment)
    columns["is_deleted"] = pa.array([row.is_deleted for row in rows], pa.bool_())
    file = io.BytesIO()
    parquet.write_table(pa.table(columns), file)
    return file.getvalue()


def _time(seconds: float) -> datetime:
    """Return a moment in UTC without a zone, in whole milliseconds."""
    return datetime.fromtimestamp(round(seconds * 1000) / 1000, UTC).replace(tzinfo=None)


def _random(length: int) -> str:
    return "".join(secrets.choice(_ALPHANUMERIC) for _ in range(length))
