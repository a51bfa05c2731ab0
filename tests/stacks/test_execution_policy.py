"""The policy that CloudFormation deploys with: enough for the types of our templates, and no more than IAM takes."""

import json
import re
from collections.abc import Callable, Iterator
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import cfnlint
import pytest
from aws_cdk import Acknowledgment, App, Stack, Validations
from aws_cdk import cloudformation_include as include
from cdk_nag import AwsSolutionsChecks
from cfnlint.api import lint
from cfnlint.schema import PROVIDER_SCHEMA_MANAGER

from sagewright.stacks import execution_policy
from sagewright.stacks.execution_delivery import SERVICES
from sagewright.stacks.execution_policy import statements, template
from sagewright.stacks.execution_statements import Allow

QUALIFIER, BOUNDARY = "hnb659fds", "platform-boundary"
REGION = "eu-west-1"
# Every action that IAM knows, with the resources that it takes.
POLICIES = Path(cfnlint.__file__).parent / "data" / "AdditionalSpecs" / "Policies.json"
NETWORK = """\
data: {source: data/customers.csv, problem: binary_classification, label: churned}
training: {code: src/churn}
evaluation: {minimum: 0.55}
network: {mode: create}
monitoring: {engine: model_monitor}
security: {log_retention_days: 90}
serving: {instances: {min: 2}, rollout: {strategy: canary, percent: 50}}
repository: {provider: codecommit, name: churn}
"""
FEATURES = """\
data:
  source: s3://example/rows/
  problem: binary_classification
  label: late
  event_time: at
  join: [{group: weather, on: place}]
training: {code: src/churn}
evaluation: {minimum: 0.55}
features:
  weather:
    source: s3://example/weather/
    record_id: place
    event_time: at
    features: {wind: fractional}
    ingest: {schedule: daily}
    fresh_hours: 24
"""

# What resource types declare for properties that our templates do not use, by the property or the reason.
UNUSED = {
    "AccelerateConfiguration": {"s3:PutAccelerateConfiguration"},
    "AnalyticsConfigurations": {"s3:DeleteBucketAnalyticsConfiguration", "s3:PutAnalyticsConfiguration"},
    "AbacStatus": {"s3:PutBucketAbac"},
    "access control lists, which buckets of ours have switched off": {"s3:PutBucketAcl", "s3:PutObjectAcl"},
    "CorsConfiguration": {"s3:DeleteBucketCors", "s3:PutBucketCORS"},
    "IntelligentTieringConfigurations": {"s3:PutIntelligentTieringConfiguration"},
    "InventoryConfigurations": {"s3:PutInventoryConfiguration"},
    "MetadataTableConfiguration": {
        "s3:CreateBucketMetadataTableConfiguration",
        "s3:DeleteBucketMetadataTableConfiguration",
        "s3:UpdateBucketMetadataAnnotationTableConfiguration",
        "s3:UpdateBucketMetadataInventoryTableConfiguration",
        "s3:UpdateBucketMetadataJournalTableConfiguration",
        "s3tables:*",
    },
    "MetricsConfigurations": {"s3:DeleteBucketMetricsConfiguration", "s3:PutMetricsConfiguration"},
    "ObjectLockConfiguration": {"s3:PutBucketObjectLockConfiguration", "s3:PutObjectLockConfiguration"},
    "ReplicationConfiguration": {
        *("s3:DeleteBucketReplication", "s3:DeleteObject", "s3:PutBucketReplication", "s3:PutReplicationConfiguration"),
    },
    "WebsiteConfiguration": {"s3:DeleteBucketWebsite", "s3:PutBucketWebsite"},
    "not actions of IAM: the Put… of the same setting is what S3 asks for": {
        *("s3:DeleteBucketEncryption", "s3:DeleteBucketLifecycle", "s3:DeleteBucketTagging", "s3:REST.PUT.OBJECT"),
    },
    "Enabled": {"kms:DisableKey", "kms:EnableKey"},
    "ManagedPolicyArns": {"iam:AttachRolePolicy", "iam:DetachRolePolicy"},
    "Users and Groups": {f"iam:{verb}{kind}Policy" for verb in ("Delete", "Get", "Put") for kind in ("Group", "User")},
    "log delivery, index and resource policies, data protection": {
        *("firehose:TagDeliveryStream", "logs:CreateLogDelivery", "logs:DeleteDataProtectionPolicy"),
        *("logs:DeleteIndexPolicy", "logs:DeleteLogDelivery", "logs:DeleteResourcePolicy"),
        *("logs:PutBearerTokenAuthentication", "logs:PutDataProtectionPolicy", "logs:PutIndexPolicy"),
        *("logs:PutLogGroupDeletionProtection", "logs:PutResourcePolicy"),
    },
    "IPv6, encryption control and tenancy of a VPC": {
        *("ec2:AssociateSubnetCidrBlock", "ec2:CreateVpcEncryptionControl", "ec2:DisassociateSubnetCidrBlock"),
        "ec2:ModifyVpcTenancy",
    },
    "endpoints of other kinds than a gateway": {
        *("vpc-lattice:CreateServiceNetworkVpcEndpointAssociation", "vpce:AllowMultiRegion"),
        "vpc-lattice:DescribeServiceNetworkVpcEndpointAssociation",
    },
    "flow logs of Auto Scaling groups and into buckets": {"autoscaling:DescribeTags", "iam:CreateServiceLinkedRole"},
    "GetRole tells them": {"iam:ListRoleTags"},
    "code in a layer, signed, with capacity or concurrency of its own": {
        *("lambda:AssociateRuntimeAlias", "lambda:DeleteFunctionCodeSigningConfig"),
        *("lambda:DeleteFunctionConcurrency", "lambda:GetCodeSigningConfig", "lambda:GetLayerVersion"),
        *("lambda:PassCapacityProvider", "lambda:PublishVersion", "lambda:PutFunctionCodeSigningConfig"),
        *("lambda:PutFunctionConcurrency", "lambda:PutFunctionRecursionConfig", "lambda:PutFunctionScalingConfig"),
        "lambda:PutRuntimeManagementConfig",
    },
    "a function's VPC, file systems and key": {
        *("ec2:DescribeNetworkInterfaces", "elasticfilesystem:DescribeMountTargets", "s3files:ListMountTargets"),
    },
    "DataProtectionPolicy and delivery logs of a topic": {"sns:PutDataProtectionPolicy"},
    "DisableInboundStageTransitions and RestartExecutionOnUpdate": {
        *("codepipeline:DisableStageTransition", "codepipeline:EnableStageTransition"),
        "codepipeline:StartPipelineExecution",
    },
    "connections of a federated database": {
        f"glue:{verb}Connection" for verb in ("Create", "Delete", "Get", "Pass", "Update")
    },
    "Spark and identities in a workgroup, whose results its callers write themselves": {
        *("s3:AbortMultipartUpload", "s3:GetBucketLocation", "s3:ListBucketMultipartUploads"),
        *("s3:ListMultipartUploadParts", "s3:PutObject"),
    },
    "Triggers of a repository, whose other name is another repository": {
        "codecommit:PutRepositoryTriggers",
        "codecommit:UpdateRepositoryName",
    },
}


@pytest.fixture(scope="module")
def bodies(
    synthesized_of: Callable[..., Any], every: list[Any], tmp_path_factory: pytest.TempPathFactory
) -> list[dict[str, Any]]:
    """Every template of the usual projects, of one with all settings, and of one with features."""
    folder, accounts = tmp_path_factory.mktemp("bodies"), dict.fromkeys(("dev", "prod"), "999999999999")
    one = "  dev: {region: eu-west-1}\n"
    settled = synthesized_of(folder / "settled" / "churn", one, NETWORK, accounts)
    stored = synthesized_of(folder / "stored" / "churn", f"{one}  prod: {{region: eu-west-1}}\n", FEATURES, accounts)
    return [each.body for each in [*every, *settled, *stored]]


def test_everything_that_our_types_ask_for_is_allowed(bodies: list[dict[str, Any]]) -> None:
    types = {resource["Type"] for body in bodies for resource in body["Resources"].values()}
    unused = set().union(*UNUSED.values())

    missing = {
        kind: sorted(
            action
            for action in declared(kind)
            if action not in actions() | unused and not action.startswith("s3tables:")
        )
        for kind in types
    }

    assert {kind: left for kind, left in missing.items() if left} == {}


def test_what_is_left_out_is_really_declared_and_really_left_out() -> None:
    known = set().union(*(declared(kind) for kind in TYPES)) | {"s3tables:*", "iam:ListRoleTags"}
    unused = set().union(*UNUSED.values())

    assert unused - known == set()
    assert (unused & actions()) - {"iam:ListRoleTags"} == set()


TYPES = [
    *("AWS::Athena::WorkGroup", "AWS::CloudWatch::Alarm", "AWS::CloudWatch::Dashboard"),
    *("AWS::CodeBuild::Project", "AWS::CodeCommit::Repository", "AWS::CodePipeline::Pipeline"),
    *("AWS::EC2::FlowLog", "AWS::EC2::RouteTable", "AWS::EC2::SecurityGroup"),
    *("AWS::EC2::SecurityGroupEgress", "AWS::EC2::SecurityGroupIngress"),
    *("AWS::EC2::Subnet", "AWS::EC2::SubnetRouteTableAssociation", "AWS::EC2::VPC", "AWS::EC2::VPCEndpoint"),
    *(
        "AWS::Events::Rule",
        "AWS::Glue::Database",
        "AWS::IAM::Policy",
        "AWS::IAM::Role",
        "AWS::KMS::Alias",
        "AWS::KMS::Key",
    ),
    *("AWS::Lambda::EventInvokeConfig", "AWS::Lambda::Function", "AWS::Lambda::Permission", "AWS::Logs::LogGroup"),
    *("AWS::S3::Bucket", "AWS::S3::BucketPolicy"),
    *("AWS::SNS::Subscription", "AWS::SNS::Topic", "AWS::SNS::TopicPolicy"),
    *("AWS::SQS::Queue", "AWS::SQS::QueuePolicy", "AWS::SSM::Parameter"),
    *("AWS::SageMaker::DataQualityJobDefinition", "AWS::SageMaker::Endpoint", "AWS::SageMaker::EndpointConfig"),
    "AWS::SageMaker::FeatureGroup",
    *("AWS::SageMaker::Model", "AWS::SageMaker::ModelPackageGroup", "AWS::SageMaker::MonitoringSchedule"),
    *("AWS::SageMaker::Pipeline", "AWS::Scheduler::Schedule"),
]


def test_every_type_of_our_templates_is_known_here(bodies: list[dict[str, Any]]) -> None:
    types = {resource["Type"] for body in bodies for resource in body["Resources"].values()}

    assert sorted(types) == TYPES


@pytest.mark.parametrize("boundary", [None, BOUNDARY])
def test_each_policy_fits_into_what_iam_takes_of_one(boundary: str | None) -> None:
    for resource in template("a234567890", boundary)["Resources"].values():
        written = json.dumps(resource["Properties"]["PolicyDocument"])
        resolved = re.sub(r'\{"Fn::Sub": ("[^"]*")\}', r"\1", written)
        longest = {"${AWS::Partition}": "aws-us-gov", "${AWS::Region}": "ap-southeast-2", "${AWS::AccountId}": "1" * 12}
        for name, value in longest.items():
            resolved = resolved.replace(name, value)
        assert len(re.sub(r"\s", "", resolved)) <= execution_policy.CHARACTERS


def test_no_action_has_a_wildcard_and_only_what_knows_no_resources_is_allowed_on_all() -> None:
    known = json.loads(POLICIES.read_text())
    for statement in allowed():
        assert not any("*" in action for action in statement.actions), statement.sid
        if "*" in statement.resources:
            for action in statement.actions:
                service, _, name = action.partition(":")
                assert not known[service]["Actions"][name.lower()].get("Resources"), action


def test_every_action_is_one_of_iams() -> None:
    known = json.loads(POLICIES.read_text())

    assert [
        each
        for each in sorted(actions())
        if each.partition(":")[2].lower() not in known[each.partition(":")[0]]["Actions"]
    ] == []


def test_pull_requests_over_a_connection_come_by_a_webhook_that_no_type_declares() -> None:
    assert {f"codebuild:{verb}Webhook" for verb in ("Create", "Delete", "Update")} <= actions()


def test_with_a_boundary_a_role_is_made_only_under_it() -> None:
    (made,) = [each for each in allowed(BOUNDARY) if "iam:CreateRole" in each.actions]
    removed = [each.sid for each in allowed(BOUNDARY) if "iam:DeleteRolePermissionsBoundary" in each.actions]

    assert made.conditions["StringEquals"]["iam:PermissionsBoundary"] == {
        "Fn::Sub": f"arn:${{AWS::Partition}}:iam::${{AWS::AccountId}}:policy/{BOUNDARY}"
    }
    assert removed == []


_JOBS = ("TrainingDataset", "TrainingPreprocess", "TrainingTrain", "TrainingEvaluate", "IngestionJob")
# The policy of feature stores passes the roles of its own.
_OF_FEATURES = {
    "FeatureStoreWriter": "GiveFeatureRoles",
    "IngestionExecution": "GiveFeatureRoles",
    "IngestionArrival": "GiveArrivalRoles",
    "IngestionSchedule": "GiveIngestionRoles",
}


def test_every_role_of_our_templates_may_be_made_and_handed_to_the_service_that_trusts_it(
    bodies: list[dict[str, Any]],
) -> None:
    patterns = {
        statement.sid: [each.partition(":role/")[2] for each in statement.resources]
        for statement in allowed()
        if "iam:PassRole" in statement.actions or statement.sid == "MakeRoles"
    }
    services = {"sagemaker": "SageMaker", "scheduler": "Scheduler", "lambda": "Lambda", "vpc-flow-logs": "FlowLogs"}
    roles = [
        (name, role["Properties"])
        for body in bodies
        for name, role in body["Resources"].items()
        if role["Type"] == "AWS::IAM::Role"
    ]

    for name, role in roles:
        # CloudFormation gives a role without a name that of its stack and its own.
        full = role.get("RoleName", f"churn-prod-monitoring-{name}-1A2B3C4D5E6F")
        assert any(fnmatchcase(full, pattern) for pattern in patterns["MakeRoles"]), full
        (trust,) = role["AssumeRolePolicyDocument"]["Statement"]
        service = trust["Principal"].get("Service", "").partition(".")[0]
        # Jobs of training are handed their roles by the pipeline.
        if service and not name.startswith(_JOBS):
            delivers = "-delivery-" in full
            of_features = [sid for start, sid in _OF_FEATURES.items() if name.startswith(start)]
            passed = patterns[
                of_features[0] if of_features else "GiveDeliveryRoles" if delivers else f"Give{services[service]}Roles"
            ]
            assert not delivers or service in SERVICES, full
            assert any(fnmatchcase(full, pattern) for pattern in passed), full


def test_roles_are_handed_to_the_services_that_they_are_for_and_to_no_other() -> None:
    passed = [each for each in allowed() if "iam:PassRole" in each.actions]

    given = [each.conditions["StringEquals"]["iam:PassedToService"] for each in passed]
    assert {name for each in given for name in ([each] if isinstance(each, str) else each)} == {
        *("cloudformation.amazonaws.com", "codebuild.amazonaws.com", "codepipeline.amazonaws.com"),
        *("events.amazonaws.com", "lambda.amazonaws.com"),
        *("sagemaker.amazonaws.com", "scheduler.amazonaws.com", "vpc-flow-logs.amazonaws.com"),
    }
    assert not any(resource.endswith("role/*") for each in passed for resource in each.resources)


@pytest.mark.parametrize("boundary", [None, BOUNDARY])
def test_cfn_lint_has_nothing_to_say(boundary: str | None) -> None:
    regions = ["us-east-1", "eu-west-1", "ap-southeast-2"]
    assert lint(json.dumps(template(QUALIFIER, boundary)), regions=regions) == []


def test_cdk_nag_has_nothing_to_say_that_is_not_answered_beside_the_statement(tmp_path: Path) -> None:
    file = tmp_path / "template.json"
    file.write_text(json.dumps(template(QUALIFIER, BOUNDARY)))
    # Its own look at the template takes longer than all the rest, and cfn-lint has looked at it.
    app = App(outdir=str(tmp_path / "out"), analytics_reporting=False, builtin_cloud_formation_validation=False)
    stack = Stack(app, "execution")
    include.CfnInclude(stack, "Template", template_file=str(file))
    for statement in allowed(BOUNDARY):
        for resource in statement.resources:
            if "*" in resource:
                assert statement.because, statement.sid
                found = re.sub(r"\$\{(AWS::\w+)\}", r"<\1>", resource)
                answer = Acknowledgment(id=f"AwsSolutions-IAM5[Resource::{found}]", reason=statement.because)
                Validations.of(stack).acknowledge(answer)
    Validations.of(app).add_plugins(AwsSolutionsChecks(app))

    app.synth()


def allowed(boundary: str | None = None) -> Iterator[Allow]:
    for each in statements(QUALIFIER, boundary).values():
        yield from each


def actions() -> set[str]:
    return {action for each in allowed() for action in each.actions}


def declared(kind: str) -> set[str]:
    """What CloudFormation needs to make, read, change and remove a resource of the type, by the type's own schema."""
    schema = PROVIDER_SCHEMA_MANAGER.get_resource_schema(REGION, kind).schema
    handlers = schema.get("handlers", {})
    found = {
        action
        for name in ("create", "read", "update", "delete")
        for action in handlers.get(name, {}).get("permissions", [])
    }
    return found | set(schema.get("tagging", {}).get("permissions", []))
