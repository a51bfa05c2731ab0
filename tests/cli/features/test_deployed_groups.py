"""What becomes of feature groups is asked of CloudFormation itself; their files are sent up once."""

import json
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import Result

from sagewright.cli import adoption, changes, diff, protection
from sagewright.cli.assembly import Assembly, PlannedStack
from sagewright.cli.errors import CommandError
from sagewright.cli.features import safe_change
from sagewright.cli.options import Options
from sagewright.cli.sandbox_process import RunningSandbox
from sagewright.cli.target import CDK_QUALIFIER, Sandbox
from sagewright.cli.terminal import Terminal
from sagewright.project import Project, load, names

PROJECT = """\
name: {name}
environments:
  dev: {{account: "333333333333", region: eu-west-1}}
data: {{source: data/trips.csv, problem: binary_classification, label: late}}
features:
  sky:
    source: data/sky.csv
    record_id: station
    event_time: observed
    features: {{wind: fractional}}
  plan:
    record_id: trip
    event_time: since
    features: {{station: string}}
training: {{code: src/churn}}
evaluation: {{minimum: 0.55}}
"""
KEPT = {"DeletionPolicy": "RetainExceptOnCreate", "UpdateReplacePolicy": "Retain"}


class Deployment:
    """A project, and its data stack with nothing but an online feature group, as a test writes it."""

    def __init__(self, root: Path, running: RunningSandbox) -> None:
        self.root = root
        self.project: Project = load(root)
        self.target = Sandbox(running, self.project)
        self.api = self.target.client("cloudformation", self.project.first)
        self.name = names.data_stack(self.project.name, "dev")

    def deploy(self, resources: dict[str, Any]) -> None:
        self.api.create_stack(StackName=self.name, TemplateBody=json.dumps({"Resources": resources}))
        self._wait("stack_create_complete")

    def update(self, resources: dict[str, Any]) -> None:
        self.api.update_stack(StackName=self.name, TemplateBody=json.dumps({"Resources": resources}))
        self._wait("stack_update_complete")

    def _wait(self, for_what: str) -> None:
        self.api.get_waiter(for_what).wait(StackName=self.name, WaiterConfig={"Delay": 0.1, "MaxAttempts": 600})

    def assembly(self, resources: dict[str, Any]) -> Assembly:
        file = self.root / f"{uuid.uuid4().hex}.template.json"
        file.write_text(json.dumps({"Resources": resources}))
        return Assembly(self.root, (PlannedStack(self.name, self.project.first, file, {}, ""),), ())

    def planned(self, resources: dict[str, Any]) -> changes.StackChanges:
        return changes.plan(self.target, self.assembly(resources).stacks[0])

    def guard(self, resources: dict[str, Any]) -> list[changes.StackChanges]:
        """Ask the guard that stands before `deploy`."""
        return protection.require_kept(self.project, self.target, self.assembly(resources), adopts=False)

    def group(self, *features: str, kind: str = "Fractional", version: int = 1) -> dict[str, Any]:
        described = {"station": "String", "observed": "String", **dict.fromkeys(features, kind)}
        properties = {
            "FeatureGroupName": names.feature_group(self.project.name, "sky", version),
            "RecordIdentifierFeatureName": "station",
            "EventTimeFeatureName": "observed",
            "FeatureDefinitions": [{"FeatureName": name, "FeatureType": each} for name, each in described.items()],
            "OnlineStoreConfig": {"EnableOnlineStore": True},
        }
        return {"Type": changes.FEATURE_GROUP, "Properties": properties, **KEPT}


@pytest.fixture
def deployment(home: tuple[Path, RunningSandbox]) -> Deployment:
    folder, running = home
    name = f"p{uuid.uuid4().hex[:8]}"
    root = folder / name
    (root / "src" / "churn").mkdir(parents=True)
    (root / "src" / "churn" / "__init__.py").write_text("def fit(X, y, hyperparameters):\n    return None\n")
    (root / "data").mkdir()
    (root / "data" / "trips.csv").write_text("trip,late\n1,Yes\n")
    (root / "data" / "sky.csv").write_text("station,observed,wind\nA,2024-01-01T00:00:00Z,1.5\n")
    (root / "project.yaml").write_text(PROJECT.format(name=name))
    return Deployment(root, running)


@pytest.fixture
def executor(deployment: Deployment) -> Iterator[None]:
    """The role by which CloudFormation deploys, as a bootstrap makes it; others count on there being none."""
    iam = deployment.target.client("iam", deployment.project.first)
    name = f"cdk-{CDK_QUALIFIER}-cfn-exec-role-333333333333-eu-west-1"
    trust = {"Effect": "Allow", "Principal": {"Service": "cloudformation.amazonaws.com"}, "Action": "sts:AssumeRole"}
    everything = {"Effect": "Allow", "Action": "*", "Resource": "*"}
    iam.create_role(RoleName=name, AssumeRolePolicyDocument=_policy(trust))
    iam.put_role_policy(RoleName=name, PolicyName="everything", PolicyDocument=_policy(everything))
    yield
    iam.delete_role_policy(RoleName=name, PolicyName="everything")
    iam.delete_role(RoleName=name)


def _policy(statement: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


OTHER = {"Other": {"Type": "AWS::SSM::Parameter", "Properties": {"Type": "String", "Value": "1"}}}


def test_a_feature_is_added_in_place_and_none_is_taken_away(deployment: Deployment) -> None:
    deployment.deploy({"SkyV1": deployment.group("wind", "gust")})

    (grown,) = deployment.guard({"SkyV1": deployment.group("wind", "gust", "sight")})
    assert [(each.action, each.properties) for each in grown.changes] == [("modify", ("FeatureDefinitions",))]

    shrunk = {"SkyV1": deployment.group("wind")}
    with pytest.raises(CommandError, match=r"^Refused, .* project.yaml:\d+: features.sky.features.gust: 'gust' is in"):
        deployment.guard(shrunk)
    planned = deployment.planned(shrunk)
    assert protection.refused_changes(planned, deployment.project) <= {"SkyV1"}
    assert diff._described(planned, deployment.project, is_release=False)["stack"] == deployment.name


def test_another_type_is_refused_whatever_cloudformation_says(deployment: Deployment) -> None:
    deployment.deploy({"SkyV1": deployment.group("wind")})

    with pytest.raises(
        CommandError, match=r"'wind' is fractional in .*, and no feature changes its type; .*migrate sky"
    ):
        deployment.guard({"SkyV1": deployment.group("wind", kind="Integral")})


@pytest.mark.usefixtures("executor")
def test_a_group_that_left_the_file_stays_and_is_taken_back(deployment: Deployment) -> None:
    deployment.deploy({"SkyV1": deployment.group("wind"), **OTHER})
    name = names.feature_group(deployment.project.name, "sky", 1)

    (left,) = deployment.guard(OTHER)
    assert [each.action for each in left.changes] == ["let go"]
    assert safe_change.left_behind(left, deployment.project).startswith(f"{name} is no longer declared: it stays")
    deployment.update(OTHER)
    sagemaker = deployment.target.client("sagemaker", deployment.project.first)
    assert sagemaker.describe_feature_group(FeatureGroupName=name)["FeatureGroupStatus"] == "Created"

    again = {"SkyV1": deployment.group("wind"), **OTHER}
    with pytest.raises(CommandError, match=rf"has left {changes.FEATURE_GROUP} {name}, .*`sagewright deploy --adopt`"):
        deployment.guard(again)
    with pytest.raises(CommandError, match="has to be taken back as it is"):
        deployment.guard({"SkyV1": deployment.group("wind", "sight"), **OTHER})

    options = Options(Terminal(), deployment.root)
    adopted = adoption.adopt(options, deployment.project, deployment.target, deployment.assembly(again))
    assert [(each["type"], each["id"]) for each in adopted] == [(changes.FEATURE_GROUP, name)]
    assert deployment.planned(again).changes == ()


def test_files_of_feature_groups_are_sent_once(deployment: Deployment, run: Callable[..., Result]) -> None:
    s3 = deployment.target.client("s3", deployment.project.first)
    bucket = names.data_bucket(deployment.project.name, "dev", "333333333333", "eu-west-1")
    s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})

    first = json.loads(run("data", "put", "--project", deployment.root, "--json").stdout)
    again = json.loads(run("data", "put", "--project", deployment.root, "--json").stdout)

    assert (first["sent"], first["features"]["sky"]["sent"]) == (True, True)
    assert first["features"]["sky"]["uri"] == f"s3://{bucket}/sources/sky/sky.csv"
    assert list(first["features"]) == ["sky"]
    assert (again["sent"], again["features"]["sky"]["sent"]) == (False, False)
    keys = [each["Key"] for each in s3.list_objects_v2(Bucket=bucket)["Contents"]]
    assert keys == ["raw/trips.csv", "sources/sky/sky.csv"]
