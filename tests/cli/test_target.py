import json
import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError
from typer.testing import Result

from sagewright.cli import releasing, seeds, target
from sagewright.cli.errors import CommandError
from sagewright.cli.options import Options
from sagewright.cli.sandbox_process import RunningSandbox
from sagewright.cli.target import Sandbox
from sagewright.cli.terminal import Terminal
from sagewright.project import Project, load, names
from sagewright.runtime.functions.model_versions import Version

Run = Callable[..., Result]
Home = tuple[Path, RunningSandbox]


def planted(folder: Path) -> Project:
    seeds.plant("churn", folder, folder.name)
    return load(folder)


def test_a_sandbox_of_the_checkout_serves_the_projects_in_it(home: Home) -> None:
    folder, running = home
    project = planted(folder / "projects" / "leavers")
    chosen = target.resolve(None, project)
    assert isinstance(chosen, Sandbox)
    assert chosen.running.pid == running.pid


def test_a_sandbox_outside_the_checkout_does_not(home: Home) -> None:
    folder, _ = home
    (folder / "elsewhere" / ".git").mkdir(parents=True)
    with pytest.raises(CommandError, match="There is nothing to act on yet"):
        target.resolve(None, planted(folder / "elsewhere" / "leavers"))


def test_the_callers_account_is_the_first_environments(home: Home, project: Path) -> None:
    file = project / "project.yaml"
    file.write_text(
        file.read_text().replace(
            "  dev: {region: eu-west-1}",
            '  dev: {account: "222222222222", region: eu-west-1}\n  prod: {account: "333333333333", region: eu-west-1}',
        )
    )
    loaded = load(project)
    sandbox = Sandbox(home[1], loaded)
    assert sandbox.account == "222222222222"
    identity = sandbox.client("sts", loaded.environment("prod")).get_caller_identity()
    assert identity["Account"] == "333333333333"


def test_variables_of_the_users_own_aws_never_reach_a_tool_in_the_sandbox(
    home: Home, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_PROFILE", "production")
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", "https://example.com")
    loaded = load(project)
    sandbox = Sandbox(home[1], loaded)
    variables = sandbox.environ("eu-west-1")
    assert "AWS_PROFILE" not in variables
    assert "AWS_ENDPOINT_URL_S3" not in variables
    assert variables["AWS_ENDPOINT_URL"] == home[1].endpoint
    assert sandbox.client("sts", loaded.first).get_caller_identity()["Account"] == "111111111111"


@pytest.mark.parametrize(
    ("name", "value"), [("AWS_ENDPOINT_URL", "http://localhost:4566"), ("AWS_ACCESS_KEY_ID", "AKIASBOX111111111111")]
)
def test_aws_is_refused_while_variables_still_point_to_a_sandbox(
    run: Run, project: Path, monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)
    result = run("models", "--project", project, "--target", "aws")
    assert result.exit_code == 1
    assert "still point to a sandbox" in result.stderr


def test_aws_without_credentials_says_how_to_sign_in(run: Run, project: Path) -> None:
    result = run("train", "--project", project, "--target", "aws", "--yes")
    assert result.exit_code == 1
    assert "aws sso login" in result.stderr


@pytest.fixture
def pretended_aws(home: Home, monkeypatch: pytest.MonkeyPatch) -> str:
    """An account that looks like AWS to the command line: ordinary keys, and endpoints of single services."""
    sandbox: Any = Sandbox(home[1], None)
    iam = sandbox.client_in("iam", "111111111111", "eu-west-1")
    name = f"anna-{uuid.uuid4().hex[:8]}"
    iam.create_user(UserName=name)
    iam.attach_user_policy(UserName=name, PolicyArn="arn:aws:iam::aws:policy/AdministratorAccess")
    key = iam.create_access_key(UserName=name)["AccessKey"]
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", key["AccessKeyId"])
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", key["SecretAccessKey"])
    for service in ("STS", "S3", "SAGEMAKER", "CLOUDFORMATION", "SSM"):
        monkeypatch.setenv(f"AWS_ENDPOINT_URL_{service}", home[1].endpoint)
    monkeypatch.setenv("NO_PROXY", "localhost")
    return "111111111111"


def test_aws_shows_where_it_acts_and_does_nothing_without_a_yes(run: Run, project: Path, pretended_aws: str) -> None:
    result = run("train", "--project", project, "--target", "aws")
    assert result.exit_code == 1
    told = " ".join(result.stderr.split())
    assert f"AWS account {pretended_aws}, region eu-west-1" in told
    assert "ml.m5.xlarge, charged by the second" in told
    assert "run it again with --yes" in told


@pytest.mark.usefixtures("pretended_aws")
def test_aws_names_the_bootstrap_command_where_it_is_missing(run: Run, project: Path) -> None:
    result = run("deploy", "--project", project, "--target", "aws", "--yes")
    assert result.exit_code == 1
    assert "not prepared for the CDK in eu-west-1 yet" in result.stderr
    assert "`sagewright bootstrap dev --target aws`" in result.stderr


@pytest.mark.usefixtures("pretended_aws")
def test_credentials_of_another_account_are_told(run: Run, project: Path) -> None:
    file = project / "project.yaml"
    file.write_text(file.read_text().replace("{region: eu-west-1}", '{account: "222222222222", region: eu-west-1}', 1))
    result = run("models", "--project", project, "--target", "aws")
    assert result.exit_code == 1
    assert "belong to account 111111111111, but environment 'dev' is in 222222222222" in result.stderr


def test_keys_of_a_role_are_renewed_before_they_expire() -> None:
    taken: list[str] = []

    def take_on() -> dict[str, str]:
        taken.append(f"key-{len(taken)}")
        soon = datetime.now(UTC) + timedelta(minutes=1)
        return {"access_key": taken[-1], "secret_key": "s", "token": "t", "expiry_time": soon.isoformat()}

    session = target._renewing_session(take_on, "eu-west-1")
    assert session.get_credentials().get_frozen_credentials().access_key == taken[-1] == "key-1"


def test_what_is_live_in_another_account_is_read_as_the_release_role(home: Home, project: Path) -> None:
    file = project / "project.yaml"
    there = '  dev: {account: "111111111111", region: eu-west-1}\n  prod: {account: "333333333333", region: eu-west-1}'
    file.write_text(file.read_text().replace("  dev: {region: eu-west-1}", there))
    loaded = load(project)
    sandbox = Sandbox(home[1], loaded)
    trust = {"Effect": "Allow", "Principal": {"AWS": "111111111111"}, "Action": "sts:AssumeRole"}
    sandbox.client_in("iam", "333333333333", "eu-west-1").create_role(
        RoleName=names.release_role(loaded.name, "prod"),
        AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [trust]}),
    )
    reader = sandbox.reading_client("sts", loaded.environment("prod")).get_caller_identity()["Arn"]
    assert reader == "arn:aws:sts::333333333333:assumed-role/leavers-prod-release/sagewright-release"
    own = sandbox.reading_client("sts", loaded.first).get_caller_identity()["Arn"]
    assert own == "arn:aws:iam::111111111111:user/administrator"


TWO = '  dev: {account: "111111111111", region: eu-west-1}\n  prod: {account: "222222222222", region: eu-west-1}'


def test_a_release_role_that_is_not_there_yet_is_told_apart_from_one_that_is_denied(home: Home, tmp_path: Path) -> None:
    folder = tmp_path / "nowhere"
    planted(folder)
    file = folder / "project.yaml"
    file.write_text(file.read_text().replace("  dev: {region: eu-west-1}", TWO))
    project = load(folder)
    sandbox, prod = Sandbox(home[1], project), project.environment("prod")
    with pytest.raises(CommandError, match=r"^Nothing is deployed in prod yet: `sagewright deploy` does it\.$"):
        sandbox.reading_client("sagemaker", prod)

    stacks = sandbox.client("cloudformation", prod)
    topic = {"Resources": {"One": {"Type": "AWS::SSM::Parameter", "Properties": {"Type": "String", "Value": "1"}}}}
    name = names.access_stack(project.name, "prod")
    stacks.create_stack(StackName=name, TemplateBody=json.dumps(topic))
    stacks.get_waiter("stack_create_complete").wait(StackName=name, WaiterConfig={"Delay": 0.1, "MaxAttempts": 600})
    with pytest.raises(ClientError, match="AssumeRole"):
        sandbox.reading_client("sagemaker", prod)


def allowed(*actions: str, effect: str = "Allow", **more: Any) -> str:
    return json.dumps(
        {"Version": "2012-10-17", "Statement": [{"Effect": effect, "Action": actions, "Resource": "*", **more}]}
    )


def test_a_release_that_may_not_write_to_its_bucket_ends_like_every_failed_one(home: Home, tmp_path: Path) -> None:
    project = planted(tmp_path / "unwritten")
    sandbox = Sandbox(home[1], project)
    iam, role = sandbox.client("iam", project.first), names.release_role(project.name, "dev")
    trust = {"Effect": "Allow", "Principal": {"AWS": "111111111111"}, "Action": "sts:AssumeRole"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    iam.create_role(RoleName=role, AssumeRolePolicyDocument=document)
    iam.put_role_policy(RoleName=role, PolicyName="looks", PolicyDocument=allowed("sagemaker:*", "s3:GetObject"))
    bucket = names.data_bucket(project.name, "dev", "111111111111", "eu-west-1")
    place = {"LocationConstraint": "eu-west-1"}
    sandbox.client("s3", project.first).create_bucket(Bucket=bucket, CreateBucketConfiguration=place)
    arn = f"arn:aws:sagemaker:eu-west-1:111111111111:model-package/{project.name}/2"
    version = Version(2, arn, "Approved", datetime.now(UTC), None, "image", "s3://nowhere/model.tar.gz", {})

    with pytest.raises(CommandError) as failed:
        releasing.carry_out(Options(Terminal(), tmp_path), project, sandbox, project.first, version)

    told = str(failed.value)
    assert told.startswith("Version 2 was not released to dev: PutObject was refused: ")
    assert "s3:PutObject" in told
    assert told.endswith("Now nothing serves in dev yet.")


def test_data_that_may_not_be_put_is_told_as_a_denial_and_not_as_a_defect(run: Run, home: Home) -> None:
    folder = home[0] / "denied"
    project = planted(folder)
    s3 = Sandbox(home[1], project).client("s3", project.first)
    bucket = names.data_bucket(project.name, "dev", "111111111111", "eu-west-1")
    s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    policy = allowed("s3:PutObject", effect="Deny", Principal="*", Resource=f"arn:aws:s3:::{bucket}/*")
    s3.put_bucket_policy(Bucket=bucket, Policy=policy)
    refused = run("data", "put", "--project", folder)
    told = " ".join(refused.stderr.split())
    assert refused.exit_code == 1
    assert "PutObject was refused: " in told
    assert "with an explicit deny in a resource-based policy" in told
    assert "defect" not in told


def test_commands_on_a_sandbox_without_the_project_say_to_deploy(run: Run, home: Home) -> None:
    folder = home[0] / "undeployed"
    planted(folder)
    for command in (("models",), ("show", "1"), ("data", "put"), ("train",), ("approve", "1")):
        result = run(*command, "--project", folder)
        assert result.exit_code == 1, command
        assert "sagewright deploy" in result.stderr, command


def test_data_is_sent_once_and_again_when_it_changes(run: Run, home: Home) -> None:
    folder = home[0] / "sending"
    project = planted(folder)
    s3 = Sandbox(home[1], project).client("s3", project.first)
    bucket = names.data_bucket(project.name, "dev", "111111111111", "eu-west-1")
    s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    assert '"sent": true' in run("data", "put", "--project", folder, "--json").stdout
    assert '"sent": false' in run("data", "put", "--project", folder, "--json").stdout
    with (folder / "data" / "churn.csv").open("a") as rows:
        rows.write("\n")
    assert '"sent": true' in run("data", "put", "--project", folder, "--json").stdout

    (folder / "data" / "churn.csv").rename(folder / "data" / "customers.csv")
    (folder / "project.yaml").write_text(
        (folder / "project.yaml").read_text().replace("data/churn.csv", "data/customers.csv")
    )
    assert "Removed raw/churn.csv" in run("data", "put", "--project", folder).stderr
    assert [each["Key"] for each in s3.list_objects_v2(Bucket=bucket)["Contents"]] == ["raw/customers.csv"]

    s3.put_object(Bucket=bucket, Key="raw/more.csv", Body=b"from somewhere else")
    refused = run("data", "put", "--project", folder)
    assert refused.exit_code == 1
    assert "raw/more.csv was put there by something else" in refused.stderr
