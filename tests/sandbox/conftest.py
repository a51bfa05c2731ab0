import io
import json
import uuid
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from sagewright.sandbox.server import Sandbox

from .work_tree import WorkTree


@dataclass(frozen=True)
class RunningSandbox:
    """One sandbox for all tests of a worker: each test uses names of its own."""

    sandbox: Sandbox

    @property
    def endpoint(self) -> str:
        return self.sandbox.endpoint

    @property
    def data(self) -> Path:
        return self.sandbox.data

    def client(self, service: str, account: str = "111111111111", region: str = "eu-west-1") -> Any:
        return self.sandbox.clients.get(service, account, region)


@pytest.fixture(scope="session")
def sandbox(embedded: Sandbox) -> RunningSandbox:
    return RunningSandbox(embedded)


ACCOUNT, REGION = "111111111111", "eu-west-1"


@dataclass(frozen=True)
class Bench:
    """Functions, queues, topics and roles of one test, under a name of its own."""

    sandbox: RunningSandbox
    name: str

    def client(self, service: str) -> Any:
        return self.sandbox.client(service, ACCOUNT, REGION)

    @property
    def gateway(self) -> Any:
        return self.sandbox.sandbox._gateway

    def arn(self, service: str, resource: str) -> str:
        return f"arn:aws:{service}:{REGION}:{ACCOUNT}:{resource}"

    def role(self, service: str, *statements: dict[str, Any], **condition: Any) -> str:
        """Return a role that the service may take, and that may do what the statements allow."""
        name = f"{self.name}-{service.partition('.')[0]}-{uuid.uuid4().hex[:6]}"
        trusting = {"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole", **condition}
        iam = self.client("iam")
        arn = iam.create_role(RoleName=name, AssumeRolePolicyDocument=document(trusting))["Role"]["Arn"]
        if statements:
            iam.put_role_policy(RoleName=name, PolicyName="Work", PolicyDocument=document(*statements))
        return arn

    def function(self, code: str, *statements: dict[str, Any], **settings: Any) -> str:
        """Return the ARN of a function with this code, whose role may do what the statements allow."""
        archive = io.BytesIO()
        with zipfile.ZipFile(archive, "w") as package:
            package.writestr("index.py", code)
        role = settings.pop("Role", None) or self.role("lambda.amazonaws.com", *statements)
        settings = {"Handler": "index.handler", "Runtime": "python3.12", "Timeout": 30} | settings
        name = f"{self.name}-{uuid.uuid4().hex[:6]}"
        client = self.client("lambda")
        code_of = {"ZipFile": archive.getvalue()}
        return client.create_function(FunctionName=name, Role=role, Code=code_of, **settings)["FunctionArn"]

    def admit(self, function: str, service: str, **source: str) -> None:
        """Let a service call a function."""
        sid, action = uuid.uuid4().hex, "lambda:InvokeFunction"
        self.client("lambda").add_permission(
            FunctionName=function, StatementId=sid, Action=action, Principal=service, **source
        )

    def queue(self, *statements: dict[str, Any], **attributes: str) -> str:
        """Return the ARN of a queue with a policy of these statements, which are about it alone."""
        name = f"{self.name}-{uuid.uuid4().hex[:6]}"
        arn = self.arn("sqs", name)
        if statements:
            attributes["Policy"] = document(*({"Resource": arn, **each} for each in statements))
        self.client("sqs").create_queue(QueueName=name, Attributes=attributes)
        return arn

    def received(self, queue: str, wait_s: int = 20) -> dict[str, Any]:
        """Wait for one message of a queue and return it."""
        url = f"{self.sandbox.endpoint}/{ACCOUNT}/{queue.rpartition(':')[2]}"
        asked = {"QueueUrl": url, "WaitTimeSeconds": wait_s, "MessageAttributeNames": ["All"]}
        (message,) = self.client("sqs").receive_message(**asked)["Messages"]
        self.client("sqs").delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
        return message

    def settled(self) -> None:
        """Wait until nothing is under way in the sandbox."""
        clock = self.gateway.clock
        with clock._changed:
            assert clock._changed.wait_for(lambda: not clock._under_way, 60), clock._under_way

    def forward(self, seconds: float) -> None:
        """Move the sandbox's clock, with all that is due on the way."""
        clock = self.gateway.clock
        clock.forward(clock.now() + seconds)
        assert clock.arrived(60)
        self.settled()


def document(*statements: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


@pytest.fixture
def bench(sandbox: RunningSandbox) -> Bench:
    return Bench(sandbox, f"t-{uuid.uuid4().hex[:10]}")


@pytest.fixture
def work_tree(tmp_path: Path) -> Callable[..., WorkTree]:
    """Return what makes a folder of this name to work with git in: a clone, or still empty."""

    def made(name: str, url: str = "") -> WorkTree:
        tree = WorkTree(tmp_path / name)
        tree.folder.mkdir()
        if url:
            tree.git("clone", "--quiet", url, ".")
        return tree

    return made
