"""No statement too many: without any one of them, something that the loop does would be refused."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.loop import networks, privileges
from tests.loop.accounts import BROKEN, DEV, PROD, REGION, STRANGER, Lifts, Sandbox, table, until
from tests.loop.privileges import Recorded

pytestmark = pytest.mark.slow

SOURCE = "lifts-of-a-stranger"
CANARY = {"strategy": "canary", "percent": 50, "bake_minutes": 1}
# Four that train, two that serve, and one for the flow log of each network.
ROLES = 8
# What AWS documents, and asks for where the loop does not get, or the sandbox does not look: by role and action.
UNASKED = {
    ("", "kms:Encrypt"): "by SageMaker's documentation for the key of an output",
    ("", "logs:DescribeLogStreams"): "by SageMaker's documentation for whoever writes logs",
    ("", "s3:AbortMultipartUpload"): "where an upload in parts breaks off",
    (
        "full-training-TrainingPreprocessRole",
        "kms:Decrypt",
    ): "where an upload goes in parts: it reads under another key",
    ("TrainingEvaluateRole", "logs:CreateLogGroup"): "where the preparation, whose log group it shares, left none",
    ("TrainingExecutionRole", "sagemaker:StopProcessingJob"): "where somebody stops a training that prepares",
    ("TrainingExecutionRole", "sagemaker:StopTrainingJob"): "where somebody stops a training that trains",
}


def is_excused(role: str, action: str) -> bool:
    return any(action == excused and of in role for of, excused in UNASKED)


@dataclass(frozen=True)
class Loop:
    """Two projects of one sandbox: one with all that there is to turn on, one with the least."""

    sandbox: Sandbox
    full: Lifts
    plain: Lifts
    decisions: list[dict[str, Any]]

    def recorded(self, stacks: str) -> Recorded:
        """Take what the roles did that there are in the stacks whose names begin so."""
        return privileges.recorded(self.sandbox, self.decisions, stacks, (DEV, PROD))


@pytest.fixture(scope="module")
def loop(tmp_path_factory: pytest.TempPathFactory, command_line: Callable[[Path], Any]) -> Iterator[Loop]:
    with Sandbox.up(tmp_path_factory.mktemp("privileges")) as sandbox:
        plain = Lifts.planted("plain", sandbox, command_line)
        plain.cli.ok("deploy")
        plain.train()
        full = Lifts.planted("full", sandbox, command_line)
        offer_source(sandbox)
        forget_logs(sandbox)
        full.declare(
            environments={"dev": {"account": DEV, "region": REGION}, "prod": {"account": PROD, "region": REGION}},
            data={"source": f"s3://{SOURCE}/tables/", "problem": "binary_classification", "label": "stuck"},
            network={"mode": "create"},
            serving={"instances": {"min": 2}, "rollout": CANARY},
        )
        full.cli.ok("deploy")
        full.train()
        release(full)
        yield Loop(sandbox, full, plain, sandbox.decisions())


def offer_source(sandbox: Sandbox) -> None:
    """Put the table into somebody else's bucket, under a key of theirs, and let the first account read it."""
    kms, s3 = sandbox.client("kms", STRANGER), sandbox.client("s3", STRANGER)
    own = {"Sid": "Own", "Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{STRANGER}:root"}, "Action": "kms:*"}
    reader = {"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{DEV}:root"}}
    key = kms.create_key(Policy=document(own, reader | {"Action": "kms:Decrypt"}))["KeyMetadata"]["Arn"]
    s3.create_bucket(Bucket=SOURCE, CreateBucketConfiguration={"LocationConstraint": REGION})
    s3.put_object(Bucket=SOURCE, Key="tables/lifts.csv", Body=table(), ServerSideEncryption="aws:kms", SSEKMSKeyId=key)
    arn = f"arn:aws:s3:::{SOURCE}"
    read = reader | {"Action": ["s3:GetObject", "s3:ListBucket"], "Resource": [arn, f"{arn}/*"]}
    s3.put_bucket_policy(Bucket=SOURCE, Policy=document(read))


def forget_logs(sandbox: Sandbox) -> None:
    """Let the next jobs be the first ones, which have to make the log groups of their kinds."""
    logs = sandbox.client("logs")
    for group in logs.describe_log_groups(logGroupNamePrefix="/aws/sagemaker/")["logGroups"]:
        logs.delete_log_group(logGroupName=group["logGroupName"])


def document(*statements: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": [{"Resource": "*", **each} for each in statements]})


def release(project: Lifts) -> None:
    """Do all that a release ever does: one that fails, some that sweep, one that brings a drifted endpoint back.

    What the first one is asked is captured, and written at the latest when the next one replaces its instances.
    """
    cli, sagemaker = project.cli, project.sandbox.client("sagemaker", PROD)
    assert "no such library" in cli.refused("release", "prod", project.version(BROKEN))
    second = project.version()
    cli.ok("release", "prod", "1")
    project.sandbox.client("sagemaker-runtime", PROD).invoke_endpoint(
        EndpointName="full-prod", ContentType="text/csv", Body=b"39.5,100"
    )
    for number in (second, "1"):
        cli.ok("release", "prod", number)
    swept = cli.ok("release", "prod", second)["deleted"]
    assert len(swept["endpoint_configs"]) == len(swept["models"]) == 1
    drift(project)
    gone = project.version()
    package = sagemaker_of(project).describe_model_package(ModelPackageName=project.packages()[-1])
    url = package["InferenceSpecification"]["Containers"][0]["ModelDataUrl"]
    bucket, _, key = url.removeprefix("s3://").partition("/")
    project.sandbox.client("s3").delete_object(Bucket=bucket, Key=key)
    # It fails before CloudFormation has a say, and writes down what really serves.
    assert "NoSuchKey" in cli.refused("release", "prod", gone)
    cli.ok("release", "prod", second)
    assert sagemaker.describe_endpoint(EndpointName="full-prod")["EndpointStatus"] == "InService"


def sagemaker_of(project: Lifts) -> Any:
    return project.sandbox.client("sagemaker")


def drift(project: Lifts) -> None:
    """Move the endpoint to a config of an earlier release, behind its stack's back."""
    sagemaker = project.sandbox.client("sagemaker", PROD)

    def endpoint() -> dict[str, Any]:
        return sagemaker.describe_endpoint(EndpointName="full-prod")

    running = endpoint()["EndpointConfigName"]
    configs = [each["EndpointConfigName"] for each in sagemaker.list_endpoint_configs()["EndpointConfigs"]]
    other = next(each for each in configs if each != running)
    sagemaker.update_endpoint(EndpointName="full-prod", EndpointConfigName=other)
    until(lambda: endpoint()["EndpointStatus"] == "InService")


def test_jobs_and_models_run_in_the_networks_of_their_own_environments(loop: Loop) -> None:
    def outputs(environment: str, account: str) -> dict[str, str]:
        api = loop.sandbox.client("cloudformation", account)
        (stack,) = api.describe_stacks(StackName=f"full-{environment}-network")["Stacks"]
        return {each["OutputKey"]: each["OutputValue"] for each in stack["Outputs"]}

    dev, prod, ec2 = outputs("dev", DEV), outputs("prod", PROD), loop.sandbox.client("ec2", PROD)
    jobs = {"Subnets": [dev["Subnet1"], dev["Subnet2"]], "SecurityGroupIds": [dev["JobsGroup"]]}
    assert networks.of_jobs(loop.sandbox.client("sagemaker"), "full") == [jobs] * 3
    subnets = [prod["Subnet1"], prod["Subnet2"]]
    model = {"Subnets": subnets, "SecurityGroupIds": [prod["EndpointGroup"]]}
    models = networks.of_models(loop.sandbox.client("sagemaker", PROD), "full-prod")
    assert models == [model] * len(models) != []
    assert any("full-prod" in each for each in networks.interfaces(ec2, networks.vpc_of(ec2, subnets)))


@pytest.fixture(scope="module")
def full(loop: Loop) -> Recorded:
    """What every role of a project did that trains in one account and serves in another."""
    recorded = loop.recorded("full-")
    assert len(recorded.roles) == ROLES
    return recorded


@pytest.fixture(scope="module")
def plain(loop: Loop) -> Recorded:
    """What the roles of a training did that reads its own account's data, in SageMaker's network."""
    return loop.recorded("plain-training")


def test_nothing_that_the_loop_does_is_denied(loop: Loop, full: Recorded, plain: Recorded) -> None:
    ours = {*full.roles, *plain.roles}
    denied = [each for each in loop.decisions if each["role"] in ours and not each["allowed"]]
    assert denied == []


@pytest.mark.parametrize("name", ["full", "plain"])
def test_the_decisions_are_judged_again_as_they_were(name: str, request: pytest.FixtureRequest) -> None:
    recorded: Recorded = request.getfixturevalue(name)
    assert all(recorded.decisions.values())
    policies = {role: privileges.policy(statements) for role, statements in recorded.roles.items()}
    assert all(recorded.allows(each, policies[role]) for role, of in recorded.decisions.items() for each in of)


@pytest.mark.parametrize("name", ["full", "plain"])
def test_without_any_one_statement_something_is_refused(name: str, request: pytest.FixtureRequest) -> None:
    recorded: Recorded = request.getfixturevalue(name)
    assert recorded.superfluous_statements() == []


@pytest.mark.parametrize("name", ["full", "plain"])
def test_without_any_one_action_something_is_refused(name: str, request: pytest.FixtureRequest) -> None:
    recorded: Recorded = request.getfixturevalue(name)
    found = recorded.superfluous_actions()
    assert [(role, action) for role, action in found if not is_excused(role, action)] == []


def test_nothing_is_excused_that_is_asked_for(full: Recorded, plain: Recorded) -> None:
    found = [*full.superfluous_actions(), *plain.superfluous_actions()]
    unasked = {(of, excused) for of, excused in UNASKED for role, action in found if of in role and action == excused}
    assert unasked == set(UNASKED)


def test_a_statement_that_is_really_gone_ends_a_training(loop: Loop) -> None:
    role = loop.sandbox.role("plain-training", "TrainingTrainRole")
    loop.plain.draw(1)
    with role.may_not("ListInputs"):
        told = loop.plain.cli.refused("train")
    assert "The training failed at step Train" in told
    assert f"User: {role.session}" in told
    assert "s3:ListBucket" in told


def test_a_statement_that_is_really_gone_ends_a_release(loop: Loop) -> None:
    role = loop.sandbox.role("full-prod-access", "EndpointRole", PROD)
    sagemaker = loop.sandbox.client("sagemaker", PROD)
    running = sagemaker.describe_endpoint(EndpointName="full-prod")["EndpointConfigName"]
    with role.may_not("MakeInterfaces"):
        told = loop.full.cli.refused("release", "prod", "1")
    assert f"User: {role.session}" in told
    assert "ec2:CreateNetworkInterface" in told
    endpoint = sagemaker.describe_endpoint(EndpointName="full-prod")
    assert (endpoint["EndpointStatus"], endpoint["EndpointConfigName"]) == ("InService", running)
