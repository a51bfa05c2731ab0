"""What a deployment would do is told before, and one that would lose data is refused before it touches anything."""

import json
import uuid
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from typer.testing import Result

from sagewright.cli import adoption, assembly, changes, deploying, diff, protection
from sagewright.cli.assembly import Assembly, PlannedStack
from sagewright.cli.errors import CommandError
from sagewright.cli.options import Options
from sagewright.cli.sandbox_process import RunningSandbox
from sagewright.cli.target import Sandbox
from sagewright.cli.terminal import Terminal
from sagewright.project import Project, load, names

# An account of its own: others count on theirs not being bootstrapped.
PROJECT = """\
name: {name}
environments:
  dev: {{account: "444444444444", region: eu-west-1}}
data: {{source: data/customers.csv, problem: binary_classification, label: churned}}
training: {{code: src/churn}}
evaluation: {{minimum: 0.55}}
"""
KEPT = {"DeletionPolicy": "RetainExceptOnCreate", "UpdateReplacePolicy": "Retain"}


class Deployment:
    """A project, and one stack of it that a test writes by hand and deploys."""

    def __init__(self, root: Path, running: RunningSandbox) -> None:
        self.root = root
        self.project: Project = load(root)
        self.target = Sandbox(running, self.project)
        self.api = self.target.client("cloudformation", self.project.first)
        self.name = f"{self.project.name}-dev-data"

    def deploy(self, resources: dict[str, Any]) -> None:
        self.api.create_stack(StackName=self.name, TemplateBody=json.dumps({"Resources": resources}))
        self.api.get_waiter("stack_create_complete").wait(
            StackName=self.name, WaiterConfig={"Delay": 0.1, "MaxAttempts": 600}
        )

    def stack(self, resources: dict[str, Any]) -> PlannedStack:
        file = self.root / f"{uuid.uuid4().hex}.template.json"
        file.write_text(json.dumps({"Resources": resources}))
        return PlannedStack(self.name, self.project.first, file, {}, "")

    def planned(self, resources: dict[str, Any]) -> changes.StackChanges:
        return changes.plan(self.target, self.stack(resources))

    def guarded(self, resources: dict[str, Any]) -> None:
        """Ask the guard that stands before `deploy`."""
        written = Assembly(self.root, (self.stack(resources),), ())
        protection.require_kept(self.project, self.target, written, adopts=False)

    def state(self) -> tuple[str, list[Any]]:
        """Everything of the stack that a look must not change."""
        described = self.api.describe_stacks(StackName=self.name)["Stacks"][0]
        events = self.api.describe_stack_events(StackName=self.name)["StackEvents"]
        assert self.api.list_change_sets(StackName=self.name)["Summaries"] == []
        return described["StackStatus"], [each["EventId"] for each in events]


@pytest.fixture
def deployment(home: tuple[Path, RunningSandbox]) -> Deployment:
    folder, running = home
    name = f"p{uuid.uuid4().hex[:8]}"
    root = folder / name
    (root / "src" / "churn").mkdir(parents=True)
    (root / "src" / "churn" / "__init__.py").write_text("def fit(X, y, hyperparameters):\n    return None\n")
    (root / "data").mkdir()
    (root / "data" / "customers.csv").write_text("tenure,churned\n1,Yes\n")
    (root / "project.yaml").write_text(PROJECT.format(name=name))
    return Deployment(root, running)


def bucket(name: str, **properties: Any) -> dict[str, Any]:
    return {"Type": "AWS::S3::Bucket", "Properties": {"BucketName": name, **properties}, **KEPT}


def parameter(value: str) -> dict[str, Any]:
    return {"Type": "AWS::SSM::Parameter", "Properties": {"Type": "String", "Value": value}}


def test_each_change_is_told_with_its_reason_and_nothing_is_touched(deployment: Deployment) -> None:
    name = deployment.project.name
    deployment.deploy({"Data": bucket(name), "Old": parameter("1"), "Kept": parameter("1")})
    before = deployment.state()

    planned = deployment.planned({"Data": bucket(name), "New": parameter("1"), "Kept": parameter("2")})

    told = {change.logical_id: (change.action, change.kind, change.properties) for change in planned.changes}
    assert told == {
        "New": ("add", "AWS::SSM::Parameter", ()),
        "Kept": ("modify", "AWS::SSM::Parameter", ("Value",)),
        "Old": ("remove", "AWS::SSM::Parameter", ()),
    }
    assert deployment.state() == before


def test_a_deployment_that_changes_nothing_has_no_changes(deployment: Deployment) -> None:
    deployment.deploy({"Data": bucket(deployment.project.name)})
    planned = deployment.planned({"Data": bucket(deployment.project.name)})
    assert (planned.is_new, planned.changes, planned.unknown) == (False, (), "")


Change = Callable[[str], dict[str, Any]]
LOSSES: list[tuple[Change, str]] = [
    (
        lambda name: {"Data": bucket(f"{name}-other"), "Key": parameter("1")},
        r"\(Data\) would be replaced by a new and empty one because of BucketName; data, executions",
    ),
    (lambda _: {"Key": parameter("1")}, r"\(Data\) would be left to itself, outside of every stack"),
    (
        lambda name: {"Renamed": bucket(name), "Key": parameter("1")},
        r"\(Data\) would be left to itself",
    ),
]


@pytest.mark.parametrize(("change", "message"), LOSSES)
def test_what_would_lose_a_bucket_is_refused_before_it_starts(
    deployment: Deployment, change: Change, message: str
) -> None:
    name = deployment.project.name
    deployment.deploy({"Data": bucket(name), "Key": parameter("1")})
    deployment.target.client("s3", deployment.project.first).put_object(Bucket=name, Key="one", Body=b"one")
    before = deployment.state()

    with pytest.raises(CommandError, match=rf"^Refused, because data would be lost. {deployment.name}: .*{message}"):
        deployment.guarded(change(name))

    assert deployment.state() == before
    got = deployment.target.client("s3", deployment.project.first).get_object(Bucket=name, Key="one")
    assert got["Body"].read() == b"one"


def test_a_resource_that_becomes_another_type_is_refused(deployment: Deployment) -> None:
    deployment.deploy({"Data": bucket(deployment.project.name)})
    with pytest.raises(CommandError, match=r"cannot say .*Update of resource type is not permitted.*Nothing was depl"):
        deployment.guarded({"Data": parameter("1")})


def test_a_log_that_is_only_let_go_of_is_no_loss(deployment: Deployment) -> None:
    log = {"Type": "AWS::Logs::LogGroup", "Properties": {"LogGroupName": f"/{deployment.project.name}"}, **KEPT}
    deployment.deploy({"Log": log, "Other": parameter("1")})
    deployment.guarded({"Other": parameter("1")})
    planned = deployment.planned({"Other": parameter("1")})
    assert [change.action for change in planned.changes] == ["let go"]


def test_a_log_that_is_there_already_is_to_be_adopted(deployment: Deployment) -> None:
    name = names.endpoint_log(deployment.project.name, "dev")
    deployment.target.client("logs", deployment.project.first).create_log_group(logGroupName=name)
    deployment.deploy({"Other": parameter("1")})
    log = {"Type": "AWS::Logs::LogGroup", "Properties": {"LogGroupName": name, "RetentionInDays": 7}, **KEPT}
    with pytest.raises(CommandError, match=rf"has left AWS::Logs::LogGroup {name}, .*`sagewright deploy --adopt`"):
        deployment.guarded({"Other": parameter("1"), "Log": log})


def test_an_export_that_is_not_there_yet_is_said_to_come(deployment: Deployment) -> None:
    deployment.deploy({"Other": parameter("1")})
    used = parameter("1")
    used["Properties"]["Value"] = {"Fn::ImportValue": "nobody-exports-this"}
    planned = deployment.planned({"Other": parameter("1"), "New": used})
    assert "No export named nobody-exports-this" in planned.unknown
    assert planned.unknown.endswith("a stack that is deployed before it makes it")


def test_a_refused_deployment_has_not_bootstrapped_anew_what_was_bootstrapped(
    deployment: Deployment, run: Callable[..., Result]
) -> None:
    qualifier = f"q{uuid.uuid4().hex[:8]}"
    file = deployment.root / "project.yaml"
    file.write_text(f"{file.read_text()}security: {{bootstrap_qualifier: {qualifier}}}\n")
    deployment.deploy({"Data": bucket(f"{deployment.project.name}-other")})
    ssm = deployment.target.client("ssm", deployment.project.first)
    ssm.put_parameter(Name=f"/cdk-bootstrap/{qualifier}/version", Type="String", Value="30")
    behind = (f"CDKToolkit-{qualifier}", names.execution_stack(qualifier))
    for stack in behind:
        statement = {"Effect": "Allow", "Action": "s3:ListBucket", "Resource": "*"}
        policy = {"PolicyDocument": {"Version": "2012-10-17", "Statement": [statement]}}
        body = json.dumps({"Resources": {"One": {"Type": "AWS::IAM::ManagedPolicy", "Properties": policy}}})
        deployment.api.create_stack(StackName=stack, TemplateBody=body, Capabilities=["CAPABILITY_IAM"])
        deployment.api.get_waiter("stack_create_complete").wait(
            StackName=stack, WaiterConfig={"Delay": 0.1, "MaxAttempts": 600}
        )

    refused = run("deploy", "--project", deployment.root)

    assert refused.exit_code == 1
    assert "Refused, because data would be lost." in refused.stderr
    statuses = [deployment.api.describe_stacks(StackName=stack)["Stacks"][0]["StackStatus"] for stack in behind]
    assert statuses == ["CREATE_COMPLETE", "CREATE_COMPLETE"]


class AskedError(Exception):
    """Somebody was asked to agree."""


def test_that_data_goes_with_its_stack_from_now_on_is_told_and_agreed_to_in_aws(
    deployment: Deployment, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    name = deployment.project.name
    deployment.deploy({"Data": bucket(name), "Key": parameter("1")})
    planned = deployment.planned({"Data": {**bucket(name), "DeletionPolicy": "Delete"}, "Key": parameter("1")})

    said = f"{deployment.name}: its protection is lifted (removal: destroy). Nothing is deleted now"
    assert protection.lifted(planned).startswith(said)
    assert f"deletes with it AWS::S3::Bucket {name}; of buckets those that are empty" in protection.lifted(planned)
    assert [protection.is_loss(each) for each in planned.changes] == [False]
    assert protection.lifted(deployment.planned({"Data": bucket(name), "Key": parameter("2")})) == ""
    assert said in " ".join(str(each) for each in diff._page(planned, deployment.project, is_release=False))

    options = Options(Terminal(), deployment.root)
    deploying._tell_lifted(options, deployment.target, [planned])
    assert said in " ".join(capsys.readouterr().err.split())

    def ask(_terminal: Terminal, question: str, *, assume_yes: bool) -> None:
        assert not assume_yes
        raise AskedError(question)

    monkeypatch.setattr(Terminal, "confirm", ask)
    monkeypatch.setattr(deployment.target, "is_sandbox", False)
    with pytest.raises(AskedError, match="its protection is lifted"):
        deploying._tell_lifted(options, deployment.target, [planned])


def test_a_registry_in_what_was_the_first_environment_is_told_to_be_put_first_again(deployment: Deployment) -> None:
    was = replace(deployment.stack({}), environment=deployment.project.first.model_copy(update={"name": "old"}))
    gone = changes.Change(was, "let go", "Registry", protection.REGISTRY, "leavers")
    with pytest.raises(CommandError, match=r"The first environment .* was old, .* and is dev now: put old first again"):
        protection.refuse_losses([changes.StackChanges(was, changes=(gone,))], deployment.project)


def test_the_commands_tell_and_refuse_the_same(deployment: Deployment, run: Callable[..., Result]) -> None:
    """The bucket that is deployed has another name than the one of the project."""
    synthesized = _synthesized(deployment)
    (data,) = synthesized.data_stacks(deployment.project)
    key = {name: each for name, each in data.resources.items() if each["Type"] == adoption.KEY}
    other = {
        name: bucket(deployment.project.name)
        for name, each in data.resources.items()
        if each["Type"] == adoption.BUCKET and name.startswith("Data")
    }
    deployment.deploy({**key, **other})
    before = deployment.state()

    refused = run("deploy", "--project", deployment.root)
    told = run("diff", "--project", deployment.root, "--json")

    assert (told.exit_code, refused.exit_code) == (1, 1)
    assert "Refused, because data would be lost." in told.stderr
    assert "Refused, because data would be lost." in refused.stderr
    stacks = {each["stack"]: each for each in json.loads(told.stdout)["stacks"]}
    losses = [each["logical_id"] for each in stacks[deployment.name]["changes"] if each["refused"]]
    assert losses == list(other)
    assert stacks[f"{deployment.project.name}-dev-serving"]["with"] == "release"
    assert deployment.state() == before
    assert run("diff", "nowhere", "--project", deployment.root).exit_code == 1


def _synthesized(deployment: Deployment) -> Assembly:

    return assembly.synthesize(Options(Terminal(), deployment.root), deployment.project, deployment.target)


def test_every_type_of_the_golden_list_that_holds_data_is_guarded() -> None:
    """An alias, a bucket policy and a role hold none: they are made again from the project."""
    golden = json.loads((Path(__file__).parents[1] / "stacks" / "stateful.json").read_text())
    types = {kind for stack in golden.values() for kind in stack.values()}
    made_again = {adoption.ALIAS, adoption.BUCKET_POLICY, "AWS::IAM::Role", "AWS::IAM::Policy"}
    assert types - made_again <= protection.STATEFUL.keys()
