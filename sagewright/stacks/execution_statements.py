"""What CloudFormation itself must be allowed to do, to make, change and remove the stacks of any project.

Projects have nothing in common by which an ARN could name them, but the tag `sagewright:project` on everything that
can carry one: what is made must be given it, and what is changed must have it. Where a service's own rules on tags
would lock out what was just made, or where it knows no tags, names hold instead, as project.names gives them.

The actions are those that CloudFormation's resource types declare for the properties that our templates use.
https://docs.aws.amazon.com/cloudformation-cli/latest/userguide/resource-type-schema.html#schema-properties-handlers
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

Condition = Mapping[str, Mapping[str, Any]]

_TAG = "sagewright:project"
# What is being made is given the tag; what is there has it.
NEW: Condition = {"Null": {f"aws:RequestTag/{_TAG}": "false"}}
OURS: Condition = {"Null": {f"aws:ResourceTag/{_TAG}": "false"}}

# Roles of endpoints, releases and delivery have names; all others are named by CloudFormation,
# `<stack>-<logical id>-<random>`, of which the stack's part may be cut.
_ENDPOINT_ROLE = "*-endpoint"
_PIPELINE_ROLE = "*-TrainingExecutionRole*"
_FLOW_LOG_ROLE = "*-LogRole*"
# The job and the pipeline of the monitor, what starts it, and the function that tells what it found.
_MONITOR_ROLES = ("*-MonitoringJobRole*", "*-MonitoringExecutionRole*")
_SCHEDULE_ROLE = "*-MonitoringScheduleRole*"
_FUNCTION_ROLE = "*-FindingsToldRole*"
# Of functions, builds and pipelines of delivery: they have names, by which other accounts trust them.
DELIVERY_ROLE = "*-delivery-*"
_ROLES = (
    *(_ENDPOINT_ROLE, "*-release", "*-Training*Role*", _FLOW_LOG_ROLE),
    *("*-Monitoring*Role*", _FUNCTION_ROLE, DELIVERY_ROLE),
    # Of feature stores: the role as which SageMaker writes, those of the ingestion, and who writes elsewhere.
    *("*-features", "*-features-write", "*-ingestion", "*-Ingestion*Role*"),
)


@dataclass(frozen=True)
class Allow:
    """One statement, and why resources with a wildcard in them cannot be narrower."""

    sid: str
    actions: Sequence[str]
    resources: Sequence[str]
    because: str
    conditions: Condition = field(default_factory=dict)

    def document(self) -> dict[str, Any]:
        """Return the statement as IAM has it."""
        substituted = [{"Fn::Sub": each} if "${" in each else each for each in self.resources]
        conditions = {"Condition": dict(self.conditions)} if self.conditions else {}
        return {
            "Sid": self.sid,
            "Effect": "Allow",
            "Action": list(self.actions),
            "Resource": substituted,
            **conditions,
        }


def storage() -> Iterator[Allow]:
    """Allow what a data stack needs: buckets, their key, logs; and the records and alarms of releases."""
    buckets = [
        f"arn:${{AWS::Partition}}:s3:::*-{kind}-${{AWS::AccountId}}-${{AWS::Region}}"
        for kind in ("artifacts", "data", "logs")
    ]
    named = "Buckets are named after projects that do not exist yet; the rest of the name is exact."
    yield Allow("ChangeBuckets", [f"s3:{each}" for each in _CHANGE_BUCKETS], buckets, named)
    yield Allow("ReadBuckets", [f"s3:{each}" for each in _READ_BUCKETS], buckets, named)
    keys = arns("kms", "key/*")
    numbered = "KMS gives a key its id; the tag says whose it is."
    yield Allow("MakeKeys", ["kms:CreateKey"], ["*"], "A key has no ARN before it is made.", NEW)
    yield Allow("TagNewKeys", ["kms:TagResource"], keys, numbered, NEW)
    yield Allow("ChangeKeys", [f"kms:{each}" for each in _CHANGE_KEYS], keys, numbered, OURS)
    yield Allow(
        "NameKeys",
        ["kms:CreateAlias", "kms:DeleteAlias", "kms:UpdateAlias"],
        arns("kms", "alias/*-data", "alias/*-delivery"),
        "Aliases are named after projects that do not exist yet.",
    )
    yield Allow("ListKeyNames", ["kms:ListAliases"], ["*"], "ListAliases knows no resources.")
    yield Allow(
        "EncryptVolumes",
        ["kms:CreateGrant"],
        keys,
        numbered,
        {**OURS, "Bool": {"kms:GrantIsForAWSResource": "true"}},
    )
    yield Allow(
        "KeepRecords",
        [f"ssm:{each}" for each in _KEEP_RECORDS],
        arns("ssm", "parameter/sagewright/*"),
        "Everything of ours in the parameter store is below this path.",
    )
    yield Allow(
        "KeepLogs",
        [f"logs:{each}" for each in KEEP_LOGS],
        [
            arn
            for group in ("/aws/sagemaker/Endpoints/*", "/aws/lambda/*-findings", "*-network-Log*")
            for arn in arns("logs", f"log-group:{group}", f"log-group:{group}:*")
        ],
        "Log groups are named after endpoints, functions and network stacks of projects that do not exist yet.",
    )
    yield Allow("FindLogs", [f"logs:{each}" for each in _FIND_LOGS], ["*"], "What finds log groups knows no resources.")
    yield Allow(
        "WatchReleases",
        [f"cloudwatch:{each}" for each in _WATCH],
        arns("cloudwatch", "alarm:*/*"),
        "Alarms are named after endpoints and endpoint configs, which do not exist yet.",
    )


def roles(boundary: str | None) -> Iterator[Allow]:
    """Allow making roles, and handing them to the services that they are for."""
    made = [role(name) for name in _ROLES]
    named = "Roles are named after projects that do not exist yet; the tag says which are ours."
    bound: Condition = {"StringEquals": {"iam:PermissionsBoundary": _boundary_arn(boundary)}} if boundary else {}
    yield Allow("MakeRoles", ["iam:CreateRole"], made, named, {**NEW, **bound})
    yield Allow("TagNewRoles", ["iam:TagRole"], made, named, NEW)
    yield Allow("ReadRoles", [f"iam:{each}" for each in _READ_ROLES], made, named)
    yield Allow("ChangeRoles", [f"iam:{each}" for each in _CHANGE_ROLES], made, named, OURS)
    if boundary:
        yield Allow("BoundRoles", ["iam:PutRolePermissionsBoundary"], made, named, {**OURS, **bound})
    else:
        yield Allow(
            "BoundRoles", [f"iam:{each}RolePermissionsBoundary" for each in ("Delete", "Put")], made, named, OURS
        )
    for sid, names, service in (
        ("GiveSageMakerRoles", (_ENDPOINT_ROLE, _PIPELINE_ROLE, *_MONITOR_ROLES), "sagemaker"),
        ("GiveFlowLogsRoles", (_FLOW_LOG_ROLE,), "vpc-flow-logs"),
        ("GiveSchedulerRoles", (_SCHEDULE_ROLE,), "scheduler"),
        ("GiveLambdaRoles", (_FUNCTION_ROLE,), "lambda"),
    ):
        # Tags on roles are no condition for passing them that IAM vouches for.
        # https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_use_passrole.html
        passed: Condition = {"StringEquals": {"iam:PassedToService": f"{service}.amazonaws.com"}}
        yield Allow(sid, ["iam:PassRole"], [role(name) for name in names], named, passed)


def learning() -> Iterator[Allow]:
    """Allow what SageMaker keeps: the registry, the pipeline, and what a release makes."""
    kept = arns("sagemaker", *(f"{kind}/*" for kind in _KINDS))
    named = "They are named after projects that do not exist yet, or by CloudFormation; the tag says which are ours."
    yield Allow("MakeModels", [f"sagemaker:{each}" for each in _MAKE_MODELS], kept, named, NEW)
    # What is gone has no tags, and CloudFormation looks whether it is gone.
    yield Allow("ReadModels", [f"sagemaker:{each}" for each in _READ_MODELS], kept, named)
    yield Allow("ChangeModels", [f"sagemaker:{each}" for each in _CHANGE_MODELS], kept, named, OURS)


def network() -> Iterator[Allow]:
    """Allow networks of our own."""
    numbered = "EC2 gives everything in a network its id; the tag says which are ours."
    parts = arns("ec2", *(f"{kind}/*" for kind in _NETWORK_PARTS))
    yield Allow(
        "LookAtNetworks", [f"ec2:{each}" for each in _LOOK_AT_NETWORKS], ["*"], "What describes knows no resources."
    )
    yield Allow("MakeNetworks", [f"ec2:{each}" for each in (*_MAKE_NETWORKS, "DescribeVpcAttribute")], parts, numbered)
    yield Allow(
        "TagNewNetworks",
        ["ec2:CreateTags"],
        parts,
        numbered,
        {"StringEquals": {"ec2:CreateAction": list(_MAKE_NETWORKS)}},
    )
    yield Allow("ChangeNetworks", [f"ec2:{each}" for each in _CHANGE_NETWORKS], parts, numbered, OURS)


def bootstrap(qualifier: str) -> Iterator[Allow]:
    """Allow templates to ask which bootstrap there is."""
    version = arns("ssm", f"parameter/cdk-bootstrap/{qualifier}/version")
    yield Allow("ReadBootstrapVersion", ["ssm:GetParameters"], version, "")


def arns(service: str, *resources: str) -> list[str]:
    """Name resources of the account and region that the policy is in."""
    return [f"arn:${{AWS::Partition}}:{service}:${{AWS::Region}}:${{AWS::AccountId}}:{each}" for each in resources]


def role(name: str) -> str:
    """Name roles of the account that the policy is in."""
    return f"arn:${{AWS::Partition}}:iam::${{AWS::AccountId}}:role/{name}"


def _boundary_arn(boundary: str) -> Any:
    if boundary.startswith("arn:"):
        return boundary
    return {"Fn::Sub": f"arn:${{AWS::Partition}}:iam::${{AWS::AccountId}}:policy/{boundary}"}


_CHANGE_BUCKETS = (
    *("CreateBucket", "DeleteBucket", "DeleteBucketPolicy", "PutBucketLogging", "PutBucketNotification"),
    *("PutBucketOwnershipControls", "PutBucketPolicy", "PutBucketPublicAccessBlock", "PutBucketTagging"),
    *("PutBucketVersioning", "PutEncryptionConfiguration", "PutLifecycleConfiguration", "TagResource", "UntagResource"),
)
_READ_BUCKETS = (
    *("GetAccelerateConfiguration", "GetAnalyticsConfiguration", "GetBucketAbac", "GetBucketAcl", "GetBucketCORS"),
    *(
        "GetBucketLogging",
        "GetBucketMetadataTableConfiguration",
        "GetBucketNotification",
        "GetBucketObjectLockConfiguration",
    ),
    *("GetBucketOwnershipControls", "GetBucketPolicy", "GetBucketPublicAccessBlock", "GetBucketTagging"),
    *("GetBucketVersioning", "GetBucketWebsite", "GetEncryptionConfiguration", "GetIntelligentTieringConfiguration"),
    *(
        "GetInventoryConfiguration",
        "GetLifecycleConfiguration",
        "GetMetricsConfiguration",
        "GetReplicationConfiguration",
    ),
    *("ListBucket", "ListTagsForResource"),
)
_CHANGE_KEYS = (
    *("CreateAlias", "DeleteAlias", "DescribeKey", "DisableKeyRotation", "EnableKeyRotation", "GetKeyPolicy"),
    *("GetKeyRotationStatus", "ListResourceTags", "PutKeyPolicy", "ScheduleKeyDeletion", "TagResource"),
    *("UntagResource", "UpdateAlias", "UpdateKeyDescription"),
)
_KEEP_RECORDS = (
    *("AddTagsToResource", "DeleteParameter", "GetParameters", "ListTagsForResource", "PutParameter"),
    "RemoveTagsFromResource",
)
KEEP_LOGS = (
    *("AssociateKmsKey", "CreateLogGroup", "DeleteLogGroup", "DeleteRetentionPolicy", "DisassociateKmsKey"),
    *("GetDataProtectionPolicy", "ListTagsForResource", "PutRetentionPolicy", "TagResource", "UntagResource"),
)
_FIND_LOGS = ("DescribeIndexPolicies", "DescribeLogGroups", "DescribeResourcePolicies")
_WATCH = ("DeleteAlarms", "DescribeAlarms", "ListTagsForResource", "PutMetricAlarm", "TagResource", "UntagResource")
_READ_ROLES = ("GetRole", "GetRolePolicy", "ListAttachedRolePolicies", "ListRolePolicies", "ListRoleTags")
_CHANGE_ROLES = (
    *("DeleteRole", "DeleteRolePolicy", "PutRolePolicy", "TagRole", "UntagRole", "UpdateAssumeRolePolicy"),
    *("UpdateRole", "UpdateRoleDescription"),
)
_KINDS = (
    *("data-quality-job-definition", "endpoint", "endpoint-config", "model", "model-package-group"),
    *("monitoring-schedule", "pipeline"),
)
_MAKE_MODELS = (
    *("AddTags", "CreateDataQualityJobDefinition", "CreateEndpoint", "CreateEndpointConfig", "CreateModel"),
    *("CreateModelPackageGroup", "CreateMonitoringSchedule", "CreatePipeline"),
)
_READ_MODELS = (
    *("DescribeDataQualityJobDefinition", "DescribeEndpoint", "DescribeEndpointConfig", "DescribeModel"),
    *("DescribeModelPackageGroup", "DescribeMonitoringSchedule", "DescribePipeline", "GetModelPackageGroupPolicy"),
    "ListTags",
)
_CHANGE_MODELS = (
    *("AddTags", "DeleteDataQualityJobDefinition", "DeleteEndpoint", "DeleteEndpointConfig", "DeleteModel"),
    *("DeleteModelPackageGroup", "DeleteModelPackageGroupPolicy", "DeleteMonitoringSchedule", "DeletePipeline"),
    *("DeleteTags", "PutModelPackageGroupPolicy", "UpdateEndpoint", "UpdateMonitoringSchedule", "UpdatePipeline"),
)
_NETWORK_PARTS = ("route-table", "security-group", "subnet", "vpc", "vpc-endpoint", "vpc-flow-log")
_LOOK_AT_NETWORKS = (
    *("DescribeAccountAttributes", "DescribeAvailabilityZones", "DescribeFlowLogs", "DescribeInstances"),
    *("DescribeNetworkAcls", "DescribeRouteTables", "DescribeSecurityGroupRules", "DescribeSecurityGroups"),
    *("DescribeSubnets", "DescribeTags"),
    *("DescribeVpcEncryptionControls", "DescribeVpcEndpoints", "DescribeVpcs"),
)
_MAKE_NETWORKS = (
    *("CreateFlowLogs", "CreateRouteTable", "CreateSecurityGroup", "CreateSubnet", "CreateVpc", "CreateVpcEndpoint"),
)
_CHANGE_NETWORKS = (
    *("AssociateRouteTable", "AuthorizeSecurityGroupEgress", "AuthorizeSecurityGroupIngress", "CreateTags"),
    *("DeleteFlowLogs", "DeleteRouteTable", "DeleteSecurityGroup", "DeleteSubnet", "DeleteTags", "DeleteVpc"),
    *("DeleteVpcEndpoints", "DisassociateRouteTable", "ModifySubnetAttribute", "ModifyVpcAttribute"),
    *("ModifyVpcEndpoint", "ReplaceRouteTableAssociation", "RevokeSecurityGroupEgress", "RevokeSecurityGroupIngress"),
    *("UpdateSecurityGroupRuleDescriptionsEgress", "UpdateSecurityGroupRuleDescriptionsIngress"),
)
