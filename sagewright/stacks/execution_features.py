"""What CloudFormation must be allowed to do for feature groups, what fills them, and what joins them.

Tags say whose a feature group is, names everything else. Who makes a group makes its table and gives it the key.
https://docs.aws.amazon.com/sagemaker/latest/dg/feature-store-security.html
"""

from collections.abc import Iterator

from sagewright.stacks.execution_monitoring import RULES, TOPICS
from sagewright.stacks.execution_statements import NEW, OURS, Allow, arns, role

_NAMED = "They are named after projects that do not exist yet; the rest of the name is exact."
_GROUPS = "Feature groups are named after projects that do not exist yet; the tag says which are ours."
_WRITER_ROLE, _PIPELINE_ROLE = "*-features", "*-IngestionExecutionRole*"
_ARRIVAL_ROLE, _SCHEDULE_ROLE = "*-IngestionArrivalRole*", "*-IngestionScheduleRole*"


def features() -> Iterator[Allow]:
    """Allow feature groups with their catalog and key, the ingestion with what starts it, and the workgroup."""
    yield from _groups()
    yield from _catalog()
    yield from _ingestion()
    # https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonec2.html: CreateVpcEndpoint
    zones = ["arn:${AWS::Partition}:route53:::hostedzone/*"]
    named = "AWS keeps the private names of its services in zones of its own."
    yield Allow("NameInterfaces", ["route53:AssociateVPCWithHostedZone"], zones, named)
    workgroups = arns("athena", "workgroup/*-features")
    yield Allow("KeepWorkgroups", [f"athena:{each}" for each in _WORKGROUPS], workgroups, _NAMED)
    for sid, roles, service in (
        ("GiveFeatureRoles", (_WRITER_ROLE, _PIPELINE_ROLE), "sagemaker"),
        ("GiveArrivalRoles", (_ARRIVAL_ROLE,), "events"),
        ("GiveIngestionRoles", (_SCHEDULE_ROLE,), "scheduler"),
    ):
        passed = {"StringEquals": {"iam:PassedToService": f"{service}.amazonaws.com"}}
        yield Allow(sid, ["iam:PassRole"], [role(name) for name in roles], _NAMED, passed)


def _groups() -> Iterator[Allow]:
    groups = arns("sagemaker", "feature-group/*")
    yield Allow("MakeGroups", ["sagemaker:AddTags", "sagemaker:CreateFeatureGroup"], groups, _GROUPS, NEW)
    yield Allow("ReadGroups", ["sagemaker:DescribeFeatureGroup", "sagemaker:ListTags"], groups, _GROUPS)
    changed = [f"sagemaker:{each}" for each in ("AddTags", "DeleteFeatureGroup", "DeleteTags", "UpdateFeatureGroup")]
    yield Allow("ChangeGroups", changed, groups, _GROUPS, OURS)
    keys = arns("kms", "key/*")
    numbered = "KMS gives a key its id; the tag says whose it is."
    # Making a grant is allowed for disks already, on the same condition.
    yield Allow("EncryptGroups", [f"kms:{each}" for each in _ENCRYPT_GROUPS], keys, numbered, OURS)


def _catalog() -> Iterator[Allow]:
    databases = arns("glue", "catalog", "database/*_features")
    tables = arns("glue", "table/*_features/*", "userDefinedFunction/*_features/*")
    yield Allow("KeepCatalogs", [f"glue:{each}" for each in _DATABASES], [*databases, *tables], _NAMED)
    unknown = "What tells of Lake Formation knows no resources."
    yield Allow("LookAtLakes", [f"lakeformation:{each}" for each in _LAKES], ["*"], unknown)


def _ingestion() -> Iterator[Allow]:
    yield Allow("KeepArrivals", [f"events:{each}" for each in RULES], arns("events", "rule/*-arrival"), _NAMED)
    yield Allow(
        "KeepIngestions",
        [f"scheduler:{each}Schedule" for each in ("Create", "Delete", "Get", "Update")],
        arns("scheduler", "schedule/default/*-ingestion-*"),
        _NAMED,
    )
    yield Allow("KeepIngestionTopics", [f"sns:{each}" for each in TOPICS], arns("sns", "*-ingestion"), _NAMED)


_ENCRYPT_GROUPS = (
    *("Decrypt", "Encrypt", "GenerateDataKey", "ListGrants", "ReEncryptFrom", "ReEncryptTo", "RetireGrant"),
    "RevokeGrant",
)
_DATABASES = ("CreateDatabase", "CreateTable", "DeleteDatabase", "GetDatabase", "GetTable", "UpdateDatabase")
_LAKES = ("DescribeLakeFormationIdentityCenterConfiguration", "DescribeResource", "ListResources")
_WORKGROUPS = (
    *("CreateWorkGroup", "DeleteWorkGroup", "GetWorkGroup", "ListTagsForResource", "TagResource", "UntagResource"),
    "UpdateWorkGroup",
)
