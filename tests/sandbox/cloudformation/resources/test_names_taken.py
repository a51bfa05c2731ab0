"""A name that somebody has is refused, also where the API itself would overwrite or return what is there."""

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from sagewright.sandbox.cloudformation.resource import HandlerError

FAIL = {"Version": "2020-12-01", "Steps": [{"Name": "Stop", "Type": "Fail", "Arguments": {"ErrorMessage": "x"}}]}


@pytest.mark.parametrize(
    ("type_name", "properties"),
    [
        ("AWS::SNS::Topic", {"TopicName": "taken"}),
        ("AWS::SQS::Queue", {"QueueName": "taken"}),
        ("AWS::Logs::LogGroup", {"LogGroupName": "/taken"}),
        ("AWS::Events::Rule", {"Name": "taken", "ScheduleExpression": "rate(1 day)"}),
        ("AWS::Events::EventBus", {"Name": "taken"}),
        ("AWS::Scheduler::ScheduleGroup", {"Name": "taken"}),
        (
            "AWS::CodeBuild::ReportGroup",
            {"Name": "taken", "Type": "TEST", "ExportConfig": {"ExportConfigType": "NO_EXPORT"}},
        ),
        ("AWS::SSM::Parameter", {"Name": "/taken", "Type": "String", "Value": "1"}),
        ("AWS::CloudWatch::Dashboard", {"DashboardName": "taken", "DashboardBody": '{"widgets": []}'}),
        ("AWS::ECR::Repository", {"RepositoryName": "taken"}),
        ("AWS::SecretsManager::Secret", {"Name": "taken", "SecretString": "a"}),
        ("AWS::Glue::Database", {"CatalogId": "111111111111", "DatabaseInput": {"Name": "taken"}}),
        ("AWS::SageMaker::ModelPackageGroup", {"ModelPackageGroupName": "taken"}),
        ("AWS::IAM::Group", {"GroupName": "taken"}),
        ("AWS::IAM::OIDCProvider", {"Url": "https://tokens.example.com/taken"}),
        (
            "AWS::DynamoDB::Table",
            {
                "TableName": "taken",
                "KeySchema": [{"AttributeName": "key", "KeyType": "HASH"}],
                "AttributeDefinitions": [{"AttributeName": "key", "AttributeType": "S"}],
                "BillingMode": "PAY_PER_REQUEST",
            },
        ),
        (
            "AWS::CloudWatch::Alarm",
            {
                "AlarmName": "taken",
                "ComparisonOperator": "GreaterThanThreshold",
                "EvaluationPeriods": 1,
                "MetricName": "errors",
                "Namespace": "shop",
                "Period": 60,
                "Statistic": "Sum",
                "Threshold": 1,
            },
        ),
        (
            "AWS::ApplicationAutoScaling::ScalableTarget",
            {
                "ResourceId": "table/taken",
                "ServiceNamespace": "dynamodb",
                "ScalableDimension": "dynamodb:table:ReadCapacityUnits",
                "MinCapacity": 1,
                "MaxCapacity": 2,
            },
        ),
    ],
)
def test_a_name_that_is_taken_is_refused(type_name: str, properties: dict[str, Any], stack: Any) -> None:
    stack.create(type_name, properties)
    with pytest.raises((HandlerError, ClientError), match=r"(?i)already (exist|in use)|EntityAlreadyExists"):
        stack.create(type_name, properties)


def test_a_role_name_that_is_taken_is_refused(stack: Any) -> None:
    role = stack.role("lambda.amazonaws.com")
    with pytest.raises(ClientError, match="EntityAlreadyExists"):
        stack.create("AWS::IAM::Role", {**role.properties, "RoleName": role.id})


def test_an_alias_that_is_taken_is_refused(stack: Any) -> None:
    key = stack.create("AWS::KMS::Key", {}).id
    alias = {"AliasName": "alias/taken", "TargetKeyId": key}
    stack.create("AWS::KMS::Alias", alias)
    with pytest.raises(ClientError, match="AlreadyExistsException"):
        stack.create("AWS::KMS::Alias", alias)


def test_a_pipeline_name_that_is_taken_is_refused(stack: Any) -> None:
    role = stack.role("sagemaker.amazonaws.com").attributes["Arn"]
    definition = {"PipelineDefinition": {"PipelineDefinitionBody": json.dumps(FAIL)}}
    pipeline = {"PipelineName": "taken", "RoleArn": role, **definition}
    stack.create("AWS::SageMaker::Pipeline", pipeline)
    with pytest.raises(ClientError, match=r"Pipeline with name \(taken\) already exists"):
        stack.create("AWS::SageMaker::Pipeline", pipeline)


def test_a_name_refused_leaves_what_is_there_as_it_is(stack: Any) -> None:
    stack.create("AWS::Events::Rule", {"Name": "kept", "ScheduleExpression": "rate(1 day)"})
    with pytest.raises(HandlerError, match="Resource of type 'AWS::Events::Rule' with identifier 'kept'"):
        stack.create("AWS::Events::Rule", {"Name": "kept", "ScheduleExpression": "rate(2 days)"})
    assert stack.client("events").describe_rule(Name="kept")["ScheduleExpression"] == "rate(1 day)"
