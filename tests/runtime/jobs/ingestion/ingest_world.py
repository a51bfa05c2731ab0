"""The services that the ingestion calls, in memory: every call can be made the last one before a crash."""

import hashlib
import io
import itertools
import json
import zipfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import IO, Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from botocore.exceptions import ClientError

from sagewright.runtime.jobs import programs
from sagewright.runtime.jobs.ingestion import ingest, ingest_group
from sagewright.runtime.serving import event_times

BUCKET, KEY, ROLE = "p-dev-data", "arn:aws:kms:eu-west-1:111111111111:key/k", "arn:aws:iam::222222222222:role/w"
STORE = "features/111111111111/sagemaker/eu-west-1/offline-store"
NOW = datetime(2026, 11, 21, 10, tzinfo=UTC)


class Crash(BaseException):
    """The process ends here."""


def refusal(code: str, status: int, message: str = "refused") -> ClientError:
    error: Any = {"Error": {"Code": code, "Message": message}, "ResponseMetadata": {"HTTPStatusCode": status}}
    return ClientError(error, "Call")


@dataclass
class Service:
    """Counts the calls of all services, and crashes before or after one of them."""

    world: "World"
    exceptions: Any = field(
        default_factory=lambda: SimpleNamespace(ClientError=ClientError, ResourceNotFound=ClientError)
    )

    def called(self, name: str) -> None:
        self.world.call(name)


class S3(Service):
    @property
    def objects(self) -> dict[str, bytes]:
        return self.world.objects

    def put_object(self, *, Bucket: str, Key: str, Body: bytes | IO[bytes], **asked: Any) -> dict[str, str]:  # noqa: N803 - as in boto3
        self.called("before put_object")
        assert asked.pop("SSEKMSKeyId") == KEY
        assert asked.pop("ServerSideEncryption") == "aws:kms"
        assert Bucket == BUCKET
        there = self.objects.get(Key)
        if asked.get("IfNoneMatch") == "*" and there is not None:
            raise refusal("PreconditionFailed", 412)
        if "IfMatch" in asked and asked["IfMatch"] != (there is not None and etag(there)):
            raise refusal("PreconditionFailed", 412)
        body = Body if isinstance(Body, bytes) else Body.read()
        self.objects[Key] = body
        self.world.uploaded.setdefault(Key, next(self.world.ticks))
        self.called("after put_object")
        return {"ETag": etag(body)}

    def get_object(self, *, Bucket: str, Key: str) -> dict[str, Any]:  # noqa: N803 - as in boto3
        del Bucket
        if Key not in self.objects:
            raise refusal("NoSuchKey", 404)
        return {"Body": io.BytesIO(self.objects[Key]), "ETag": etag(self.objects[Key])}

    def head_object(self, *, Bucket: str, Key: str) -> dict[str, Any]:  # noqa: N803 - as in boto3
        del Bucket
        return {"ETag": etag(self.objects[Key])}

    def download_file(self, bucket: str, key: str, path: str, Config: Any) -> None:  # noqa: N803 - as in boto3
        del bucket
        assert not Config.use_threads
        Path(path).write_bytes(self.objects[key])

    def delete_object(self, *, Bucket: str, Key: str) -> None:  # noqa: N803 - as in boto3
        del Bucket
        self.called("before delete_object")
        del self.objects[Key]

    def get_paginator(self, name: str) -> Any:
        assert name == "list_objects_v2"
        return SimpleNamespace(paginate=self._pages)

    def _pages(self, *, Bucket: str, Prefix: str) -> Iterator[dict[str, Any]]:  # noqa: N803 - as in boto3
        del Bucket
        listed = [
            {"Key": key, "ETag": etag(body), "LastModified": self.world.uploaded[key]}
            for key, body in sorted(self.objects.items())
            if key.startswith(Prefix)
        ]
        yield {"Contents": listed} if listed else {}


class SageMaker(Service):
    def describe_feature_group(self, *, FeatureGroupName: str) -> dict[str, Any]:  # noqa: N803 - as in boto3
        group = self.world.groups.get(FeatureGroupName)
        if group is None:
            raise refusal("ResourceNotFound", 400)
        return group

    def describe_feature_metadata(self, *, FeatureGroupName: str, FeatureName: str) -> dict[str, Any]:  # noqa: N803 - as in boto3
        return self.world.metadata.get((FeatureGroupName, FeatureName), {})

    def update_feature_metadata(self, *, FeatureGroupName: str, FeatureName: str, **asked: Any) -> None:  # noqa: N803 - as in boto3
        self.called("before update_feature_metadata")
        found = self.world.metadata.setdefault((FeatureGroupName, FeatureName), {})
        if "Description" in asked:
            found["Description"] = asked["Description"]
        kept = [each for each in found.get("Parameters", []) if each["Key"] not in asked.get("ParameterRemovals", [])]
        found["Parameters"] = kept + asked.get("ParameterAdditions", [])
        self.world.updates.append(FeatureName)


class Store(Service):
    """The online store, with the last write by event time; what goes to an Iceberg table is a list of rows."""

    def put_record(self, *, FeatureGroupName: str, Record: list[dict[str, str]], TargetStores: list[str]) -> None:  # noqa: N803 - as in boto3
        self.called("before put_record")
        record = {each["FeatureName"]: each["ValueAsString"] for each in Record}
        self._take(FeatureGroupName, record["id"], record["at"], record, TargetStores)
        self.called("after put_record")

    def delete_record(
        self,
        *,
        FeatureGroupName: str,  # noqa: N803 - as in boto3
        RecordIdentifierValueAsString: str,  # noqa: N803 - as in boto3
        EventTime: str,  # noqa: N803 - as in boto3
        TargetStores: list[str],  # noqa: N803 - as in boto3
        DeletionMode: str = "SoftDelete",  # noqa: N803 - as in boto3
    ) -> None:
        self.called("before delete_record")
        if DeletionMode == "HardDelete":
            with self.world.lock:
                moment, _ = self.world.online[FeatureGroupName, RecordIdentifierValueAsString]
                assert moment < event_times.milliseconds(EventTime)
                del self.world.online[FeatureGroupName, RecordIdentifierValueAsString]
        else:
            self._take(FeatureGroupName, RecordIdentifierValueAsString, EventTime, None, TargetStores)
        self.called("after delete_record")

    def batch_get_record(self, *, Identifiers: list[dict[str, Any]]) -> dict[str, Any]:  # noqa: N803 - as in boto3
        self.called("before batch_get_record")
        (asked,) = Identifiers
        records: list[dict[str, Any]] = []
        for key in asked["RecordIdentifiersValueAsString"]:
            _, values = self.world.online.get((asked["FeatureGroupName"], key), (0, None))
            if values is not None:
                listed = [{"FeatureName": name, "ValueAsString": text} for name, text in values.items()]
                named = {"FeatureGroupName": asked["FeatureGroupName"], "RecordIdentifierValueAsString": key}
                records.append({**named, "Record": listed})
        return {"Records": records, "Errors": [], "UnprocessedIdentifiers": []}

    def _take(self, group: str, key: str, at: str, record: dict[str, str] | None, stores: list[str]) -> None:
        moment = event_times.milliseconds(at)
        with self.world.lock:
            if "OnlineStore" in stores:
                before = self.world.online.get((group, key))
                if before is None or before[0] < moment:
                    self.world.online[group, key] = (moment, record)
            if "OfflineStore" in stores:
                self.world.appended.append((group, json.dumps(record, sort_keys=True)))


class CloudWatch(Service):
    def put_metric_data(self, *, Namespace: str, MetricData: list[dict[str, Any]]) -> None:  # noqa: N803 - as in boto3
        for each in MetricData:
            self.world.metrics.append((Namespace, each["Dimensions"][0]["Value"], each["MetricName"], each["Value"]))


def etag(body: bytes) -> str:
    return f'"{hashlib.md5(body, usedforsecurity=False).hexdigest()}"'


@dataclass
class World:
    """Everything there is, and how to run the job in it."""

    folder: Path
    document: dict[str, Any]
    objects: dict[str, bytes] = field(default_factory=dict)
    uploaded: dict[str, int] = field(default_factory=dict)
    ticks: Iterator[int] = field(default_factory=itertools.count)
    groups: dict[str, dict[str, Any]] = field(default_factory=dict)
    metadata: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)
    updates: list[str] = field(default_factory=list)
    online: dict[tuple[str, str], tuple[int, dict[str, str] | None]] = field(default_factory=dict)
    appended: list[tuple[str, str]] = field(default_factory=list)
    metrics: list[tuple[str, str, str, float]] = field(default_factory=list)
    assumed: list[str | None] = field(default_factory=list)
    faults: Callable[[int, str], None] | None = None
    calls: int = 0

    def __post_init__(self) -> None:
        import threading  # noqa: PLC0415 - a dataclass copies its defaults, and a lock cannot be

        self.lock = threading.RLock()
        for group in self.document["groups"].values():
            self.deploy(group)

    def deploy(self, group: dict[str, Any], version: int | None = None) -> str:
        """Make a feature group; return its name."""
        name = group["feature_group"].rpartition("-v")[0] + f"-v{version or group['version']}"
        definitions = [{"FeatureName": each["name"], "FeatureType": each["type"]} for each in group["features"]]
        self.groups[name] = {"FeatureGroupStatus": "Created", "FeatureDefinitions": definitions}
        if group["offline"]:
            place = {"ResolvedOutputS3Uri": f"s3://{BUCKET}/{STORE}/{name}-1/data"}
            form = group["offline"].capitalize()
            self.groups[name]["OfflineStoreConfig"] = {"S3StorageConfig": place, "TableFormat": form}
        return name

    def call(self, name: str) -> None:
        with self.lock:
            self.calls += 1
            number = self.calls
        if self.faults:
            self.faults(number, name)

    def client(self, service: str) -> Any:
        kinds = {"s3": S3, "sagemaker": SageMaker, "cloudwatch": CloudWatch}
        return kinds[service](self)

    def store(self, role: str | None = None) -> Any:
        self.assumed.append(role)
        return Store(self)

    def put(self, name: str, body: bytes | str, group: str = "g") -> None:
        key = f"sources/{group}/{name}"
        self.objects[key] = body.encode() if isinstance(body, str) else body
        self.uploaded[key] = next(self.ticks)

    def bundle(self) -> Path:
        path = self.folder / "bundle.zip"
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr(zipfile.ZipInfo("declaration.json"), json.dumps(self.document))
        return path

    def run(self, *more: str) -> tuple[int, str]:
        """Run the job; return its exit code and its message."""
        said = {"bucket": BUCKET, "key": KEY, "region": "eu-west-1", "namespace": "Sagewright/p/dev"}
        options = [f"--{name}={value}" for name, value in said.items()]
        sources = ["--sources", *(f"{name}=s3://{BUCKET}/sources/{name}/" for name in self.document["groups"])]
        message = self.folder / "message"
        code = programs.run(["ingest", *options, *sources, *more, f"--message={message}"], self.bundle())
        return code, message.read_text()

    def offline(self, group: str = "p-g-v1") -> list[dict[str, Any]]:
        """Every row of the offline store, with the hour of its folder."""
        rows: list[dict[str, Any]] = []
        for key, body in sorted(self.objects.items()):
            if key.startswith(f"{STORE}/{group}-1/data/"):
                table = pq.ParquetFile(io.BytesIO(body)).read()
                rows += [row | {"hour": "/".join(key.split("/")[-5:-1])} for row in table.to_pylist()]
        return rows

    def ledger(self, name: str, group: str = "g/v1") -> Any:
        """The documents of the ledger whose names end so."""
        found = [body for key, body in self.objects.items() if key.startswith(f"ingestion/{group}/") and name in key]
        return [json.loads(body) if body[:1] in b"{[" else body.decode() for body in found]

    def state(self) -> dict[str, Any]:
        """All that remains, without what says when it was written."""
        return {
            "offline": sorted(self.objects[key] for key in self.objects if key.startswith(STORE)),
            "names": sorted(self.objects),
            "online": self.online,
            "counts": [_timeless(each) for each in self.ledger(".end.json")],
            "profile": [_timeless(each) for each in self.ledger("profile.json")],
        }


def _timeless(document: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in document.items() if name not in ("ended_ms", "updated_at")}


def group(features: Sequence[tuple[str, str]] = (("wind", "fractional"), ("gusts", "integral")), **more: Any) -> Any:
    """One group of a declaration."""
    declared = [("id", "string"), ("at", more.pop("at", "string")), *features]
    return {
        "feature_group": "p-g-v1",
        "version": 1,
        "record_id": "id",
        "event_time": "at",
        "transform": None,
        "package": "tests",
        "database": "p_features",
        "table": "g_v1",
        "offline": "glue",
        "online": True,
        "time_to_live_s": None,
        "own": True,
        "features": [{"name": name, "type": kind, "description": "", "unit": ""} for name, kind in declared],
    } | more


def declaration(**groups: Any) -> dict[str, Any]:
    data: dict[str, Any] = {"event_time": None, "record_id": None, "label": None, "known_by": None}
    return {"project": "p", "groups": groups or {"g": group()}, "join": [], "data": data}


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., World]:
    """Return what makes a world of these groups; one at a time is the one that the job sees."""

    def made(**groups: Any) -> World:
        new = World(tmp_path, declaration(**groups))

        def account(_region: str) -> World:
            return new

        monkeypatch.setattr(ingest, "Account", account)
        return new

    monkeypatch.setattr(ingest_group, "_pause", int)
    times = itertools.count(int(NOW.timestamp() * 1000))
    monkeypatch.setattr(ingest_group, "now_ms", lambda: next(times))
    return made


def parquet(**columns: Any) -> bytes:
    target = io.BytesIO()
    pq.write_table(pa.table(columns), target)
    return target.getvalue()
