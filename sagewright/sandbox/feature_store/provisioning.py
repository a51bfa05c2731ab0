"""Why: what a group needs outside of SageMaker (bucket, table) has to be there, and its role must reach it."""

from datetime import datetime
from typing import Any

from ..clients import ActingClients, Clients
from ..protocol import ApiError, Caller
from ..sagemaker.artifacts import split_s3_uri
from ..sagemaker.instances.role import PRINCIPAL
from ..sagemaker.instances.s3_data import region_of
from ..sagemaker.store import Record
from . import catalog, iceberg
from .group import Group
from .offline_store import put

_OWN = {"FeatureGroupName", "RecordIdentifierFeatureName", "EventTimeFeatureName", "FeatureDefinitions", "RoleArn"}


def described(params: dict[str, Any], caller: Caller, arn: str, made: datetime) -> Record:
    """Return what DescribeFeatureGroup tells of a group that is being made."""
    record: Record = {key: value for key, value in params.items() if key in {*_OWN, "Description"}}
    record |= {
        "FeatureGroupArn": arn,
        "CreationTime": made,
        "LastModifiedTime": made,
        "FeatureGroupStatus": "Creating",
        "OfflineStoreStatus": {"Status": "Active" if "OfflineStoreConfig" in params else "Disabled"},
        "ThroughputConfig": params.get("ThroughputConfig", {"ThroughputMode": "OnDemand"}),
    }
    if "OnlineStoreConfig" in params:
        record["OnlineStoreConfig"] = {"EnableOnlineStore": False, **params["OnlineStoreConfig"]}
    if offline := params.get("OfflineStoreConfig"):
        record["OfflineStoreConfig"] = _offline(params["FeatureGroupName"], offline, caller, int(made.timestamp()))
    return record


def make(clients: Clients, creator: ActingClients, group: Group, record: Record) -> None:
    """Check the offline store's bucket, and make its table; a refusal is why the group cannot be."""
    if not group.has_offline:
        return
    acting = _as_role(clients, group)
    _require_bucket(acting, group)
    if not catalog.has_table(record):
        return
    if repeated := catalog.repeated_column(record["FeatureDefinitions"]):
        raise ApiError(
            "ValidationException",
            f"The table cannot have feature {repeated} and another of the same name but for its capitals.",
        )
    metadata = ""
    if group.is_iceberg:
        path, text = iceberg.first_metadata(group, record["FeatureDefinitions"], record["CreationTime"].timestamp())
        put(acting, group, path, text)
        metadata = f"{group.root}/{path}"
    catalog.create_table(creator, group, record, metadata)


def grow(clients: Clients, group: Group, record: Record, at_s: float) -> None:
    """Bring the table to the group's features, as its role."""
    acting = _as_role(clients, group)
    if group.is_iceberg:
        advance(acting, group, record, at_s)
    else:
        catalog.update_table(acting, group, record)


def advance(acting: ActingClients, group: Group, record: Record, at_s: float) -> None:
    """Give an Iceberg table its next metadata, as the group's role."""
    location = catalog.metadata_location(acting, group, record)
    s3 = acting.get("s3", group.owner.account, group.owner.region)
    path, text = iceberg.next_metadata(s3, location, record["FeatureDefinitions"], at_s)
    put(acting, group, path, text)
    catalog.update_table(acting, group, record, {"metadata_location": f"{group.root}/{path}"})


def _offline(name: str, offline: dict[str, Any], caller: Caller, created_s: int) -> dict[str, Any]:
    """Return an OfflineStoreConfig with what SageMaker adds: where data goes to, and the table's names."""
    storage = offline["S3StorageConfig"]
    root = f"{storage['S3Uri'].rstrip('/')}/{caller.account}/sagemaker/{caller.region}/offline-store"
    config = {
        "DisableGlueTableCreation": False,
        **offline,
        "S3StorageConfig": {**storage, "ResolvedOutputS3Uri": f"{root}/{name}-{created_s}/data"},
    }
    if not config["DisableGlueTableCreation"]:
        config.setdefault("DataCatalogConfig", catalog.default_names(name, created_s))
    return config


def _as_role(clients: Clients, group: Group) -> ActingClients:
    return clients.as_role(group.role, service=PRINCIPAL, region=group.owner.region, source_arn=group.arn)


def _require_bucket(acting: ActingClients, group: Group) -> None:
    """Refuse a bucket that is not there, or that the role may not write.

    https://docs.aws.amazon.com/sagemaker/latest/dg/feature-store-adding-policies.html
    """
    account, region = group.owner.account, group.owner.region
    bucket, prefix = split_s3_uri(group.root)
    if region_of(bucket) != region:
        raise ApiError("ValidationException", f"The S3 bucket {bucket} does not exist in {region}.")
    acting.get("s3", account, region).get_bucket_acl(Bucket=bucket)
    context = {"s3:x-amz-acl": "bucket-owner-full-control"}
    if group.offline_key:
        context |= {
            "s3:x-amz-server-side-encryption": "aws:kms",
            "s3:x-amz-server-side-encryption-aws-kms-key-id": group.offline_key,
        }
    for action in ("s3:PutObject", "s3:PutObjectAcl"):
        acting.require(
            action, f"arn:aws:s3:::{bucket}/{prefix}/data/*", region=region, account=account, context=context
        )
