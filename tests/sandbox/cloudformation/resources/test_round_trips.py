"""Every type: made, read, changed, tagged and removed through the API of its service."""

import io
import json
import zipfile
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from sagewright.sandbox.cloudformation.resources import TYPES
from sagewright.sandbox.cloudformation.schema import schema_for

Properties = dict[str, Any]
# What a type needs besides: an example gets the stack and returns properties and a change of them.
Example = Callable[[Any, Callable[..., Properties]], tuple[Properties, Properties]]

KEY = {"AttributeName": "key", "KeyType": "HASH"}
DEFINITION = {"AttributeName": "key", "AttributeType": "S"}
UNTAGGED = {
    "rulePriority": 1,
    "selection": {
        "tagStatus": "untagged",
        "countType": "sinceImagePushed",
        "countUnit": "days",
        "countNumber": 30,
    },
    "action": {"type": "expire"},
}
FAIL = {
    "Version": "2020-12-01",
    "Steps": [{"Name": "Stop", "Type": "Fail", "Arguments": {"ErrorMessage": "x"}}],
}


def bucket_policy(stack: Any, allow: Any) -> tuple[Properties, Properties]:
    bucket = stack.create("AWS::S3::Bucket", {}, "PolicyBucket").id
    statement = {"Condition": {"Bool": {"aws:SecureTransport": "false"}}, "Principal": "*"}
    document = allow("s3:*", f"arn:aws:s3:::{bucket}/*", **statement)
    document["Statement"][0]["Effect"] = "Deny"
    changed = json.loads(json.dumps(document).replace("s3:*", "s3:GetObject"))
    return {"Bucket": bucket, "PolicyDocument": document}, {"PolicyDocument": changed}


def key_policy(stack: Any, allow: Any) -> Properties:
    return allow("kms:*", Principal={"AWS": f"arn:aws:iam::{stack.account}:root"})


def alias(stack: Any, _: Any) -> tuple[Properties, Properties]:
    one, two = (stack.create("AWS::KMS::Key", {}, name).id for name in ("One", "Two"))
    return {"AliasName": "alias/round-trip", "TargetKeyId": one}, {"TargetKeyId": two}


def iam_policy(stack: Any, allow: Any) -> tuple[Properties, Properties]:
    properties = {"PolicyName": "read", "Roles": [stack.role("lambda.amazonaws.com").id]}
    return {**properties, "PolicyDocument": allow("s3:GetObject")}, {"PolicyName": "read-more"}


def managed_policy(stack: Any, allow: Any) -> tuple[Properties, Properties]:
    role = stack.role("lambda.amazonaws.com").id
    return {"PolicyDocument": allow("s3:GetObject"), "Roles": [role]}, {"PolicyDocument": allow("s3:Get*"), "Roles": []}


def user(stack: Any, allow: Any) -> tuple[Properties, Properties]:
    group = stack.create("AWS::IAM::Group", {}, "Group").id
    policy = {"PolicyName": "read", "PolicyDocument": allow("s3:GetObject")}
    return {"Groups": [group], "LoginProfile": {"Password": "Correct-horse-1"}, "Policies": [policy]}, {"Groups": []}


def instance_profile(stack: Any, _: Any) -> tuple[Properties, Properties]:
    return {"Roles": [stack.role("ec2.amazonaws.com").id]}, {"Roles": [stack.role("ec2.amazonaws.com").id]}


def topic_policy(stack: Any, allow: Any) -> tuple[Properties, Properties]:
    topic = stack.create("AWS::SNS::Topic", {}, "Topic").id
    document = allow("sns:Publish", topic, Principal={"Service": "events.amazonaws.com"})
    changed = allow("sns:Publish", topic, Principal={"Service": "cloudwatch.amazonaws.com"})
    return {"Topics": [topic], "PolicyDocument": document}, {"PolicyDocument": changed}


def subscription(stack: Any, _: Any) -> tuple[Properties, Properties]:
    topic = stack.create("AWS::SNS::Topic", {}, "Topic").id
    queue = stack.create("AWS::SQS::Queue", {}, "Queue").attributes["Arn"]
    properties = {"TopicArn": topic, "Protocol": "sqs", "Endpoint": queue, "FilterPolicy": {"kind": ["order"]}}
    return properties, {"RawMessageDelivery": True}


def queue_policy(stack: Any, allow: Any) -> tuple[Properties, Properties]:
    queue = stack.create("AWS::SQS::Queue", {}, "Queue")
    principal = {"Principal": {"Service": "sns.amazonaws.com"}}
    document = allow("sqs:SendMessage", queue.attributes["Arn"], **principal)
    changed = allow("sqs:*", queue.attributes["Arn"], **principal)
    return {"Queues": [queue.id], "PolicyDocument": document}, {"PolicyDocument": changed}


def metric_filter(stack: Any, _: Any) -> tuple[Properties, Properties]:
    transformation = {"MetricName": "errors", "MetricNamespace": "shop", "MetricValue": "1"}
    properties = {"FilterPattern": "ERROR", "MetricTransformations": [transformation]}
    return {"LogGroupName": log_group(stack), **properties}, {"FilterPattern": "FATAL"}


def log_stream(stack: Any, _: Any) -> tuple[Properties, Properties]:
    return {"LogGroupName": log_group(stack)}, {}


def log_group(stack: Any) -> str:
    return str(stack.create("AWS::Logs::LogGroup", {}, "Group").id)


def function(stack: Any) -> Any:
    role = stack.role("lambda.amazonaws.com").attributes["Arn"]
    code = {"Code": {"ZipFile": "def handler(event, context): return 1"}, "Handler": "index.handler"}
    return stack.create("AWS::Lambda::Function", {**code, "Runtime": "python3.12", "Role": role}, "Function")


def a_function(stack: Any, _: Any) -> tuple[Properties, Properties]:
    return function(stack).properties, {"Timeout": 7, "Environment": {"Variables": {"STAGE": "test"}}}


def permission(stack: Any, _: Any) -> tuple[Properties, Properties]:
    call = {"Action": "lambda:InvokeFunction", "Principal": "events.amazonaws.com"}
    return {"FunctionName": function(stack).id, **call}, {}


def version(stack: Any, _: Any) -> tuple[Properties, Properties]:
    return {"FunctionName": function(stack).id}, {}


def event_invoke_config(stack: Any, _: Any) -> tuple[Properties, Properties]:
    properties = {"FunctionName": function(stack).id, "Qualifier": "$LATEST", "MaximumRetryAttempts": 1}
    return properties, {"MaximumRetryAttempts": 0}


def event_rule(stack: Any, _: Any) -> tuple[Properties, Properties]:
    queue = stack.create("AWS::SQS::Queue", {}, "Queue").attributes["Arn"]
    return (
        {"EventPattern": {"source": ["aws.sagemaker"]}, "Targets": [{"Id": "queue", "Arn": queue}]},
        {"Targets": [{"Id": "other", "Arn": queue}], "State": "DISABLED"},
    )


def event_bus_policy(stack: Any, _: Any) -> tuple[Properties, Properties]:
    bus = stack.create("AWS::Events::EventBus", {"Name": "round-trip-of-policy"}, "Bus")
    statement = {"Effect": "Allow", "Principal": {"AWS": "222222222222"}, "Action": "events:PutEvents"}
    properties = {"EventBusName": bus.id, "StatementId": "dev", "Statement": statement}
    return properties, {"Statement": {**statement, "Principal": {"AWS": "333333333333"}}}


def schedule(stack: Any, _: Any) -> tuple[Properties, Properties]:
    queue = stack.create("AWS::SQS::Queue", {}, "Queue").attributes["Arn"]
    role = stack.role("scheduler.amazonaws.com").attributes["Arn"]
    group = stack.create("AWS::Scheduler::ScheduleGroup", {}, "Group").id
    when = {"ScheduleExpression": "rate(1 hour)", "FlexibleTimeWindow": {"Mode": "OFF"}}
    return (
        {**when, "GroupName": group, "Target": {"Arn": queue, "RoleArn": role}},
        {"ScheduleExpression": "cron(0 3 * * ? *)"},
    )


def repository(stack: Any, _: Any) -> tuple[Properties, Properties]:
    bucket = stack.create("AWS::S3::Bucket", {}, "Bucket").id
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as package:
        package.writestr("README.md", "# Orders\n")
    stack.client("s3").put_object(Bucket=bucket, Key="seed.zip", Body=archive.getvalue())
    code = {"S3": {"Bucket": bucket, "Key": "seed.zip"}}
    properties = {"RepositoryName": "round-trip", "RepositoryDescription": "orders", "Code": code}
    return properties, {"RepositoryName": "round-trip-2", "RepositoryDescription": "more orders"}


def build_project(stack: Any, _: Any) -> tuple[Properties, Properties]:
    image = "aws/codebuild/amazonlinux-x86_64-standard:6.0"
    environment = {"Type": "LINUX_CONTAINER", "ComputeType": "BUILD_GENERAL1_SMALL", "Image": image}
    variables = [{"Name": "WHO", "Value": "ann"}]
    spec = "version: 0.2\nphases: {build: {commands: [echo]}}"
    properties = {
        "Artifacts": {"Type": "NO_ARTIFACTS"},
        "Environment": environment,
        "ServiceRole": stack.role("codebuild.amazonaws.com").attributes["Arn"],
        "Source": {"Type": "NO_SOURCE", "BuildSpec": spec},
    }
    change = {
        "Environment": {**environment, "EnvironmentVariables": variables, "PrivilegedMode": False},
        "Cache": {"Type": "LOCAL", "Modes": ["LOCAL_CUSTOM_CACHE"]},
        "ConcurrentBuildLimit": 1,
        "EncryptionKey": stack.create("AWS::KMS::Key", {}, "BuildKey").attributes["Arn"],
        "LogsConfig": {"CloudWatchLogs": {"Status": "ENABLED", "GroupName": "builds"}},
        "TimeoutInMinutes": 20,
    }
    return properties, change


def code_pipeline(stack: Any, _: Any) -> tuple[Properties, Properties]:
    def action(name: str, kind: str, **more: Any) -> Properties:
        category, _, provider = kind.partition(" ")
        made = {"Category": category, "Owner": "AWS", "Provider": provider, "Version": "1"}
        return {"Name": name, "ActionTypeId": made, **more}

    store = {"Type": "S3", "Location": "round-trip"}
    code = {"S3Bucket": "round-trip", "S3ObjectKey": "code.zip", "PollForSourceChanges": False}
    source = action("Take", "Source S3", Configuration=code, OutputArtifacts=[{"Name": "Code"}])
    gate = {"Name": "Gate", "Actions": [action("Approve", "Approval Manual")]}
    properties = {
        "PipelineType": "V2",
        "RoleArn": stack.role("codepipeline.amazonaws.com").attributes["Arn"],
        "ArtifactStores": [{"Region": stack.region, "ArtifactStore": store}],
        "Stages": [{"Name": "Source", "Actions": [source]}, gate],
        "Variables": [{"Name": "Version", "DefaultValue": "none"}],
        "DisableInboundStageTransitions": [{"StageName": "Gate", "Reason": "holidays"}],
    }
    return properties, {"ExecutionMode": "QUEUED", "DisableInboundStageTransitions": []}


def scaling_policy(stack: Any, _: Any) -> tuple[Properties, Properties]:
    target = stack.create("AWS::ApplicationAutoScaling::ScalableTarget", scalable("table/orders"), "Target")
    tracking = {
        "TargetValue": 50,
        "PredefinedMetricSpecification": {"PredefinedMetricType": "DynamoDBReadCapacityUtilization"},
    }
    key = "TargetTrackingScalingPolicyConfiguration"
    properties = {"PolicyName": "track", "PolicyType": "TargetTrackingScaling", "ScalingTargetId": target.id}
    return {**properties, key: tracking}, {key: {**tracking, "TargetValue": 60}}


def scalable(resource: str) -> Properties:
    place = {"ServiceNamespace": "dynamodb", "ScalableDimension": "dynamodb:table:ReadCapacityUnits"}
    return {"ResourceId": resource, **place, "MinCapacity": 1, "MaxCapacity": 4}


def pipeline(stack: Any, _: Any) -> tuple[Properties, Properties]:
    role = stack.role("sagemaker.amazonaws.com").attributes["Arn"]
    definition = {"PipelineDefinition": {"PipelineDefinitionBody": json.dumps(FAIL)}}
    properties = {"PipelineName": "round-trip", "RoleArn": role, **definition}
    return properties, {"PipelineDescription": "changed"}


def table(_: Any, __: Any) -> tuple[Properties, Properties]:
    index = {
        "IndexName": "by-day",
        "KeySchema": [{"AttributeName": "day", "KeyType": "HASH"}],
        "Projection": {"ProjectionType": "ALL"},
    }
    day = {"AttributeName": "day", "AttributeType": "S"}
    properties = {"KeySchema": [KEY], "AttributeDefinitions": [DEFINITION], "BillingMode": "PAY_PER_REQUEST"}
    stream = {"StreamSpecification": {"StreamViewType": "NEW_IMAGE"}}
    return {**properties, **stream}, {"AttributeDefinitions": [DEFINITION, day], "GlobalSecondaryIndexes": [index]}


def fixed(properties: Properties, change: Properties | None = None) -> Example:
    return lambda _, __: (properties, change or {})


EXAMPLES: dict[str, Example] = {
    "AWS::ApplicationAutoScaling::ScalableTarget": fixed(scalable("table/round-trip"), {"MaxCapacity": 8}),
    "AWS::ApplicationAutoScaling::ScalingPolicy": scaling_policy,
    "AWS::CDK::Metadata": fixed({"Analytics": "v2"}),
    "AWS::CloudFormation::WaitConditionHandle": fixed({}),
    "AWS::CloudWatch::Alarm": fixed(
        {
            "ComparisonOperator": "GreaterThanThreshold",
            "EvaluationPeriods": 1,
            "MetricName": "errors",
            "Namespace": "shop",
            "Period": 60,
            "Statistic": "Sum",
            "Threshold": "1",
        },
        {"Threshold": 2},
    ),
    "AWS::CloudWatch::Dashboard": fixed(
        {"DashboardBody": '{"widgets": []}'}, {"DashboardBody": '{"start": "-PT3H", "widgets": []}'}
    ),
    "AWS::DynamoDB::Table": table,
    "AWS::ECR::Repository": fixed(
        {"LifecyclePolicy": {"LifecyclePolicyText": json.dumps({"rules": [UNTAGGED]})}},
        {"ImageTagMutability": "IMMUTABLE", "ImageScanningConfiguration": {"ScanOnPush": True}},
    ),
    "AWS::Athena::WorkGroup": fixed(
        {"Name": "round-trip", "WorkGroupConfiguration": {"ResultConfiguration": {"OutputLocation": "s3://orders/"}}},
        {"WorkGroupConfiguration": {"BytesScannedCutoffPerQuery": 10_000_000}, "State": "DISABLED"},
    ),
    "AWS::CodeBuild::Project": build_project,
    "AWS::CodeBuild::ReportGroup": fixed({"Type": "TEST", "ExportConfig": {"ExportConfigType": "NO_EXPORT"}}),
    "AWS::CodeCommit::Repository": repository,
    "AWS::CodeConnections::Connection": fixed({"ConnectionName": "round-trip", "ProviderType": "GitHub"}),
    "AWS::CodeStarConnections::Connection": fixed({"ConnectionName": "round-trip-old", "ProviderType": "Bitbucket"}),
    "AWS::CodePipeline::Pipeline": code_pipeline,
    "AWS::Events::EventBus": fixed({"Name": "round-trip"}),
    "AWS::Events::EventBusPolicy": event_bus_policy,
    "AWS::Events::Rule": event_rule,
    "AWS::Glue::Database": fixed(
        {"CatalogId": "111111111111", "DatabaseInput": {"Description": "orders"}},
        {"DatabaseInput": {"Description": "more orders"}},
    ),
    "AWS::IAM::Group": fixed({}),
    "AWS::IAM::InstanceProfile": instance_profile,
    "AWS::IAM::ManagedPolicy": managed_policy,
    "AWS::IAM::OIDCProvider": fixed(
        {"Url": "https://tokens.example.com/round-trip", "ClientIdList": ["sts.amazonaws.com"]},
        {"ThumbprintList": ["0123456789abcdef0123456789abcdef01234567"]},
    ),
    "AWS::IAM::Policy": iam_policy,
    "AWS::IAM::Role": lambda _, allow: (
        {"AssumeRolePolicyDocument": allow_lambda(allow), "Description": "one"},
        {"Description": "two", "MaxSessionDuration": 7200},
    ),
    "AWS::IAM::User": user,
    "AWS::KMS::Alias": alias,
    "AWS::KMS::Key": lambda stack, allow: (
        {"KeyPolicy": key_policy(stack, allow), "EnableKeyRotation": "true"},
        {"Description": "for orders", "Enabled": False},
    ),
    "AWS::Lambda::EventInvokeConfig": event_invoke_config,
    "AWS::Lambda::Function": a_function,
    "AWS::Lambda::Permission": permission,
    "AWS::Lambda::Version": version,
    "AWS::Logs::LogGroup": fixed({"RetentionInDays": 7}, {"RetentionInDays": 30}),
    "AWS::Logs::LogStream": log_stream,
    "AWS::Logs::MetricFilter": metric_filter,
    "AWS::S3::Bucket": fixed({}, {"VersioningConfiguration": {"Status": "Enabled"}}),
    "AWS::S3::BucketPolicy": bucket_policy,
    "AWS::SNS::Subscription": subscription,
    "AWS::SNS::Topic": fixed({"DisplayName": "orders"}, {"DisplayName": "more orders"}),
    "AWS::SNS::TopicPolicy": topic_policy,
    "AWS::SQS::Queue": fixed({"FifoQueue": True}, {"VisibilityTimeout": 60}),
    "AWS::SQS::QueuePolicy": queue_policy,
    "AWS::SSM::Parameter": fixed({"Type": "String", "Value": 5}, {"Value": "6"}),
    "AWS::SageMaker::ModelPackageGroup": fixed({"ModelPackageGroupName": "round-trip"}),
    "AWS::SageMaker::Pipeline": pipeline,
    "AWS::Scheduler::Schedule": schedule,
    "AWS::Scheduler::ScheduleGroup": fixed({}),
    "AWS::SecretsManager::Secret": fixed(
        {"GenerateSecretString": {"SecretStringTemplate": '{"user": "a"}', "GenerateStringKey": "password"}},
        {"Description": "of the shop"},
    ),
}
# Their tests need a model and a serving process, a bucket to write, or the network around them: see the tests of
# endpoint, feature group and network.
ELSEWHERE = {
    *("AWS::SageMaker::Model", "AWS::SageMaker::EndpointConfig", "AWS::SageMaker::Endpoint"),
    *("AWS::SageMaker::DataQualityJobDefinition", "AWS::SageMaker::MonitoringSchedule"),
    "AWS::SageMaker::FeatureGroup",
    *(name for name in TYPES if name.startswith("AWS::EC2::")),
}


def allow_lambda(allow: Any) -> Properties:
    document: Properties = allow("sts:AssumeRole", Principal={"Service": "lambda.amazonaws.com"})
    del document["Statement"][0]["Resource"]
    return document


def test_every_type_has_an_example() -> None:
    assert EXAMPLES.keys() | ELSEWHERE == TYPES.keys()


@pytest.mark.parametrize("type_name", sorted(EXAMPLES))
def test_a_type_goes_from_creation_to_removal(type_name: str, stack: Any, allow: Any) -> None:
    properties, change = EXAMPLES[type_name](stack, allow)
    resource = stack.create(type_name, properties)
    schema = schema_for(type_name, stack.region)
    assert schema is not None
    assert resource.id
    read_only = {pointer.removeprefix("/") for pointer in schema.read_only}
    expected = {name for name in schema.attributes & read_only if "." not in name}
    assert expected - {"SnapStartResponse"} <= resource.attributes.keys() <= schema.attributes
    changed = resource.update({**properties, **change}, tags={"team": "data"})
    restored = changed.update(properties)
    restored.delete()
    restored.delete()


def tags_of(type_name: str) -> Properties | None:
    schema = schema_for(type_name, "eu-west-1")
    return schema.document["properties"].get("Tags") if schema else None


@pytest.mark.parametrize("type_name", sorted(filter(tags_of, EXAMPLES)))
def test_no_type_takes_a_tag_key_that_aws_keeps_for_itself(type_name: str, stack: Any, allow: Any) -> None:
    properties, _ = EXAMPLES[type_name](stack, allow)
    as_map = (tags_of(type_name) or {}).get("type") == "object"
    tags: Any = {"aws:team": "ml"} if as_map else [{"Key": "aws:team", "Value": "ml"}]
    with pytest.raises(ClientError, match="aws: prefixed tag key names are not allowed for external use"):
        stack.create(type_name, {**properties, "Tags": tags})
