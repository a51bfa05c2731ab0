"""What AWS refuses when a resource is made or removed, where a stand-in for it would say yes."""

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from sagewright.sandbox.cloudformation.resources.api_call import call


def test_a_role_that_somebody_else_gave_a_policy_is_not_deleted(stack: Any) -> None:
    role, iam = stack.role("lambda.amazonaws.com"), stack.client("iam")
    iam.attach_role_policy(RoleName=role.id, PolicyArn="arn:aws:iam::aws:policy/ReadOnlyAccess")
    with pytest.raises(ClientError, match="DeleteConflict"):
        role.delete()
    iam.detach_role_policy(RoleName=role.id, PolicyArn="arn:aws:iam::aws:policy/ReadOnlyAccess")
    role.delete()
    with pytest.raises(ClientError, match="NoSuchEntity"):
        iam.get_role(RoleName=role.id)


def test_a_role_goes_with_the_policies_of_its_own_template(stack: Any, allow: Any) -> None:
    trust = stack.role("lambda.amazonaws.com").properties
    policies = {
        "ManagedPolicyArns": ["arn:aws:iam::aws:policy/ReadOnlyAccess"],
        "Policies": [{"PolicyName": "read", "PolicyDocument": allow("s3:GetObject")}],
    }
    role, iam = stack.create("AWS::IAM::Role", {**trust, **policies}), stack.client("iam")
    assert iam.list_role_policies(RoleName=role.id)["PolicyNames"] == ["read"]
    role.delete()
    with pytest.raises(ClientError, match="NoSuchEntity"):
        iam.get_role(RoleName=role.id)


def test_a_role_whose_policy_is_refused_is_not_left_behind(stack: Any) -> None:
    trust = stack.role("lambda.amazonaws.com").properties
    missing = {"ManagedPolicyArns": ["arn:aws:iam::aws:policy/NoSuchPolicy"], "RoleName": "half-made"}
    with pytest.raises(ClientError, match="NoSuchEntity"):
        stack.create("AWS::IAM::Role", {**trust, **missing})
    with pytest.raises(ClientError, match="NoSuchEntity"):
        stack.client("iam").get_role(RoleName="half-made")


def test_a_trust_policy_that_names_nobody_there_is_refused(stack: Any, allow: Any) -> None:
    document = allow("sts:AssumeRole", Principal={"AWS": "arn:aws:iam::111111111111:role/nobody"})
    del document["Statement"][0]["Resource"]
    with pytest.raises(ClientError, match=r"MalformedPolicyDocument.*Invalid principal in policy"):
        stack.create("AWS::IAM::Role", {"AssumeRolePolicyDocument": document})


@pytest.mark.parametrize(
    ("statement", "reason"),
    [
        ({"Effect": "Allow", "Principal": {"Service": "a.amazonaws.com"}}, "Action"),
        ({"Effect": "Perhaps", "Principal": {"Service": "a.amazonaws.com"}, "Action": "sts:AssumeRole"}, "effect"),
        ({"Effect": "Allow", "Action": "sts:AssumeRole"}, "Principal"),
        ({"Effect": "Allow", "Principal": {"Robot": "r2"}, "Action": "sts:AssumeRole"}, "Invalid principal"),
    ],
)
def test_a_malformed_trust_policy_is_refused(statement: dict[str, Any], reason: str, stack: Any) -> None:
    document = {"Version": "2012-10-17", "Statement": [statement]}
    with pytest.raises(ClientError, match=f"MalformedPolicyDocument.*{reason}"):
        stack.create("AWS::IAM::Role", {"AssumeRolePolicyDocument": document})


def test_a_trust_policy_over_resources_is_refused(stack: Any, allow: Any) -> None:
    document = allow("sts:AssumeRole", Principal={"Service": "lambda.amazonaws.com"})
    with pytest.raises(ClientError, match="Has prohibited field Resource"):
        stack.create("AWS::IAM::Role", {"AssumeRolePolicyDocument": document})


def test_a_trust_policy_without_a_version_can_be_changed(stack: Any) -> None:
    role = stack.role("lambda.amazonaws.com")
    trust = {"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}
    role.update({"AssumeRolePolicyDocument": {"Statement": [trust]}})
    kept = stack.client("iam").get_role(RoleName=role.id)["Role"]["AssumeRolePolicyDocument"]
    assert kept["Statement"] == [trust]


def test_a_malformed_identity_policy_is_refused(stack: Any) -> None:
    document = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "everything"}]}
    with pytest.raises(ClientError, match="MalformedPolicyDocument"):
        stack.create("AWS::IAM::ManagedPolicy", {"PolicyDocument": document})


@pytest.mark.parametrize("where", ["AWS::IAM::ManagedPolicy", "AWS::IAM::Policy", "AWS::IAM::Role", "trust"])
def test_a_statement_id_that_is_not_alphanumeric_is_refused(where: str, stack: Any, allow: Any) -> None:
    document, role = allow("s3:GetObject", Sid="read-all"), stack.role("lambda.amazonaws.com")
    trust = role.properties["AssumeRolePolicyDocument"]
    properties = {
        "AWS::IAM::ManagedPolicy": {"PolicyDocument": document},
        "AWS::IAM::Policy": {"PolicyName": "read", "PolicyDocument": document, "Roles": [role.id]},
        "AWS::IAM::Role": {**role.properties, "Policies": [{"PolicyName": "read", "PolicyDocument": document}]},
        "trust": {"AssumeRolePolicyDocument": {**trust, "Statement": [{**trust["Statement"][0], "Sid": "a b"}]}},
    }[where]
    with pytest.raises(ClientError, match=r"MalformedPolicyDocument.*Statement IDs \(SID\) must be alpha-numeric"):
        stack.create(where if where != "trust" else "AWS::IAM::Role", properties)


def test_inline_policies_over_the_limit_of_their_role_are_refused(stack: Any, allow: Any) -> None:
    large = allow("s3:GetObject", [f"arn:aws:s3:::bucket/{number:0>80}" for number in range(50)])
    role = stack.role("lambda.amazonaws.com")
    policies = [{"PolicyName": name, "PolicyDocument": large} for name in ("one", "two")]
    properties = {**role.properties, "RoleName": "large", "Policies": policies}
    with pytest.raises(ClientError, match=r"LimitExceeded.*Maximum policy size of 10240 bytes exceeded for role large"):
        stack.create("AWS::IAM::Role", properties)
    kept = stack.create("AWS::IAM::Role", {**properties, "Policies": policies[:1]})
    more = {"PolicyName": "more", "PolicyDocument": large, "Roles": [kept.id]}
    with pytest.raises(ClientError, match="Maximum policy size of 10240 bytes exceeded"):
        stack.create("AWS::IAM::Policy", more)


def test_a_boundary_that_does_not_exist_is_refused(stack: Any) -> None:
    trust, boundary = stack.role("lambda.amazonaws.com").properties, "arn:aws:iam::111111111111:policy/nothing"
    with pytest.raises(ClientError, match=rf"NoSuchEntity.*Scope ARN: {boundary} does not exist"):
        stack.create("AWS::IAM::Role", {**trust, "PermissionsBoundary": boundary})
    role = stack.create("AWS::IAM::Role", {**trust, "PermissionsBoundary": "arn:aws:iam::aws:policy/ReadOnlyAccess"})
    with pytest.raises(ClientError, match=rf"NoSuchEntity.*Scope ARN: {boundary} does not exist"):
        role.update({**trust, "PermissionsBoundary": boundary})


@pytest.mark.parametrize("service", ["foo.amazonaws.com", "sagemker.amazonaws.com", "lambda", "lambda.example.com"])
def test_a_trust_policy_for_a_service_that_does_not_exist_is_refused(service: str, stack: Any) -> None:
    reason = f'MalformedPolicyDocument.*Invalid principal in policy: "SERVICE":"{service}"'
    with pytest.raises(ClientError, match=reason):
        stack.role("lambda.amazonaws.com", service)


def test_a_trust_policy_may_name_any_service_of_aws(stack: Any) -> None:
    names = ["ecs-tasks", "edgelambda", "logs.eu-west-1", "vpc-flow-logs", "states", "ops.apigateway", "monitoring.rds"]
    assert stack.role(*(f"{name}.amazonaws.com" for name in names), "ec2.amazonaws.com.cn", "alexa-appkit.amazon.com")


@pytest.mark.parametrize(
    ("type_name", "properties", "code"),
    [
        ("AWS::S3::Bucket", {}, "InvalidTag"),
        ("AWS::KMS::Key", {}, "TagException"),
        ("AWS::SNS::Topic", {}, "InvalidParameter"),
        ("AWS::SQS::Queue", {}, "InvalidParameterValue"),
        ("AWS::IAM::User", {}, "InvalidInput"),
        ("AWS::SageMaker::ModelPackageGroup", {"ModelPackageGroupName": "tagged"}, "ValidationException"),
        ("AWS::SecretsManager::Secret", {"SecretString": "a"}, "InvalidParameterException"),
    ],
)
def test_a_tag_key_that_aws_keeps_for_itself_is_refused(
    type_name: str, properties: dict[str, Any], code: str, stack: Any
) -> None:
    tags = [{"Key": "AWS:team", "Value": "ml"}]
    with pytest.raises(ClientError, match=f"{code}.*aws: prefixed tag key names are not allowed for external use"):
        stack.create(type_name, {**properties, "Tags": tags})


def test_an_alias_of_aws_itself_is_refused(stack: Any) -> None:
    key = stack.create("AWS::KMS::Key", {}).id
    with pytest.raises(ClientError, match=r"NotAuthorizedException.*reserved for AWS managed keys"):
        stack.create("AWS::KMS::Alias", {"AliasName": "alias/aws/mine", "TargetKeyId": key})


def test_a_key_policy_that_locks_its_owner_out_is_refused(stack: Any, allow: Any) -> None:
    document = allow("kms:Decrypt", Principal={"AWS": f"arn:aws:iam::{stack.account}:root"})
    with pytest.raises(ClientError, match="will not allow you to update the key policy in the future"):
        stack.create("AWS::KMS::Key", {"KeyPolicy": document})


def test_a_key_policy_for_a_role_that_does_not_exist_is_refused(stack: Any, allow: Any) -> None:
    document = allow("kms:*", Principal={"AWS": f"arn:aws:iam::{stack.account}:root"})
    stranger = allow("kms:Decrypt", Principal={"AWS": "arn:aws:iam::222222222222:role/nobody"})
    document["Statement"] += stranger["Statement"]
    with pytest.raises(ClientError, match=r"MalformedPolicyDocumentException.*invalid principals"):
        stack.create("AWS::KMS::Key", {"KeyPolicy": document})


def test_a_log_group_whose_key_keeps_logs_out_is_refused(stack: Any, allow: Any) -> None:
    owner = allow("kms:*", Principal={"AWS": f"arn:aws:iam::{stack.account}:root"})
    service = allow(["kms:Encrypt*", "kms:GenerateDataKey*"], Principal={"Service": "logs.eu-west-1.amazonaws.com"})
    both = {**owner, "Statement": owner["Statement"] + service["Statement"]}
    closed, open_ = (stack.create("AWS::KMS::Key", {"KeyPolicy": policy}) for policy in (owner, both))
    with pytest.raises(ClientError, match="The specified KMS key does not exist or is not allowed to be used"):
        stack.create("AWS::Logs::LogGroup", {"KmsKeyId": closed.attributes["Arn"]})
    group = stack.create("AWS::Logs::LogGroup", {"KmsKeyId": open_.attributes["Arn"]}).id
    found = stack.client("logs").describe_log_groups(logGroupNamePrefix=group)["logGroups"]
    assert found[0]["kmsKeyId"] == open_.attributes["Arn"]


def test_a_deleted_key_waits_for_its_deletion(stack: Any) -> None:
    key = stack.create("AWS::KMS::Key", {"PendingWindowInDays": 7})
    key.delete()
    assert stack.client("kms").describe_key(KeyId=key.id)["KeyMetadata"]["KeyState"] == "PendingDeletion"


def test_a_key_never_changes_its_kind(stack: Any) -> None:
    key = stack.create("AWS::KMS::Key", {})
    with pytest.raises(ClientError, match="You cannot change the KeySpec"):
        key.update({"KeySpec": "RSA_2048", "KeyUsage": "SIGN_VERIFY"})


def test_a_function_whose_role_does_not_trust_lambda_is_refused(stack: Any) -> None:
    role = stack.role("sagemaker.amazonaws.com").attributes["Arn"]
    code = {"Code": {"ZipFile": "x = 1"}, "Handler": "index.x", "Runtime": "python3.12"}
    with pytest.raises(ClientError, match="cannot be assumed by Lambda"):
        stack.create("AWS::Lambda::Function", {**code, "Role": role})


def test_a_function_with_a_timeout_above_a_quarter_of_an_hour_is_refused(stack: Any) -> None:
    role = stack.role("lambda.amazonaws.com").attributes["Arn"]
    code = {"Code": {"ZipFile": "x = 1"}, "Handler": "index.x", "Runtime": "python3.12", "Role": role}
    with pytest.raises(ClientError, match="Value '901' at 'timeout' failed to satisfy constraint"):
        stack.create("AWS::Lambda::Function", {**code, "Timeout": 901})
    made = stack.create("AWS::Lambda::Function", {**code, "Timeout": 900})
    with pytest.raises(ClientError, match="Value '901' at 'timeout' failed to satisfy constraint"):
        made.update({**code, "Timeout": 901})


def test_a_function_whose_code_is_not_there_is_refused(stack: Any) -> None:
    role = stack.role("lambda.amazonaws.com").attributes["Arn"]
    bucket = stack.create("AWS::S3::Bucket", {}, "Code").id
    code = {"Code": {"S3Bucket": bucket, "S3Key": "none.zip"}, "Handler": "index.x", "Runtime": "python3.12"}
    with pytest.raises(ClientError, match="NoSuchKey"):
        stack.create("AWS::Lambda::Function", {**code, "Role": role})


@pytest.mark.parametrize(
    ("pattern", "reason"),
    [
        ({"source": "aws.sagemaker"}, "must be an object or an array"),
        ({"source": []}, "Empty arrays are not allowed"),
        ({"source": [{"begins": "aws"}]}, "Unrecognized match type begins"),
    ],
)
def test_an_event_pattern_that_is_none_is_refused(pattern: dict[str, Any], reason: str, stack: Any) -> None:
    with pytest.raises(ClientError, match=rf"Event pattern is not valid\. Reason: .*{reason}"):
        stack.create("AWS::Events::Rule", {"EventPattern": pattern})


def test_a_schedule_that_never_fires_is_refused(stack: Any) -> None:
    role = stack.role("scheduler.amazonaws.com").attributes["Arn"]
    target = {"Target": {"Arn": "arn:aws:sqs:eu-west-1:111111111111:queue", "RoleArn": role}}
    when = {"ScheduleExpression": "every day", "FlexibleTimeWindow": {"Mode": "OFF"}}
    with pytest.raises(ClientError, match="Invalid Schedule Expression every day"):
        stack.create("AWS::Scheduler::Schedule", {**target, **when})


def test_a_schedule_whose_role_does_not_trust_the_scheduler_is_refused(stack: Any) -> None:
    role = stack.role("lambda.amazonaws.com").attributes["Arn"]
    target = {"Target": {"Arn": "arn:aws:sqs:eu-west-1:111111111111:queue", "RoleArn": role}}
    when = {"ScheduleExpression": "rate(1 hour)", "FlexibleTimeWindow": {"Mode": "OFF"}}
    with pytest.raises(ClientError, match="must allow AWS EventBridge Scheduler to assume the role"):
        stack.create("AWS::Scheduler::Schedule", {**target, **when})


def test_scaling_of_an_endpoint_that_is_not_there_is_refused(stack: Any) -> None:
    variant = {"ResourceId": "endpoint/nowhere/variant/AllTraffic", "ServiceNamespace": "sagemaker"}
    bounds = {"ScalableDimension": "sagemaker:variant:DesiredInstanceCount", "MinCapacity": 1, "MaxCapacity": 2}
    with pytest.raises(ClientError, match="Production Variant doesn't exist"):
        stack.create("AWS::ApplicationAutoScaling::ScalableTarget", {**variant, **bounds})


def test_a_repository_with_images_is_kept_unless_the_template_gives_them_up(stack: Any) -> None:
    kept, given_up = (
        stack.create("AWS::ECR::Repository", {"EmptyOnDelete": empty}, name)
        for name, empty in (("Kept", False), ("GivenUp", True))
    )
    layer = {"digest": "sha256:1", "size": 1}
    kind = "application/vnd.docker.distribution.manifest.v2+json"
    manifest = {"schemaVersion": 2, "mediaType": kind, "config": {"digest": "sha256:0", "size": 1}, "layers": [layer]}
    for repository in (kept, given_up):
        stack.client("ecr").put_image(repositoryName=repository.id, imageManifest=json.dumps(manifest), imageTag="one")
    with pytest.raises(ClientError, match="RepositoryNotEmptyException"):
        kept.delete()
    given_up.delete()


def test_a_parameter_that_its_own_pattern_forbids_is_refused(stack: Any) -> None:
    with pytest.raises(ClientError, match="cannot be validated against allowedPattern"):
        stack.create("AWS::SSM::Parameter", {"Type": "String", "Value": "abc", "AllowedPattern": "^[0-9]+$"})


def test_a_standard_parameter_that_is_too_long_is_refused(stack: Any) -> None:
    long = {"Type": "String", "Value": "x" * 4097}
    with pytest.raises(ClientError, match="Standard tier parameters support a maximum parameter value of 4096"):
        stack.create("AWS::SSM::Parameter", long)
    assert stack.create("AWS::SSM::Parameter", {**long, "Tier": "Advanced"})


def test_an_endpoint_of_another_kind_than_its_protocol_is_refused(stack: Any) -> None:
    topic = stack.create("AWS::SNS::Topic", {}, "Topic").id
    with pytest.raises(ClientError, match="Invalid parameter: Email address"):
        stack.create("AWS::SNS::Subscription", {"TopicArn": topic, "Protocol": "email", "Endpoint": "somebody"})


def test_a_pipeline_that_is_no_json_is_refused(stack: Any) -> None:
    role = stack.role("sagemaker.amazonaws.com").attributes["Arn"]
    definition = {"PipelineDefinition": {"PipelineDefinitionBody": "{not json"}}
    with pytest.raises(ClientError, match="ValidationException"):
        stack.create("AWS::SageMaker::Pipeline", {"PipelineName": "broken", "RoleArn": role, **definition})


def test_a_request_that_the_client_itself_rejects_is_refused_as_the_service_would(stack: Any) -> None:
    with pytest.raises(ClientError, match=r'ValidationException.*\n.*Missing required parameter in input: "Name"'):
        call(stack.client("sns"), "create_topic")


def test_tags_of_the_stack_follow_into_its_resources(stack: Any) -> None:
    properties = {"TopicName": "tagged", "Tags": [{"Key": "owner", "Value": "ml"}]}
    topic, sns = stack.create("AWS::SNS::Topic", properties), stack.client("sns")

    def tags() -> dict[str, str]:
        return {tag["Key"]: tag["Value"] for tag in sns.list_tags_for_resource(ResourceArn=topic.id)["Tags"]}

    assert tags()["team"] == "ml"
    assert tags()["aws:cloudformation:stack-name"] == "shop"
    assert tags()["aws:cloudformation:logical-id"] == "Thing"
    topic.update({**properties, "Tags": [{"Key": "owner", "Value": "data"}]}, tags={"cost": "7"})
    own = {key: value for key, value in tags().items() if not key.startswith("aws:")}
    assert own == {"owner": "data", "cost": "7"}
