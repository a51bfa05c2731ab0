"""A template that knows nothing of this product is deployed, changed, refused and removed as AWS would do it."""

import json
import re
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError, WaiterError

TEMPLATE = (Path(__file__).parent / "handwritten.yaml").read_text()
CAPABILITIES = ["CAPABILITY_NAMED_IAM"]
PARAMETERS = {"AlertEmail": "shop@example.com"}
QUICKLY = {"Delay": 0.05, "MaxAttempts": 1200}


@dataclass(frozen=True)
class Shop:
    """One stack of the template, handled as any client of CloudFormation handles it."""

    sandbox: Any
    name: str

    @property
    def cloudformation(self) -> Any:
        return self.client("cloudformation")

    def client(self, service: str) -> Any:
        return self.sandbox.client(service)

    def propose(self, template: str, parameters: dict[str, str], kind: str = "CREATE", **request: Any) -> str:
        """Make a change set and wait until it is ready; one that is refused raises with CloudFormation's reason."""
        change_set = f"change-{uuid.uuid4().hex[:8]}"
        where = {"StackName": self.name, "ChangeSetName": change_set}
        self.cloudformation.create_change_set(
            **where,
            ChangeSetType=kind,
            TemplateBody=template,
            Parameters=[{"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()],
            **{"Capabilities": CAPABILITIES, **request},
        )
        try:
            self.cloudformation.get_waiter("change_set_create_complete").wait(**where, WaiterConfig=QUICKLY)
        except WaiterError:
            reason = self.cloudformation.describe_change_set(**where)["StatusReason"]
            raise AssertionError(reason) from None
        return change_set

    def deploy(self, template: str, parameters: dict[str, str], kind: str = "CREATE", **request: Any) -> None:
        change_set = self.propose(template, parameters, kind, **request)
        self.cloudformation.execute_change_set(StackName=self.name, ChangeSetName=change_set)
        self.wait(f"stack_{kind.lower()}_complete")

    def wait(self, waiter: str) -> None:
        self.cloudformation.get_waiter(waiter).wait(StackName=self.name, WaiterConfig=QUICKLY)

    def stack(self) -> dict[str, Any]:
        return self.cloudformation.describe_stacks(StackName=self.name)["Stacks"][0]

    def outputs(self) -> dict[str, str]:
        return {output["OutputKey"]: output["OutputValue"] for output in self.stack()["Outputs"]}

    def resources(self) -> dict[str, str]:
        found = self.cloudformation.describe_stack_resources(StackName=self.name)["StackResources"]
        return {resource["LogicalResourceId"]: resource["PhysicalResourceId"] for resource in found}

    def reasons(self) -> str:
        """Every reason that the stack's events give."""
        pages = self.cloudformation.get_paginator("describe_stack_events").paginate(StackName=self.name)
        return "\n".join(event.get("ResourceStatusReason", "") for page in pages for event in page["StackEvents"])

    def inventory(self) -> set[str]:
        """Everything that the services know by the stack's name."""
        known: list[str] = [bucket["Name"] for bucket in self.client("s3").list_buckets()["Buckets"]]
        for service, operation, key, name in (
            ("kms", "list_aliases", "Aliases", "AliasName"),
            ("iam", "list_roles", "Roles", "RoleName"),
            ("sns", "list_topics", "Topics", "TopicArn"),
            ("logs", "describe_log_groups", "logGroups", "logGroupName"),
            ("lambda", "list_functions", "Functions", "FunctionName"),
            ("events", "list_rules", "Rules", "Name"),
            ("ssm", "describe_parameters", "Parameters", "Name"),
            ("cloudwatch", "describe_alarms", "MetricAlarms", "AlarmName"),
            ("sagemaker", "list_model_package_groups", "ModelPackageGroupSummaryList", "ModelPackageGroupName"),
            ("sagemaker", "list_pipelines", "PipelineSummaries", "PipelineName"),
        ):
            client = self.client(service)
            pages = client.get_paginator(operation).paginate() if client.can_paginate(operation) else [{}]
            known += [found[name] for page in pages for found in page.get(key, [])]
        known += self.client("sqs").list_queues().get("QueueUrls", [])
        known += self.client("dynamodb").list_tables()["TableNames"]
        return {name for name in known if self.name in name.lower()}

    def remove(self) -> None:
        self.cloudformation.delete_stack(StackName=self.name)
        self.wait("stack_delete_complete")


@pytest.fixture
def shop(sandbox: Any) -> Iterator[Shop]:
    shop = Shop(sandbox, f"shop-{uuid.uuid4().hex[:10]}")
    yield shop
    shop.remove()


@pytest.fixture(scope="module")
def running(sandbox: Any) -> Iterator[Shop]:
    """The template as it is, up for the tests that only look at it."""
    shop = Shop(sandbox, f"shop-{uuid.uuid4().hex[:10]}")
    shop.deploy(TEMPLATE, PARAMETERS, Tags=[{"Key": "cost-center", "Value": "7"}])
    yield shop
    shop.remove()


def test_the_stack_holds_every_resource_whose_condition_is_true(running: Shop) -> None:
    assert running.stack()["StackStatus"] == "CREATE_COMPLETE"
    assert len(running.resources()) == 20
    assert "Nightly" not in running.resources()
    assert running.outputs().keys() == {"BucketName", "GroupArn", "QueueUrl"}


def test_storage_is_as_the_template_says(running: Shop) -> None:
    s3, bucket = running.client("s3"), f"{running.name}-data"
    key = running.client("kms").describe_key(KeyId=f"alias/{running.name}")["KeyMetadata"]
    encryption = s3.get_bucket_encryption(Bucket=bucket)["ServerSideEncryptionConfiguration"]["Rules"][0]
    assert encryption["ApplyServerSideEncryptionByDefault"]["KMSMasterKeyID"] == key["Arn"]
    assert running.client("kms").get_key_rotation_status(KeyId=key["KeyId"])["KeyRotationEnabled"]
    assert s3.get_bucket_lifecycle_configuration(Bucket=bucket)["Rules"][0]["Expiration"] == {"Days": 7}
    policy = json.loads(s3.get_bucket_policy(Bucket=bucket)["Policy"])
    assert policy["Statement"][0]["Resource"] == [f"arn:aws:s3:::{bucket}", f"arn:aws:s3:::{bucket}/*"]
    tags = {tag["Key"]: tag["Value"] for tag in s3.get_bucket_tagging(Bucket=bucket)["TagSet"]}
    assert tags == {"stage": "dev", "cost-center": "7"}
    table = running.client("dynamodb").describe_table(TableName=f"{running.name}-orders")["Table"]
    assert table["BillingModeSummary"]["BillingMode"] == "PAY_PER_REQUEST"
    expiry = running.client("dynamodb").describe_time_to_live(TableName=f"{running.name}-orders")
    assert expiry["TimeToLiveDescription"]["AttributeName"] == "expires"


def test_permissions_are_as_the_template_says(running: Shop) -> None:
    iam, role = running.client("iam"), f"{running.name}-worker"
    inline = iam.get_role_policy(RoleName=role, PolicyName="data")["PolicyDocument"]
    assert inline["Statement"][0]["Resource"] == f"arn:aws:s3:::{running.name}-data/*"
    attached = iam.list_attached_role_policies(RoleName=role)["AttachedPolicies"]
    assert [policy["PolicyName"] for policy in attached] == ["AWSLambdaBasicExecutionRole"]
    policy = json.loads(running.client("lambda").get_policy(FunctionName=f"{running.name}-handler")["Policy"])
    rule = running.client("events").describe_rule(Name=f"{running.name}-approved")["Arn"]
    assert policy["Statement"][0]["Condition"]["ArnLike"]["AWS:SourceArn"] == rule


def test_messages_go_where_the_template_says(running: Shop) -> None:
    sqs, events, name = running.client("sqs"), running.client("events"), running.name
    queue = sqs.get_queue_attributes(QueueUrl=running.outputs()["QueueUrl"], AttributeNames=["All"])["Attributes"]
    redrive = json.loads(queue["RedrivePolicy"])
    assert redrive["deadLetterTargetArn"].endswith(f"{name}-dead-letters")
    assert queue["VisibilityTimeout"] == "60"
    targets = events.list_targets_by_rule(Rule=f"{name}-approved")["Targets"]
    assert {target["Id"]: target["Arn"] for target in targets}["orders"] == queue["QueueArn"]
    pattern = json.loads(events.describe_rule(Name=f"{name}-approved")["EventPattern"])
    assert pattern["detail"] == {"ModelPackageGroupName": [f"{name}-models"]}
    alarm = running.client("cloudwatch").describe_alarms(AlarmNames=[f"{name}-errors"])["MetricAlarms"][0]
    assert alarm["AlarmActions"] == [running.resources()["Alerts"]]
    assert alarm["Dimensions"] == [{"Name": "FunctionName", "Value": f"{name}-handler"}]


def test_compute_and_models_are_as_the_template_says(running: Shop) -> None:
    name, sagemaker = running.name, running.client("sagemaker")
    function = running.client("lambda").get_function_configuration(FunctionName=f"{name}-handler")
    assert (function["Timeout"], function["MemorySize"]) == (5, 128)
    assert function["Environment"]["Variables"] == {"TABLE": f"{name}-orders", "STAGE": "dev"}
    groups = running.client("logs").describe_log_groups(logGroupNamePrefix=f"/aws/lambda/{name}-")["logGroups"]
    assert groups[0]["retentionInDays"] == 7
    group = sagemaker.describe_model_package_group(ModelPackageGroupName=f"{name}-models")
    assert group["ModelPackageGroupArn"] == running.outputs()["GroupArn"]
    definition = json.loads(sagemaker.describe_pipeline(PipelineName=f"{name}-training")["PipelineDefinition"])
    assert definition["Metadata"] == {"bucket": f"{name}-data"}


def test_an_export_is_there_for_other_stacks(running: Shop) -> None:
    pages = running.cloudformation.get_paginator("list_exports").paginate()
    exports = {export["Name"]: export["Value"] for page in pages for export in page["Exports"]}
    assert exports[f"{running.name}:bucket"] == f"{running.name}-data"


def test_an_update_changes_in_place_and_replaces_what_it_must(shop: Shop) -> None:
    shop.deploy(TEMPLATE, PARAMETERS)
    before = shop.resources()
    shop.deploy(TEMPLATE, {**PARAMETERS, "Stage": "prod", "BucketSuffix": "archive"}, "UPDATE")
    after = shop.resources()
    assert after.keys() - before.keys() == {"Nightly"}
    assert {name for name in before if before[name] != after[name]} == {"Bucket", "BucketPolicy"}
    function = shop.client("lambda").get_function_configuration(FunctionName=f"{shop.name}-handler")
    assert (function["Timeout"], function["MemorySize"]) == (30, 512)
    s3 = shop.client("s3")
    assert s3.get_bucket_versioning(Bucket=f"{shop.name}-archive")["Status"] == "Enabled"
    with pytest.raises(ClientError, match="404"):
        s3.head_bucket(Bucket=f"{shop.name}-data")
    policy = shop.client("iam").get_role_policy(RoleName=f"{shop.name}-worker", PolicyName="data")
    assert f"{shop.name}-archive" in json.dumps(policy["PolicyDocument"])


def test_an_update_that_fails_leaves_everything_as_it_was(shop: Shop) -> None:
    shop.deploy(TEMPLATE, PARAMETERS)
    before = shop.resources()
    broken = mutated('Name: !Sub "${AWS::StackName}-nightly"', 'Name: !Sub "${AWS::StackName}-approved"')
    with pytest.raises(WaiterError):
        shop.deploy(broken, {**PARAMETERS, "Stage": "prod"}, "UPDATE")
    assert shop.stack()["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
    assert f"with identifier '{shop.name}-approved' already exists" in shop.reasons()
    assert shop.resources() == before
    function = shop.client("lambda").get_function_configuration(FunctionName=f"{shop.name}-handler")
    assert (function["Timeout"], function["Environment"]["Variables"]["STAGE"]) == (5, "dev")


def test_a_deleted_stack_leaves_nothing_behind(shop: Shop) -> None:
    shop.deploy(TEMPLATE, PARAMETERS)
    assert len(shop.inventory()) >= 14
    key = shop.resources()["Key"]
    shop.remove()
    assert shop.inventory() == set()
    assert shop.client("kms").describe_key(KeyId=key)["KeyMetadata"]["KeyState"] == "PendingDeletion"


def test_a_full_bucket_keeps_its_stack_from_being_deleted(shop: Shop) -> None:
    shop.deploy(TEMPLATE, PARAMETERS)
    s3, bucket = shop.client("s3"), f"{shop.name}-data"
    s3.put_object(Bucket=bucket, Key="order", Body=b"1")
    shop.cloudformation.delete_stack(StackName=shop.name)
    with pytest.raises(WaiterError):
        shop.wait("stack_delete_complete")
    assert shop.stack()["StackStatus"] == "DELETE_FAILED"
    assert "The bucket you tried to delete is not empty" in shop.reasons()
    s3.delete_object(Bucket=bucket, Key="order")


def mutated(old: str, new: str, template: str = TEMPLATE) -> str:
    assert template.count(old) >= 1, f"{old!r} is not in the template"
    return template.replace(old, new, 1)


# What is refused before anything is made: the change set is never there.
REFUSED_BEFORE = {
    "unknown type": (
        "Type: AWS::SQS::Queue\n",
        "Type: AWS::SQS::Pipe\n",
        r"Unrecognized resource types: \[AWS::SQS::Pipe\]",
    ),
    "reference to nothing": (
        "TargetKeyId: !Ref Key",
        "TargetKeyId: !Ref Keys",
        r"Unresolved resource dependencies \[Keys\] in the Resources block of the template",
    ),
    "attribute of nothing": ("!GetAtt Key.Arn", "!GetAtt Keys.Arn", "Fn::GetAtt references undefined resource Keys"),
    "substitution of nothing": ("${Bucket.Arn}/*", "${Pail.Arn}/*", r"Unresolved resource dependencies \[Pail\]"),
    "circle": (
        "QueueName: !Join",
        "Tags: [{Key: of, Value: !Ref Orders}]\n      QueueName: !Join",
        r"Circular dependency between resources: \[DeadLetters, Orders\]",
    ),
    "dependency on nothing": (
        "DependsOn: RolePolicy",
        "DependsOn: Policy",
        r"Unresolved resource dependencies \[Policy\]",
    ),
    "unknown condition": ("Condition: IsProd\n    Properties", "Condition: IsLive\n    Properties", "IsLive"),
    "unknown condition in a function": ("!If [IsProd,", "!If [IsLive,", "IsLive"),
    "unknown function": ("!Join [", "!Glue [", "Glue"),
    "malformed function": ('!Join ["-", [!Ref AWS::StackName, dead, letters]]', '!Join ["-"]', "Fn::Join"),
    "unknown mapping": ("!FindInMap [Capacity,", "!FindInMap [Size,", "Size"),
    "unknown mapping key": ("Stage, Timeout]", "Stage, Patience]", "Patience"),
    "unknown section": ("Mappings:", "Maps:", r"Invalid template property or properties \[Maps\]"),
    "no YAML": ("Resources:", "Resources: [", "Template format error: YAML not well-formed"),
    "unknown member of a resource": (
        "DependsOn: RolePolicy",
        "Needs: RolePolicy",
        "Invalid template resource property",
    ),
    "default outside of the allowed values": ("Default: dev", "Default: test", "AllowedValues|allowed values"),
}


@pytest.mark.parametrize("variant", REFUSED_BEFORE)
def test_a_template_that_cannot_be_deployed_is_refused_before_anything_is_made(variant: str, shop: Shop) -> None:
    old, new, reason = REFUSED_BEFORE[variant]
    with pytest.raises((ClientError, AssertionError), match=reason):
        shop.propose(mutated(old, new), PARAMETERS)
    assert shop.inventory() == set()


@pytest.mark.parametrize(
    ("parameters", "request_members", "reason"),
    [
        ({}, {}, r"Parameters: \[AlertEmail\] must have values"),
        ({**PARAMETERS, "Stage": "test"}, {}, r"Parameter 'Stage' must be one of AllowedValues"),
        ({**PARAMETERS, "RetentionDays": "0"}, {}, r"Parameter 'RetentionDays' must be a number not less than 1"),
        ({**PARAMETERS, "BucketSuffix": "Data"}, {}, r"Parameter 'BucketSuffix' must match pattern"),
        ({**PARAMETERS, "Colour": "red"}, {}, r"Parameters: \[Colour\] do not exist in the template"),
        (PARAMETERS, {"Capabilities": []}, r"Requires capabilities : \[CAPABILITY_NAMED_IAM\]"),
        (PARAMETERS, {"Capabilities": ["CAPABILITY_IAM"]}, r"Requires capabilities : \[CAPABILITY_NAMED_IAM\]"),
    ],
)
def test_a_request_that_does_not_fit_the_template_is_refused(
    parameters: dict[str, str], request_members: dict[str, Any], reason: str, shop: Shop
) -> None:
    with pytest.raises((ClientError, AssertionError), match=reason):
        shop.propose(TEMPLATE, parameters, **request_members)
    assert shop.inventory() == set()


# What only shows when the resource's turn comes: the stack is rolled back.
ROLLED_BACK = {
    "unknown property": (
        "Period: 60",
        "Period: 60\n      Colour: red",
        r"#: extraneous key \[Colour\] is not permitted",
    ),
    "missing property": ("      RoleArn: !GetAtt Role.Arn\n", "", r"#: required key \[RoleArn\] not found"),
    "property of another type": (
        "AlarmActions: [!Ref Alerts]",
        "AlarmActions: !Ref Alerts",
        "#/AlarmActions: expected type: JSONArray, found: String",
    ),
    "value outside of the list": (
        "Status: !If [IsProd, Enabled, Suspended]",
        "Status: !If [IsProd, Enabled, Off]",
        "#/VersioningConfiguration/Status: .* is not a valid enum value",
    ),
    "value against the pattern": (
        'AliasName: !Sub "alias/${AWS::StackName}"',
        'AliasName: !Sub "${AWS::StackName}"',
        r"#/AliasName: failed validation constraint for keyword \[pattern\]",
    ),
    "number out of bounds": (
        "Timeout: 5\n",
        "Timeout: 9000\n",
        r"#/Timeout: failed validation constraint for keyword \[maximum\]",
    ),
    "read-only property": ("Period: 60", "Period: 60\n      Arn: mine", r"#: extraneous key \[Arn\] is not permitted"),
    "unknown attribute": ("!GetAtt Bucket.Arn", "!GetAtt Bucket.Size", "Size"),
    "bad bucket name": (
        "${AWS::StackName}-${BucketSuffix}",
        "${AWS::StackName}_${BucketSuffix}",
        "Bucket name should not",
    ),
    "malformed policy": (
        "Action: [s3:GetObject, s3:PutObject]",
        "Verb: read",
        "Syntax errors in policy|MalformedPolicy",
    ),
    "malformed trust": ("Action: sts:AssumeRole", "Action: assume", "invalid action"),
    "managed policy that is not there": ("service-role/AWSLambdaBasic", "service-role/Basic", "does not exist"),
    "key policy without an owner": ("Action: kms:*", "Action: kms:Decrypt", "update the key policy in the future"),
    "pipeline that is no JSON": ('"Version": "2020-12-01",', '"Version" "2020-12-01",', "(?i)json"),
    "import of nothing": (
        'Value: !Sub "${AWS::StackName}-models"',
        "Value: !ImportValue nobody-exports-this",
        "No export named nobody-exports-this found",
    ),
}


@pytest.mark.parametrize("variant", ROLLED_BACK)
def test_a_resource_that_aws_refuses_takes_the_whole_stack_back(variant: str, shop: Shop) -> None:
    old, new, reason = ROLLED_BACK[variant]
    try:
        shop.deploy(mutated(old, new), PARAMETERS)
    except (ClientError, AssertionError) as refused:
        told = str(refused)
    except WaiterError:
        assert shop.stack()["StackStatus"] == "ROLLBACK_COMPLETE"
        told = shop.reasons()
    else:
        told = "nothing was refused"
    assert re.search(reason, told)
    assert shop.inventory() == set()


@pytest.mark.parametrize(
    ("service", "operation", "request_members", "reason"),
    [
        ("sns", "create_topic", {"Name": "{stack}-alerts"}, "already exists"),
        ("logs", "create_log_group", {"logGroupName": "/aws/lambda/{stack}-handler"}, "already exists"),
        ("sqs", "create_queue", {"QueueName": "{stack}-dead-letters"}, "already exists"),
        ("s3", "create_bucket", {"Bucket": "{stack}-data"}, "already exists"),
    ],
)
def test_a_name_that_is_taken_takes_the_whole_stack_back(
    service: str, operation: str, request_members: dict[str, str], reason: str, shop: Shop
) -> None:
    client = shop.client(service)
    named = {key: value.format(stack=shop.name) for key, value in request_members.items()}
    where = {"CreateBucketConfiguration": {"LocationConstraint": "eu-west-1"}} if service == "s3" else {}
    getattr(client, operation)(**named, **where)
    theirs = shop.inventory()
    with pytest.raises(WaiterError):
        shop.deploy(TEMPLATE, PARAMETERS)
    assert shop.stack()["StackStatus"] == "ROLLBACK_COMPLETE"
    assert reason in shop.reasons()
    assert shop.inventory() == theirs


def test_two_resources_of_one_name_take_the_whole_stack_back(shop: Shop) -> None:
    twice = mutated('Name: !Sub "${AWS::StackName}-nightly"', 'Name: !Sub "${AWS::StackName}-approved"')
    with pytest.raises(WaiterError):
        shop.deploy(twice, {**PARAMETERS, "Stage": "prod"})
    assert f"with identifier '{shop.name}-approved' already exists" in shop.reasons()
    assert shop.inventory() == set()


def test_an_export_that_another_stack_has_is_refused(running: Shop, shop: Shop) -> None:
    taken = mutated("${AWS::StackName}:bucket", f"{running.name}:bucket")
    try:
        shop.deploy(taken, PARAMETERS)
    except (ClientError, AssertionError) as refused:
        told = str(refused)
    except WaiterError:
        told = shop.reasons()
    else:
        told = "nothing was refused"
    assert re.search(f"Export with name {running.name}:bucket is already exported by stack {running.name}", told)
    assert shop.inventory() == set()
