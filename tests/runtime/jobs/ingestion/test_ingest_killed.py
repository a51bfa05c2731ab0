"""The ingestion as a process, killed by the system in the middle of its work, beside a server that goes on."""

import io
import json
import os
import signal
import subprocess
import sys
import time
import uuid
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from sagewright.sandbox.server import Sandbox
from tests.runtime.jobs.ingestion.ingest_world import declaration, group

ACCOUNT, REGION = "111111111111", "eu-west-1"
EVERYTHING = {"Effect": "Allow", "Action": "*", "Resource": "*"}
RUN = """
import sys
from pathlib import Path
from sagewright.runtime.jobs import programs
sys.exit(programs.run(sys.argv[2:], Path(sys.argv[1])))
"""


@dataclass(frozen=True)
class Deployment:
    """A feature group with its bucket and key, and what runs the job."""

    sandbox: Sandbox
    folder: Path
    bucket: str
    key: str
    environment: dict[str, str]

    def client(self, service: str) -> Any:
        return self.sandbox.clients.get(service, ACCOUNT, REGION)

    def start(self) -> subprocess.Popen[str]:
        options = [f"--bucket={self.bucket}", f"--key={self.key}", f"--region={REGION}", "--namespace=Sagewright/p/dev"]
        options += ["--sources", f"g=s3://{self.bucket}/sources/g/", f"--message={self.folder / 'message'}"]
        call = [sys.executable, "-c", RUN, str(self.folder / "bundle.zip"), "ingest", *options]
        return subprocess.Popen(call, env=self.environment, text=True)

    def keys(self, part: str) -> list[str]:
        listed = self.client("s3").list_objects_v2(Bucket=self.bucket).get("Contents", [])
        return [each["Key"] for each in listed if part in each["Key"]]

    def offline(self) -> list[tuple[Any, ...]]:
        rows: list[tuple[Any, ...]] = []
        for key in self.keys("/offline-store/"):
            body = self.client("s3").get_object(Bucket=self.bucket, Key=key)["Body"].read()
            rows += [tuple(row.values()) for row in pq.ParquetFile(io.BytesIO(body)).read().to_pylist()]
        return rows

    def online(self, name: str) -> dict[str, str]:
        runtime = self.client("sagemaker-featurestore-runtime")
        found = runtime.get_record(FeatureGroupName="p-g-v1", RecordIdentifierValueAsString=name)
        return {each["FeatureName"]: each["ValueAsString"] for each in found["Record"]}


def policy(*statements: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


@pytest.fixture
def deployment(embedded: Sandbox, tmp_path: Path) -> Deployment:

    def client(service: str) -> Any:
        return embedded.clients.get(service, ACCOUNT, REGION)

    bucket, declared = f"data-{uuid.uuid4().hex[:8]}", group()
    client("s3").create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": REGION})
    key = client("kms").create_key()["KeyMetadata"]["Arn"]
    iam = client("iam")
    trusting = {"Effect": "Allow", "Principal": {"Service": "sagemaker.amazonaws.com"}, "Action": "sts:AssumeRole"}
    role = iam.create_role(RoleName="features", AssumeRolePolicyDocument=policy(trusting))["Role"]["Arn"]
    iam.put_role_policy(RoleName="features", PolicyName="Write", PolicyDocument=policy(EVERYTHING))
    iam.create_user(UserName="job")
    iam.put_user_policy(UserName="job", PolicyName="Work", PolicyDocument=policy(EVERYTHING))
    given = iam.create_access_key(UserName="job")["AccessKey"]
    client("glue").create_database(DatabaseInput={"Name": declared["database"]})
    place = {"Catalog": "AwsDataCatalog", "Database": declared["database"], "TableName": declared["table"]}
    client("sagemaker").create_feature_group(
        FeatureGroupName="p-g-v1",
        RecordIdentifierFeatureName="id",
        EventTimeFeatureName="at",
        FeatureDefinitions=[
            {"FeatureName": each["name"], "FeatureType": each["type"].capitalize()} for each in declared["features"]
        ],
        OnlineStoreConfig={"EnableOnlineStore": True, "SecurityConfig": {"KmsKeyId": key}},
        OfflineStoreConfig={
            "S3StorageConfig": {"S3Uri": f"s3://{bucket}/features", "KmsKeyId": key},
            "DataCatalogConfig": place,
        },
        RoleArn=role,
    )
    until(
        lambda: client("sagemaker").describe_feature_group(FeatureGroupName="p-g-v1")["FeatureGroupStatus"] == "Created"
    )
    with zipfile.ZipFile(tmp_path / "bundle.zip", "w") as bundle:
        bundle.writestr("declaration.json", json.dumps(declaration(g=declared)))
    environment = os.environ | {
        "AWS_ENDPOINT_URL": embedded.endpoint,
        "AWS_ACCESS_KEY_ID": given["AccessKeyId"],
        "AWS_SECRET_ACCESS_KEY": given["SecretAccessKey"],
    }
    return Deployment(embedded, tmp_path, bucket, key, environment)


def until(true: Any, limit_s: float = 60.0) -> None:
    """Wait until something is so."""
    end = time.monotonic() + limit_s
    while not true():
        assert time.monotonic() < end, "it took too long"
        time.sleep(0.01)  # asking takes the processor from the server that it asks, which is of this process


@pytest.mark.slow
def test_killed_by_the_system_and_run_again_every_row_is_there_once(deployment: Deployment) -> None:
    s3, rows = deployment.client("s3"), 200
    for name in ("a", "b"):
        lines = [f"{name}{n},2013-01-01T{n % 24:02}:00:00Z,{n / 8},{n}" for n in range(rows)]
        body = "\n".join(["id,at,wind,gusts", *lines]) + "\n"
        s3.put_object(Bucket=deployment.bucket, Key=f"sources/g/{name}.csv", Body=body.encode())

    with deployment.start() as first:
        # One file is through, and the other is under way.
        until(lambda: len(deployment.keys(".begin.json")) == 2)
        first.send_signal(signal.SIGKILL)
    assert first.returncode == -signal.SIGKILL
    assert len(deployment.keys(".end.json")) < 2

    with deployment.start() as again:
        pass
    assert again.returncode == 0, (deployment.folder / "message").read_text()

    there = deployment.offline()
    assert sorted(row[:4] for row in there) == sorted(
        (f"{name}{n}", f"2013-01-01T{n % 24:02}:00:00Z", n / 8, n) for name in ("a", "b") for n in range(rows)
    )
    assert len({row[4] for row in there}) == 2
    assert deployment.online("b199")["gusts"] == "199"
    assert len(deployment.keys(".end.json")) == 2
