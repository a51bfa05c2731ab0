"""Who hears of what happens in a delivery, what they may do about it, and what becomes of what they cannot handle."""

import ast
import io
import json
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import sagewright
from sagewright.runtime.functions.delivery_desk import Setting

FIRST, OTHER = "111111111111", "222222222222"
REGION = "eu-west-1"
TOPIC, QUEUE = f"arn:aws:sns:{REGION}:{FIRST}:churn-delivery", f"arn:aws:sqs:{REGION}:{FIRST}:churn-delivery"
SECTIONS = """\
data: {source: data/customers.csv, problem: binary_classification, label: churned}
training: {code: src/churn}
evaluation: {minimum: 0.55}
delivery: {review_days: 30, approval_hours: 24}
security: {log_retention_days: 90}
"""
CODECOMMIT = "repository: {provider: codecommit, name: churn}\n"
GITHUB = (
    "repository: {provider: github, name: example/churn, connection_arn: "
    f'"arn:aws:codeconnections:{REGION}:{FIRST}:connection/00000000-0000-0000-0000-000000000000"}}\n'
)
FUNCTIONS = Path(sagewright.__file__).parent / "runtime" / "functions"


def of(folder: Path, synthesized_of: Callable[..., Any], repository: str) -> Any:
    accounts = {"dev": FIRST, "staging": FIRST, "prod": OTHER}
    environments = "".join(f'  {name}: {{account: "{each}", region: {REGION}}}\n' for name, each in accounts.items())
    return synthesized_of(folder / "churn", environments, SECTIONS + repository, accounts)


@pytest.fixture(scope="module")
def assembly(tmp_path_factory: pytest.TempPathFactory, synthesized_of: Callable[..., Any]) -> Any:
    return of(tmp_path_factory.mktemp("hosted"), synthesized_of, CODECOMMIT)


@pytest.fixture(scope="module")
def delivery(assembly: Any) -> Any:
    return assembly["churn-delivery"]


@pytest.fixture(scope="module")
def connected(tmp_path_factory: pytest.TempPathFactory, synthesized_of: Callable[..., Any]) -> Any:
    return of(tmp_path_factory.mktemp("connected"), synthesized_of, GITHUB)["churn-delivery"]


def function_of(template: Any) -> dict[str, Any]:
    return template.at("Events/Function")["Properties"]


@pytest.mark.parametrize("where", ["delivery", "connected"])
def test_the_function_finds_everything_that_it_reads_of_its_surroundings(
    where: str, request: pytest.FixtureRequest
) -> None:
    variables = function_of(request.getfixturevalue(where))["Environment"]["Variables"]

    setting = Setting.read({**variables, "AWS_REGION": REGION})

    assert setting.environments == ("staging", "prod")
    assert (setting.build, setting.promotion, setting.rollback) == ("churn-build", "churn-promotion", "churn-rollback")
    assert (setting.bucket, setting.approval_hours) == (f"churn-dev-data-{FIRST}-{REGION}", 24)
    assert bool(setting.repository) is bool(setting.pull_request) is (where == "delivery")


def test_pull_requests_are_heard_of_where_codebuild_does_not_hear_of_them_itself(delivery: Any, connected: Any) -> None:
    def rules(template: Any) -> set[str]:
        return {each["Properties"]["Name"] for each in template.resources("AWS::Events::Rule").values()}

    requests = {"churn-delivery-reviews", "churn-delivery-tested"}
    assert requests < rules(delivery)
    assert not requests & rules(connected)
    assert {"TestRequests", "AnswerRequests"} < delivery.statements("Events").keys()
    assert not {"TestRequests", "AnswerRequests"} & connected.statements("Events").keys()


def test_the_functions_bundle_runs_with_what_lambda_holds(assembly: Any, delivery: Any) -> None:
    key = function_of(delivery)["Code"]["S3Key"]
    assets = json.loads((assembly.folder / "churn-delivery.assets.json").read_text())["files"].values()
    (path,) = [
        assembly.folder / each["source"]["path"]
        for each in assets
        for place in each["destinations"].values()
        if place["objectKey"] == key
    ]
    module, _, name = function_of(delivery)["Handler"].rpartition(".")
    with zipfile.ZipFile(io.BytesIO(path.read_bytes())) as bundle:
        held = {file: ast.parse(bundle.read(file)) for file in bundle.namelist()}

    assert {file.partition("/")[0] for file in held} == {"functions"}
    entry = held[f"{module.replace('.', '/')}.py"]
    assert name in {node.name for node in entry.body if isinstance(node, ast.FunctionDef)}
    for file, tree in held.items():
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom) and node.level:
                assert node.level == 1, file
                wanted = [node.module] if node.module else [each.name for each in node.names]
                assert all(f"functions/{each}.py" in held for each in wanted), (file, wanted)
            elif isinstance(node, ast.Import | ast.ImportFrom):
                names = [node.module] if isinstance(node, ast.ImportFrom) else [each.name for each in node.names]
                tops = {str(each).partition(".")[0] for each in names}
                assert tops <= {"boto3", "botocore"} | sys.stdlib_module_names, file


def test_an_event_is_tried_three_times_and_then_kept(delivery: Any) -> None:
    attempts = delivery.only("AWS::Lambda::EventInvokeConfig")["Properties"]
    queue = "<UndeliveredQueue47FA64CB.Arn>"

    assert attempts["MaximumRetryAttempts"] == 2
    assert attempts["DestinationConfig"]["OnFailure"]["Destination"] == queue
    assert delivery.statements("Events")["GiveUp"]["Resource"] == [queue]
    for rule in delivery.resources("AWS::Events::Rule").values():
        for target in rule["Properties"]["Targets"]:
            if target["Id"] == "Delivery":
                assert target["DeadLetterConfig"] == {"Arn": queue}
                assert target["RetryPolicy"] == {"MaximumEventAgeInSeconds": 86400, "MaximumRetryAttempts": 185}


def test_what_nobody_could_handle_is_told_without_the_function(delivery: Any) -> None:
    alarm = delivery.at("Undelivered/Lost")["Properties"]

    assert (alarm["Namespace"], alarm["MetricName"]) == ("AWS/SQS", "ApproximateNumberOfMessagesVisible")
    assert (alarm["Threshold"], alarm["ComparisonOperator"]) == (1, "GreaterThanOrEqualToThreshold")
    assert alarm["TreatMissingData"] == "ignore"
    assert alarm["AlarmActions"] == ["<NoticesTopic898AF2CD>"]
    assert "could not be handled" in alarm["AlarmDescription"]
    policy = delivery.at("Undelivered/Queue/Policy/Resource")["Properties"]["PolicyDocument"]["Statement"]
    (admitted,) = [each for each in policy if each["Effect"] == "Allow"]
    assert admitted["Principal"] == {"Service": "events.amazonaws.com"}
    rules = f"arn:aws:events:{REGION}:{FIRST}:rule/churn-delivery-*"
    assert admitted["Condition"] == {"ArnLike": {"aws:SourceArn": rules}}


def test_the_topic_takes_alarms_of_the_project_and_its_owner_is_subscribed(delivery: Any) -> None:
    policy = delivery.at("Notices/Topic/Policy/Resource")["Properties"]["PolicyDocument"]["Statement"]
    (admitted,) = [each for each in policy if each["Effect"] == "Allow"]

    assert admitted["Principal"] == {"Service": "cloudwatch.amazonaws.com"}
    assert admitted["Condition"] == {
        "StringEquals": {"aws:SourceAccount": FIRST},
        "ArnLike": {"aws:SourceArn": f"arn:aws:cloudwatch:{REGION}:{FIRST}:alarm:churn-*"},
    }
    assert delivery.only("AWS::SNS::Subscription")["Properties"]["Endpoint"] == "ml-team@example.com"


def test_messages_kept_events_and_logs_are_under_the_key_of_delivery_which_admits_each_for_that_alone(
    assembly: Any, delivery: Any
) -> None:
    topic, queue = (delivery.only(f"AWS::{kind}")["Properties"] for kind in ("SNS::Topic", "SQS::Queue"))
    log = delivery.at("Events/Log")["Properties"]
    keys = {topic["KmsMasterKeyId"], queue["KmsMasterKeyId"], log["KmsKeyId"]}

    (key,) = keys
    assert "churn-dev-data" in key
    assert "Artifacts" in key
    document = assembly["churn-dev-data"].at("Artifacts/Key/Resource")["Properties"]["KeyPolicy"]["Statement"]
    admitted = {each["Sid"]: each.get("Condition") for each in document if "Sid" in each}
    assert admitted["TellAlarms"] == {"StringEquals": {"kms:EncryptionContext:aws:sns:topicArn": TOPIC}}
    assert admitted["KeepEvents"] == {"StringEquals": {"kms:EncryptionContext:aws:sqs:arn": QUEUE}}
    logs = admitted["EncryptLogs"]["ArnEquals"]["kms:EncryptionContext:aws:logs:arn"]
    assert f"arn:aws:logs:{REGION}:{FIRST}:log-group:/aws/lambda/churn-delivery" in logs


def test_the_function_is_called_by_its_rules_alone_each_by_name(delivery: Any) -> None:
    admitted = [each["Properties"] for each in delivery.resources("AWS::Lambda::Permission").values()]
    called = [
        name
        for name, each in delivery.resources("AWS::Events::Rule").items()
        if any(target["Id"] == "Delivery" for target in each["Properties"]["Targets"])
    ]

    assert {each["Principal"] for each in admitted} == {"events.amazonaws.com"}
    assert sorted(each["SourceArn"] for each in admitted) == sorted(f"<{name}.Arn>" for name in called)


def test_the_function_wakes_every_hour(delivery: Any) -> None:
    assert delivery.at("Rules/Hourly")["Properties"]["ScheduleExpression"] == "rate(1 hour)"


def test_every_environment_that_serves_has_an_alarm_on_its_age_and_no_other(delivery: Any) -> None:
    alarms = [each["Properties"] for each in delivery.resources("AWS::CloudWatch::Alarm").values()]
    aged = {each["AlarmName"]: each for each in alarms if each["MetricName"] == "DaysLive"}

    assert sorted(aged) == ["churn-prod/age", "churn-staging/age"]
    for name, alarm in aged.items():
        assert alarm["Namespace"] == f"Sagewright/churn/{name.removeprefix('churn-').removesuffix('/age')}"
        assert "Dimensions" not in alarm
        assert (alarm["Threshold"], alarm["ComparisonOperator"]) == (30, "GreaterThanThreshold")
        assert alarm["AlarmActions"] == ["<NoticesTopic898AF2CD>"]


def test_the_function_starts_pipelines_of_the_project_and_passes_no_role(delivery: Any) -> None:
    statements = delivery.statements("Events")
    pipelines = f"arn:aws:codepipeline:{REGION}:{FIRST}:churn-"

    assert statements["StartPipelines"]["Resource"] == [f"{pipelines}promotion", f"{pipelines}rollback"]
    assert statements["StopPromotions"]["Resource"] == [f"{pipelines}promotion"]
    bucket = f"arn:aws:s3:::churn-dev-data-{FIRST}-{REGION}"
    assert statements["WriteDown"]["Action"] == ["s3:PutObject"]
    assert statements["WriteDown"]["Resource"] == [f"{bucket}/audit/*", f"{bucket}/delivery/told/*"]
    assert statements["TakeBack"]["Resource"] == [f"{bucket}/delivery/told/*"]
    allowed = {action for each in statements.values() for action in each["Action"]}
    assert not {"iam:PassRole", "sts:AssumeRole", "s3:GetObject"} & allowed
    assert not any("*" in action for action in allowed)


def test_a_release_role_verifies_and_finds_what_was_verified(assembly: Any) -> None:
    for environment, account in (("staging", FIRST), ("prod", OTHER)):
        statements = assembly[f"churn-{environment}-access"].statements("Release")
        endpoint = f"arn:aws:sagemaker:{REGION}:{account}:endpoint/churn-{environment}"
        assert statements["InvokeEndpoint"]["Resource"] == [endpoint]
        held_out = f"arn:aws:s3:::churn-dev-data-{FIRST}-{REGION}/executions/*/Preprocess/held_out/*"
        assert statements["ReadHeldOut"]["Resource"] == [held_out]
        own = f"arn:aws:s3:::churn-{environment}-data-{account}-{REGION}"
        assert statements["ListReleases"]["Resource"] == [own]
        assert statements["ListReleases"]["Condition"] == {"StringLike": {"s3:prefix": ["releases", "releases/*"]}}


def test_the_first_environments_bucket_shows_held_out_rows_to_release_roles_of_other_accounts(assembly: Any) -> None:
    document = assembly["churn-dev-data"].at("Data/Bucket/Policy/Resource")["Properties"]["PolicyDocument"]
    shown = {each["Sid"]: each for each in document["Statement"] if each.get("Sid", "").startswith("VerifyIn")}

    assert list(shown) == ["VerifyInProd"]
    role = f"arn:aws:iam::{OTHER}:role/churn-prod-release"
    assert shown["VerifyInProd"]["Condition"] == {"ArnEquals": {"aws:PrincipalArn": role}}
    assert shown["VerifyInProd"]["Action"] == "s3:GetObject"
