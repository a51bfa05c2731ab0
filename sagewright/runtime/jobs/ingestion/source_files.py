"""What there is to ingest: the files at a group's source, or the history of another version of the group."""

import hashlib
import io
import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pyarrow as pa
import pyarrow.parquet as pq

from sagewright.runtime.jobs.declaration import Group
from sagewright.runtime.jobs.ingestion import source_batches
from sagewright.runtime.jobs.ingestion.ingest_ledger import upload_of
from sagewright.runtime.jobs.ingestion.ingest_rows import DELETED, INVOKED
from sagewright.runtime.jobs.ingestion.source_batches import Batch
from sagewright.runtime.serving.errors import UserError

logger = logging.getLogger(__name__)

_DAY_PARTS = 3


@dataclass(frozen=True)
class SourceFile:
    """Something that is ingested as one: `content` tells it from every other, whatever its name."""

    name: str
    content: str
    batches: Callable[[], Iterator[Batch]]


@dataclass(frozen=True)
class Upload:
    """A file at the source that need not be fetched to know whether it was seen before."""

    bucket: str
    key: str
    etag: str

    @property
    def name(self) -> str:
        """Name it as it is named at the source."""
        return self.key.rpartition("/")[2]

    @property
    def identity(self) -> str:
        """Tell this upload from every other."""
        return upload_of(self.bucket, self.key, self.etag)


def uploads(s3: Any, uri: str) -> list[Upload]:
    """List the data files at a source, the newest last, so that what it corrects is corrected."""
    bucket, prefix = _place(uri)
    found: list[tuple[Any, str, Upload]] = []
    for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix):
        for listed in page.get("Contents", []):
            key = listed["Key"]
            if source_batches.is_data(key):
                found.append((listed["LastModified"], key, Upload(bucket, key, listed["ETag"])))
            elif not key.endswith("/"):
                logger.info("left out: s3://%s/%s is neither .csv nor .parquet", bucket, key)
    return [upload for *_, upload in sorted(found, key=lambda each: each[:2])]


def fetch(s3: Any, upload: Upload, folder: Path) -> tuple[Path, str]:
    """Bring a file here; return it and the hash of its content."""
    from boto3.s3.transfer import TransferConfig  # noqa: PLC0415 - boto3 takes long, and other programs need none

    path = folder / f"source{Path(upload.key).suffix.lower()}"
    # Parts of a large file that come at once would all be in memory.
    s3.download_file(upload.bucket, upload.key, str(path), Config=TransferConfig(use_threads=False))
    now = s3.head_object(Bucket=upload.bucket, Key=upload.key)["ETag"]
    if now != upload.etag:
        raise UserError(f"s3://{upload.bucket}/{upload.key} was replaced while it was read: run the ingestion again")
    with path.open("rb") as content:
        return path, hashlib.file_digest(content, "sha256").hexdigest()


def history(s3: Any, uri: str, group: Group, renamed: Mapping[str, str]) -> list[SourceFile]:
    """List the days of another version's offline store; `renamed` has the old name of a feature by its new one."""
    bucket, prefix = _place(uri)
    prefix = prefix.rstrip("/")
    listed = [
        (each["Key"].removeprefix(f"{prefix}/"), each["ETag"])
        for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=f"{prefix}/year=")
        for each in page.get("Contents", [])
        if each["Key"].endswith(".parquet")
    ]
    days: list[SourceFile] = []
    for day, objects in groupby(sorted(listed), key=lambda each: "/".join(each[0].split("/")[:_DAY_PARTS])):
        keys = [*objects]
        told = [uri, *(f"{key} {etag}" for key, etag in keys), *(f"{new}={old}" for new, old in renamed.items())]
        content = hashlib.sha256("\n".join(told).encode()).hexdigest()
        reader = _Day(s3, bucket, [f"{prefix}/{key}" for key, _ in keys], group, renamed)
        days.append(SourceFile(day, content, reader.batches))
    return days


@dataclass(frozen=True)
class _Day:
    """The rows of one day as the other version has them, with the columns of this one."""

    s3: Any
    bucket: str
    keys: Sequence[str]
    group: Group
    renamed: Mapping[str, str]

    def batches(self) -> Iterator[Batch]:
        """Yield the rows, each with when it was told to the store and whether that was its deletion."""
        number = 1
        for key in self.keys:
            body = self.s3.get_object(Bucket=self.bucket, Key=key)["Body"].read()
            for part in pq.ParquetFile(io.BytesIO(body)).iter_batches(source_batches.batch_rows(len(self.group.names))):
                table = self._as_now(pa.Table.from_batches([part]))
                yield Batch(range(number, number + table.num_rows), table)
                number += table.num_rows

    def _as_now(self, table: Any) -> Any:
        there = {name.lower(): name for name in table.column_names}
        columns: dict[str, Any] = {}
        for name in self.group.names:
            old = there.get(self.renamed.get(name, name).lower())
            columns[name] = pa.nulls(table.num_rows) if old is None else table.column(old)
        columns[INVOKED] = table.column(INVOKED).cast(pa.timestamp("ms"), safe=False)
        columns[DELETED] = table.column(DELETED)
        return pa.table(columns)


def _place(uri: str) -> tuple[str, str]:
    address = urlsplit(uri)
    if address.scheme != "s3" or not address.netloc:
        raise UserError(f"{uri!r} is no place in S3: give s3://bucket/prefix")
    return address.netloc, address.path.lstrip("/")
