"""A project whose delivery is deployed: what a test does to it from outside, and what it sees of it there."""

import io
import json
import shutil
import subprocess
import tarfile
import textwrap
import threading
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Self

from botocore.exceptions import ClientError

from sagewright.cli import sandbox_person, state
from sagewright.cli.sandbox_person import Message
from sagewright.cli.sandbox_process import RunningSandbox
from tests.loop.accounts import DEV, PROD, REGION, STAGING, Lifts

ACCOUNTS = {"staging": STAGING, "prod": PROD}
ENVIRONMENTS: dict[str, dict[str, Any]] = {
    "dev": {"account": DEV, "region": REGION},
    "staging": {"account": STAGING, "region": REGION},
    "prod": {
        "account": PROD,
        "region": REGION,
        "serving": {
            "instances": {"min": 2},
            "rollout": {"strategy": "canary", "percent": 50, "bake_minutes": 10},
        },
    },
}
SECTIONS: dict[str, Any] = {
    "owner": "lifts@example.com",
    "environments": ENVIRONMENTS,
    "repository": {"provider": "codecommit", "name": "lifts"},
    "delivery": {"approval_hours": 2},
    "evaluation": {"metric": "roc_auc", "minimum": 0.8},
}
OWN_TEST = """
    from pathlib import Path


    def test_the_table_is_there() -> None:
        assert Path("lifts.csv").read_text()
    """
ROW = "12.50,300"
LONGEST_S = 180
Document = dict[str, Any]


def until(reached: Callable[[], Any], what: Callable[[], object] = lambda: "") -> Any:
    """Wait until something is there, and return it; else say what is there instead."""
    deadline = time.monotonic() + LONGEST_S
    while not (found := reached()):
        assert time.monotonic() < deadline, f"it never happened: {what()}"
        threading.Event().wait(0.25)
    return found


@dataclass(frozen=True)
class Delivered:
    """The project, in Git and in three accounts."""

    lifts: Lifts
    _clients: dict[tuple[str, str], Any] = field(default_factory=dict)

    @classmethod
    def planted(cls, lifts: Lifts, **sections: Any) -> "Delivered":
        """Give a planted project tests of its own, and put it under Git."""
        lifts.declare(**SECTIONS | sections)
        tests = lifts.cli.folder / "tests"
        tests.mkdir()
        (tests / "test_lifts.py").write_text(textwrap.dedent(OWN_TEST))
        # Commands look for the sandbox up to the top of the repository.
        home = state.folder_of(lifts.cli.folder)
        shutil.copy(lifts.sandbox.folder / state.FOLDER / "sandbox.json", home)
        delivered = cls(lifts)
        delivered.git("init", "--quiet", "--initial-branch", "main")
        delivered.commit("the first one")
        return delivered

    def client(self, service: str, account: str = DEV) -> Any:
        """Make a client of an account's administrator, once: who waits asks often."""
        if (service, account) not in self._clients:
            self._clients[service, account] = self.lifts.sandbox.client(service, account)
        return self._clients[service, account]

    @property
    def codepipeline(self) -> Any:
        """CodePipeline of the account that delivers."""
        return self.client("codepipeline")

    def pipeline(self, kind: str) -> str:
        """Name a pipeline."""
        return f"{self.lifts.name}-{kind}"

    def git(self, *arguments: str) -> str:
        """Run Git in the project's folder."""
        identity = ["-c", "user.name=a", "-c", "user.email=a@example.com"]
        call = ["git", *identity, *arguments]
        done = subprocess.run(call, cwd=self.lifts.cli.folder, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def commit(self, message: str) -> str:
        """Commit everything; the commit's id."""
        self.git("add", "--all")
        self.git("commit", "--quiet", "--message", message)
        return self.git("rev-parse", "HEAD")

    def executions(self, kind: str) -> list[Document]:
        """List a pipeline's executions, the latest first."""
        return self.codepipeline.list_pipeline_executions(pipelineName=self.pipeline(kind))[
            "pipelineExecutionSummaries"
        ]

    def variables(self, kind: str, identity: str) -> dict[str, str]:
        """Read the variables that an execution was started with."""
        found = self.codepipeline.get_pipeline_execution(pipelineName=self.pipeline(kind), pipelineExecutionId=identity)
        return {each["name"]: each["resolvedValue"] for each in found["pipelineExecution"]["variables"]}

    def promotion_of(self, number: int) -> str | None:
        """Find the latest promotion of a version."""
        for each in self.executions("promotion"):
            arn = self.variables("promotion", each["pipelineExecutionId"])["Version"]
            if arn.endswith(f"/{number}"):
                return each["pipelineExecutionId"]
        return None

    def status(self, kind: str, identity: str) -> str:
        """Read how an execution stands."""
        return next(each["status"] for each in self.executions(kind) if each["pipelineExecutionId"] == identity)

    def actions(self, kind: str, identity: str) -> dict[str, str]:
        """Read how the actions of an execution stand, by `stage/action`."""
        found = self.codepipeline.list_action_executions(
            pipelineName=self.pipeline(kind), filter={"pipelineExecutionId": identity}
        )["actionExecutionDetails"]
        return {f"{each['stageName']}/{each['actionName']}": each["status"] for each in reversed(found)}

    def build_of(self, kind: str, identity: str, action: str) -> str | None:
        """Find the build that an action has started, by `stage/action`; None where it has not yet."""
        project = {"Test/Test": "test"}[action]
        found = self.client("codebuild").list_builds_for_project(projectName=self.pipeline(project))["ids"]
        for each in self.client("codebuild").batch_get_builds(ids=found)["builds"] if found else ():
            if each["buildStatus"] == "IN_PROGRESS" and each["initiator"] == f"codepipeline/{self.pipeline(kind)}":
                assert self.status(kind, identity) == "InProgress"
                return each["id"]
        return None

    def ended(self, kind: str, identity: str) -> str:
        """Wait until an execution has ended; how it did."""
        return until(
            lambda: (status := self.status(kind, identity)) not in {"InProgress", "Stopping"} and status,
            lambda: self.actions(kind, identity),
        )

    def at_gate(self, identity: str) -> None:
        """Wait until a promotion asks at the gate."""
        until(
            lambda: self.actions("promotion", identity).get("Approve/Approve") == "InProgress",
            lambda: self.actions("promotion", identity),
        )

    def rollback_of(self, environment: str, leaving: int) -> str:
        """Wait for the rollback of an environment from a version; the execution's id, once it has ended."""

        def found() -> str | None:
            for each in self.executions("rollback"):
                told = self.variables("rollback", each["pipelineExecutionId"])
                if (told["Environment"], told["Leaving"]) == (environment, str(leaving)):
                    return each["pipelineExecutionId"]
            return None

        identity = until(found)
        assert self.ended("rollback", identity) == "Succeeded", self.actions("rollback", identity)
        return identity

    def serving(self, environment: str) -> int | None:
        """Ask the endpoint which version it runs; None where there is none."""
        sagemaker = self.client("sagemaker", ACCOUNTS[environment])
        try:
            config = sagemaker.describe_endpoint(EndpointName=f"{self.lifts.name}-{environment}")["EndpointConfigName"]
        except ClientError as error:
            if "Could not find" not in str(error):
                raise
            return None
        arn = sagemaker.describe_endpoint_config(EndpointConfigName=config)["EndpointConfigArn"]
        tags = {each["Key"]: each["Value"] for each in sagemaker.list_tags(ResourceArn=arn)["Tags"]}
        return int(tags["sagewright:version"].rpartition("/")[2])

    def recorded(self, environment: str) -> int:
        """Read which version the first environment's copy of the record names."""
        value = self.client("ssm").get_parameter(Name=f"/sagewright/{self.lifts.name}/dev/releases/{environment}")
        return int(json.loads(value["Parameter"]["Value"])["version"].rpartition("/")[2])

    def answer(self, environment: str, row: str = ROW) -> str:
        """Send a row; the answer."""
        runtime = self.client("sagemaker-runtime", ACCOUNTS[environment])
        sent = runtime.invoke_endpoint(
            EndpointName=f"{self.lifts.name}-{environment}", ContentType="text/csv", Body=row.encode()
        )
        return sent["Body"].read().decode()

    def version(self, code: str) -> int:
        """Register a version like the first, whose endpoint has other code of the project; nobody has approved it."""
        sagemaker, s3 = self.client("sagemaker"), self.client("s3")
        package = sagemaker.describe_model_package(ModelPackageName=self.lifts.packages()[0])
        container = package["InferenceSpecification"]["Containers"][0]
        bucket, _, source = container["ModelDataUrl"].removeprefix("s3://").partition("/")
        content = s3.get_object(Bucket=bucket, Key=source)["Body"].read()
        key = f"executions/{uuid.uuid4().hex}/Train/output/model.tar.gz"
        s3.put_object(Bucket=bucket, Key=key, Body=_replaced(content, "code/lifts/__init__.py", textwrap.dedent(code)))
        container |= {"ModelDataUrl": f"s3://{bucket}/{key}"}
        container = {name: container[name] for name in ("Image", "ModelDataUrl", "Environment")}
        made = sagemaker.create_model_package(
            ModelPackageGroupName=self.lifts.name,
            ModelApprovalStatus="PendingManualApproval",
            InferenceSpecification=package["InferenceSpecification"] | {"Containers": [container]},
            CustomerMetadataProperties=package["CustomerMetadataProperties"],
        )
        return int(made["ModelPackageArn"].rpartition("/")[2])

    def arn(self, number: int) -> str:
        """The ARN of a version."""
        return f"arn:aws:sagemaker:{REGION}:{DEV}:model-package/{self.lifts.name}/{number}"

    def audit(self, *kinds: str) -> list[Document]:
        """Read the record through the command line."""
        return self.lifts.cli.ok("audit", *(f"--kind={each}" for each in kinds))

    @property
    def running(self) -> RunningSandbox:
        """The sandbox, as the command line knows it."""
        ready, folder = self.lifts.sandbox.ready, self.lifts.sandbox.folder
        return RunningSandbox(ready["endpoint"], ready["pid"], ready["data"], "", folder / ".sagewright/sandbox.json")

    def messages(self) -> list[Message]:
        """Read what was sent to the owner."""
        return [each for each in sandbox_person.inbox(self.running) if each.confirmation is None]

    def told(self, *words: str) -> Message:
        """Wait for a message with all of these words; exactly one has them."""
        found = until(
            lambda: [each for each in self.messages() if all(word in f"{each.subject} {each.text}" for word in words)],
            lambda: [f"{each.subject}: {each.text}" for each in self.messages()],
        )
        (message,) = found
        return message


class Traffic:
    """Requests to an endpoint without a pause, by clients that do not try again."""

    def __init__(self, delivered: Delivered, environment: str, rows: Sequence[str]) -> None:
        self.failures: list[str] = []
        self.answers = 0
        self._delivered, self._environment, self._rows = delivered, environment, rows
        self._done = threading.Event()
        self._threads = [threading.Thread(target=self._ask, args=(row,)) for row in rows]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        for thread in self._threads:
            thread.join()

    def _ask(self, row: str) -> None:
        runtime = self._delivered.client("sagemaker-runtime", ACCOUNTS[self._environment])
        name = f"{self._delivered.lifts.name}-{self._environment}"
        while not self._done.is_set():
            try:
                runtime.invoke_endpoint(EndpointName=name, ContentType="text/csv", Body=row.encode())
                self.answers += 1
            except Exception as error:  # noqa: BLE001 - any failure is what a test asks about
                self.failures.append(str(error))
            self._done.wait(0.05)


def event(name: str, delivered: Delivered, detail: Mapping[str, Any], moment: str) -> Document:
    """Write an event as EventBridge hands it to the delivery function."""
    return {
        "version": "0",
        "id": str(uuid.uuid4()),
        "detail-type": name,
        "source": "aws.sagemaker",
        "account": DEV,
        "time": moment,
        "region": REGION,
        "resources": [],
        "detail": {"ModelPackageGroupName": delivered.lifts.name, **detail},
    }


def _replaced(archive: bytes, name: str, content: str) -> bytes:
    """Put another text in the place of one file of a tar archive."""
    written = io.BytesIO()
    with (
        tarfile.open(fileobj=io.BytesIO(archive)) as before,
        tarfile.open(fileobj=written, mode="w:gz") as after,
    ):
        assert any(each.name.removeprefix("./") == name for each in before), before.getnames()
        for each in before:
            if each.name.removeprefix("./") == name:
                each.size = len(content.encode())
                after.addfile(each, io.BytesIO(content.encode()))
            else:
                after.addfile(each, before.extractfile(each) if each.isfile() else None)
    return written.getvalue()
