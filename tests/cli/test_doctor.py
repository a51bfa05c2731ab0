"""What AWS would say after ten minutes is said before, with the command that mends it."""

import json
import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest
from typer.testing import Result

from sagewright.cli import environ
from sagewright.cli.assembly import Assembly, PlannedStack
from sagewright.cli.diagnosis import caller, keys, quotas, regions, surroundings, tools
from sagewright.cli.diagnosis.examination import examine
from sagewright.cli.diagnosis.finding import Finding, Subject
from sagewright.cli.diagnosis.quotas import Need, Quota
from sagewright.cli.sandbox_process import RunningSandbox
from sagewright.cli.target import Sandbox
from sagewright.project import load, names

PROJECT = """\
name: {name}
environments:
  dev: {{account: "{account}", region: eu-west-1}}
data: {{source: {source}, problem: binary_classification, label: churned}}
training: {{code: src/churn}}
evaluation: {{minimum: 0.55}}
"""
SOURCE = "data/customers.csv"

Patient = Callable[..., Subject]


@pytest.fixture
def patient(home: tuple[Path, RunningSandbox]) -> Patient:
    """Write a project, and take its stacks for what is given: nothing here needs a synthesis."""
    folder, running = home

    def write(sections: str = "", resources: dict[str, Any] | None = None, **values: str) -> Subject:
        name = f"p{uuid.uuid4().hex[:8]}"
        root = folder / name
        (root / "src" / "churn").mkdir(parents=True)
        (root / "src" / "churn" / "__init__.py").write_text("def fit(X, y, hyperparameters):\n    return None\n")
        (root / "data").mkdir()
        (root / "data" / "customers.csv").write_text("tenure,churned\n1,Yes\n")
        values = {"name": name, "account": "111111111111", "source": SOURCE} | values
        (root / "project.yaml").write_text(PROJECT.format(**values) + sections)
        project = load(root)
        file = root / "template.json"
        file.write_text(json.dumps({"Resources": resources or {}}))
        stack = PlannedStack(names.data_stack(name, "dev"), project.first, file, {}, "")
        return Subject(project, Sandbox(running, project), project.environments, Assembly(root, (stack,), ()))

    return write


def administrator(subject: Subject, service: str, account: str) -> Any:
    """A client of an account's administrator."""
    assert isinstance(subject.target, Sandbox)
    return subject.target.client_in(service, account, "eu-west-1")


def the(findings: Any, result: str) -> Finding:
    """The only finding of that result."""
    (found,) = [each for each in findings if each.result == result]
    return found


def test_the_command_tells_every_check_warns_of_closed_environments_and_ends_with_0_where_nothing_would_fail(
    patient: Patient, run: Callable[..., Result]
) -> None:
    subject = patient()
    file = subject.project.root / "project.yaml"
    qualifier = f"q{uuid.uuid4().hex[:8]}"
    later = (("staging", "222222222222"), ("prod", "333333333333"))
    more = "".join(
        f'  {name}: {{account: "{account}", region: eu-west-1, security: {{bootstrap_qualifier: {qualifier}}}}}\n'
        for name, account in later
    )
    file.write_text(file.read_text().replace("data: {", f"{more}data: {{", 1))

    done = run("doctor", "--project", subject.project.root, "--json")

    assert done.exit_code == 0, done.stderr
    told = json.loads(done.stdout)
    found = told["findings"]
    assert told["healthy"] is True
    assert {each["check"] for each in found} == {
        *(tools.CHECK, caller.CREDENTIALS, caller.CLOCK, regions.SUBSCRIPTIONS, regions.LINKED_ROLES, "bootstrap"),
        *(regions.REGION, quotas.CHECK, surroundings.NAMES, surroundings.SOURCE),
    }
    itself = "; `sagewright deploy` does it here by itself"
    closed = [each for each in found if "or does not trust" in each["told"]]
    assert [(each["result"], each["told"], each["mend"]) for each in closed] == [
        (
            "warning",
            f"{name} ({account}) is not bootstrapped, or does not trust 111111111111{itself}",
            f"sagewright bootstrap {name}",
        )
        for name, account in later
    ]
    assert not [each for each in found if "could not be looked at" in each["told"]]


def test_the_command_ends_with_1_and_names_the_mending_command(patient: Patient, run: Callable[..., Result]) -> None:
    subject = patient("security: {permissions_boundary: nobodys-policy}\n")

    done = run("doctor", "dev", "--project", subject.project.root)

    assert done.exit_code == 1
    assert "arn:aws:iam::111111111111:policy/nobodys-policy does not exist" in done.stdout
    assert "AWS would say: NoSuchEntity: Scope ARN: arn:aws:iam::111111111111:policy/nobodys-policy" in done.stdout
    assert "1 of" in done.stderr
    assert "checks failed: permissions boundary." in done.stderr


def test_a_boundary_that_is_there_is_found_by_its_name(patient: Patient) -> None:
    subject = patient("security: {permissions_boundary: platform}\n", account="222222222222")
    statement = {"Effect": "Allow", "Action": "s3:*", "Resource": "*"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    subject.target.client("iam", subject.project.first).create_policy(PolicyName="platform", PolicyDocument=document)
    assert the(surroundings.boundary(subject, subject.project.first), "ok").told.endswith(":policy/platform")


@pytest.mark.parametrize(
    ("ahead_s", "result"), [(0, "ok"), (-59, "ok"), (90, "warning"), (-90, "warning"), (600, "failure")]
)
def test_a_clock_that_is_off_is_found_before_signatures_expire(ahead_s: float, result: str) -> None:
    assert caller.judged_clock(ahead_s).result == result


def test_the_clock_is_compared_with_the_targets(patient: Patient, monkeypatch: pytest.MonkeyPatch) -> None:
    late = Mock(**{"now.return_value": datetime.now(UTC) - timedelta(seconds=400)})
    monkeypatch.setattr(caller, "datetime", late)
    found = the([each for each in caller.check(patient()) if each.check == caller.CLOCK], "failure")
    assert "behind the target's" in found.told
    assert "Signature expired" in found.later


def test_missing_git_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert "Git is not on the PATH" in the(tools.check(), "warning").told


def test_another_node_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    old = tmp_path / "node"
    old.write_text("#!/bin/sh\necho v18.0.0\n")
    old.chmod(0o755)
    monkeypatch.setattr(environ, "node", lambda: old)
    assert the(tools.check(), "warning").told.startswith("Node.js 18.0.0: Sagewright is tested with")


def test_each_use_of_an_instance_type_needs_its_quota_and_a_new_fleet_counts(patient: Patient) -> None:
    subject = patient("serving: {instances: {min: 3}, rollout: {strategy: canary, percent: 34}}\n")
    assert quotas.needs(subject, subject.project.first) == [
        Need("ml.m5.xlarge", "training job", 1),
        Need("ml.m5.xlarge", "processing job", 2),  # a training's, and a run of the monitor beside it
        Need("ml.m5.large", "endpoint", 6),
    ]
    rolling = patient("serving: {instances: {min: 4}, rollout: {strategy: rolling, percent: 25}}\n")
    assert quotas.needs(rolling, rolling.project.first)[-1].count == 5


def test_a_quota_of_nothing_is_a_failure_with_the_request_that_raises_it(patient: Patient) -> None:
    place = patient().project.first
    need = Need("ml.m5.large", "endpoint", 2)

    short = quotas.judged(need, {"ml.m5.large for endpoint usage": Quota(0, "L-1234")}, place)
    enough = quotas.judged(need, {"ml.m5.large for endpoint usage": Quota(4, "L-1234")}, place)
    unknown = quotas.judged(need, {}, place)

    assert short.result == "failure"
    assert "ResourceLimitExceeded: The account-level service limit 'ml.m5.large for endpoint usage' is 0" in short.later
    assert short.mend.endswith("--quota-code L-1234 --desired-value 2 --region eu-west-1")
    assert enough.result == "ok"
    assert "the type is not offered there" in unknown.told


def test_the_sandbox_says_that_it_keeps_no_quotas(patient: Patient) -> None:
    subject = patient()
    assert "the sandbox keeps no quotas" in the(quotas.check(subject, subject.project.first), "warning").told


def test_a_type_that_the_region_lacks_is_a_failure(patient: Patient) -> None:
    subject = patient(resources={"New": {"Type": "AWS::SageMaker::Crystal", "Properties": {}}})
    found = the(regions.check(subject, subject.project.first), "failure")
    assert "Unrecognized resource types: [AWS::SageMaker::Crystal]" in found.later


def test_an_account_without_bootstrap_is_told_with_the_command(patient: Patient) -> None:
    subject = patient(account="333333333333")
    found = the((each for each in examine(subject) if each.check == "bootstrap"), "warning")
    assert "aws://333333333333/eu-west-1 is not bootstrapped yet" in found.told
    assert found.mend == "sagewright bootstrap dev"


def test_a_bucket_of_another_account_is_a_failure(patient: Patient) -> None:
    subject = patient(resources={"Data": {"Type": "AWS::S3::Bucket", "Properties": {}}})
    taken = names.data_bucket(subject.project.name, "dev", "111111111111", "eu-west-1")
    place = {"LocationConstraint": "eu-west-1"}
    other = administrator(subject, "s3", "444444444444")
    other.create_bucket(Bucket=taken, CreateBucketConfiguration=place)
    found = the(surroundings.taken_names(subject, subject.project.first), "failure")
    assert f"bucket {taken} belongs to another account" in found.told


def test_what_an_earlier_deployment_left_is_to_be_adopted(patient: Patient) -> None:
    subject = patient(resources={"DataBucket": {"Type": "AWS::S3::Bucket", "Properties": {}}})
    left = names.data_bucket(subject.project.name, "dev", "111111111111", "eu-west-1")
    place = {"LocationConstraint": "eu-west-1"}
    subject.target.client("s3", subject.project.first).create_bucket(Bucket=left, CreateBucketConfiguration=place)
    found = the(surroundings.taken_names(subject, subject.project.first), "failure")
    assert found.mend == "sagewright deploy --adopt"


def test_a_role_of_that_name_is_a_failure(patient: Patient) -> None:
    name = f"role-{uuid.uuid4().hex[:8]}"
    subject = patient(resources={"Role": {"Type": "AWS::IAM::Role", "Properties": {"RoleName": name}}})
    principal = {"Service": "sagemaker.amazonaws.com"}
    statement = {"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole"}
    trust = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    subject.target.client("iam", subject.project.first).create_role(RoleName=name, AssumeRolePolicyDocument=trust)
    assert f"role {name} exists" in the(surroundings.taken_names(subject, subject.project.first), "failure").told


def test_a_source_that_is_empty_closed_or_absent_is_a_failure(patient: Patient) -> None:
    bucket = f"source-{uuid.uuid4().hex[:8]}"
    subject = patient(source=f"s3://{bucket}/customers/")
    absent = the(surroundings.source(subject), "failure")
    owner = administrator(subject, "s3", "222222222222")
    owner.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    closed = the(surroundings.source(subject), "failure")
    statement = {
        "Effect": "Allow",
        "Principal": {"AWS": "arn:aws:iam::111111111111:root"},
        "Action": ["s3:ListBucket", "s3:GetObject"],
        "Resource": [f"arn:aws:s3:::{bucket}", f"arn:aws:s3:::{bucket}/*"],
    }
    owner.put_bucket_policy(Bucket=bucket, Policy=json.dumps({"Version": "2012-10-17", "Statement": [statement]}))
    empty = the(surroundings.source(subject), "failure")
    owner.put_object(Bucket=bucket, Key="customers/one.csv", Body=b"tenure,churned\n")

    assert "NoSuchBucket" in absent.told
    assert f"let the owner of {bucket} admit account 111111111111" in closed.mend
    assert "nothing is in" in empty.told
    assert the(surroundings.source(subject), "ok").told == f"s3://{bucket}/customers/"


def test_an_imported_network_is_looked_up_part_by_part(patient: Patient) -> None:
    ec2 = administrator(patient(), "ec2", "111111111111")
    vpc, other = (ec2.create_vpc(CidrBlock=cidr)["Vpc"]["VpcId"] for cidr in ("10.1.0.0/16", "10.2.0.0/16"))
    subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="10.1.0.0/24")["Subnet"]["SubnetId"]
    group = ec2.create_security_group(VpcId=vpc, GroupName=f"jobs-{vpc}", Description="Jobs")["GroupId"]
    foreign = ec2.create_security_group(VpcId=other, GroupName=f"jobs-{other}", Description="Jobs")["GroupId"]

    def findings(vpc_id: str, subnet_id: str, group_id: str) -> list[Finding]:
        network = {"mode": "import", "vpc_id": vpc_id, "subnets": [subnet_id], "security_groups": [group_id]}
        subject = patient(f"network: {json.dumps(network)}\n")
        return list(surroundings.network(subject, subject.project.first))

    assert "there is no vpc-00000000000000000" in the(findings("vpc-00000000000000000", subnet, group), "failure").told
    assert "subnet-00000000" in the(findings(vpc, "subnet-00000000", group), "failure").told
    assert f"{foreign} is in {other}" in the(findings(vpc, subnet, foreign), "failure").told
    assert "has no endpoint for S3" in the(findings(vpc, subnet, group), "warning").told
    ec2.create_vpc_endpoint(VpcId=vpc, ServiceName="com.amazonaws.eu-west-1.s3")
    assert the(findings(vpc, subnet, group), "ok").told.endswith("with 1 subnets, and an endpoint for S3")


def test_a_check_that_is_denied_says_so_and_the_others_go_on(patient: Patient, monkeypatch: pytest.MonkeyPatch) -> None:
    subject = patient("security: {permissions_boundary: platform}\n")
    monkeypatch.setattr(subject.target, "lookup_client", subject.target.release_client)
    found = list(examine(subject))
    denied = [each for each in found if each.told.startswith("could not be looked at: Nothing is deployed in dev yet")]
    assert {each.check for each in denied} >= {"bootstrap", "permissions boundary", "names"}
    assert found[-1].check == surroundings.SOURCE


def test_a_key_that_is_disabled_or_will_be_deleted_is_a_failure_with_the_command_that_mends_it(
    patient: Patient,
) -> None:
    subject = patient()
    first = subject.project.first
    s3, kms = (subject.target.client(service, first) for service in ("s3", "kms"))
    assert list(keys.check(subject, first)) == []
    bucket = names.data_bucket(subject.project.name, "dev", "111111111111", "eu-west-1")
    s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    key = kms.create_key()["KeyMetadata"]["Arn"]
    by_default = {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": key}
    rules = {"Rules": [{"ApplyServerSideEncryptionByDefault": by_default}]}
    s3.put_bucket_encryption(Bucket=bucket, ServerSideEncryptionConfiguration=rules)

    assert the(keys.check(subject, first), "ok").told == f"{key} is enabled"
    kms.disable_key(KeyId=key)
    disabled = the(keys.check(subject, first), "failure")
    kms.schedule_key_deletion(KeyId=key)
    pending = the(keys.check(subject, first), "failure")

    assert disabled.mend == f"aws kms enable-key --key-id {key} --region eu-west-1"
    assert pending.mend.startswith(f"aws kms cancel-key-deletion --key-id {key} --region eu-west-1 && aws kms enable")
    assert keys.CHECK in {each.check for each in examine(subject) if each.result == "failure"}
