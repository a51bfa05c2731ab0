"""What a platform team sets reaches every template, and what it does not set changes none."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cfnlint.schema.manager import PROVIDER_SCHEMA_MANAGER

from sagewright.pipelines.registration import HANDLERS
from sagewright.project.environment_variables import IMAGE_VARIABLES
from sagewright.stacks.realtime_endpoint import VERSION_TAG

ACCOUNTS = {"dev": "111111111111", "prod": "333333333333"}
ENVIRONMENTS = """\
  dev: {account: "111111111111", region: eu-west-1, removal: destroy}
  prod:
    account: "333333333333"
    region: eu-west-1
    security: {permissions_boundary: "arn:aws:iam::333333333333:policy/team/prod", bootstrap_qualifier: prod1}
"""
SECTIONS = """\
data: {source: data/customers.csv, problem: binary_classification, label: churned}
training: {code: src/churn, environment: {OMP_NUM_THREADS: "4", TEXT: "a ${b} \\"c\\""}}
evaluation: {minimum: 0.55}
serving: {instances: {min: 2}, environment: {OMP_NUM_THREADS: "2"}, rollout: {strategy: canary, latency_ms: 250}}
security: {permissions_boundary: bounds, log_retention_days: 90, bootstrap_qualifier: mlteam}
network: {mode: create}
"""


@pytest.fixture(scope="module")
def settled(tmp_path_factory: pytest.TempPathFactory, synthesized_of: Callable[..., Any]) -> Any:
    """Two environments in two accounts with every setting there is."""
    return synthesized_of(tmp_path_factory.mktemp("settled") / "churn", ENVIRONMENTS, SECTIONS, ACCOUNTS)


def test_every_role_has_the_boundary_of_its_own_account(settled: Any) -> None:
    found = {
        (template.account, role["Properties"].get("PermissionsBoundary"))
        for template in settled
        for role in template.resources("AWS::IAM::Role").values()
    }

    assert found == {
        ("111111111111", "arn:aws:iam::111111111111:policy/bounds"),
        ("333333333333", "arn:aws:iam::333333333333:policy/team/prod"),
    }


def test_without_a_boundary_no_role_has_one(every: list[Any]) -> None:
    for template in every:
        for role in template.resources("AWS::IAM::Role").values():
            assert "PermissionsBoundary" not in role["Properties"]


def test_every_stack_is_deployed_through_the_bootstrap_of_its_environment(settled: Any) -> None:
    artifacts = [
        artifact
        for manifest in settled.folder.rglob("manifest.json")
        for artifact in json.loads(manifest.read_text())["artifacts"].values()
        if artifact["type"] == "aws:cloudformation:stack"
    ]
    qualifiers = {"aws://111111111111/eu-west-1": "mlteam", "aws://333333333333/eu-west-1": "prod1"}

    assert len(artifacts) == len(settled.stacks)
    for artifact in artifacts:
        roles = artifact["properties"]
        for role in ("assumeRoleArn", "cloudFormationExecutionRoleArn"):
            assert f"role/cdk-{qualifiers[artifact['environment']]}-" in roles[role]
    for text in (file.read_text() for file in settled.folder.rglob("*.json")):
        assert "hnb659fds" not in text


def test_jobs_read_their_code_from_the_bucket_of_that_bootstrap(settled: Any) -> None:
    statement = settled["churn-training"].statements("Training/Train")["ListCode"]

    assert statement["Resource"] == ["arn:aws:s3:::cdk-mlteam-assets-111111111111-eu-west-1"]


def test_the_log_of_an_endpoint_is_kept_as_long_as_asked_under_the_environments_key(settled: Any) -> None:
    data = settled["churn-prod-data"]
    log = data.only("AWS::Logs::LogGroup")
    (key,) = data.resources("AWS::KMS::Key")

    assert log["Properties"] | {"Tags": None} == {
        "LogGroupName": "/aws/sagemaker/Endpoints/churn-prod",
        "RetentionInDays": 90,
        "KmsKeyId": f"<{key}.Arn>",
        "Tags": None,
    }
    assert (log["DeletionPolicy"], log["UpdateReplacePolicy"]) == ("RetainExceptOnCreate", "Retain")
    (admitted,) = [
        each
        for each in data.only("AWS::KMS::Key")["Properties"]["KeyPolicy"]["Statement"]
        if "Service" in each["Principal"]
    ]
    assert admitted["Principal"] == {"Service": "logs.eu-west-1.amazonaws.com"}
    assert admitted["Condition"] == {
        "ArnEquals": {
            "kms:EncryptionContext:aws:logs:arn": [
                f"arn:aws:logs:eu-west-1:333333333333:log-group:/aws/{group}"
                for group in ("sagemaker/Endpoints/churn-prod", "lambda/churn-prod-findings")
            ]
        }
    }


def test_an_environment_without_an_endpoint_has_no_log_of_one(settled: Any) -> None:
    assert settled["churn-dev-data"].resources("AWS::Logs::LogGroup") == {}


def test_without_a_retention_sagemaker_makes_the_log_and_no_key_admits_a_service(every: list[Any]) -> None:
    for template in every:
        assert template.resources("AWS::Logs::LogGroup") == {}
        for key in template.resources("AWS::KMS::Key").values():
            assert not [each for each in key["Properties"]["KeyPolicy"]["Statement"] if "Service" in each["Principal"]]


def test_an_environment_to_destroy_goes_with_its_stack_and_no_update_deletes_anything(settled: Any) -> None:
    destroyed, kept = settled["churn-dev-data"], settled["churn-prod-data"]

    for name, each in destroyed.body["Resources"].items():
        # A bucket's policy goes with the bucket, and stays with one that is not empty.
        stays = each["Type"] == "AWS::S3::BucketPolicy"
        assert each["DeletionPolicy"] == ("RetainExceptOnCreate" if stays else "Delete"), name
    assert {each["DeletionPolicy"] for each in kept.body["Resources"].values()} == {"RetainExceptOnCreate"}
    for template in (destroyed, kept):
        assert {each["UpdateReplacePolicy"] for each in template.body["Resources"].values()} == {"Retain"}
    assert settled.artifact("churn-dev-data")["properties"]["terminationProtection"] is False
    assert settled.artifact("churn-prod-data")["properties"]["terminationProtection"] is True


def test_destroying_an_environment_empties_no_bucket(settled: Any) -> None:
    for template in settled:
        assert "AutoDeleteObjects" not in json.dumps(template.body)
        assert not [each for each in template.body["Resources"].values() if each["Type"].startswith("Custom::")]


def test_no_setting_moves_a_stateful_resource(settled: Any) -> None:
    golden = json.loads(Path(__file__).with_name("stateful.json").read_text())

    for stack in ("churn-dev-data", "churn-prod-data"):
        found = {name: each["Type"] for name, each in settled[stack].body["Resources"].items()}
        assert golden[stack].items() <= found.items()


def test_training_and_endpoint_have_the_variables_of_the_project_file(settled: Any) -> None:
    definition = settled["churn-training"].only("AWS::SageMaker::Pipeline")["Properties"]["PipelineDefinition"]
    steps = {step["Name"]: step for step in json.loads(definition["PipelineDefinitionBody"])["Steps"]}
    model = settled["churn-prod-serving"].only("AWS::SageMaker::Model")["Properties"]

    assert steps["Train"]["Arguments"]["Environment"] == {"OMP_NUM_THREADS": "4", "TEXT": 'a ${b} "c"'}
    assert model["PrimaryContainer"]["Environment"] == {"OMP_NUM_THREADS": "2", **HANDLERS}


def test_the_project_file_leaves_room_for_the_variables_of_the_image() -> None:
    assert len(HANDLERS) == IMAGE_VARIABLES


def test_no_tag_of_any_template_would_replace_what_it_is_on(settled: Any) -> None:
    kinds = set()
    for template in settled:
        for name, each in template.body["Resources"].items():
            kinds.add(each["Type"])
            schema = PROVIDER_SCHEMA_MANAGER.get_resource_schema("eu-west-1", each["Type"]).schema
            tagging = schema.get("tagging", {})
            place = tagging.get("tagProperty", "/properties/Tags")
            if place.rpartition("/")[2] not in each.get("Properties", {}):
                continue
            assert place not in schema.get("createOnlyProperties", []), name
            assert tagging.get("tagUpdatable", True), name
    assert {"AWS::CloudWatch::Alarm", "AWS::EC2::VPC", "AWS::Logs::LogGroup", "AWS::SageMaker::Model"} < kinds


def test_only_what_a_release_makes_carries_its_version(settled: Any) -> None:
    tagged = {
        each["Type"]
        for template in settled
        for each in template.body["Resources"].values()
        if VERSION_TAG in json.dumps(each.get("Properties", {}).get("Tags", []))
    }

    assert tagged == {"AWS::SageMaker::Model", "AWS::SageMaker::EndpointConfig", "AWS::SageMaker::Endpoint"}


def test_no_finding_of_cdk_nag_is_left_unanswered_with_every_setting(settled: Any) -> None:
    reports = json.loads((settled.folder / "validation-report.json").read_text())["pluginReports"]

    assert [report.get("violations", []) for report in reports] == [[] for _ in reports]
