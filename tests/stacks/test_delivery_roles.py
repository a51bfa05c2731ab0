"""Who may do what on the way from a push to an endpoint: each step what it asks of AWS, and no step another's part."""

from collections.abc import Callable
from typing import Any

import pytest

from .conftest import THREE, THREE_IN_ONE_ACCOUNT, Assembly
from .delivered import CODECOMMIT, CONNECTION, connected

Delivered = Callable[..., Assembly]
STEPS = ("Test", "Deploy", "Train", "Resolve", "Rollback", "ReleaseStaging", "ReleaseProd")
WRITE_LOG = {"logs:CreateLogStream", "logs:PutLogEvents"}
REPORT = {
    *("codebuild:BatchPutCodeCoverages", "codebuild:BatchPutTestCases", "codebuild:CreateReport"),
    *("codebuild:CreateReportGroup", "codebuild:UpdateReport"),
}
ARTIFACTS = "arn:aws:s3:::churn-artifacts-111111111111-eu-west-1"
LOOK = {"s3:GetBucketAcl", "s3:GetBucketLocation", "s3:GetBucketVersioning"}
# What a deletion of the delivery stack, or of all of them, leaves.
STATEFUL = {
    "ArtifactsAlias99E0D79B": "AWS::KMS::Alias",
    "ArtifactsBucket88671897": "AWS::S3::Bucket",
    "ArtifactsBucketPolicyBC103148": "AWS::S3::BucketPolicy",
    "ArtifactsKeyA4B22E2B": "AWS::KMS::Key",
    "GitRepositoryE797705D": "AWS::CodeCommit::Repository",
}


@pytest.fixture
def template(delivered: Delivered) -> Any:
    return delivered(THREE, CODECOMMIT)["churn-delivery"]


def may(template: Any, role: str) -> set[str]:
    return {action for each in template.statements(role).values() for action in each["Action"]}


def taken_on(template: Any, role: str) -> set[str]:
    statements = template.statements(role).values()
    return {arn for each in statements if each["Action"] == ["sts:AssumeRole"] for arn in each["Resource"]}


def bootstrap(account: str, *purposes: str) -> set[str]:
    return {f"arn:aws:iam::{account}:role/cdk-hnb659fds-{each}-role-{account}-eu-west-1" for each in purposes}


def test_what_tries_a_push_reads_and_writes_artifacts_and_reports_and_nothing_else(template: Any) -> None:
    assert may(template, "Steps/Test") == {
        *WRITE_LOG,
        *REPORT,
        *LOOK,
        *("s3:GetObject", "s3:GetObjectVersion", "s3:PutObject", "kms:Decrypt", "kms:GenerateDataKey"),
    }
    statements = template.statements("Steps/Test")
    assert statements["ReadArtifacts"]["Resource"] == [
        f"{ARTIFACTS}/churn-build/{each}/*" for each in ("Source", "Tools")
    ]
    assert statements["WriteArtifacts"]["Resource"] == [f"{ARTIFACTS}/churn-build/Assembly/*"]


def test_what_tries_a_strangers_proposal_may_less_still(template: Any) -> None:
    assert may(template, "PullRequests/Build") == {
        *WRITE_LOG,
        *REPORT,
        *("codecommit:GitPull", "s3:GetObject", "s3:GetObjectVersion", "s3:GetBucketAcl", "s3:GetBucketLocation"),
    }
    (tools,) = template.statements("PullRequests/Build")["ReadTools"]["Resource"]
    assert tools.startswith("arn:aws:s3:::cdk-hnb659fds-assets-111111111111-eu-west-1/")


def test_over_a_connection_a_proposal_is_read_by_both_of_the_services_names(delivered: Delivered) -> None:
    template = delivered(THREE, connected("github"))["churn-delivery"]
    used = template.statements("PullRequests/Build")["UseConnection"]

    assert {action.partition(":")[0] for action in used["Action"]} == {"codeconnections", "codestar-connections"}
    assert used["Resource"] == [CONNECTION]


def test_the_build_deploys_the_first_environment_and_no_other(template: Any) -> None:
    assert taken_on(template, "Steps/Deploy") == bootstrap("111111111111", "deploy", "file-publishing", "lookup")
    assert taken_on(template, "Steps/Test") == taken_on(template, "Steps/Train") == set()


def test_what_trains_finds_the_champion_only_where_the_project_compares_with_one(delivered: Delivered) -> None:
    champion = {"DescribeVersion", "ReadLive", "SayNobody", "EncryptNobody"}
    for more, found in (("", set()), (", champion: {}", champion)):
        template = delivered(THREE, CODECOMMIT, f"evaluation: {{minimum: 0.55{more}}}\n")["churn-delivery"]
        assert champion & template.statements("Steps/Train").keys() == found


def test_what_decides_about_a_version_looks_and_changes_nothing(template: Any) -> None:
    assert taken_on(template, "Steps/Resolve") == bootstrap("222222222222", "lookup") | bootstrap(
        "333333333333", "lookup"
    )
    assert {action for action in may(template, "Steps/Resolve") if "Put" in action} == {
        "logs:PutLogEvents",
        "s3:PutObject",
    }


def test_what_releases_to_one_environment_takes_on_nothing_of_another(template: Any) -> None:
    for name, account in (("staging", "222222222222"), ("prod", "333333333333")):
        role = f"Steps/Release{name.capitalize()}"
        release = f"arn:aws:iam::{account}:role/churn-{name}-release"
        assert taken_on(template, role) == bootstrap(account, "deploy") | {release}
        record = f"arn:aws:ssm:eu-west-1:111111111111:parameter/sagewright/churn/dev/releases/{name}"
        assert template.statements(role)["KeepCopy"]["Resource"] == [record]


@pytest.mark.parametrize("name", ["Approved/Promotion", "TakenBack/Rollback"])
def test_a_pipeline_deploys_as_the_bootstraps_and_is_no_release_itself(template: Any, name: str) -> None:
    assert taken_on(template, name) == bootstrap("222222222222", "deploy") | bootstrap("333333333333", "deploy")
    assert not [
        action for action in may(template, name) if action.startswith(("sagemaker:", "iam:", "cloudformation:"))
    ]


@pytest.mark.parametrize("repository", [CODECOMMIT, connected("github")])
def test_a_pipeline_sees_its_bucket_and_keeps_what_comes_over_a_connection(
    delivered: Delivered, repository: str
) -> None:
    statements = delivered(THREE, repository)["churn-delivery"].statements("Pushed/Build")

    assert statements["LookAtArtifacts"]["Resource"] == [ARTIFACTS]
    assert set(statements["LookAtArtifacts"]["Action"]) == LOOK
    assert statements["WriteArtifacts"]["Action"] == ["s3:PutObject", "s3:PutObjectAcl"]


def test_the_build_pipeline_takes_on_no_role_at_all(template: Any) -> None:
    assert taken_on(template, "Pushed/Build") == set()


def test_only_the_one_build_that_a_role_is_for_can_be_given_it_and_a_pipeline_s_of_this_account(template: Any) -> None:
    roles = template.resources("AWS::IAM::Role").values()
    trusts = {
        each["Properties"]["RoleName"]: each["Properties"]["AssumeRolePolicyDocument"]["Statement"] for each in roles
    }

    for name, (statement,) in trusts.items():
        service = statement["Principal"]["Service"]
        if service == "lambda.amazonaws.com":
            continue
        assert statement["Condition"]["StringEquals"] == {"aws:SourceAccount": "111111111111"}
        if service != "codepipeline.amazonaws.com":  # which is not known to say more than the account
            source = statement["Condition"]["ArnEquals"]["aws:SourceArn"]
            assert source.startswith(f"arn:aws:{service.partition('.')[0]}:eu-west-1:111111111111:"), name
            assert "*" not in source
    assert len(trusts) == 13


def test_no_action_is_a_family_and_nothing_but_metrics_is_on_everything(template: Any) -> None:
    policies = template.resources("AWS::IAM::Policy").values()
    statements = [each for policy in policies for each in policy["Properties"]["PolicyDocument"]["Statement"]]
    for each in statements:
        actions = each["Action"] if isinstance(each["Action"], list) else [each["Action"]]
        assert not [action for action in actions if "*" in action]
        if each["Resource"] == "*":
            assert actions == ["cloudwatch:PutMetricData"]


def test_no_statement_of_a_role_has_the_name_of_another(template: Any) -> None:
    for policy in template.resources("AWS::IAM::Policy").values():
        named = [each["Sid"] for each in policy["Properties"]["PolicyDocument"]["Statement"]]
        assert len(set(named)) == len(named)


def admitted(delivered: Delivered, environments: str) -> dict[str, dict[str, Any]]:
    policies = delivered(environments, CODECOMMIT)["churn-dev-data"].resources("AWS::S3::BucketPolicy")
    (policy,) = [each for key, each in policies.items() if key.startswith("ArtifactsBucket")]
    return {each.get("Sid", ""): each for each in policy["Properties"]["PolicyDocument"]["Statement"]}


def test_another_account_reads_what_it_is_to_deploy_as_its_bootstraps_role_only(delivered: Delivered) -> None:
    statement = admitted(delivered, THREE)["DeployToProd"]

    assert statement["Principal"] == {"AWS": "arn:aws:iam::333333333333:root"}
    assert {statement["Condition"]["ArnEquals"]["aws:PrincipalArn"]} == bootstrap("333333333333", "deploy")
    assert statement["Action"] == ["s3:GetObject", "s3:GetObjectVersion"]
    assert statement["Resource"] == [f"{ARTIFACTS}/churn-{each}/Release/*" for each in ("promotion", "rollback")]


def test_in_one_account_the_bootstraps_role_is_let_in_by_name(delivered: Delivered) -> None:
    statement = admitted(delivered, THREE_IN_ONE_ACCOUNT)["DeployToProd"]

    assert {statement["Principal"]["AWS"]} == bootstrap("999999999999", "deploy")


def test_what_is_worth_keeping_is_in_the_data_stack_and_kept(delivered: Delivered) -> None:
    before = delivered(THREE, "")["churn-dev-data"].body["Resources"]
    after = delivered(THREE, CODECOMMIT)["churn-dev-data"].body["Resources"]
    added = {key: each for key, each in after.items() if key not in before}

    assert {key: each["Type"] for key, each in added.items()} == STATEFUL
    assert {each["DeletionPolicy"] for each in added.values()} <= {"Retain", "RetainExceptOnCreate"}
    assert {each["UpdateReplacePolicy"] for each in added.values()} == {"Retain"}


def test_what_trains_may_ask_who_the_champion_is_only_where_there_is_one(template: Any, delivered: Delivered) -> None:
    compares = THREE.replace("eu-west-1}", "eu-west-1, evaluation: {champion: {}}}", 1)
    statements = delivered(compares, CODECOMMIT)["churn-delivery"].statements("Steps/Train")
    without = template.statements("Steps/Train")

    added = {sid: each for sid, each in statements.items() if sid not in without}
    assert {sid: each["Action"] for sid, each in added.items()} == {
        "ReadLive": ["ssm:GetParameter"],
        "DescribeVersion": ["sagemaker:DescribeModelPackage"],
        "SayNobody": ["s3:PutObject"],
        "EncryptNobody": ["kms:GenerateDataKey"],
    }
    assert added["ReadLive"]["Resource"][0].endswith(":parameter/sagewright/churn/dev/releases/prod")
    assert added["SayNobody"]["Resource"][0].endswith("/executions/no-champion/Train/nothing-is-live.txt")
