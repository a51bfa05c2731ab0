"""Systems as the first release's templates made them, with data in them, and what must be the same after an upgrade."""

import hashlib
import io
import json
import shutil
import tarfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from sagewright.cli import deploying, releasing, sandbox_process, stack_states
from sagewright.cli.cdk import Cdk
from sagewright.cli.options import Options
from sagewright.cli.target import Sandbox
from sagewright.cli.terminal import Terminal
from sagewright.project import Environment, Project, image, load, names
from sagewright.runtime.functions import model_versions, release
from sagewright.runtime.functions.objects import Location

FIRST_RELEASE = Path(__file__).parent / "first_templates"
LONGEST_S = 30
# How the first release prepared the sandbox's accounts.
ADMINISTRATOR = "arn:aws:iam::aws:policy/AdministratorAccess"
SECTIONS = """\
name: churn
description: Which customers leave
owner: ml-team@example.com
tags: {cost-center: "1234"}
data: {source: data/customers.csv, problem: binary_classification, label: churned}
training: {code: src/churn}
evaluation: {minimum: 0.55}
monitoring: {engine: none}
"""
HANDLERS = """
import os


def model_fn(model_dir):
    print("the first release's model is loaded", flush=True)
    return os.path.basename(model_dir)


def input_fn(content, content_type):
    return content


def predict_fn(data, model):
    return "of the first release"


def output_fn(prediction, accept):
    return prediction, "text/plain"
"""


@dataclass(frozen=True)
class Holdings:
    """Everything that an upgrade must keep, as it can be read back."""

    objects: dict[str, tuple[str, str]]
    """SHA-256 of the bytes and the key that encrypts them, by bucket, key and version id."""
    markers: set[str]
    """Delete markers, by the same."""
    keys: dict[str, str]
    versions: dict[str, str]
    """Approval status of each model package version."""


@dataclass
class System:
    """A project in a sandbox of its own."""

    root: Path
    running: sandbox_process.RunningSandbox
    project: Project = field(init=False)
    target: Sandbox = field(init=False)

    def declare(self, environments: str, sections: str = "") -> None:
        """Write the project file, and read it."""
        (self.root / "project.yaml").write_text(f"{SECTIONS}{sections}environments:\n{environments}")
        self.project = load(self.root)
        self.target = Sandbox(self.running, self.project)
        self.options = Options(Terminal(), self.root)

    def begin(self, assembly: str) -> None:
        """Deploy as the first release did: accounts bootstrapped for an administrator, then its templates."""
        folder = self.root / "first-release"
        shutil.copytree(FIRST_RELEASE / assembly, folder)
        for manifest in folder.glob("*.assets.json"):
            for each in json.loads(manifest.read_text())["files"].values():
                # The archive of the code is no template, and nothing here runs it.
                file = folder / each["source"]["path"]
                file.exists() or file.write_bytes(b"the code of the first release")
        for environment in self.project.environments:
            account = self.target.account_of(environment)
            trust = [] if account == self.target.account else ["--trust", self.target.account]
            arguments = [f"aws://{account}/{environment.region}", "--cloudformation-execution-policies", ADMINISTRATOR]
            variables = self.target.environ(environment.region) | self.target.variables(environment.region, account)
            Cdk(self.root, variables, Terminal()).bootstrap(*arguments, *trust)
        self._cdk("--all")

    def _cdk(self, *arguments: str) -> None:
        cdk = Cdk(self.root, self.target.environ(self.project.first.region), Terminal())
        cdk.deploy_assembly(self.root / "first-release", *arguments)

    def deploy(self, *, adopts: bool = False) -> dict[str, Any]:
        """Deploy today's templates, as `sagewright deploy` does."""
        return deploying.deploy(self.options, self.project, self.target, adopts=adopts)

    def register(self) -> model_versions.Version:
        """Register a version with everything that belongs to it, approved."""
        first, sagemaker = self.project.first, self.target.client("sagemaker", self.project.first)
        bucket = self.bucket(first)
        s3 = self.target.client("s3", first)
        made = {
            "Train/model.tar.gz": _model(),
            "Preprocess/baseline/b.json": b"{}",
            "Evaluate/evaluation/e.json": b"{}",
        }
        for key, body in made.items():
            s3.put_object(Bucket=bucket, Key=f"{names.EXECUTIONS}/1/{key}", Body=body)
        folder = f"s3://{bucket}/{names.EXECUTIONS}/1"
        container = {"Image": image.address(first.region), "ModelDataUrl": f"{folder}/Train/model.tar.gz"}
        arn = sagemaker.create_model_package(
            ModelPackageGroupName=names.model_package_group(self.project.name),
            ModelApprovalStatus="Approved",
            InferenceSpecification={
                "Containers": [container],
                "SupportedContentTypes": ["text/csv"],
                "SupportedResponseMIMETypes": ["text/plain"],
            },
            CustomerMetadataProperties={
                "Metric": "average_precision",
                "BaselineUri": f"{folder}/Preprocess/baseline/",
                "EvaluationUri": f"{folder}/Evaluate/evaluation/",
            },
        )["ModelPackageArn"]
        return model_versions.describe(sagemaker, arn)

    def release_first(self, environment: Environment, version: model_versions.Version) -> None:
        """Release with the first release's template."""
        folder = Location(self.bucket(environment), f"{names.RELEASES}/{version.number}")
        artifacts = release.copy(self.target.release_client("s3", environment), version, folder)
        stack = names.serving_stack(self.project.name, environment.name)
        parameters = [f"{name}={value}" for name, value in artifacts.parameters.items()]
        arguments = [part for each in parameters for part in ("--parameters", each)]
        self._cdk(f"release/{stack}", "--exclusively", *arguments)

    def release(self, environment: Environment, version: model_versions.Version) -> str:
        """Release with today's template; returns the config that serves."""
        return releasing.carry_out(self.options, self.project, self.target, environment, version).endpoint_config

    def bucket(self, environment: Environment) -> str:
        """The name of an environment's data bucket."""
        account = self.target.account_of(environment)
        return names.data_bucket(self.project.name, environment.name, account, environment.region)

    def fill(self) -> None:
        """Put data into every bucket: versions of an object, one that was deleted, one of several parts."""
        for environment in self.project.environments:
            s3, bucket = self.target.client("s3", environment), self.bucket(environment)
            for body in (b"one\n", b"two\n"):
                s3.put_object(Bucket=bucket, Key="raw/customers.csv", Body=body)
            s3.put_object(Bucket=bucket, Key="raw/gone.csv", Body=environment.name.encode())
            s3.delete_object(Bucket=bucket, Key="raw/gone.csv")
            upload = s3.create_multipart_upload(Bucket=bucket, Key="executions/0/big.bin")["UploadId"]
            place: dict[str, Any] = {"Bucket": bucket, "Key": "executions/0/big.bin", "UploadId": upload}
            parts = [
                {"PartNumber": number, "ETag": s3.upload_part(**place, PartNumber=number, Body=body)["ETag"]}
                for number, body in ((1, b"a" * 5 * 2**20), (2, b"end"))
            ]
            s3.complete_multipart_upload(**place, MultipartUpload={"Parts": parts})

    def holdings(self) -> Holdings:
        """Read back everything that must be kept, byte by byte."""
        objects: dict[str, tuple[str, str]] = {}
        markers: set[str] = set()
        keys: dict[str, str] = {}
        for environment in self.project.environments:
            s3, bucket = self.target.client("s3", environment), self.bucket(environment)
            kms = self.target.client("kms", environment)
            alias = names.key_alias(self.project.name, environment.name)
            keys[environment.name] = kms.describe_key(KeyId=alias)["KeyMetadata"]["Arn"]
            listed = s3.list_object_versions(Bucket=bucket)
            markers |= {f"{bucket}/{each['Key']}@{each['VersionId']}" for each in listed.get("DeleteMarkers", [])}
            for each in listed["Versions"]:
                got = s3.get_object(Bucket=bucket, Key=each["Key"], VersionId=each["VersionId"])
                digest = hashlib.sha256(got["Body"].read()).hexdigest()
                objects[f"{bucket}/{each['Key']}@{each['VersionId']}"] = (digest, got["SSEKMSKeyId"])
        return Holdings(objects, markers, keys, self._versions())

    def _versions(self) -> dict[str, str]:
        sagemaker = self.target.client("sagemaker", self.project.first)
        group = names.model_package_group(self.project.name)
        listed = sagemaker.list_model_packages(ModelPackageGroupName=group)["ModelPackageSummaryList"]
        return {each["ModelPackageArn"]: each["ModelApprovalStatus"] for each in listed}

    def delete(self, stack: str) -> str:
        """Delete a stack of the first environment, its protection lifted; the status in which that ends."""
        cloudformation = self.target.client("cloudformation", self.project.first)
        described = cloudformation.describe_stacks(StackName=stack)["Stacks"][0]
        cloudformation.update_termination_protection(StackName=stack, EnableTerminationProtection=False)
        cloudformation.delete_stack(StackName=stack)
        stack_states.settle(self.options, self.target, self.project.first, stack)
        return cloudformation.describe_stacks(StackName=described["StackId"])["Stacks"][0]["StackStatus"]

    @contextmanager
    def asked(self, environment: Environment) -> Iterator["Requests"]:
        """Ask the environment's endpoint all the time while the block runs."""
        requests = Requests(self.target.client("sagemaker-runtime", environment), self._endpoint(environment))
        thread = threading.Thread(target=requests.send)
        thread.start()
        try:
            yield requests
        finally:
            requests.over.set()
            thread.join()

    def _endpoint(self, environment: Environment) -> str:
        return names.endpoint(self.project.name, environment.name)

    def logged(self, environment: Environment) -> None:
        """Block until the endpoint has a log, which SageMaker makes when the first line comes."""
        logs, name = self.target.client("logs", environment), names.endpoint_log(self.project.name, environment.name)
        over = time.monotonic() + LONGEST_S
        while not logs.describe_log_groups(logGroupNamePrefix=name)["logGroups"]:
            assert time.monotonic() < over

    def config(self, environment: Environment) -> str:
        """What the endpoint runs; it must be in service."""
        sagemaker = self.target.client("sagemaker", environment)
        described = sagemaker.describe_endpoint(EndpointName=self._endpoint(environment))
        assert described["EndpointStatus"] == "InService"
        return described["EndpointConfigName"]


@dataclass
class Requests:
    """Requests one after the other, many in a second, from a client that does not try again."""

    runtime: Any
    endpoint: str
    answers: int = 0
    failures: list[str] = field(default_factory=list)
    over: threading.Event = field(default_factory=threading.Event)

    def send(self) -> None:
        while not self.over.wait(0.05):
            try:
                got = self.runtime.invoke_endpoint(EndpointName=self.endpoint, Body="1", ContentType="text/csv")
                assert got["Body"].read() == b"of the first release"
                self.answers += 1
            except Exception as error:  # noqa: BLE001 - any failure is what a test asks about
                self.failures.append(repr(error))


def _model() -> bytes:
    archived = io.BytesIO()
    with tarfile.open(fileobj=archived, mode="w:gz") as archive:
        entry = tarfile.TarInfo("code/inference.py")
        entry.size = len(HANDLERS.encode())
        archive.addfile(entry, io.BytesIO(HANDLERS.encode()))
    return archived.getvalue()


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[], System]]:
    """Start a sandbox with a small project in it; it ends with the module's tests."""
    started: list[sandbox_process.RunningSandbox] = []

    def start() -> System:
        root = tmp_path_factory.mktemp("upgrade") / "churn"
        package = root / "src" / "churn"
        package.mkdir(parents=True)
        (package / "__init__.py").write_text("")
        (package / "model.py").write_text("def fit(X, y, hyperparameters):\n    return None\n")
        (root / "data").mkdir()
        (root / "data" / "customers.csv").write_text("tenure,churned\n1,Yes\n2,No\n")
        running = sandbox_process.start(root)
        started.append(running)
        return System(root, running)

    yield start
    for running in started:
        running.stop()
