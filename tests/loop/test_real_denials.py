"""What AWS refuses, refused for real: one permission is taken from a deployed project, and its own command is run.

Each refusal says who may not do what with which resource, and which policy is silent or denies; and nothing that was
not finished is registered or released.
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

from tests.loop.accounts import DEV, PROD, REGION, STRANGER, Lifts, Role, Sandbox

pytestmark = pytest.mark.slow

UNNAMED = "no identity-based policy allows the"
CODE_OF_A_KEY = """
import aws_cdk as cdk

app = cdk.App()
stack = cdk.Stack(app, "by-hand", synthesizer=cdk.DefaultStackSynthesizer())
root = {"Sid": "Own", "Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::111111111111:root"}, "Action": "kms:*"}
early = {"Sid": "Early", "Effect": "Allow", "Principal": {"AWS": ROLE}, "Action": "kms:Decrypt"}
policy = {"Version": "2012-10-17", "Statement": [{**each, "Resource": "*"} for each in (root, early)]}
tags = [{"Key": "sagewright:project", "Value": "lifts"}]
cdk.CfnResource(stack, "Key", type="AWS::KMS::Key", properties={"KeyPolicy": policy, "Tags": tags})
app.synth()
"""


@pytest.fixture(scope="module")
def lifts(tmp_path_factory: pytest.TempPathFactory, command_line: Callable[[Path], Any]) -> Iterator[Lifts]:
    """The project, deployed to two accounts, with one approved version that is released nowhere."""
    with Sandbox.up(tmp_path_factory.mktemp("denials")) as sandbox:
        project = Lifts.planted("lifts", sandbox, command_line)
        project.declare(
            environments={"dev": {"account": DEV, "region": REGION}, "prod": {"account": PROD, "region": REGION}}
        )
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
    role = f"arn:aws:iam::{PROD}:role/made-tomorrow"
    folder = lifts.sandbox.folder / "by-hand"
    folder.mkdir()
    (folder / "app.py").write_text(CODE_OF_A_KEY.replace("ROLE", repr(role)))
    done = lifts.sandbox.cdk(folder, DEV, "deploy", "--app", f"{sys.executable} app.py")
    told = " ".join((done.stdout + done.stderr).split())
    assert done.returncode == 1, told
    assert "AWS::KMS::Key" in told
    assert "Policy contains a statement with one or more invalid principals" in told
    (stack,) = lifts.sandbox.client("cloudformation").describe_stacks(StackName="by-hand")["Stacks"]
    assert stack["StackStatus"] == "ROLLBACK_COMPLETE"


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


def test_with_its_permissions_back_the_version_is_released(lifts: Lifts) -> None:
    assert lifts.cli.ok("release", "prod")["version"] == 1
