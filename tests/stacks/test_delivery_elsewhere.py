"""What another system's jobs get in AWS: the rights of the builds, opened by a token that names the very job."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from sagewright.stacks import execution_policy

TWO = """\
  dev: {account: "111111111111", region: eu-west-1}
  prod: {account: "333333333333", region: eu-west-1}
"""
GITHUB = "repository: {provider: github, name: example/churn}\n"
ACTIONS = f"{GITHUB}delivery: {{provider: github_actions}}\n"
NUMBERED = f"{GITHUB}delivery: {{provider: github_actions, subject: example@12/churn@34, identity_provider: import}}\n"
JENKINS = (
    "repository: {provider: codecommit, name: churn, branch: release/next}\n"
    "delivery: {provider: jenkins, issuer: 'https://jenkins.example.com/oidc'}\n"
)
CODEPIPELINE = "repository: {provider: codecommit, name: churn}\n"
HOST = "token.actions.githubusercontent.com"
ROLES = {
    "churn-delivery-deploy": ("Jobs/Deploy", "Steps/Deploy"),
    "churn-delivery-train": ("Jobs/Train", "Steps/Train"),
    "churn-delivery-resolve": ("Jobs/Resolve", "Steps/Resolve"),
    "churn-delivery-rollback": ("Jobs/Rollback", "Steps/Rollback"),
    "churn-delivery-prod-releasing": ("Jobs/ReleaseProd", "Steps/ReleaseProd"),
}
# What only a build has: its log, what pipelines hand on, and the pipelines themselves.
OF_BUILDS = {
    "WriteLog",
    "ReadArtifacts",
    "WriteArtifacts",
    "UseArtifactKey",
    "LookAtArtifacts",
    "ReadWish",
    "StopPromotions",
}
Delivered = Callable[[str, str], Any]


def trust(template: Any, name: str) -> list[dict[str, Any]]:
    (role,) = [
        each["Properties"]
        for each in template.resources("AWS::IAM::Role").values()
        if each["Properties"].get("RoleName") == name
    ]
    return role["AssumeRolePolicyDocument"]["Statement"]


def claims(template: Any, name: str) -> list[dict[str, Any]]:
    """What tokens have to hold, by claim; nothing but equality is asked for."""
    found = []
    for statement in trust(template, name):
        assert statement["Action"] == "sts:AssumeRoleWithWebIdentity"
        (equals,) = statement["Condition"].items()
        assert equals[0] == "StringEquals"
        found.append({key.rpartition(":")[2]: value for key, value in equals[1].items()})
    return found


@pytest.mark.parametrize("name", ROLES)
def test_a_job_may_do_what_the_same_step_may_in_a_build(delivered: Delivered, name: str) -> None:
    job, build = ROLES[name]
    ours = delivered(TWO, ACTIONS)["churn-delivery"].statements(job)
    theirs = delivered(TWO, CODEPIPELINE)["churn-delivery"].statements(build)

    assert ours == {sid: each for sid, each in theirs.items() if sid not in OF_BUILDS}


def test_tests_have_no_role_at_all(delivered: Delivered) -> None:
    template = delivered(TWO, ACTIONS)["churn-delivery"]
    named = {each["Properties"]["RoleName"] for each in template.resources("AWS::IAM::Role").values()}

    assert named == {*ROLES, "churn-delivery-waiting", "churn-delivery-events"}
    assert template.resources("AWS::IAM::User") == template.resources("AWS::IAM::AccessKey") == {}


def test_each_role_trusts_one_repository_file_and_environment(delivered: Delivered) -> None:
    template = delivered(TWO, ACTIONS)["churn-delivery"]
    audience, files = "sts.amazonaws.com", "example/churn/.github/workflows"

    assert claims(template, "churn-delivery-deploy") == [
        {
            "aud": audience,
            "sub": ["repo:example/churn:environment:dev"],
            "job_workflow_ref": f"{files}/build.yml@refs/heads/main",
        }
    ]
    assert claims(template, "churn-delivery-prod-releasing") == [
        {
            "aud": audience,
            "sub": ["repo:example/churn:environment:prod", "repo:example/churn:environment:prod-changes"],
            "job_workflow_ref": f"{files}/promotion.yml@refs/heads/main",
        },
        {
            "aud": audience,
            "sub": ["repo:example/churn:environment:prod-rollback"],
            "job_workflow_ref": f"{files}/rollback.yml@refs/heads/main",
        },
    ]


def test_the_issuer_is_made_once_or_taken_as_it_is_there(delivered: Delivered) -> None:
    made, taken = (delivered(TWO, each)["churn-delivery"] for each in (ACTIONS, NUMBERED))

    assert made.only("AWS::IAM::OIDCProvider")["Properties"]["Url"] == f"https://{HOST}"
    assert made.only("AWS::IAM::OIDCProvider")["Properties"]["ClientIdList"] == ["sts.amazonaws.com"]
    assert taken.resources("AWS::IAM::OIDCProvider") == {}
    (statement,) = trust(taken, "churn-delivery-resolve")
    assert statement["Principal"] == {"Federated": f"arn:aws:iam::111111111111:oidc-provider/{HOST}"}
    (claimed,) = claims(taken, "churn-delivery-resolve")
    assert claimed["sub"] == ["repo:example@12/churn@34:ref:refs/heads/main"]


def test_jenkins_is_known_by_the_addresses_of_its_jobs(delivered: Delivered) -> None:
    template = delivered(TWO, JENKINS)["churn-delivery"]
    root = "https://jenkins.example.com/job"

    assert template.only("AWS::IAM::OIDCProvider")["Properties"]["Url"] == "https://jenkins.example.com/oidc"
    expected = {
        "churn-delivery-deploy": [f"{root}/churn-build/job/release%252Fnext/"],
        "churn-delivery-resolve": [f"{root}/churn-promotion/"],
        "churn-delivery-prod-releasing": [f"{root}/churn-promotion/", f"{root}/churn-rollback/"],
        "churn-delivery-waiting": [f"{root}/churn-promotion/", f"{root}/churn-rollback/"],
    }
    for name, subjects in expected.items():
        assert [each["sub"] for each in claims(template, name)] == [subjects]


def test_the_function_starts_nothing_of_which_aws_knows_nothing(delivered: Delivered) -> None:
    template = delivered(TWO, JENKINS)["churn-delivery"]
    may = str(template.statements("Events"))
    rules = {each["Properties"]["Name"] for each in template.resources("AWS::Events::Rule").values()}

    assert "codepipeline:" not in may
    assert "codebuild:" not in may
    assert "LeaveToOthers" in template.statements("Events")
    assert rules == {
        f"churn-delivery-{each}"
        for each in ("registry", "training", "stacks-project", "stacks-dev", "stacks-prod", "hourly")
    } - {"churn-delivery-stacks-prod"}


def test_a_role_fits_into_what_iam_takes_of_its_trust(delivered: Delivered) -> None:
    # https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html: 2048 characters, white space aside.
    long = ACTIONS.replace("example/churn", f"{'e' * 39}/{'c' * 60}")
    template = delivered(TWO, long)["churn-delivery"]

    written = json.dumps(trust(template, "churn-delivery-prod-releasing"), separators=(",", ":"))
    assert len(written) < 2048


def test_cloudformation_may_make_an_issuer_known_and_change_those_of_ours() -> None:
    statements = {each.sid: each for each in execution_policy.statements("hnb659fds", None)["Roles"]}

    assert statements["MakeIssuers"].actions == ["iam:CreateOpenIDConnectProvider", "iam:TagOpenIDConnectProvider"]
    assert "Null" in statements["ChangeIssuers"].conditions
    assert "iam:DeleteOpenIDConnectProvider" in statements["ChangeIssuers"].actions
