"""One account trains, two others serve: each gives the next one what is declared, and then is not needed any more.

Before anything serves: what AWS refuses, refused for real. One permission is taken from the deployed project, and its
own command is run. Each refusal says who may not do what with which resource, and which policy is silent or denies; and
nothing that was not finished is registered or released.
"""

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.loop.accounts import DEV, PROD, REGION, STAGING, STRANGER, Lifts, Role, Sandbox, until

pytestmark = pytest.mark.slow

UNNAMED = "no identity-based policy allows the"
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
    """The project, deployed to three accounts, with one approved version that is released nowhere."""
    with Sandbox.up(tmp_path_factory.mktemp("three")) as sandbox:
        project = Lifts.planted("lifts", sandbox, command_line)
        project.declare(environments=ENVIRONMENTS)
        project.cli.ok("deploy")
        project.train()
        yield project


@contextmanager
def nothing_new(lifts: Lifts) -> Iterator[None]:
    """Nothing is registered in the block, and nothing released."""
    before = lifts.packages()
    yield
    assert lifts.packages() == before
    sagemaker = lifts.sandbox.client("sagemaker", PROD)
    assert sagemaker.list_endpoints()["Endpoints"] == []
    assert sagemaker.list_models()["Models"] == []


def refused_training(lifts: Lifts, seed: int) -> str:
    """Train on other data than ever before; what is told."""
    lifts.draw(seed)
    with nothing_new(lifts):
        return lifts.cli.refused("train")


def refused_release(lifts: Lifts) -> str:
    with nothing_new(lifts):
        return lifts.cli.refused("release", "prod", "1")


def preprocessing(lifts: Lifts) -> Role:
    return lifts.sandbox.role("lifts-training", "TrainingPreprocessRole")


def test_a_job_role_that_may_not_read_the_input(lifts: Lifts) -> None:
    role = preprocessing(lifts)
    with role.may_not("ReadSource"):
        told = refused_training(lifts, 1)
    assert "The training failed at step Preprocess" in told
    assert f"User: {role.session}" in told
    bucket = lifts.bucket("dev", DEV)
    assert f"is not authorized to perform: s3:GetObject on resource: arn:aws:s3:::{bucket}/raw/lifts.csv" in told
    assert f"{UNNAMED} s3:GetObject action" in told


def test_a_job_role_that_may_not_decrypt_with_its_key(lifts: Lifts) -> None:
    role = preprocessing(lifts)
    with role.may_not("UseKey", "kms:Decrypt"):
        told = refused_training(lifts, 2)
    assert f"User: {role.session}" in told
    assert f"is not authorized to perform: kms:Decrypt on resource: {lifts.key('dev', DEV)}" in told
    assert f"{UNNAMED} kms:Decrypt action" in told


def test_a_pipeline_role_that_may_not_pass_a_job_its_role(lifts: Lifts) -> None:
    pipeline = lifts.sandbox.role("lifts-training", "TrainingExecutionRole")
    with pipeline.may_not("PassJobRoles"):
        told = refused_training(lifts, 3)
    assert f"User: {pipeline.session}" in told
    assert f"is not authorized to perform: iam:PassRole on resource: {preprocessing(lifts).arn}" in told
    assert f"{UNNAMED} iam:PassRole action" in told


@pytest.mark.parametrize(
    "trusted",
    [
        {"Principal": {"Service": "lambda.amazonaws.com"}},
        {"Condition": {"StringEquals": {"aws:SourceAccount": STRANGER}}},
    ],
    ids=["another service", "another account's jobs"],
)
def test_a_job_role_that_trusts_somebody_else(lifts: Lifts, trusted: dict[str, Any]) -> None:
    role = preprocessing(lifts)
    with role.trusting(**trusted):
        told = refused_training(lifts, 4)
    assert f"Could not assume role {role.arn}" in told
    assert f"User: sagemaker.amazonaws.com is not authorized to perform: sts:AssumeRole on resource: {role.arn}" in told
    assert f"no role trust policy allows the sts:AssumeRole action (trust policy of role {role.name})" in told


def test_an_endpoint_role_that_trusts_jobs_of_another_account(lifts: Lifts) -> None:
    role = lifts.sandbox.role("lifts-prod-access", "EndpointRole", PROD)
    with role.trusting(Condition={"StringEquals": {"aws:SourceAccount": DEV}}):
        told = refused_release(lifts)
    assert f"User: sagemaker.amazonaws.com is not authorized to perform: sts:AssumeRole on resource: {role.arn}" in told
    assert f"no role trust policy allows the sts:AssumeRole action (trust policy of role {role.name})" in told


def test_an_endpoint_role_that_may_not_read_the_release(lifts: Lifts) -> None:
    role = lifts.sandbox.role("lifts-prod-access", "EndpointRole", PROD)
    with role.may_not("ReadReleases"):
        told = refused_release(lifts)
    model = f"{lifts.bucket('prod', PROD)}/releases/1/model.tar.gz"
    assert f"Could not access model data at s3://{model}" in told
    assert f"User: {role.session}" in told
    assert f"is not authorized to perform: s3:GetObject on resource: arn:aws:s3:::{model}" in told
    assert f"{UNNAMED} s3:GetObject action" in told


@pytest.mark.parametrize(
    ("sid", "action", "of"),
    [
        ("DescribeVersion", "sagemaker:DescribeModelPackage", "registry"),
        ("ReadVersion", "s3:GetObject", "bucket"),
        ("DecryptVersion", "kms:Decrypt", "key"),
    ],
)
def test_a_read_across_accounts_that_the_readers_account_does_not_allow(
    lifts: Lifts, sid: str, action: str, of: str
) -> None:
    role = lifts.sandbox.role("lifts-prod-access", "ReleaseRole", PROD)
    with role.may_not(sid):
        told = refused_release(lifts)
    assert f"User: {role.session}" in told
    assert f"is not authorized to perform: {action} on resource: {Shared(lifts, of).asked_for}" in told
    assert f"{UNNAMED} {action} action" in told


@pytest.mark.parametrize(
    ("action", "of"),
    [("sagemaker:DescribeModelPackage", "registry"), ("s3:GetObject", "bucket"), ("kms:Decrypt", "key")],
)
def test_a_read_across_accounts_that_the_owners_account_does_not_allow(lifts: Lifts, action: str, of: str) -> None:
    role, shared = lifts.sandbox.role("lifts-prod-access", "ReleaseRole", PROD), Shared(lifts, of)
    with shared.to_nobody():
        told = refused_release(lifts)
    assert f"User: {role.session}" in told
    assert f"is not authorized to perform: {action} on resource: {shared.asked_for}" in told
    assert f"no resource-based policy allows the {action} action ({shared.policy_name}" in told


@dataclass(frozen=True)
class Shared:
    """What the first environment shares with others by a policy of its own: its registry, its bucket or its key."""

    lifts: Lifts
    of: str

    @property
    def asked_for(self) -> str:
        """How the ARN begins of what a release reads."""
        return {
            "registry": self.lifts.packages()[0],
            "bucket": f"arn:aws:s3:::{self.lifts.bucket('dev', DEV)}/executions/",
            "key": self.lifts.key("dev", DEV),
        }[self.of]

    @property
    def policy_name(self) -> str:
        return {
            "registry": "resource policy of arn:aws:sagemaker:",
            "bucket": f"bucket policy of {self.lifts.bucket('dev', DEV)}",
            "key": "key policy of ",
        }[self.of]

    @contextmanager
    def to_nobody(self) -> Iterator[None]:
        """Take the statement that admits the other account out for a while, with one left that allows nothing else."""
        before = self._read()
        kept = [each for each in json.loads(before)["Statement"] if each.get("Sid") != "ReleaseToProd"]
        arn = f"arn:aws:sagemaker:{REGION}:{DEV}:model-package/lifts/999"
        other = {"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{PROD}:root"}, "Resource": arn}
        kept = kept or [other | {"Action": "sagemaker:DescribeModelPackage"}]
        self._put(json.dumps({"Version": "2012-10-17", "Statement": kept}))
        try:
            yield
        finally:
            self._put(before)

    def _read(self) -> str:
        client = self.lifts.sandbox.client
        if self.of == "registry":
            return client("sagemaker").get_model_package_group_policy(ModelPackageGroupName="lifts")["ResourcePolicy"]
        if self.of == "bucket":
            return client("s3").get_bucket_policy(Bucket=self.lifts.bucket("dev", DEV))["Policy"]
        return client("kms").get_key_policy(KeyId=self.lifts.key("dev", DEV), PolicyName="default")["Policy"]

    def _put(self, policy: str) -> None:
        client = self.lifts.sandbox.client
        if self.of == "registry":
            client("sagemaker").put_model_package_group_policy(ModelPackageGroupName="lifts", ResourcePolicy=policy)
        elif self.of == "bucket":
            client("s3").put_bucket_policy(Bucket=self.lifts.bucket("dev", DEV), Policy=policy)
        else:
            client("kms").put_key_policy(KeyId=self.lifts.key("dev", DEV), PolicyName="default", Policy=policy)


def test_a_key_policy_that_names_a_role_which_is_not_there_yet(lifts: Lifts) -> None:
    own = {"Sid": "Own", "Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{DEV}:root"}, "Action": "kms:*"}
    early = {"Sid": "Early", "Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{PROD}:role/made-tomorrow"}}
    early |= {"Action": "kms:Decrypt"}
    policy = {"Version": "2012-10-17", "Statement": [{**each, "Resource": "*"} for each in (own, early)]}
    tags = [{"Key": "sagewright:project", "Value": "lifts"}]
    key = {"Type": "AWS::KMS::Key", "Properties": {"KeyPolicy": policy, "Tags": tags}}
    api = lifts.sandbox.client("cloudformation")

    def status() -> str:
        return api.describe_stacks(StackName="by-hand")["Stacks"][0]["StackStatus"]

    # As the CDK deploys: with its own role, under our policy.
    role = f"arn:aws:iam::{DEV}:role/cdk-hnb659fds-cfn-exec-role-{DEV}-{REGION}"
    api.create_stack(StackName="by-hand", TemplateBody=json.dumps({"Resources": {"Key": key}}), RoleARN=role)
    until(lambda: not status().endswith("_IN_PROGRESS"))

    assert status() == "ROLLBACK_COMPLETE"
    events = api.describe_stack_events(StackName="by-hand")["StackEvents"]
    (failed,) = (each for each in events if each["ResourceStatus"] == "CREATE_FAILED")
    assert failed["ResourceType"] == "AWS::KMS::Key"
    assert "Policy contains a statement with one or more invalid principals" in failed["ResourceStatusReason"]


def test_a_bucket_policy_for_everybody(lifts: Lifts) -> None:
    s3, bucket = lifts.sandbox.client("s3"), lifts.bucket("dev", DEV)
    before = s3.get_bucket_policy(Bucket=bucket)["Policy"]
    everybody = {"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": f"arn:aws:s3:::{bucket}/*"}

    with pytest.raises(ClientError) as refused:
        s3.put_bucket_policy(Bucket=bucket, Policy=json.dumps({"Version": "2012-10-17", "Statement": [everybody]}))

    assert refused.value.response["Error"]["Code"] == "AccessDenied"
    told = refused.value.response["Error"]["Message"]
    assert f"User: arn:aws:iam::{DEV}:user/administrator is not authorized to perform: s3:PutBucketPolicy" in told
    assert (
        f'on resource: "arn:aws:s3:::{bucket}" because public policies are prevented by the BlockPublicPolicy' in told
    )
    assert s3.get_bucket_policy(Bucket=bucket)["Policy"] == before


def test_a_request_of_somebody_who_does_not_say_who_it_is(lifts: Lifts) -> None:
    bucket = lifts.bucket("dev", DEV)

    with pytest.raises(ClientError) as refused:
        lifts.sandbox.anonymous_s3().get_object(Bucket=bucket, Key="raw/lifts.csv")

    assert refused.value.response["Error"]["Code"] == "AccessDenied"
    told = refused.value.response["Error"]["Message"]
    assert "User: anonymous is not authorized to perform: s3:GetObject" in told
    assert f"on resource: arn:aws:s3:::{bucket}/raw/lifts.csv because no resource-based policy allows" in told


def test_a_request_without_tls(lifts: Lifts) -> None:
    bucket = lifts.bucket("dev", DEV)
    s3 = lifts.sandbox.signed("s3", f"AKIASBOX{DEV}", "sandbox", endpoint="plain_endpoint")

    with pytest.raises(ClientError) as refused:
        s3.get_object(Bucket=bucket, Key="raw/lifts.csv")

    assert refused.value.response["Error"]["Code"] == "AccessDenied"
    told = refused.value.response["Error"]["Message"]
    assert f"User: arn:aws:iam::{DEV}:user/administrator is not authorized to perform: s3:GetObject" in told
    assert f"on resource: arn:aws:s3:::{bucket}/raw/lifts.csv with an explicit deny in a resource-based policy" in told
    assert f"bucket policy of {bucket}" in told
    assert lifts.sandbox.client("s3").get_object(Bucket=bucket, Key="raw/lifts.csv")["ContentLength"] > 0


@pytest.fixture(scope="module")
def released(lifts: Lifts) -> Lifts:
    """The project with that version live in both accounts that serve, now that they have all their permissions."""
    for environment in ("staging", "prod"):
        assert lifts.cli.ok("release", environment)["version"] == 1
    return lifts


def test_both_environments_that_serve_answer(released: Lifts) -> None:
    for environment in ("staging", "prod"):
        answers = released.cli.ok("invoke", environment, "--held-out", "20")
        assert sum(answer["prediction"] == answer["truth"] for answer in answers) > 14
    assert released.cli.ok("models")[0]["live_in"] == ["staging", "prod"]


def test_an_endpoint_runs_as_it_is_declared_in_its_own_environment(released: Lifts) -> None:
    staging, prod = released.sandbox.client("sagemaker", STAGING), released.sandbox.client("sagemaker", PROD)
    (instances,) = prod.describe_endpoint(EndpointName="lifts-prod")["ProductionVariants"]
    assert instances["CurrentInstanceCount"] == 2
    for sagemaker, in_network in ((staging, True), (prod, False)):
        (model,) = sagemaker.list_models()["Models"]
        assert ("VpcConfig" in sagemaker.describe_model(ModelName=model["ModelName"])) is in_network
    assert released.sandbox.client("sagemaker").list_endpoints()["Endpoints"] == []


def test_a_canary_takes_the_next_version_live_in_its_own_account(released: Lifts) -> None:
    second = released.version()
    told = released.cli.ok("release", "prod", second)
    assert (told["before"], told["version"]) == (1, int(second))
    endpoint = released.sandbox.client("sagemaker", PROD).describe_endpoint(EndpointName="lifts-prod")
    policy = endpoint["LastDeploymentConfig"]["BlueGreenUpdatePolicy"]
    assert policy["TrafficRoutingConfiguration"]["Type"] == "CANARY"
    assert endpoint["EndpointConfigName"] == told["endpoint_config"]


def test_nothing_crosses_the_border_of_an_account_but_what_is_declared(released: Lifts) -> None:
    crossing = [
        each
        for each in released.sandbox.decisions()
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
    released: Lifts,
) -> None:
    sagemaker = released.sandbox.client("sagemaker", PROD)
    before = sagemaker.describe_endpoint(EndpointName="lifts-prod")["EndpointConfigName"]
    shut(released)
    assert "with an explicit deny in a resource-based policy" in released.cli.refused("release", "prod", "1")
    with pytest.raises(ClientError, match=r"KMS\.DisabledException"):
        released.sandbox.client("s3").get_object(Bucket=released.bucket("dev", DEV), Key="raw/lifts.csv")

    # Another model, of the same files: whoever administers prod needs nobody of dev for it.
    changed = ENVIRONMENTS["prod"]["serving"] | {"environment": {"OMP_NUM_THREADS": "1"}}
    released.declare(environments=ENVIRONMENTS | {"prod": ENVIRONMENTS["prod"] | {"serving": changed}})
    app = f"{sys.executable} -m sagewright.app"
    done = released.sandbox.cdk(released.cli.folder, PROD, "deploy", "release/lifts-prod-serving", "--app", app)

    assert done.returncode == 0, done.stdout + done.stderr
    endpoint = sagemaker.describe_endpoint(EndpointName="lifts-prod")
    assert endpoint["EndpointStatus"] == "InService"
    assert endpoint["EndpointConfigName"] != before
    answer = released.sandbox.client("sagemaker-runtime", PROD).invoke_endpoint(
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
