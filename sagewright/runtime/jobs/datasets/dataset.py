"""The Dataset job: labelled rows in, the same rows out with the features that were known at the time of each.

Athena joins, because histories are larger than a machine; this program gives it the rows' times and keys, and brings
what it found together with the rows. It reads what is in the store by now, so that no run of it can stand for another.
"""

import argparse
import hashlib
import logging
import signal
import sys
import tempfile
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pyarrow as pa

from sagewright.runtime.jobs import raw_data
from sagewright.runtime.jobs.datasets import joined_rows, labelled_rows
from sagewright.runtime.jobs.datasets.athena import ATTEMPTS, Athena, QueryFailedError
from sagewright.runtime.jobs.datasets.joined_rows import Joined
from sagewright.runtime.jobs.datasets.labelled_rows import Catalog
from sagewright.runtime.jobs.datasets.point_in_time import Plan, unload
from sagewright.runtime.jobs.datasets.store_snapshot import Snapshots
from sagewright.runtime.jobs.declaration import Declaration
from sagewright.runtime.jobs.raw_data import RawData
from sagewright.runtime.serving.errors import UserError

logger = logging.getLogger(__name__)

# Folder of the rows below the run's place, which the next job reads.
ROWS = "rows"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the job is told."""
    parser.add_argument("--raw", type=Path, required=True, help="folder of the labelled rows")
    parser.add_argument("--place", required=True, help="place in S3 of this run alone: its rows go to the folder rows")
    parser.add_argument("--key", required=True, help="key that objects there are encrypted with")
    parser.add_argument("--output", type=Path, required=True, help="folder for what says how the rows came about")
    parser.add_argument("--workgroup", required=True, help="workgroup of Athena")
    parser.add_argument("--database", required=True, help="database of the catalog for the table of labelled rows")
    parser.add_argument("--region", required=True, help="region of all of them")


@dataclass(frozen=True)
class Clients:
    """The services that the join needs."""

    s3: Any
    glue: Any
    athena: Athena

    @classmethod
    def connect(cls, region: str, workgroup: str) -> "Clients":
        """Make the clients of a region."""
        import boto3  # noqa: PLC0415 - it takes long, and the other programs of the bundle need none
        from botocore.config import Config  # noqa: PLC0415 - see above

        # Said, because nothing documents under which name a job is told its region.
        session, config = boto3.Session(region_name=region), Config(retries={"mode": "standard", "max_attempts": 10})
        athena = Athena(session.client("athena", config=config), workgroup)
        return cls(session.client("s3", config=config), session.client("glue", config=config), athena)


def run(arguments: argparse.Namespace) -> None:
    """Join the rows of the folder as the bundle's declaration says."""
    declaration = Declaration.load(arguments.bundle)
    clients = Clients.connect(arguments.region, arguments.workgroup)
    place = Place(*_place(arguments.place), arguments.key)
    with _ending_on_sigterm():
        Dataset(declaration, clients, place, arguments.database).write(arguments.raw, arguments.output)


@contextmanager
def _ending_on_sigterm() -> Iterator[None]:
    """Let a job that is stopped end what it has begun: a query costs money until its end, and a table would stay."""
    before = signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


@dataclass(frozen=True)
class Place:
    """Where the run keeps its objects: what the query reads, what it writes, and the rows in the end."""

    bucket: str
    prefix: str
    key: str

    @property
    def rows(self) -> str:
        """Key of the joined rows."""
        return f"{self.prefix}/{ROWS}/{joined_rows.FILE}"


@dataclass(frozen=True)
class Dataset:
    """One join of one project's rows."""

    declaration: Declaration
    clients: Clients
    place: Place
    database: str

    def write(self, source: Path, output: Path) -> None:
        """Join, check that no row was lost or doubled, and write rows and manifest."""
        raw, plan = raw_data.read(source), Plan.of(self.declaration)
        event_time = self.declaration.data.event_time
        if event_time is None or not plan.joins:
            raise UserError("the project declares no data.join: there is nothing to join the labelled rows with")
        rows = labelled_rows.table(raw, plan, event_time)
        groups = ", ".join(each.feature_group for each in plan.joins)
        logger.info("%d labelled rows, %d features of %s", len(raw.rows), len(plan.features), groups)
        features, query = self._joined(rows, plan)
        missing = joined_rows.check_found(plan, features, rows)
        for name, count in missing.items():
            logger.info("%s: %d of %d rows are without a value", name, count, len(raw.rows))
        manifest = {
            "uri": f"s3://{self.place.bucket}/{self.place.rows}",
            "rows": features.num_rows,
            "sha256": self._uploaded(raw, features),
            "columns": _columns(raw, plan),
            "missing": missing,
            "event_time": event_time,
            "known_by": self.declaration.data.known_by,
            "labelled": raw.manifest,
            **query,
        }
        Joined(tuple(joined_rows.lookups(plan, raw)), manifest).write(output)
        logger.info("%d rows in, %d rows out: %s", len(raw.rows), features.num_rows, manifest["uri"])

    def _joined(self, rows: pa.Table, plan: Plan) -> tuple[pa.Table, dict[str, Any]]:
        s3, glue, place = self.clients.s3, self.clients.glue, self.place
        catalog = Catalog(glue, s3, self.database, place.bucket, place.prefix, place.key)
        # One name for each run, also when it is tried again: what a killed attempt left is replaced.
        name = f"labelled_{hashlib.sha256(f'{place.bucket}/{place.prefix}'.encode()).hexdigest()[:16]}"
        snapshots = Snapshots(glue, s3)
        before = snapshots.take(plan)
        with catalog.holding(name, rows, plan):
            sql = plan.query(self.database, name)
            folder, told = self._unloaded(sql, place.bucket, place.prefix)
        after = snapshots.take(plan)
        features = joined_rows.read(s3, place.bucket, folder, plan, rows.num_rows)
        read = [{**old, "changed_meanwhile": old != new} for old, new in zip(before, after, strict=True)]
        for each in read:
            if each["changed_meanwhile"]:
                logger.info("%(feature_group)s got new records while it was read: some of them may be in", each)
        return features, {"groups": read, "query": {**_told(told), "sql": sql}}

    def _uploaded(self, raw: RawData, features: pa.Table) -> str:
        encryption = {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": self.place.key}
        with tempfile.TemporaryDirectory(prefix="dataset-") as folder:
            path = Path(folder) / joined_rows.FILE
            digest = joined_rows.write(path, raw, features)
            self.clients.s3.upload_file(str(path), self.place.bucket, self.place.rows, ExtraArgs=encryption)
        return digest

    def _unloaded(self, sql: str, bucket: str, prefix: str) -> tuple[str, dict[str, Any]]:
        """Run the query into a folder that is new for each attempt: Athena leaves what a failed one has written."""
        for attempt in range(1, ATTEMPTS + 1):
            folder = f"{prefix}/joined/{uuid.uuid4().hex}"
            try:
                return folder, self.clients.athena.run(unload(sql, f"s3://{bucket}/{folder}"))
            except QueryFailedError as fault:
                if attempt == ATTEMPTS or not fault.again:
                    raise
                logger.info("%s; this is tried again (%d of %d)", fault, attempt + 1, ATTEMPTS)
        raise AssertionError("the last attempt returns or raises")


def _place(uri: str) -> tuple[str, str]:
    address = urlsplit(uri)
    prefix = address.path.strip("/")
    if address.scheme != "s3" or not address.netloc or not prefix:
        raise UserError(f"--place {uri!r} is no place in S3: give s3://bucket/prefix")
    return address.netloc, prefix


def _columns(raw: RawData, plan: Plan) -> list[dict[str, str]]:
    labelled = [{"name": column.name, "type": column.type} for column in raw.columns]
    return labelled + [
        {"name": feature.name, "type": feature.type, "feature_group": each.feature_group}
        for each in plan.joins
        for feature in each.features
    ]


def _told(execution: Mapping[str, Any]) -> dict[str, Any]:
    statistics = execution.get("Statistics", {})
    return {
        "id": execution["QueryExecutionId"],
        "workgroup": execution.get("WorkGroup"),
        "engine": execution.get("EngineVersion", {}).get("EffectiveEngineVersion"),
        "scanned_bytes": statistics.get("DataScannedInBytes"),
        "engine_ms": statistics.get("EngineExecutionTimeInMillis"),
    }
