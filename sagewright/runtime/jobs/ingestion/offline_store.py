"""Rows written into a group's offline store as SageMaker lays it out, with names that a second attempt uses again.

A table in Glue's format is the Parquet files below its location, in a folder for each hour of their event time; the
catalog lists no partitions of it, so that a file is part of the table as soon as it is there. Written directly, as
AWS's connector for Spark does, a million rows cost some thousand requests; through PutRecord they would cost a million.
https://docs.aws.amazon.com/sagemaker/latest/dg/feature-store-offline.html
"""

import io
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import pairwise
from typing import Any
from urllib.parse import urlsplit

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from sagewright.runtime.jobs.declaration import Group
from sagewright.runtime.jobs.ingestion.feature_values import TYPES
from sagewright.runtime.jobs.ingestion.ingest_rows import DELETED, INVOKED, MOMENT

WRITTEN = "write_time"

_STAMP = pa.timestamp("ms")
_HOUR_MS = 3_600_000
_WRITERS = 8
# So many rows are held back, to be written with others of the same hour.
_CELLS = 4_000_000
_MOST_ROWS = 200_000
_ALPHABET = "0123456789abcdefghijklmnopqrstuvwxyz"
_MARK_CHARACTERS, _PART_CHARACTERS = 11, 5


@dataclass(frozen=True)
class OfflineStore:
    """The offline store of one group in Glue's format; `location` is what SageMaker resolved its place to."""

    s3: Any
    group: Group
    location: str
    key: str

    @property
    def _place(self) -> tuple[str, str]:
        address = urlsplit(self.location)
        return address.netloc, address.path.strip("/")

    def put(self, name: str, hour: int, body: bytes) -> None:
        """Write one object below its hour."""
        bucket, prefix = self._place
        self.s3.put_object(
            Bucket=bucket,
            Key=f"{prefix}/{folder(hour)}/{name}",
            Body=body,
            ServerSideEncryption="aws:kms",
            SSEKMSKeyId=self.key,
        )

    def clear(self, marked: str) -> int:
        """Take away the objects with this mark, which are half of a file's; return how many that was."""
        bucket, prefix = self._place
        mark = f"_{_mark(marked)}"
        removed = 0
        for page in self.s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=f"{prefix}/year="):
            for listed in page.get("Contents", []):
                if mark in listed["Key"].rpartition("/")[2]:
                    self.s3.delete_object(Bucket=bucket, Key=listed["Key"])
                    removed += 1
        return removed


class OfflineFile:
    """The rows of one source file on their way into the store.

    Every object is named by what the rows are made of: a mark in hexadecimal digits, of the file and the code.
    """

    def __init__(self, store: OfflineStore, mark: str, time_ms: int) -> None:
        self._store, self._mark, self._time_ms = store, mark, time_ms
        self._most_rows = max(1, min(_MOST_ROWS, _CELLS // len(store.group.features)))
        self._held: list[Any] = []
        self._rows = 0
        self._part = 0
        self.written = 0
        self.objects = 0

    def add(self, table: Any) -> None:
        """Take rows; they are written when there are enough of them."""
        start = 0
        while start < table.num_rows:
            part = table.slice(start, self._most_rows - self._rows)
            self._held.append(part)
            self._rows += part.num_rows
            start += part.num_rows
            if self._rows == self._most_rows:
                self.flush()

    def flush(self) -> None:
        """Write what is held, one object for each hour of it."""
        if not self._rows:
            return
        self._rows = 0
        with ThreadPoolExecutor(_WRITERS, thread_name_prefix="offline") as writers:
            under_way: list[Future[None]] = []
            for hour, rows in _by_hour(self._held):
                name = object_name(int(rows.column(MOMENT).to_numpy().max()), self._mark, self._part)
                under_way.append(writers.submit(self._store.put, name, hour, self._parquet(rows)))
                self.written += rows.num_rows
                self.objects += 1
                if len(under_way) > 2 * _WRITERS:
                    under_way.pop(0).result()
            for each in under_way:
                each.result()
        self._part += 1

    def _parquet(self, rows: Any) -> bytes:
        declared = {each.name: rows.column(each.name).cast(TYPES[each.type]) for each in self._store.group.features}
        at = pa.array(np.full(rows.num_rows, self._time_ms), pa.int64()).cast(_STAMP)
        invoked = rows.column(INVOKED).cast(_STAMP, safe=False) if INVOKED in rows.column_names else at
        deleted = rows.column(DELETED) if DELETED in rows.column_names else pa.array([False] * rows.num_rows)
        target = io.BytesIO()
        pq.write_table(
            pa.table({**declared, WRITTEN: at, INVOKED: invoked, DELETED: deleted}), target, compression="snappy"
        )
        return target.getvalue()


def object_name(latest_ms: int, mark: str, part: int) -> str:
    """Name an object as SageMaker does: its newest event time and 16 letters and digits, here those of its mark."""
    moment = np.datetime64(latest_ms, "ms").astype("datetime64[s]").item()
    return f"{moment:%Y%m%dT%H%M%SZ}_{_mark(mark)}{_base36(part).zfill(_PART_CHARACTERS)}.parquet"


def _mark(mark: str) -> str:
    return _base36(int(mark, 16)).zfill(_MARK_CHARACTERS)[:_MARK_CHARACTERS]


def _base36(number: int) -> str:
    digits = ""
    while number:
        number, digit = divmod(number, len(_ALPHABET))
        digits = _ALPHABET[digit] + digits
    return digits


def folder(hour: int) -> str:
    """Name the folder of an hour, counted from 1970."""
    return np.datetime64(hour, "h").item().strftime("year=%Y/month=%m/day=%d/hour=%H")


def _by_hour(held: list[Any]) -> Iterator[tuple[int, Any]]:
    """Yield the rows of each hour, in the order in which they came; nothing is held any more."""
    table = pa.concat_tables(held)
    held.clear()
    hours = np.floor_divide(table.column(MOMENT).to_numpy(), _HOUR_MS)
    order = pa.array(np.argsort(hours, kind="stable"))
    hours.sort()
    columns: dict[str, Any] = {}
    for name in table.column_names:
        # One after the other, so that not all of it is in memory twice.
        columns[name] = table.column(name).combine_chunks().take(order)
        table = table.drop_columns([name])
    table = pa.table(columns)
    starts = [0, *(np.flatnonzero(np.diff(hours)) + 1).tolist(), len(hours)]
    for start, end in pairwise(starts):
        yield int(hours[start]), table.slice(start, end - start)
