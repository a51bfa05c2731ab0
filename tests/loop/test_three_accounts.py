"""One account trains, two others serve: each gives the next one what is declared, and then is not needed any more."""

import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.loop.accounts import DEV, PROD, REGION, STAGING, Lifts, Sandbox

pytestmark = pytest.mark.slow

ENVIRONMENTS: dict[str, dict[str, Any]] = {
    "dev": {"account": DEV, "region": REGION},
    "staging": {"account": STAGING, "region": REGION, "network": {"mode": "create"}},
    "prod": {
        "account": PROD,
        "region": REGION,
        "serving": {
            "instances": {"min": 2},
            "rollout": {"strategy": "canary", "percent": 50, "bake_minutes": 1},
        },
    },
}
SERVING = {"staging": STAGING, "prod": PROD}
# What a release role of another account does in the account that trains: all that crosses the border of an account,
# but for taking on that role, and those by which the CDK deploys.
DECLARED = {"kms:Decrypt", "s3:GetObject", "s3:ListBucket", "sagemaker:DescribeModelPackage"}


@pytest.fixture(scope="module")
def lifts(tmp_path_factory: pytest.TempPathFactory, command_line: Callable[[Path], Any]) -> Iterator[Lifts]:
    """The project in three accounts, with one version live in both that serve."""
    with Sandbox.up(tmp_path_factory.mktemp("three")) as sandbox:
        project = Lifts.planted("lifts", sandbox, command_line)
        project.declare(environments=ENVIRONMENTS)
        project.cli.ok("deploy")
        project.cli.ok("data", "put")
        project.train()
        for environment in ("staging", "prod"):
            project.cli.ok("release", environment)
        yield project


def test_both_environments_that_serve_answer(lifts: Lifts) -> None:
    for environment in ("staging", "prod"):
        answers = lifts.cli.ok("invoke", environment, "--held-out", "20")
        assert sum(answer["prediction"] == answer["truth"] for answer in answers) > 14
    assert lifts.cli.ok("models")[0]["live_in"] == ["staging", "prod"]


def test_an_endpoint_runs_as_it_is_declared_in_its_own_environment(lifts: Lifts) -> None:
    staging, prod = lifts.sandbox.client("sagemaker", STAGING), lifts.sandbox.client("sagemaker", PROD)
    (instances,) = prod.describe_endpoint(EndpointName="lifts-prod")["ProductionVariants"]
    assert instances["CurrentInstanceCount"] == 2
    for sagemaker, in_network in ((staging, True), (prod, False)):
        (model,) = sagemaker.list_models()["Models"]
        assert ("VpcConfig" in sagemaker.describe_model(ModelName=model["ModelName"])) is in_network
    assert lifts.sandbox.client("sagemaker").list_endpoints()["Endpoints"] == []


def test_a_canary_takes_the_next_version_live_in_its_own_account(lifts: Lifts) -> None:
    second = lifts.version()
    released = lifts.cli.ok("release", "prod", second)
    assert (released["before"], released["version"]) == (1, int(second))
    endpoint = lifts.sandbox.client("sagemaker", PROD).describe_endpoint(EndpointName="lifts-prod")
    policy = endpoint["LastDeploymentConfig"]["BlueGreenUpdatePolicy"]
    assert policy["TrafficRoutingConfiguration"]["Type"] == "CANARY"
    assert endpoint["EndpointConfigName"] == released["endpoint_config"]


def test_nothing_crosses_the_border_of_an_account_but_what_is_declared(lifts: Lifts) -> None:
    crossing = [
        each
        for each in lifts.sandbox.decisions()
        if each["allowed"] and account_of(each["principal"]) not in {"", each["account"]}
    ]
    trains = {f"arn:aws:iam::{account}:role/lifts-{name}-release" for name, account in SERVING.items()}

    by_role = {(each["role"], each["action"], each["account"]) for each in crossing if each["role"] in trains}
    assert by_role == {(role, action, DEV) for role in trains for action in DECLARED}
    others = {(each["role"], each["action"]) for each in crossing if each["role"] not in trains}
    assert {action for _, action in others} == {"sts:AssumeRole"}
    taken = {each["resource"] for each in crossing if each["action"] == "sts:AssumeRole"}
    assert all(role in trains or ":role/cdk-" in role for role in taken)


def account_of(principal: str) -> str:
    """The account in a principal's ARN; a service has none."""
    return principal.split(":")[4] if principal.startswith("arn:") else ""


def test_an_environment_is_deployed_anew_from_its_own_copy_while_the_first_account_refuses_everything(
    lifts: Lifts,
) -> None:
    sagemaker = lifts.sandbox.client("sagemaker", PROD)
    before = sagemaker.describe_endpoint(EndpointName="lifts-prod")["EndpointConfigName"]
    shut(lifts)
    assert "with an explicit deny in a resource-based policy" in lifts.cli.refused("release", "prod", "1")
    with pytest.raises(ClientError, match=r"KMS\.DisabledException"):
        lifts.sandbox.client("s3").get_object(Bucket=lifts.bucket("dev", DEV), Key="raw/lifts.csv")

    # Another model, of the same files: whoever administers prod needs nobody of dev for it.
    changed = ENVIRONMENTS["prod"]["serving"] | {"environment": {"OMP_NUM_THREADS": "1"}}
    lifts.declare(environments=ENVIRONMENTS | {"prod": ENVIRONMENTS["prod"] | {"serving": changed}})
    app = f"{sys.executable} -m sagewright.app"
    done = lifts.sandbox.cdk(lifts.cli.folder, PROD, "deploy", "release/lifts-prod-serving", "--app", app)

    assert done.returncode == 0, done.stdout + done.stderr
    endpoint = sagemaker.describe_endpoint(EndpointName="lifts-prod")
    assert endpoint["EndpointStatus"] == "InService"
    assert endpoint["EndpointConfigName"] != before
    answer = lifts.sandbox.client("sagemaker-runtime", PROD).invoke_endpoint(
        EndpointName="lifts-prod", ContentType="text/csv", Body=b"39.5,100"
    )
    assert b"Yes" in answer["Body"].read()


def shut(lifts: Lifts) -> None:
    """Let the first account refuse everybody else, and nobody decrypt."""
    bucket = lifts.bucket("dev", DEV)
    everything = [f"arn:aws:s3:::{bucket}", f"arn:aws:s3:::{bucket}/*"]
    foreign = {"StringNotEquals": {"aws:PrincipalAccount": DEV}}
    refused = {"Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": everything, "Condition": foreign}
    policy = {"Version": "2012-10-17", "Statement": [refused]}
    lifts.sandbox.client("s3").put_bucket_policy(Bucket=bucket, Policy=json.dumps(policy))
    lifts.sandbox.client("kms").disable_key(KeyId=lifts.key("dev", DEV).rpartition("/")[2])
