import json
from pathlib import Path
from typing import Any

from cfnlint.schema.manager import PROVIDER_SCHEMA_MANAGER

from sagewright.project import fields
from sagewright.stacks.realtime_endpoint import VERSION_TAG

STATEFUL = Path(__file__).with_name("stateful.json")
# These know no resources, https://docs.aws.amazon.com/service-authorization/latest/reference/
WITHOUT_RESOURCES = {"cloudwatch:PutMetricData", "ecr:GetAuthorizationToken", "sagemaker:ListEndpointConfigs"}


def listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def policies(template: Any) -> list[dict[str, Any]]:
    """Every statement that a role of the template may act on."""
    documents = [each["Properties"]["PolicyDocument"] for each in template.resources("AWS::IAM::Policy").values()]
    return [statement for document in documents for statement in document["Statement"]]


def test_no_role_may_do_a_family_of_actions(every: list[Any]) -> None:
    actions = [action for template in every for each in policies(template) for action in listed(each["Action"])]
    assert actions
    assert [action for action in actions if "*" in action] == []


def test_only_actions_that_know_no_resources_are_allowed_on_all_of_them(every: list[Any]) -> None:
    everywhere = [each for template in every for each in policies(template) if "*" in listed(each["Resource"])]
    assert {action for each in everywhere for action in listed(each["Action"])} == WITHOUT_RESOURCES


def test_no_policy_is_borrowed_or_hidden_in_a_role(every: list[Any]) -> None:
    for template in every:
        assert template.resources("AWS::IAM::ManagedPolicy") == {}
        for role in template.resources("AWS::IAM::Role").values():
            assert not role["Properties"].keys() & {"ManagedPolicyArns", "Policies"}
        assert "FullAccess" not in json.dumps(template.body)


def test_roles_are_passed_only_to_sagemaker_and_only_by_name(every: list[Any]) -> None:
    passing = [each for template in every for each in policies(template) if "iam:PassRole" in listed(each["Action"])]
    assert passing
    for statement in passing:
        assert statement["Condition"] == {"StringEquals": {"iam:PassedToService": "sagemaker.amazonaws.com"}}
        assert not [each for each in listed(statement["Resource"]) if "*" in each]


def test_whatever_trusts_a_service_says_for_which_account(every: list[Any]) -> None:
    for template in every:
        for role in template.resources("AWS::IAM::Role").values():
            for trust in role["Properties"]["AssumeRolePolicyDocument"]["Statement"]:
                # Lambda says of no account: a function and its role are of one.
                if trust["Principal"].get("Service", "lambda.amazonaws.com") != "lambda.amazonaws.com":
                    assert trust["Condition"]["StringEquals"]["aws:SourceAccount"] == template.account


def test_no_policy_names_a_principal_that_may_not_exist(every: list[Any]) -> None:
    for template in every:
        for principal in principals(template.resolve(template.body["Resources"])):
            assert principal == "*" or principal.endswith((":root", ".amazonaws.com")), principal


def principals(value: Any) -> list[str]:
    if isinstance(value, list):
        return [found for each in value for found in principals(each)]
    if not isinstance(value, dict):
        return []
    principal = value.get("Principal", [])
    named = [principal] if isinstance(principal, str) else principal.values() if principal else []
    own = [name for each in named for name in listed(each)]
    return own + [found for each in value.values() for found in principals(each)]


def test_no_template_refers_to_another_environment(every: list[Any]) -> None:
    for template in every:
        environment = "dev" if template.name == "churn-training" else template.name.split("-")[1]
        own = (f"churn-{environment}-data:", f"churn-{environment}-data-key")
        imported = [each for each in imports(template.body) if not each.startswith(own)]
        assert imported == [], template.name


def imports(value: Any) -> list[str]:
    if isinstance(value, list):
        return [found for each in value for found in imports(each)]
    if not isinstance(value, dict):
        return []
    own = [value["Fn::ImportValue"]] if "Fn::ImportValue" in value else []
    return own + [found for each in value.values() for found in imports(each)]


def test_nothing_runs_code_to_deploy(every: list[Any]) -> None:
    kinds = {each["Type"] for template in every for each in template.body["Resources"].values()}
    functions = [
        each["Properties"]["FunctionName"]
        for template in every
        for each in template.resources("AWS::Lambda::Function").values()
    ]
    assert [each for each in functions if not each.endswith("-findings")] == []
    assert not [kind for kind in kinds if kind.startswith("Custom::")]
    assert "AWS::CDK::Metadata" not in kinds


def test_every_resource_is_tagged_where_it_can_be_and_no_tag_replaces_one(every: list[Any]) -> None:
    for template in every:
        for name, each in template.body["Resources"].items():
            schema = PROVIDER_SCHEMA_MANAGER.get_resource_schema("eu-west-1", each["Type"]).schema
            if "Tags" not in schema["properties"]:
                continue
            tags = each["Properties"]["Tags"]
            keys = set(tags) if isinstance(tags, dict) else {tag["Key"] for tag in tags}
            assert keys | {VERSION_TAG} == {*fields.OWN_TAGS, "cost-center"}, name
            assert "/properties/Tags" not in schema.get("createOnlyProperties", []), name
            assert schema.get("tagging", {}).get("tagUpdatable", True), name


def test_no_stateful_resource_has_moved(three: Any) -> None:
    """Its logical id is what CloudFormation knows a resource by: a new one is a new, empty resource."""
    kept = {
        template.name: {
            name: each["Type"]
            for name, each in template.body["Resources"].items()
            if each.get("DeletionPolicy", "Delete") != "Delete"
        }
        for template in three
    }
    golden = {name: each for name, each in json.loads(STATEFUL.read_text()).items() if "with features" not in name}
    assert {name: found for name, found in kept.items() if found} == golden
