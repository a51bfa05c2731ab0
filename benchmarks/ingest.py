"""5,000 rows into a feature group with both stores, ours beside the SageMaker SDK's own; then ours with many more.

Both write to the same server, a sandbox of this run, and both must leave every record there. Absolute times drift with
the machine, so the figure to compare between commits is the ratio of the two, taken in one run. Seconds are those of
the work, without the import of either, which takes the SDK longer. Run with `make bench`.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
import zipfile
from dataclasses import dataclass, field
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import boto3
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from sagewright.cli import environ, sandbox_process
from sagewright.cli.target import SANDBOX_KEY

ROWS, ROUNDS = 5_000, 3
ONLINE_ROWS, OFFLINE_ROWS = 50_000, (100_000, 1_000_000, 4_000_000)
DAYS = 30
# Threads and processes: what the SDK does if it is not told, the threads that ours has, and both cores of the machine.
SDK_MODES = ((1, 1), (16, 1), (8, 2))

LEAST_RATIO = 1
MOST_MEGABYTES = 400

ACCOUNT, REGION, BUCKET, ROLE = "111111111111", "eu-west-1", "bench-data", "bench"
TYPES = {"id": "string", "at": "string"} | {f"number_{number}": "fractional" for number in range(6)}
TYPES |= {"count_0": "integral", "count_1": "integral", "text_0": "string", "text_1": "string"}
ROLE_MAY = (
    *("s3:PutObject", "s3:PutObjectAcl", "s3:GetBucketAcl", "s3:GetObject"),
    *("glue:GetTable", "glue:UpdateTable", "kms:GenerateDataKey", "kms:Decrypt"),
)


def table(rows: int, days: int = 1) -> pa.Table:
    """Draw rows with an id each, in time over some days: the offline store has a folder for each hour."""
    random = np.random.default_rng(0)
    hours = np.datetime64("2025-01-01T00:00:00") + random.integers(0, days * 24, rows) * np.timedelta64(1, "h")
    columns: dict[str, object] = {
        "id": [f"record-{number}" for number in range(rows)],
        "at": [f"{moment}Z" for moment in np.datetime_as_string(hours, unit="s")],
    }
    columns |= {name: random.normal(size=rows) for name, kind in TYPES.items() if kind == "fractional"}
    columns |= {name: random.integers(0, 1000, rows) for name, kind in TYPES.items() if kind == "integral"}
    columns |= {name: [f"value {each}" for each in random.integers(0, 50, rows)] for name in ("text_0", "text_1")}
    return pa.table(columns)


def draw(file: Path, rows: int, days: int = 1) -> None:
    """Write a table from a process of its own: Linux counts what this one holds to the peak of those it starts."""
    drawing = get_context("spawn").Process(target=_write, args=(file, rows, days))
    drawing.start()
    drawing.join()
    if drawing.exitcode:
        sys.exit(f"{file} was not written: {drawing.exitcode}")


def _write(file: Path, rows: int, days: int) -> None:
    pq.write_table(table(rows, days), file)


@dataclass
class Bench:
    """One sandbox with a bucket, a key and a role; each ingestion gets a group of its own."""

    folder: Path
    endpoint: str
    groups: int = 0
    variables: dict[str, str] = field(default_factory=dict)
    key: str = ""

    def __post_init__(self) -> None:
        self.variables = environ.without_aws() | {
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_ACCESS_KEY_ID": f"{SANDBOX_KEY}{ACCOUNT}",
            "AWS_SECRET_ACCESS_KEY": "sandbox",
            "AWS_REGION": REGION,
            "AWS_DEFAULT_REGION": REGION,
            "SAGEMAKER_USER_CONFIG_OVERRIDE": str(self._config()),
        }
        self.key = self.client("kms").create_key()["KeyMetadata"]["Arn"]
        trust = {"Effect": "Allow", "Principal": {"Service": "sagemaker.amazonaws.com"}, "Action": "sts:AssumeRole"}
        self.client("iam").create_role(RoleName=ROLE, AssumeRolePolicyDocument=policy(trust))
        may = policy({"Effect": "Allow", "Action": ROLE_MAY, "Resource": "*"})
        self.client("iam").put_role_policy(RoleName=ROLE, PolicyName="Work", PolicyDocument=may)
        self.client("s3").create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": REGION})

    def _config(self) -> Path:
        """Write the settings with which the SDK reports to nobody: what it waits for there is no ingestion."""
        file = self.folder / "sdk.yaml"
        telemetry = {"PythonSDK": {"Modules": {"TelemetryOptOut": True}}}
        file.write_text(json.dumps({"SchemaVersion": "1.0", "SageMaker": telemetry}))  # JSON is YAML
        return file

    def client(self, service: str) -> Any:
        """Return a client of the sandbox's account."""
        return boto3.client(
            service,
            endpoint_url=self.endpoint,
            region_name=REGION,
            aws_access_key_id=self.variables["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=self.variables["AWS_SECRET_ACCESS_KEY"],
        )

    def group(self, *, online: bool = True, offline: bool = True) -> str:
        """Make a feature group and return its name, once it is there."""
        self.groups += 1
        name = f"bench-g{self.groups}-v1"
        stores: dict[str, Any] = {"OnlineStoreConfig": {"EnableOnlineStore": True}} if online else {}
        if offline:
            place = {"S3Uri": f"s3://{BUCKET}/features", "KmsKeyId": self.key}
            stores["OfflineStoreConfig"] = {"S3StorageConfig": place}
        sagemaker = self.client("sagemaker")
        sagemaker.create_feature_group(
            FeatureGroupName=name,
            RecordIdentifierFeatureName="id",
            EventTimeFeatureName="at",
            FeatureDefinitions=[
                {"FeatureName": feature, "FeatureType": kind.capitalize()} for feature, kind in TYPES.items()
            ],
            RoleArn=f"arn:aws:iam::{ACCOUNT}:role/{ROLE}",
            **stores,
        )
        while sagemaker.describe_feature_group(FeatureGroupName=name)["FeatureGroupStatus"] == "Creating":
            time.sleep(0.1)
        return name

    def ours(self, file: Path, *, online: bool = True, offline: bool = True) -> tuple[float, float]:
        """Ingest a file with our program; returns seconds and peak memory in megabytes."""
        name = self.group(online=online, offline=offline)
        self.client("s3").upload_file(str(file), BUCKET, f"sources/{name}/rows.parquet")
        bundle, said = self.folder / f"{name}.zip", self.folder / f"{name}.txt"
        with zipfile.ZipFile(bundle, "w") as archive:
            archive.writestr("declaration.json", json.dumps(declaration(name, online=online, offline=offline)))
        options = {"bucket": BUCKET, "key": self.key, "region": REGION, "namespace": "Bench", "message": str(said)}
        arguments = [f"--{option}={value}" for option, value in options.items()]
        arguments += ["--sources", f"{name.split('-')[1]}=s3://{BUCKET}/sources/{name}/"]
        program = Path(__file__).with_name("ingest_ours.py")
        return self._measured(name if online else None, sys.executable, program, bundle, *arguments)

    def sdk(self, python: str, file: Path, workers: int, processes: int) -> tuple[float, float]:
        """Ingest a file with the SDK; returns the same."""
        name, program = self.group(), Path(__file__).with_name("ingest_sdk.py")
        return self._measured(name, python, program, name, file, str(workers), str(processes))

    def _measured(self, group: str | None, *command: str | Path) -> tuple[float, float]:
        log = self.folder / "log"
        with log.open("w") as errors:
            run = subprocess.run(command, stdout=subprocess.PIPE, stderr=errors, text=True, env=self.variables)  # noqa: S603, PLW1510  our own programs, whose end is looked at
        if run.returncode:
            sys.exit(f"{command[1]} ended with {run.returncode}: {run.stdout}{log.read_text()}")
        if group is not None:
            self._expect(group)
        seconds, megabytes = run.stdout.split()[-2:]
        return float(seconds), float(megabytes)

    def _expect(self, group: str) -> None:
        """End where a record is not in the online store."""
        wanted = [f"record-{number}" for number in range(0, ROWS, 97)]
        store, found = self.client("sagemaker-featurestore-runtime"), 0
        for begin in range(0, len(wanted), 100):
            asked = {"FeatureGroupName": group, "RecordIdentifiersValueAsString": wanted[begin : begin + 100]}
            found += len(store.batch_get_record(Identifiers=[asked])["Records"])
        if found != len(wanted):
            sys.exit(f"{group} holds {found} of {len(wanted)} records that were asked for")


def declaration(group: str, *, online: bool, offline: bool) -> dict[str, Any]:
    """Write what the program is told of its one group."""
    features = [{"name": name, "type": kind, "description": "", "unit": ""} for name, kind in TYPES.items()]
    described = {
        "feature_group": group,
        "version": 1,
        "record_id": "id",
        "event_time": "at",
        "transform": None,
        "package": "bench",
        "database": "bench_features",
        "table": group.replace("-", "_"),
        "offline": "glue" if offline else None,
        "online": online,
        "time_to_live_s": None,
        "own": True,
        "project": "bench",
        "owner": None,
        "features": features,
    }
    data = {"event_time": None, "record_id": None, "label": None, "known_by": "event_time"}
    return {"project": "bench", "groups": {group.split("-")[1]: described}, "join": [], "data": data}


def policy(*statements: dict[str, Any]) -> str:
    """Write a policy document."""
    return json.dumps({"Version": "2012-10-17", "Statement": statements})


def compare(bench: Bench, python: str) -> None:
    """Take turns, so that a slow moment of the machine falls on both; then the best of the SDK's ways counts."""
    file = bench.folder / "rows.parquet"
    draw(file, ROWS)
    ours: list[tuple[float, float]] = []
    theirs: dict[tuple[int, int], list[tuple[float, float]]] = {mode: [] for mode in SDK_MODES}
    for _ in range(ROUNDS):
        ours.append(bench.ours(file))
        for mode in SDK_MODES:
            theirs[mode].append(bench.sdk(python, file, *mode))
    seconds = statistics.median(run[0] for run in ours)
    print(f"ingestion, {ROWS:,} rows x {len(TYPES)} features into both stores of one sandbox")
    shown("ours", seconds, max(run[1] for run in ours), ROWS)
    best = float("inf")
    for (workers, processes), runs in theirs.items():
        peer_seconds = statistics.median(run[0] for run in runs)
        best = min(best, peer_seconds)
        threads = f"{workers} thread{'s' if workers > 1 else ''}"
        shown(f"SDK, {threads} x {processes}", peer_seconds, max(run[1] for run in runs), ROWS)
    print(f"ratio to its best       {best / seconds:8.2f}   (at least {LEAST_RATIO})")


def grow(bench: Bench) -> None:
    """Show that memory does not grow with the rows, and what many rows take."""
    for rows, stores in ((ONLINE_ROWS, {"offline": False}), *((rows, {"online": False}) for rows in OFFLINE_ROWS)):
        file = bench.folder / "many.parquet"
        draw(file, rows, DAYS)
        seconds, megabytes = bench.ours(file, **stores)
        shown(f"ours, {rows:,} {'offline' if 'online' in stores else 'online'}", seconds, megabytes, rows)


def shown(name: str, seconds: float, megabytes: float, rows: int) -> None:
    """Print one line of figures."""
    most = f" (at most {MOST_MEGABYTES})" if name.startswith("ours") else ""
    print(f"{name:<24}{seconds:8.2f} s {rows / seconds:10,.0f} rows/s {megabytes:6.0f} MB{most}", flush=True)


def main() -> None:
    """Start a sandbox, measure, and stop it."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--sdk", required=True, help="Python of the environment that the SDK is in")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        running = sandbox_process.start(Path(folder), parent=os.getpid())
        try:
            bench = Bench(Path(folder), running.endpoint)
            compare(bench, arguments.sdk)
            grow(bench)
        finally:
            running.stop()


if __name__ == "__main__":
    main()
