"""What a push, an approval and a rejection go through: which stages, in which order, on which conditions."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from .conftest import ONE, SECTIONS, THREE, THREE_IN_ONE_ACCOUNT, Assembly, synthesize, write_project
from .delivered import CODECOMMIT, TWO, Walk, connected

Delivered = Callable[..., Assembly]
YES = {"#{Resolve.Proceed}": "yes"}
NO_MONITORS = CODECOMMIT + "monitoring: {engine: none}\n"
ENVIRONMENTS = {"one": ONE, "two": TWO, "three": THREE, "together": THREE_IN_ONE_ACCOUNT}
RELEASED = ["Copy", "Serving", "Verify", "Monitoring"]


def walk(assembly: Assembly, name: str) -> Walk:
    return Walk.of(assembly["churn-delivery"], f"churn-{name}")


def test_a_push_is_tried_then_deployed_then_trained_with_the_newest_in_front(delivered: Delivered) -> None:
    pipeline = walk(delivered(THREE, CODECOMMIT), "build")

    assert pipeline.outline == {
        "Source": ["Source", "Tools"],
        "Test": ["Test"],
        "Deploy": ["Deploy"],
        "Train": ["Train"],
    }
    assert (pipeline.properties["PipelineType"], pipeline.properties["ExecutionMode"]) == ("V2", "SUPERSEDED")
    assert pipeline.variables("Train", "Train") == {
        "COMMIT": "#{SourceVariables.CommitId}",
        "EXECUTION": "#{codepipeline.PipelineExecutionId}",
    }


def test_what_is_deployed_is_the_assembly_that_was_tried(delivered: Delivered) -> None:
    pipeline = walk(delivered(THREE, CODECOMMIT), "build")
    deploy = pipeline.action("Deploy", "Deploy")

    assert pipeline.action("Test", "Test")["OutputArtifacts"] == [{"Name": "Assembly"}]
    assert {"Name": "Assembly"} in deploy["InputArtifacts"]
    assert deploy["Configuration"]["PrimarySource"] == "Source"


@pytest.mark.parametrize(
    ("environments", "outline"),
    [
        ("one", {"Approve": ["Approve"], "dev": RELEASED}),
        ("two", {"Approve": ["Approve"], "prod-changes": ["Approve", "Data", "Access"], "prod": RELEASED}),
        (
            "three",
            {
                "staging-changes": ["Approve", "Data", "Access"],
                "staging": RELEASED,
                "Approve": ["Approve"],
                "prod-changes": ["Approve", "Data", "Access"],
                "prod": RELEASED,
            },
        ),
    ],
)
def test_the_gate_stands_before_the_last_environment(
    delivered: Delivered, environments: str, outline: dict[str, list[str]]
) -> None:
    pipeline = walk(delivered(ENVIRONMENTS[environments], CODECOMMIT), "promotion")

    assert list(pipeline.outline.items()) == [("Source", ["Tools"]), ("Resolve", ["Resolve"]), *outline.items()]
    assert pipeline.properties["ExecutionMode"] == "QUEUED"


def test_a_stage_is_passed_over_when_nothing_is_to_be_done_in_it(delivered: Delivered) -> None:
    pipeline = walk(delivered(THREE, CODECOMMIT), "promotion")

    assert pipeline.entry("Source") is pipeline.entry("Resolve") is None
    for stage in ("staging", "Approve", "prod"):
        assert pipeline.entry(stage) == ("SKIP", YES)
    for environment in ("staging", "prod"):
        changes = {f"#{{Resolve.Changes_{environment}}}": "yes"}
        assert pipeline.entry(f"{environment}-changes") == ("SKIP", changes)


def test_an_automatic_gate_is_no_stage_and_changes_still_have_an_approval(delivered: Delivered) -> None:
    pipeline = walk(delivered(THREE, CODECOMMIT + "approval: {prod: automatic}\n"), "promotion")

    assert "Approve" not in pipeline.outline
    assert pipeline.outline["prod-changes"][0] == "Approve"


def test_the_gate_asks_with_the_evidence_for_as_long_as_the_project_says(delivered: Delivered) -> None:
    pipeline = walk(delivered(THREE, CODECOMMIT + "delivery: {approval_hours: 24}\n"), "promotion")
    gate = pipeline.action("Approve", "Approve")

    assert gate["Configuration"] == {
        "NotificationArn": "<NoticesTopic898AF2CD>",
        "CustomData": "#{Resolve.Summary}",
        "ExternalEntityLink": "https://#{Resolve.Evidence}",
    }
    assert gate["TimeoutInMinutes"] == 24 * 60


def test_a_network_of_its_own_changes_between_data_and_roles(delivered: Delivered) -> None:
    pipeline = walk(delivered(THREE, CODECOMMIT + "network: {mode: create}\n"), "promotion")

    assert pipeline.outline["prod-changes"] == ["Approve", "Data", "Network", "Access"]


def test_what_is_not_watched_has_no_monitoring_to_deploy(delivered: Delivered) -> None:
    assembly = delivered(THREE, NO_MONITORS)

    assert walk(assembly, "promotion").outline["prod"] == ["Copy", "Serving", "Verify"]
    assert walk(assembly, "rollback").outline["prod"] == ["Serving", "Verify"]


def test_a_rollback_enters_the_one_environment_that_it_is_of(delivered: Delivered) -> None:
    pipeline = walk(delivered(THREE, CODECOMMIT), "rollback")

    assert pipeline.outline == {
        "Source": ["Tools"],
        "Resolve": ["Resolve"],
        "staging": ["Serving", "Verify", "Monitoring"],
        "prod": ["Serving", "Verify", "Monitoring"],
    }
    assert pipeline.entry("prod") == ("SKIP", YES | {"#{variables.Environment}": "prod"})
    assert pipeline.variables("prod", "Verify")["STEP"] == "verify-back"
    assert pipeline.properties["ExecutionMode"] == "QUEUED"


def test_words_of_people_are_put_into_no_configuration(delivered: Delivered) -> None:
    pipeline = walk(delivered(THREE, CODECOMMIT), "rollback")

    assert {each["Name"] for each in pipeline.properties["Variables"]} >= {"Who", "Reason"}
    assert not re.search(r"#\{variables\.(Who|Reason)\}", str(pipeline.properties["Stages"]))


def test_pipelines_that_run_because_they_were_made_are_told_that_nothing_is_to_be_done(delivered: Delivered) -> None:
    for name in ("promotion", "rollback"):
        variables = walk(delivered(THREE, CODECOMMIT), name).properties["Variables"]
        assert {each["DefaultValue"] for each in variables} == {"none"}


@pytest.mark.parametrize("environments", ENVIRONMENTS)
def test_a_stack_is_made_or_updated_as_its_environments_bootstrap_and_in_no_other_way(
    delivered: Delivered, environments: str
) -> None:
    assembly = delivered(ENVIRONMENTS[environments], CODECOMMIT + "network: {mode: create}\n")
    for name in ("promotion", "rollback"):
        stacks = [
            each for each in walk(assembly, name).actions() if each["ActionTypeId"]["Provider"] == "CloudFormation"
        ]
        assert stacks
        for action in stacks:
            configuration = action["Configuration"]
            assert configuration["ActionMode"] == "CREATE_UPDATE"
            assert "ParameterOverrides" not in configuration
            stack = configuration["StackName"]
            account = assembly.accounts[stack.split("-")[1]]
            bootstrap = f"arn:aws:iam::{account}:role/cdk-hnb659fds-{{}}-role-{account}-eu-west-1"
            assert action["RoleArn"] == bootstrap.format("deploy")
            assert configuration["RoleArn"] == bootstrap.format("cfn-exec")
            assert configuration["TemplatePath"] == f"Release::templates/{stack}.json"


def test_a_template_that_makes_roles_may_and_any_other_may_not(delivered: Delivered) -> None:
    assembly = delivered(THREE, CODECOMMIT + "network: {mode: create}\n")
    for action in walk(assembly, "promotion").actions():
        if action["ActionTypeId"]["Provider"] == "CloudFormation":
            stack = action["Configuration"]["StackName"]
            makes_roles = bool(assembly[stack].resources("AWS::IAM::Role"))
            assert (action["Configuration"].get("Capabilities") == "CAPABILITY_NAMED_IAM") is makes_roles, stack


def test_what_promotion_deploys_needs_no_file_that_the_cdk_would_have_to_upload(delivered: Delivered) -> None:
    assembly = delivered(THREE, CODECOMMIT + "network: {mode: create}\n")
    for action in walk(assembly, "promotion").actions():
        if action["ActionTypeId"]["Provider"] == "CloudFormation":
            body = str(assembly[action["Configuration"]["StackName"]].body)
            assert "cdk-hnb659fds-assets" not in body


def test_what_promotion_deploys_fits_into_a_request_without_its_white_space(delivered: Delivered) -> None:
    assembly = delivered(THREE, CODECOMMIT + "network: {mode: create}\n")
    for action in walk(assembly, "promotion").actions():
        if action["ActionTypeId"]["Provider"] == "CloudFormation":
            name = action["Configuration"]["StackName"]
            assert len(json.dumps(assembly[name].body, separators=(",", ":"))) <= 51_200, name


@pytest.mark.parametrize("name", ["build", "promotion", "rollback"])
def test_a_configuration_is_within_codepipelines_limit(delivered: Delivered, name: str) -> None:
    for action in walk(delivered(THREE, CODECOMMIT), name).actions():
        for key, value in action.get("Configuration", {}).items():
            assert len(value) <= 1000, (action["Name"], key)


@pytest.mark.parametrize("name", ["build", "promotion", "rollback"])
def test_artifacts_are_under_the_key_of_delivery(delivered: Delivered, name: str) -> None:
    store = walk(delivered(THREE, CODECOMMIT), name).properties["ArtifactStore"]

    assert store["Location"] == "churn-artifacts-111111111111-eu-west-1"
    assert store["EncryptionKey"]["Type"] == "KMS"


def test_every_build_is_in_an_image_that_is_pinned_without_docker_and_with_an_end(delivered: Delivered) -> None:
    projects = delivered(THREE, CODECOMMIT)["churn-delivery"].resources("AWS::CodeBuild::Project")

    assert {each["Properties"]["Name"] for each in projects.values()} == {
        *("churn-test", "churn-pull-request", "churn-deploy", "churn-train", "churn-resolve", "churn-rollback"),
        *("churn-staging-release", "churn-prod-release"),
    }
    for each in projects.values():
        environment = each["Properties"]["Environment"]
        assert environment["Image"] == "aws/codebuild/amazonlinux-x86_64-standard:6.0"
        assert environment["PrivilegedMode"] is False
        assert each["Properties"]["TimeoutInMinutes"] <= 60
        assert "python: '3.12'" in each["Properties"]["Source"]["BuildSpec"]


def test_a_build_is_there_with_all_that_it_may_before_a_pipeline_that_runs_at_once(delivered: Delivered) -> None:
    template = delivered(THREE, CODECOMMIT)["churn-delivery"]
    for pipeline in template.resources("AWS::CodePipeline::Pipeline").values():
        waits = pipeline["DependsOn"]
        used = {action["Configuration"].get("ProjectName") for action in Walk(pipeline["Properties"]).actions()} - {
            None
        }
        projects = template.resources("AWS::CodeBuild::Project")
        logical = {key for key, each in projects.items() if each["Properties"]["Name"] in used}
        assert logical <= set(waits)
        assert any("RoleDefaultPolicy" in each for each in waits)


def test_pipelines_are_made_after_everything_that_they_deploy_start_and_take_on(delivered: Delivered) -> None:
    waits_for = delivered(THREE, CODECOMMIT).artifact("churn-delivery")["dependencies"]

    assert {name for name in waits_for if not name.endswith(".assets")} == {
        *("churn-dev-data", "churn-staging-access", "churn-prod-access", "churn-training")
    }


def test_a_project_without_a_repository_is_as_it_was(project: Callable[..., Path], synthesized: Any) -> None:
    assembly = synthesized(project())

    assert "churn-delivery" not in assembly.stacks
    assert "Artifacts" not in str(assembly["churn-dev-data"].body)


@pytest.mark.parametrize("provider", ["github_actions", "jenkins"])
def test_another_systems_jobs_need_no_pipelines_of_ours(delivered: Delivered, provider: str) -> None:
    issuer = ", issuer: 'https://jenkins.example.com/oidc'" if provider == "jenkins" else ""
    more = f"repository: {{provider: github, name: example/churn}}\ndelivery: {{provider: {provider}{issuer}}}\n"
    kinds = {each["Type"] for each in delivered(TWO, more)["churn-delivery"].body["Resources"].values()}

    assert not any(kind.startswith(("AWS::CodePipeline::", "AWS::CodeBuild::")) for kind in kinds)


def test_two_syntheses_give_the_same_assembly(tmp_path: Path) -> None:
    written = []
    for place in ("here", "there"):
        folder = write_project(tmp_path / place / "churn", TWO, SECTIONS + connected("github"))
        assembly = synthesize(folder, {"dev": "111111111111", "prod": "333333333333"}).folder
        files = {str(path.relative_to(assembly)): path.read_bytes() for path in assembly.rglob("*") if path.is_file()}
        written.append(files)

    assert written[0] == written[1]
