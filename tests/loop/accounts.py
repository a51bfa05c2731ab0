"""A small project in a sandbox, whose every account the tests can enter as its administrator.

The sandbox is started as the process that it is, because the tests need what the command line does not show: the port
without TLS, and the log of every decision.
"""

import io
import json
import os
import random
import subprocess
import sys
import tarfile
import textwrap
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import boto3
from botocore import UNSIGNED
from botocore.config import Config
from botocore.exceptions import ClientError
from ruamel.yaml import YAML

LONGEST_S = 60
DEV, STAGING, PROD, STRANGER = "111111111111", "222222222222", "333333333333", "444444444444"
REGION = "eu-west-1"
PROJECT = """
    environments:
      dev: {region: eu-west-1}
    data: {source: lifts.csv, problem: binary_classification, label: stuck}
    training: {code: lifts}
    evaluation: {metric: roc_auc, minimum: 0.5}
    monitoring: {engine: none}
    """
CODE = """
    from sklearn.linear_model import LogisticRegression


    def fit(X, y, hyperparameters):
        return LogisticRegression().fit(X, y)
    """
# A model that does not come up.
BROKEN = "import sys; sys.exit('no such library')"


@dataclass(frozen=True)
class Sandbox:
    """A sandbox that is up, and the folder in which it serves every project."""

    folder: Path
    ready: Mapping[str, Any]
    process: subprocess.Popen[str]
    clients: dict[tuple[str | None, ...], Any] = field(default_factory=dict)
    decided: list[dict[str, Any]] = field(default_factory=list)
    """The decisions that were read already: a long loop has thousands."""

    @classmethod
    @contextmanager
    def up(cls, folder: Path) -> Iterator["Sandbox"]:
        """Start one which every command below the folder acts on."""
        home = folder / ".sagewright"
        home.mkdir()
        call = [sys.executable, "-m", "sagewright.sandbox", "--data", str(home / "sandbox")]
        process = subprocess.Popen(call, stdout=subprocess.PIPE, text=True)
        try:
            assert process.stdout is not None
            ready = json.loads(process.stdout.readline())
            started = datetime.now(UTC).isoformat(timespec="seconds")
            remembered = {name: ready[name] for name in ("endpoint", "pid", "data")}
            (home / "sandbox.json").write_text(json.dumps({**remembered, "started": started}))
            yield cls(folder, ready, process)
        finally:
            end(process)

    def client(self, service: Any, account: str = DEV) -> Any:
        """Make a client of an account's administrator."""
        return self.signed(service, f"AKIASBOX{account}", "sandbox")

    def signed(self, service: Any, key: str, secret: str, token: str | None = None, endpoint: str = "endpoint") -> Any:
        """Make a client of whoever the keys belong to; whoever asks for it again gets the same."""
        asked = (service, key, secret, token, endpoint)
        if asked not in self.clients:
            self.clients[asked] = boto3.client(
                service,
                endpoint_url=self.ready[endpoint],
                region_name=REGION,
                aws_access_key_id=key,
                aws_secret_access_key=secret,
                aws_session_token=token,
                config=Config(proxies={}, retries={"total_max_attempts": 1}, s3={"addressing_style": "path"}),
            )
        return self.clients[asked]

    def anonymous_s3(self) -> Any:
        """Make a client of S3 that does not say who it is."""
        return boto3.client(
            "s3",
            endpoint_url=self.ready["endpoint"],
            region_name=REGION,
            config=Config(proxies={}, signature_version=UNSIGNED, s3={"addressing_style": "path"}),
        )

    def cdk(self, folder: Path, account: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run the CDK's own command line as an account's administrator."""
        variables = {
            **os.environ,
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
            "AWS_ENDPOINT_URL": self.ready["endpoint"],
            "AWS_ACCESS_KEY_ID": f"AKIASBOX{account}",
            "AWS_SECRET_ACCESS_KEY": "sandbox",
            "AWS_REGION": REGION,
        }
        call = ["cdk", *arguments, "--require-approval", "never", "--no-notices", "--ci"]
        return subprocess.run(call, cwd=folder, env=variables, capture_output=True, text=True, check=False)

    def role(self, stack: str, logical_id: str, account: str = DEV) -> "Role":
        """Find the role of a stack by how its id begins."""
        pages = self.client("cloudformation", account).get_paginator("list_stack_resources").paginate(StackName=stack)
        (name,) = (
            each["PhysicalResourceId"]
            for page in pages
            for each in page["StackResourceSummaries"]
            if each["ResourceType"] == "AWS::IAM::Role" and each["LogicalResourceId"].startswith(logical_id)
        )
        return Role(name, account, self.client("iam", account))

    def decisions(self) -> list[dict[str, Any]]:
        """Read every decision up to now: they are written in their order, a moment later."""
        last = uuid.uuid4().hex
        with suppress(ClientError):
            self.client("s3").head_bucket(Bucket=last)
        log = Path(self.ready["data"]) / "access.jsonl"
        until(lambda: f"arn:aws:s3:::{last}" in log.read_text())
        self.decided.extend(json.loads(line) for line in log.read_text().splitlines()[len(self.decided) :])
        return [*self.decided]


@dataclass(frozen=True)
class Role:
    """A role of the project, whose policies the account's administrator can change."""

    name: str
    account: str
    iam: Any

    @property
    def arn(self) -> str:
        return f"arn:aws:iam::{self.account}:role/{self.name}"

    @property
    def session(self) -> str:
        """How the ARNs of its sessions begin."""
        return f"arn:aws:sts::{self.account}:assumed-role/{self.name}/"

    @property
    def trust(self) -> dict[str, Any]:
        return self.iam.get_role(RoleName=self.name)["Role"]["AssumeRolePolicyDocument"]

    @property
    def policy(self) -> tuple[str, dict[str, Any]]:
        """The name and the document of its only policy."""
        (name,) = self.iam.list_role_policies(RoleName=self.name)["PolicyNames"]
        return name, self.iam.get_role_policy(RoleName=self.name, PolicyName=name)["PolicyDocument"]

    @contextmanager
    def may_not(self, sid: str, *actions: str) -> Iterator[None]:
        """Take a statement away for a while, or only some of its actions."""
        name, document = self.policy
        kept = [each for each in document["Statement"] if each["Sid"] != sid]
        (taken,) = (each for each in document["Statement"] if each["Sid"] == sid)
        if actions:
            kept.append(taken | {"Action": [each for each in taken["Action"] if each not in actions]})
        self._put(name, document | {"Statement": kept})
        try:
            yield
        finally:
            self._put(name, document)

    @contextmanager
    def trusting(self, **principal_and_condition: Any) -> Iterator[None]:
        """Trust somebody else for a while."""
        before = self.trust
        (statement,) = before["Statement"]
        self._trust(before | {"Statement": [statement | principal_and_condition]})
        try:
            yield
        finally:
            self._trust(before)

    def _put(self, name: str, document: dict[str, Any]) -> None:
        self.iam.put_role_policy(RoleName=self.name, PolicyName=name, PolicyDocument=json.dumps(document))

    def _trust(self, document: dict[str, Any]) -> None:
        self.iam.update_assume_role_policy(RoleName=self.name, PolicyDocument=json.dumps(document))


@dataclass(frozen=True)
class Lifts:
    """The project: which lifts will be stuck."""

    name: str
    sandbox: Sandbox
    cli: Any

    @classmethod
    def planted(cls, name: str, sandbox: Sandbox, command_line: Callable[[Path], Any]) -> "Lifts":
        """Write it into a folder of its own."""
        folder = sandbox.folder / name
        (folder / "lifts").mkdir(parents=True)
        (folder / "lifts" / "__init__.py").write_text(textwrap.dedent(CODE))
        (folder / "lifts.csv").write_text(table())
        (folder / "project.yaml").write_text(f"name: {name}\n{textwrap.dedent(PROJECT)}")
        return cls(name, sandbox, command_line(folder))

    def declare(self, **sections: Any) -> None:
        """Write sections of the project file anew."""
        yaml, file = YAML(), self.cli.folder / "project.yaml"
        yaml.dump(yaml.load(file) | sections, file)

    def train(self) -> None:
        """Train a version and approve it."""
        self.cli.ok("approve", str(self.cli.ok("train")["version"]))

    def bucket(self, environment: str, account: str) -> str:
        """The environment's data bucket."""
        return f"{self.name}-{environment}-data-{account}-{REGION}"

    def key(self, environment: str, account: str) -> str:
        """The ARN of the environment's key."""
        alias = f"alias/{self.name}-{environment}-data"
        return self.sandbox.client("kms", account).describe_key(KeyId=alias)["KeyMetadata"]["Arn"]

    def draw(self, seed: int) -> None:
        """Write another table, so that no step of an earlier training is repeated from the cache."""
        (self.cli.folder / "lifts.csv").write_text(table(seed))

    def packages(self) -> list[str]:
        """The versions in the registry, the first one first."""
        listed = self.sandbox.client("sagemaker").list_model_packages(
            ModelPackageGroupName=self.name, SortBy="CreationTime", SortOrder="Ascending"
        )
        return [each["ModelPackageArn"] for each in listed["ModelPackageSummaryList"]]

    def version(self, handlers: str | None = None) -> str:
        """Register an approved version like the first, with other handlers as its model; its number."""
        sagemaker, s3 = self.sandbox.client("sagemaker"), self.sandbox.client("s3")
        package = sagemaker.describe_model_package(ModelPackageName=self.packages()[0])
        container = package["InferenceSpecification"]["Containers"][0]
        bucket, _, source = container["ModelDataUrl"].removeprefix("s3://").partition("/")
        key = f"executions/{uuid.uuid4().hex}/Train/output/model.tar.gz"
        content = s3.get_object(Bucket=bucket, Key=source)["Body"].read() if handlers is None else archive(handlers)
        s3.put_object(Bucket=bucket, Key=key, Body=content)
        container = {"Image": container["Image"], "ModelDataUrl": f"s3://{bucket}/{key}"}
        made = sagemaker.create_model_package(
            ModelPackageGroupName=self.name,
            ModelApprovalStatus="Approved",
            InferenceSpecification=package["InferenceSpecification"] | {"Containers": [container]},
            CustomerMetadataProperties=package["CustomerMetadataProperties"],
        )
        return made["ModelPackageArn"].rpartition("/")[2]


def until(reached: Callable[[], bool]) -> None:
    """Wait until it is so."""
    deadline = time.monotonic() + LONGEST_S
    while not reached():
        assert time.monotonic() < deadline, "it never happened"
        threading.Event().wait(0.1)


def end(process: subprocess.Popen[str]) -> None:
    """Ask a process to stop, and wait until it has."""
    process.terminate()
    process.wait()
    if process.stdout is not None:
        process.stdout.close()


def table(seed: int = 0) -> str:
    """Draw some lifts."""
    rows = ["age,trips,stuck"]
    drawn = random.Random(seed)  # noqa: S311 - a table, no secret
    for _ in range(200):
        age = drawn.uniform(0, 40)
        rows.append(f"{age:.2f},{drawn.randint(10, 900)},{'Yes' if age + drawn.gauss(0, 5) > 20 else 'No'}")
    return "\n".join(rows) + "\n"


def archive(handlers: str) -> bytes:
    """Pack a model that is nothing but its handlers."""
    written = io.BytesIO()
    with tarfile.open(fileobj=written, mode="w:gz") as packed:
        entry = tarfile.TarInfo("code/inference.py")
        entry.size = len(handlers.encode())
        packed.addfile(entry, io.BytesIO(handlers.encode()))
    return written.getvalue()
