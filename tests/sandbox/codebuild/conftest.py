import io
import json
import uuid
import zipfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from sagewright.sandbox.cloudwatch.metrics import Place

ACCOUNT, REGION = "111111111111", "eu-west-1"
CODEBUILD = "codebuild.amazonaws.com"
IMAGE = "aws/codebuild/amazonlinux-x86_64-standard:6.0"
LOGS = {"Effect": "Allow", "Action": ["logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents"]}


@dataclass
class Yard:
    """A place where builds run: projects, roles and a bucket of one test, under a name of its own."""

    bench: Any
    bucket: str = ""
    events: list[dict[str, Any]] = field(default_factory=list)

    @property
    def client(self) -> Any:
        return self.bench.client("codebuild")

    @property
    def codebuild(self) -> Any:
        return self.bench.gateway.codebuild

    @property
    def place(self) -> Place:
        return Place(ACCOUNT, REGION)

    def role(self, *statements: dict[str, Any], logs: bool = True, **condition: Any) -> str:
        """Return a service role that may write logs, unless it shall not, and what the statements allow."""
        allowed = [{**LOGS, "Resource": "*"}] if logs else []
        return self.bench.role(CODEBUILD, *allowed, *statements, **condition)

    def allow(self, *actions: str, resource: str = "*") -> dict[str, Any]:
        return {"Effect": "Allow", "Action": list(actions), "Resource": resource}

    def project(self, buildspec: str, *statements: dict[str, Any], **settings: Any) -> str:
        """Return the name of a project without source whose role may do what the statements allow."""
        name = settings.pop("name", f"{self.bench.name}-{uuid.uuid4().hex[:6]}")
        environment = {"type": "LINUX_CONTAINER", "computeType": "BUILD_GENERAL1_SMALL", "image": IMAGE}
        given = {
            "source": {"type": "NO_SOURCE", "buildspec": buildspec},
            "artifacts": {"type": "NO_ARTIFACTS"},
            "environment": environment | settings.pop("environment", {}),
            "serviceRole": settings.pop("serviceRole", None) or self.role(*statements),
        }
        self.client.create_project(name=name, **{**given, **settings})
        return name

    def start(self, project: str, **overrides: Any) -> str:
        return self.client.start_build(projectName=project, **overrides)["build"]["id"]

    def build(self, project: str, **overrides: Any) -> dict[str, Any]:
        """Run a build to its end and return it as the API has it."""
        return self.ended(self.start(project, **overrides))

    def ended(self, identity: str) -> dict[str, Any]:
        self.codebuild.builds.wait(self.place, identity, 60)
        (build,) = self.client.batch_get_builds(ids=[identity])["builds"]
        assert build["buildComplete"], build
        return build

    def run(self, buildspec: str, *statements: dict[str, Any], **settings: Any) -> dict[str, Any]:
        return self.build(self.project(buildspec, *statements, **settings))

    def log(self, build: dict[str, Any]) -> list[str]:
        logs = build["logs"]
        events = self.bench.client("logs").get_log_events(
            logGroupName=logs["groupName"], logStreamName=logs["streamName"], startFromHead=True
        )
        return [event["message"] for event in events["events"]]

    def printed(self, build: dict[str, Any]) -> list[str]:
        """Return what the commands printed, without CodeBuild's own lines."""
        return [line for line in self.log(build) if not line.startswith("[Container]")]

    def put(self, key: str, body: bytes | str) -> str:
        self.bench.client("s3").put_object(Bucket=self.bucket, Key=key, Body=body)
        return f"{self.bucket}/{key}"

    def put_archive(self, key: str, files: dict[str, str]) -> str:
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w") as archive:
            for name, text in files.items():
                entry = zipfile.ZipInfo(name)
                entry.external_attr = (0o755 if name.endswith(".sh") else 0o644) << 16
                archive.writestr(entry, text)
        return self.put(key, buffer.getvalue())

    def get(self, key: str) -> bytes:
        return self.bench.client("s3").get_object(Bucket=self.bucket, Key=key)["Body"].read()

    def files(self, key: str) -> dict[str, str]:
        """Return the files of an archive in the bucket."""
        with zipfile.ZipFile(io.BytesIO(self.get(key))) as archive:
            return {name: archive.read(name).decode() for name in archive.namelist()}

    def on_bucket(self, *actions: str) -> dict[str, Any]:
        return {"Effect": "Allow", "Action": list(actions), "Resource": f"arn:aws:s3:::{self.bucket}/*"}

    def told(self) -> list[dict[str, Any]]:
        """Return the events that came by now, in their order."""
        self.bench.settled()
        return self.events

    def marker(self, tmp_path: Path) -> Path:
        """Return a file by which a command and the test tell each other how far they are."""
        return tmp_path / uuid.uuid4().hex


@pytest.fixture
def yard(bench: Any, monkeypatch: pytest.MonkeyPatch) -> Yard:
    bucket = f"{bench.name}-builds"
    bench.client("s3").create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": REGION})
    made = Yard(bench, bucket)
    emit = bench.gateway.bus.emit

    def listen(place: Place, **event: Any) -> None:
        if event["detail"].get("project-name", "").startswith(bench.name):
            made.events.append(json.loads(json.dumps(event)))
        emit(place, **event)

    monkeypatch.setattr(bench.gateway.bus, "emit", listen)
    return made
