import io
import json
import zipfile
from dataclasses import dataclass, field
from typing import Any

import pytest

ACCOUNT, REGION = "111111111111", "eu-west-1"
SERVICE = "codepipeline.amazonaws.com"
Action = dict[str, Any]
Stage = dict[str, Any]


def action(name: str, category: str, provider: str, **more: Any) -> Action:
    kind = {"category": category, "owner": "AWS", "provider": provider, "version": "1"}
    return {"name": name, "actionTypeId": kind, **more}


def gate(name: str = "Approve", **more: Any) -> Action:
    return action(name, "Approval", "Manual", **more)


def stage(name: str, *actions: Action, **conditions: Any) -> Stage:
    return {"name": name, "actions": list(actions), **conditions}


def check(result: str, variable: str, operator: str = "EQ", value: str = "yes") -> dict[str, Any]:
    """Return a condition that is met where the variable is as wanted."""
    rule = {
        "name": "Look",
        "ruleTypeId": {"category": "Rule", "owner": "AWS", "provider": "VariableCheck", "version": "1"},
        "configuration": {"Variable": variable, "Operator": operator, "Value": value},
    }
    return {"conditions": [{"result": result, "rules": [rule]}]}


def archive(files: dict[str, str]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as package:
        for name, text in files.items():
            package.writestr(name, text)
    return buffer.getvalue()


@dataclass
class Lane:
    """Pipelines of one test, whose source is an object in a bucket, and what they were heard to say."""

    bench: Any
    bucket: str
    events: list[dict[str, Any]] = field(default_factory=list)

    @property
    def client(self) -> Any:
        return self.bench.client("codepipeline")

    @property
    def name(self) -> str:
        return self.bench.name

    @property
    def arn(self) -> str:
        return self.bench.arn("codepipeline", self.name)

    def on_bucket(self, *actions: str) -> dict[str, Any]:
        arn = f"arn:aws:s3:::{self.bucket}"
        return {"Effect": "Allow", "Action": list(actions), "Resource": [arn, f"{arn}/*"]}

    def role(self, *statements: dict[str, Any], **condition: Any) -> str:
        """Return a pipeline's role, which may use the bucket."""
        needed = ("s3:GetBucketVersioning", "s3:GetObject", "s3:GetObjectVersion", "s3:PutObject")
        return self.bench.role(SERVICE, self.on_bucket(*needed), *statements, **condition)

    def put(self, files: dict[str, str], key: str = "source.zip") -> str:
        answer = self.bench.client("s3").put_object(Bucket=self.bucket, Key=key, Body=archive(files))
        return answer["VersionId"]

    def source(self, **configuration: str) -> Stage:
        given = {"S3Bucket": self.bucket, "S3ObjectKey": "source.zip", "PollForSourceChanges": "false"}
        taken = action("Take", "Source", "S3", configuration=given | configuration, namespace="Taken")
        return stage("Source", {**taken, "outputArtifacts": [{"name": "Source"}]})

    def declaration(self, *stages: Stage, **more: Any) -> dict[str, Any]:
        given = {
            "name": self.name,
            "pipelineType": "V2",
            "roleArn": more.pop("roleArn", None) or self.role(),
            "artifactStore": {"type": "S3", "location": self.bucket},
            "stages": [self.source(), *stages],
        }
        return given | more

    def create(self, *stages: Stage, **more: Any) -> str:
        """Create a pipeline, wait until nothing is under way, and return the id of its first execution."""
        self.client.create_pipeline(pipeline=self.declaration(*stages, **more))
        self.bench.settled()
        return self.executions()[0]["pipelineExecutionId"]

    def start(self, **given: Any) -> str:
        identity = self.client.start_pipeline_execution(name=self.name, **given)["pipelineExecutionId"]
        self.bench.settled()
        return identity

    def executions(self) -> list[dict[str, Any]]:
        return self.client.list_pipeline_executions(pipelineName=self.name)["pipelineExecutionSummaries"]

    def status(self, identity: str) -> str:
        return self.execution(identity)["status"]

    def execution(self, identity: str) -> dict[str, Any]:
        asked = {"pipelineName": self.name, "pipelineExecutionId": identity}
        return self.client.get_pipeline_execution(**asked)["pipelineExecution"]

    def stage(self, name: str) -> dict[str, Any]:
        stages = self.client.get_pipeline_state(name=self.name)["stageStates"]
        return next(each for each in stages if each["stageName"] == name)

    def action(self, stage_name: str, name: str) -> dict[str, Any]:
        states = self.stage(stage_name)["actionStates"]
        return next(each for each in states if each["actionName"] == name).get("latestExecution", {})

    def runs(self, identity: str) -> list[dict[str, Any]]:
        """Return the runs of an execution's actions, in their order."""
        asked = {"pipelineName": self.name, "filter": {"pipelineExecutionId": identity}}
        return self.client.list_action_executions(**asked)["actionExecutionDetails"][::-1]

    def answer(self, stage_name: str, status: str = "Approved", name: str = "Approve", token: str = "") -> Any:
        given = {"pipelineName": self.name, "stageName": stage_name, "actionName": name}
        told = {"summary": f"{status} by a test", "status": status}
        token = token or self.action(stage_name, name)["token"]
        answered = self.client.put_approval_result(**given, result=told, token=token)
        self.bench.settled()
        return answered

    def stop(self, identity: str, *, abandon: bool = False) -> None:
        given = {"pipelineName": self.name, "pipelineExecutionId": identity}
        self.client.stop_pipeline_execution(**given, abandon=abandon, reason="a test asks for it")
        self.bench.settled()

    def retry(self, stage_name: str, identity: str, mode: str = "FAILED_ACTIONS") -> None:
        given = {"pipelineName": self.name, "stageName": stage_name, "pipelineExecutionId": identity}
        self.client.retry_stage_execution(**given, retryMode=mode)
        self.bench.settled()

    def told(self, level: str) -> list[tuple[str, ...]]:
        """Return what the events of a level said: of which stage and action, and the state."""
        self.bench.settled()
        members = {"Pipeline": ("state",), "Stage": ("stage", "state"), "Action": ("action", "state")}[level]
        found = [each for each in self.events if each["detail_type"] == f"CodePipeline {level} Execution State Change"]
        return [tuple(each["detail"][member] for member in members) for each in found]


@pytest.fixture
def lane(bench: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    bucket, s3 = f"{bench.name}-lane", bench.client("s3")
    s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": REGION})
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    made = Lane(bench, bucket)
    made.put({"README.md": "one"})
    emit = bench.gateway.bus.emit

    def listen(place: Any, **event: Any) -> None:
        if event["source"] == "aws.codepipeline" and event["detail"]["pipeline"] == made.name:
            made.events.append(json.loads(json.dumps(event)))
        emit(place, **event)

    monkeypatch.setattr(bench.gateway.bus, "emit", listen)
    yield made
    bench.client("codepipeline").delete_pipeline(name=made.name)
