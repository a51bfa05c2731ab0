"""Accounts made ready for deployments, by the real CDK command line, each test with a qualifier of its own."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML
from typer.testing import Result

from sagewright.cli import bootstrapping, seeds
from sagewright.cli.errors import CommandError
from sagewright.cli.options import Options
from sagewright.cli.sandbox_process import RunningSandbox
from sagewright.cli.target import Sandbox
from sagewright.cli.terminal import Terminal
from sagewright.project import Project, load, names
from sagewright.stacks import execution_policy

Run = Callable[..., Result]
Home = tuple[Path, RunningSandbox]
ACCOUNTS = {"dev": "111111111111", "prod": "333333333333"}


def planted(home: Home, qualifier: str, **environments: dict[str, Any]) -> Path:
    """A project of two environments in two accounts, where the sandbox of the checkout is its own."""
    folder = home[0] / qualifier / "leavers"
    seeds.plant("churn", folder, "leavers")
    yaml, file = YAML(), folder / "project.yaml"
    content = yaml.load(file)
    content["environments"] = {
        name: {"account": account, "region": "eu-west-1", **environments.get(name, {})}
        for name, account in ACCOUNTS.items()
    }
    content["security"] = {"bootstrap_qualifier": qualifier}
    yaml.dump(content, file)
    return folder


def toolkit(sandbox: Sandbox, project: Project, environment: str) -> dict[str, str]:
    """What the CDK's own stack was deployed with."""
    qualifier = project.environment(environment).security.bootstrap_qualifier
    stacks = sandbox.client("cloudformation", project.environment(environment))
    described = stacks.describe_stacks(StackName=f"CDKToolkit-{qualifier}")["Stacks"][0]
    return {each["ParameterKey"]: each["ParameterValue"] for each in described["Parameters"]}


@pytest.mark.slow
def test_cloudformation_gets_our_policies_and_later_accounts_trust_the_first(run: Run, home: Home) -> None:
    folder = planted(home, "trust")
    done = run("bootstrap", "--project", folder, "--json")
    assert done.exit_code == 0, done.stderr

    project = load(folder)
    sandbox = Sandbox(home[1], project)
    for name, account in ACCOUNTS.items():
        attached = sandbox.client("iam", project.environment(name)).list_attached_role_policies(
            RoleName=f"cdk-trust-cfn-exec-role-{account}-eu-west-1"
        )["AttachedPolicies"]
        wanted = {
            names.execution_policy("trust", "eu-west-1", what)
            for what in ("delivery", "features", "models", "monitors", "networks", "roles", "storage")
        }
        assert {each["PolicyName"] for each in attached} == wanted
    assert toolkit(sandbox, project, "dev")["TrustedAccounts"] == ""
    assert toolkit(sandbox, project, "prod")["TrustedAccounts"] == ACCOUNTS["dev"]
    assert [each["account"] for each in json.loads(done.stdout)["bootstrapped"]] == list(ACCOUNTS.values())

    again = run("bootstrap", "prod", "--project", folder, "--json")
    assert again.exit_code == 0, again.stderr
    assert [each["account"] for each in json.loads(again.stdout)["bootstrapped"]] == [ACCOUNTS["prod"]]


@pytest.mark.slow
def test_a_boundary_bounds_the_cdks_roles_and_those_that_it_makes(run: Run, home: Home) -> None:
    folder = planted(home, "bounded", dev={"security": {"permissions_boundary": "platform"}})
    project = load(folder)
    iam = Sandbox(home[1], project).client("iam", project.first)
    allowed = {"Effect": "Allow", "Action": "*", "Resource": "*"}
    iam.create_policy(
        PolicyName="platform", PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [allowed]})
    )

    assert run("bootstrap", "dev", "--project", folder).exit_code == 0

    role = iam.get_role(RoleName=f"cdk-bounded-cfn-exec-role-{ACCOUNTS['dev']}-eu-west-1")["Role"]
    assert role["PermissionsBoundary"]["PermissionsBoundaryArn"].endswith(":policy/platform")
    policy = f"arn:aws:iam::{ACCOUNTS['dev']}:policy/{names.execution_policy('bounded', 'eu-west-1', 'roles')}"
    document = iam.get_policy_version(PolicyArn=policy, VersionId="v1")["PolicyVersion"]["Document"]
    made = next(each for each in document["Statement"] if each["Sid"] == "MakeRoles")
    assert made["Condition"]["StringEquals"]["iam:PermissionsBoundary"].endswith(":policy/platform")


@pytest.mark.slow
def test_a_bootstrap_with_other_policies_is_not_taken_over_by_itself(run: Run, home: Home) -> None:
    folder = planted(home, "others")
    project = load(folder)
    sandbox = Sandbox(home[1], project)
    options = Options(Terminal(), folder)
    (place,) = bootstrapping.places(project, sandbox, [project.first])
    administrator = "arn:aws:iam::aws:policy/AdministratorAccess"
    bootstrapping.Cdk(folder, bootstrapping._variables(sandbox, place), options.terminal).bootstrap(
        *bootstrapping._arguments(place, [administrator], [])
    )

    refused = run("bootstrap", "dev", "--project", folder)
    assert refused.exit_code == 1
    assert "lets CloudFormation deploy with arn:aws:iam::aws:policy/AdministratorAccess" in refused.stderr
    assert toolkit(sandbox, project, "dev")["CloudFormationExecutionPolicies"] == administrator

    assert run("bootstrap", "dev", "--replace", "--project", folder).exit_code == 0
    assert administrator not in toolkit(sandbox, project, "dev")["CloudFormationExecutionPolicies"]


@pytest.mark.slow
def test_a_deployment_brings_policies_of_another_release_up_to_date(
    run: Run, home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = planted(home, "older")
    project = load(folder)
    sandbox = Sandbox(home[1], project)
    today = execution_policy.template("older", None)
    outputs = {"Storage": today["Outputs"]["Storage"]}
    earlier = {**today, "Resources": {"Storage": today["Resources"]["Storage"]}, "Outputs": outputs}

    def of_another_release(qualifier: str, boundary: str | None) -> dict[str, Any]:
        assert (qualifier, boundary) == ("older", None)
        return earlier

    monkeypatch.setattr(execution_policy, "template", of_another_release)
    assert run("bootstrap", "dev", "--project", folder).exit_code == 0
    monkeypatch.undo()

    (place,) = bootstrapping.places(project, sandbox, [project.first])
    assert not bootstrapping._is_ready(place, sandbox)
    bootstrapping.bootstrap(Options(Terminal(), folder), project, sandbox, place)

    assert bootstrapping._is_ready(place, sandbox)
    assert toolkit(sandbox, project, "dev")["CloudFormationExecutionPolicies"].count("policy/") == 7


def test_environments_that_share_a_bootstrap_share_its_boundary(home: Home, project: Path) -> None:
    file = project / "project.yaml"
    bounded = "{region: eu-west-1, security: {permissions_boundary: platform}}"
    file.write_text(
        file.read_text().replace("  dev: {region: eu-west-1}", f"  dev: {{region: eu-west-1}}\n  prod: {bounded}")
    )
    loaded = load(project)

    with pytest.raises(
        CommandError, match=r"environments.prod.security.permissions_boundary: 'platform' is not that of"
    ):
        bootstrapping.places(loaded, Sandbox(home[1], loaded), loaded.environments)


@pytest.mark.parametrize(
    ("boundary", "named"),
    [
        (None, None),
        ("platform", "platform"),
        ("arn:aws:iam::111111111111:policy/teams/platform", "teams/platform"),
        ("arn:aws:iam::aws:policy/PowerUserAccess", None),
    ],
)
def test_the_cdk_is_told_a_boundary_by_its_name(
    home: Home, project: Path, boundary: str | None, named: str | None
) -> None:
    loaded = load(project)
    (place,) = bootstrapping.places(loaded, Sandbox(home[1], loaded), loaded.environments)

    assert replace(place, boundary=boundary).toolkit_boundary == named


def test_accounts_that_are_trusted_already_stay_trusted(home: Home, project: Path) -> None:
    loaded = load(project)
    (place,) = bootstrapping.places(loaded, Sandbox(home[1], loaded), loaded.environments)
    place = replace(place, trusted="111111111111")

    arguments = bootstrapping._arguments(place, ["one", "two"], ["222222222222"])

    assert arguments[arguments.index("--trust") + 1] == "222222222222,111111111111"
    assert arguments[arguments.index("--cloudformation-execution-policies") + 1] == "one,two"


@pytest.mark.parametrize("command", ["bootstrap", "deploy"])
def test_a_boundary_that_does_not_exist_is_refused_before_anything_is_made(run: Run, home: Home, command: str) -> None:
    folder = planted(home, f"absent{command[0]}", prod={"security": {"permissions_boundary": "nobodys"}})

    refused = run(command, "--project", folder)

    assert refused.exit_code == 1
    told = " ".join(refused.stderr.split())
    assert "account 333333333333 has no policy arn:aws:iam::333333333333:policy/nobodys" in told
    assert "aws iam create-policy --policy-name nobodys --policy-document file://boundary.json" in told
    assert "export AWS_ACCESS_KEY_ID=AKIASBOX333333333333" in told
    cloudformation = Sandbox(home[1], load(folder)).client("cloudformation", load(folder).first)
    stacks = cloudformation.describe_stacks()["Stacks"]
    assert not [each["StackName"] for each in stacks if f"absent{command[0]}" in each["StackName"]]


def test_a_bucket_left_of_a_failed_bootstrap_is_named_with_the_command_that_removes_it(run: Run, home: Home) -> None:
    folder = planted(home, "left")
    sandbox, first = Sandbox(home[1], load(folder)), load(folder).first
    bucket = f"cdk-left-assets-{ACCOUNTS['dev']}-eu-west-1"
    place = {"LocationConstraint": "eu-west-1"}
    sandbox.client("s3", first).create_bucket(Bucket=bucket, CreateBucketConfiguration=place)

    refused = run("bootstrap", "dev", "--project", folder)

    assert refused.exit_code == 1
    told = " ".join(refused.stderr.split())
    assert f"Bucket {bucket} is left of an earlier bootstrap" in told
    assert f"aws s3api delete-bucket --bucket {bucket} --region eu-west-1" in told
    described = sandbox.client("cloudformation", first).describe_stacks()["Stacks"]
    assert names.execution_stack("left") not in [each["StackName"] for each in described]


@pytest.mark.slow
def test_roles_that_were_changed_by_hand_are_found_by_the_doctor_and_mended_with_replace(run: Run, home: Home) -> None:
    folder = planted(home, "byhand")
    assert run("bootstrap", "--project", folder).exit_code == 0
    project = load(folder)
    prod = Sandbox(home[1], project).client("iam", project.environment("prod"))
    executing, deploying = (f"cdk-byhand-{role}-role-{ACCOUNTS['prod']}-eu-west-1" for role in ("cfn-exec", "deploy"))
    policies = prod.list_attached_role_policies(RoleName=executing)["AttachedPolicies"]
    trust = prod.get_role(RoleName=deploying)["Role"]["AssumeRolePolicyDocument"]
    statements = [each for each in trust["Statement"] if ACCOUNTS["dev"] not in json.dumps(each["Principal"])]
    prod.detach_role_policy(RoleName=executing, PolicyArn=policies[0]["PolicyArn"])
    prod.update_assume_role_policy(RoleName=deploying, PolicyDocument=json.dumps({**trust, "Statement": statements}))

    found = findings(run("doctor", "prod", "--project", folder, "--json"))
    assert {each["result"] for each in found} == {"failure"}
    lacks, distrusts = found
    assert lacks["told"].startswith(f"{executing} lacks {policies[0]['PolicyArn']}")
    assert distrusts["told"].startswith(f"{deploying} does not trust account {ACCOUNTS['dev']} any more")
    assert {each["mend"] for each in found} == {"sagewright bootstrap prod --replace"}

    mended = run("bootstrap", "prod", "--replace", "--project", folder)
    assert mended.exit_code == 0, mended.stderr
    assert [each["result"] for each in findings(run("doctor", "prod", "--project", folder, "--json"))] == ["ok"]


def findings(done: Result) -> list[dict[str, str]]:
    """What the doctor says about the bootstrap."""
    return [each for each in json.loads(done.stdout)["findings"] if each["check"] == "bootstrap"]


@pytest.mark.parametrize(
    ("before", "now", "told"),
    [
        (None, "platform", "may make roles without a boundary, but security.permissions_boundary of dev is platform"),
        (
            "platform",
            None,
            "may make roles under boundary platform only, but security.permissions_boundary of dev is not",
        ),
    ],
)
def test_a_boundary_that_differs_is_named_as_the_difference(
    home: Home, project: Path, before: str | None, now: str | None, told: str
) -> None:
    loaded = load(project)
    sandbox = Sandbox(home[1], loaded)
    (place,) = bootstrapping.places(loaded, sandbox, loaded.environments)
    qualifier = f"differ{len(told) % 10}"
    cloudformation = sandbox.client("cloudformation", loaded.first)
    stack = names.execution_stack(qualifier)
    template = execution_policy.template(qualifier, before)
    bootstrapping._deploy_policies(Options(Terminal(), project), sandbox, cloudformation, stack, template)

    same = bootstrapping.difference(replace(place, qualifier=qualifier, boundary=before), cloudformation)
    differs = bootstrapping.difference(replace(place, qualifier=qualifier, boundary=now), cloudformation)

    assert same is None
    assert differs is not None
    assert told in differs
