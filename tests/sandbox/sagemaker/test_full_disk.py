"""A disk that is full fails the job with that as its reason, leaves nothing in S3, and is free for the next job."""

import json
import os
import shutil
import signal
import subprocess
import sys
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import pytest

from tests.sandbox.sagemaker.conftest import ACCOUNT, REGION, Account, JobRequests, permissions, trust

MEGABYTE = 1024 * 1024
DISK_MB = 12
FILLS_IT = """
import sys
with open(sys.argv[2] + "/result/x", "wb", buffering=0) as file:
    for _ in range(1000):
        if file.write(bytes(1024 * 1024)) < 1024 * 1024:
            file.write(b"more")
"""
LEAVES_A_MODEL = "import os, sys; open(sys.argv[1], 'wb').write(os.urandom(int(sys.argv[2]) * 1024 * 1024))"


@dataclass(frozen=True)
class SmallSandbox:
    """A sandbox of its own process whose data folder is a disk of a few megabytes."""

    endpoint: str

    def client(self, service: str, account: str = ACCOUNT, region: str = REGION) -> Any:
        make: Any = boto3.client  # its overloads name each service
        return make(
            service,
            region_name=region,
            endpoint_url=self.endpoint,
            aws_access_key_id=f"AKIASBOX{account}",
            aws_secret_access_key="sandbox",
        )


@dataclass(frozen=True)
class RemoteAccount(Account):
    """An account of a sandbox that is another process."""

    # typing.override is there from Python 3.12 on.
    # pyrefly: ignore[missing-override-decorator]
    def finished(self, arn: str) -> dict[str, Any]:
        client, name = self.client("sagemaker"), arn.rpartition("/")[2]
        if ":training-job/" in arn:
            return self._ended(client.describe_training_job, "TrainingJob", name)
        return self._ended(client.describe_processing_job, "ProcessingJob", name)

    @staticmethod
    def _ended(describe: Any, kind: str, name: str) -> dict[str, Any]:
        while True:
            job = describe(**{f"{kind}Name": name})
            if job[f"{kind}Status"] in {"Completed", "Failed", "Stopped"}:
                return job


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SmallSandbox]:
    unshare = shutil.which("unshare")
    mounts = f"mount -t tmpfs -o size={DISK_MB}m none"
    disk = tmp_path_factory.mktemp("disk")
    if unshare is None or subprocess.run([unshare, "-rm", "sh", "-c", f"{mounts} {disk}"], check=False).returncode:
        pytest.skip("a small disk of its own needs Linux's mount namespaces")
    command = f"{mounts} {disk} && exec {sys.executable} -m sagewright.sandbox --data {disk}"
    process = subprocess.Popen(
        [unshare, "-rm", "sh", "-c", command], stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[3]
    )
    assert process.stdout is not None
    ready = json.loads(process.stdout.readline())
    yield SmallSandbox(ready["endpoint"])
    os.kill(ready["pid"], signal.SIGTERM)
    process.wait()
    process.stdout.close()


@pytest.fixture
def account(small: SmallSandbox) -> Account:
    name = f"t-{uuid.uuid4().hex[:12]}"
    place = {"LocationConstraint": REGION}
    small.client("s3").create_bucket(Bucket=f"{name}-data", CreateBucketConfiguration=place)
    iam = small.client("iam")
    role = iam.create_role(RoleName=name, AssumeRolePolicyDocument=trust("sagemaker.amazonaws.com"))["Role"]["Arn"]
    document = permissions(f"{name}-data", role)
    iam.put_role_policy(RoleName=name, PolicyName="Work", PolicyDocument=document)
    return RemoteAccount(small, name, f"{name}-data", role)


@pytest.fixture
def jobs(account: Account) -> JobRequests:
    return JobRequests(account)


def test_an_input_larger_than_the_disk_fails_the_download(account: Account, jobs: JobRequests) -> None:
    for number in range(4):
        account.put(f"raw/{number}", bytes(DISK_MB // 3 * MEGABYTE))
    inputs = [
        jobs.processing_input("code", account.put("code/program.py", "")),
        jobs.processing_input("raw", f"s3://{account.bucket}/raw/"),
    ]
    job = jobs.process("", ProcessingInputs=inputs)
    assert job["ProcessingJobStatus"] == "Failed"
    assert job["FailureReason"].startswith(
        "ClientError: Data download failed:Insufficient disk space ([Errno 28] No space left on device"
    )


def test_a_program_that_fills_the_disk_fails_and_the_next_job_has_it_again(account: Account, jobs: JobRequests) -> None:
    job = jobs.process(FILLS_IT)
    assert job["FailureReason"].startswith("AlgorithmError: See job logs for more information, exit code ")
    assert job["FailureReason"].endswith(" (No space left on device)")
    assert account.client("s3").list_objects_v2(Bucket=account.bucket, Prefix="result")["KeyCount"] == 0
    program = "import sys; open(sys.argv[2] + '/result/x', 'wb').write(bytes(8_000_000))"
    again = jobs.process(program, ProcessingJobName=f"{account.name}-2")
    assert again["ProcessingJobStatus"] == "Completed", again.get("FailureReason")


def test_a_model_that_cannot_be_packed_for_want_of_space_is_not_uploaded(account: Account, jobs: JobRequests) -> None:
    request = jobs.training_request(LEAVES_A_MODEL)
    request["AlgorithmSpecification"]["ContainerArguments"].append(str(DISK_MB * 2 // 3))
    client = account.client("sagemaker")
    job = account.finished(client.create_training_job(**request)["TrainingJobArn"])
    assert (job["TrainingJobStatus"], job["SecondaryStatus"]) == ("Failed", "Failed")
    assert job["FailureReason"].startswith("ClientError: Artifact upload failed:Insufficient disk space ([Errno 28]")
    assert "ModelArtifacts" not in job
    assert account.client("s3").list_objects_v2(Bucket=account.bucket, Prefix="models")["KeyCount"] == 0
    again = request | {"TrainingJobName": f"{account.name}-2"}
    again["AlgorithmSpecification"]["ContainerArguments"][-1] = "1"
    done = account.finished(client.create_training_job(**again)["TrainingJobArn"])
    assert done["TrainingJobStatus"] == "Completed", done.get("FailureReason")
