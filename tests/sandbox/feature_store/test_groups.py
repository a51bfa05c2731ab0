"""Groups are made, changed and deleted as in AWS, and refused as there."""

import datetime as dt
from typing import Any

import pytest

from .conftest import FEATURES, definitions, refused


def test_a_group_is_described_with_what_sagemaker_adds(shop: Any) -> None:
    name = shop.made(Description="How it goes")

    group = shop.sagemaker.describe_feature_group(FeatureGroupName=name)

    created_s = int(group["CreationTime"].timestamp())
    offline = group["OfflineStoreConfig"]
    root = f"s3://{shop.name}/features/111111111111/sagemaker/eu-west-1/offline-store/{name}-{created_s}"
    assert offline["S3StorageConfig"]["ResolvedOutputS3Uri"] == f"{root}/data"
    assert offline["DataCatalogConfig"] == {
        "TableName": f"{name.replace('-', '_')}_{created_s}",
        "Catalog": "AwsDataCatalog",
        "Database": "sagemaker_featurestore",
    }
    assert group["FeatureGroupStatus"] == "Created"
    assert group["OfflineStoreStatus"] == {"Status": "Active"}
    assert group["ThroughputConfig"] == {"ThroughputMode": "OnDemand"}
    assert group["Description"] == "How it goes"


def test_the_table_has_the_features_and_sagemakers_own_columns_and_no_partitions(shop: Any) -> None:
    name = shop.made()

    table = shop.table(name)

    columns = {column["Name"]: column["Type"] for column in table["StorageDescriptor"]["Columns"]}
    assert columns == {
        "id": "string",
        "at": "string",
        "count": "bigint",
        "share": "double",
        "note": "string",
        "write_time": "timestamp",
        "api_invocation_time": "timestamp",
        "is_deleted": "boolean",
    }
    assert table["PartitionKeys"] == []
    assert table["StorageDescriptor"]["Location"] == f"s3://{shop.name}/{shop.prefix(name)}/data"


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"RecordIdentifierFeatureName": "other"}, "RecordIdentifierFeatureName other is not one of the names"),
        ({"EventTimeFeatureName": "count"}, "EventTimeFeatureName count has to be of type String or Fractional"),
        ({"RecordIdentifierFeatureName": "share"}, "share has to be of type String or Integral"),
        ({"OnlineStoreConfig": None, "OfflineStoreConfig": None}, "needs an OnlineStoreConfig"),
        ({"OnlineStoreConfig": {"EnableOnlineStore": False}, "OfflineStoreConfig": None}, "needs an OnlineStoreConfig"),
        ({"RoleArn": None}, "RoleArn is required"),
        (
            {"FeatureDefinitions": definitions({**FEATURES, "is_deleted": "String"})},
            "Feature name is_deleted is reserved",
        ),
        ({"FeatureDefinitions": definitions(FEATURES) * 2}, "Feature names have to be unique"),
        ({"ThroughputConfig": {"ThroughputMode": "Provisioned"}}, "needs ProvisionedWriteCapacityUnits"),
        (
            {"ThroughputConfig": {"ThroughputMode": "OnDemand", "ProvisionedReadCapacityUnits": 1}},
            "not applicable in the throughput mode OnDemand",
        ),
        (
            {"OnlineStoreConfig": {"TtlDuration": {"Unit": "Days", "Value": 1}}},
            "TtlDuration is for a feature group with an online store",
        ),
    ],
)
def test_a_group_that_cannot_be_is_refused_at_once(shop: Any, changes: dict[str, Any], told: str) -> None:
    code, message = refused(shop.sagemaker.create_feature_group, **shop.request(**changes))

    assert code == "ValidationException"
    assert told in message


def test_an_iceberg_table_needs_an_event_time_of_text(shop: Any) -> None:
    storage = {"S3StorageConfig": {"S3Uri": f"s3://{shop.name}/features"}, "TableFormat": "Iceberg"}
    request = shop.request({**FEATURES, "at": "Fractional"}, OfflineStoreConfig=storage)

    assert "event time feature of type String" in refused(shop.sagemaker.create_feature_group, **request)[1]


@pytest.mark.parametrize(
    "changes",
    [
        {"OnlineStoreConfig": {"EnableOnlineStore": True, "StorageType": "InMemory"}},
        {"FeatureDefinitions": [*definitions(FEATURES), {**definitions({"l": "String"})[0], "CollectionType": "List"}]},
    ],
)
def test_what_the_sandbox_lacks_is_refused_by_name(shop: Any, changes: dict[str, Any]) -> None:
    code, message = refused(shop.sagemaker.create_feature_group, **shop.request(**changes))

    assert code == "UnsupportedOperation"
    assert "is not available in the sandbox" in message


def test_a_taken_and_an_absent_name_are_told(shop: Any) -> None:
    name = shop.made()

    taken = refused(shop.sagemaker.create_feature_group, **shop.request(FeatureGroupName=name))
    absent = refused(shop.sagemaker.describe_feature_group, FeatureGroupName="absent")

    assert taken[0] == "ResourceInUse"
    assert absent[0] == "ResourceNotFound"
    assert "can't find a FeatureGroup with name absent" in absent[1]


@pytest.mark.parametrize("missing", ["s3:GetBucketAcl", "s3:PutObject", "s3:PutObjectAcl"])
def test_a_role_that_may_not_write_the_bucket_makes_no_group(shop: Any, missing: str) -> None:
    allowed = {"s3:GetBucketAcl", "s3:PutObject", "s3:PutObjectAcl"} - {missing}
    shop.let_role(*sorted(allowed))

    name = shop.made()

    group = shop.sagemaker.describe_feature_group(FeatureGroupName=name)
    assert group["FeatureGroupStatus"] == "CreateFailed"
    assert missing in group["FailureReason"]


def test_a_bucket_that_is_not_there_makes_no_group(shop: Any) -> None:
    name = shop.made(OfflineStoreConfig={"S3StorageConfig": {"S3Uri": "s3://no-such-bucket-of-mine/"}})

    assert "no-such-bucket-of-mine" in shop.sagemaker.describe_feature_group(FeatureGroupName=name)["FailureReason"]


def test_a_role_that_does_not_trust_sagemaker_is_refused(shop: Any) -> None:
    request = shop.request(RoleArn="arn:aws:iam::111111111111:role/nobody")

    assert "Could not assume role" in refused(shop.sagemaker.create_feature_group, **request)[1]


def test_features_are_added_to_the_group_and_its_table(shop: Any) -> None:
    name = shop.made()

    shop.sagemaker.update_feature_group(FeatureGroupName=name, FeatureAdditions=definitions({"more": "Integral"}))
    group = shop.settled(name)
    shop.put(name, id="a", at="2026-01-01T00:00:00Z", more=7)

    assert group["LastUpdateStatus"] == {"Status": "Successful"}
    assert group["FeatureDefinitions"][-1] == {"FeatureName": "more", "FeatureType": "Integral"}
    assert {"Name": "more", "Type": "bigint"} in shop.table(name)["StorageDescriptor"]["Columns"]
    assert shop.get(name, "a")["more"] == "7"


def test_an_update_whose_role_may_not_change_the_table_fails_and_says_so(shop: Any) -> None:
    name = shop.made()
    shop.let_role("s3:PutObject")

    shop.sagemaker.update_feature_group(FeatureGroupName=name, FeatureAdditions=definitions({"more": "Integral"}))

    group = shop.settled(name)
    assert group["LastUpdateStatus"]["Status"] == "Failed"
    assert "glue:GetTable" in group["LastUpdateStatus"]["FailureReason"]
    assert group["FeatureDefinitions"] == definitions(FEATURES)


def test_one_change_at_a_time(shop: Any) -> None:
    name = shop.made()
    ttl = {"TtlDuration": {"Unit": "Days", "Value": 1}}
    added = definitions({"more": "Integral"})

    both = refused(
        shop.sagemaker.update_feature_group, FeatureGroupName=name, FeatureAdditions=added, OnlineStoreConfig=ttl
    )
    again = refused(
        shop.sagemaker.update_feature_group, FeatureGroupName=name, FeatureAdditions=definitions({"note": "String"})
    )

    assert "at a time" in both[1]
    assert "note is given more than once" in again[1]


def test_more_than_a_hundred_features_at_a_time_are_refused(shop: Any) -> None:
    name = shop.made()
    many = definitions({f"f{number}": "String" for number in range(101)})

    code, message = refused(shop.sagemaker.update_feature_group, FeatureGroupName=name, FeatureAdditions=many)

    assert (code, "less than or equal to 100" in message) == ("ValidationException", True)


def test_time_to_live_is_set_and_taken_away(shop: Any) -> None:
    name, ttl = shop.made(), {"Unit": "Days", "Value": 1}

    shop.sagemaker.update_feature_group(FeatureGroupName=name, OnlineStoreConfig={"TtlDuration": ttl})
    with_ttl = shop.settled(name)["OnlineStoreConfig"]
    shop.sagemaker.update_feature_group(FeatureGroupName=name, OnlineStoreConfig={"TtlDuration": {}})

    assert with_ttl == {"EnableOnlineStore": True, "TtlDuration": ttl}
    assert shop.settled(name)["OnlineStoreConfig"] == {"EnableOnlineStore": True}


def test_on_demand_is_switched_to_once_a_day(shop: Any) -> None:
    provisioned = {
        "ThroughputMode": "Provisioned",
        "ProvisionedReadCapacityUnits": 5,
        "ProvisionedWriteCapacityUnits": 5,
    }
    name = shop.made(ThroughputConfig=provisioned)
    for config in ({"ThroughputMode": "OnDemand"}, provisioned):
        shop.sagemaker.update_feature_group(FeatureGroupName=name, ThroughputConfig=config)
        assert shop.settled(name)["ThroughputConfig"] == config

    again = refused(
        shop.sagemaker.update_feature_group, FeatureGroupName=name, ThroughputConfig={"ThroughputMode": "OnDemand"}
    )

    assert "once in a 24 hour period" in again[1]


def test_a_deleted_group_leaves_its_table_and_its_files(shop: Any) -> None:
    name = shop.made()
    database, table = "sagemaker_featurestore", shop.table(name)["Name"]
    shop.put(name, id="a", at="2026-01-01T00:00:00Z")
    prefix = shop.prefix(name)

    shop.sagemaker.delete_feature_group(FeatureGroupName=name)
    shop.forward(dt.timedelta(minutes=15).total_seconds())

    asked = {"FeatureGroupName": name, "RecordIdentifierValueAsString": "a"}
    assert refused(shop.runtime.get_record, **asked)[0] == "ResourceNotFound"
    assert shop.client("glue").get_table(DatabaseName=database, Name=table)["Table"]["Name"] == table
    assert shop.client("s3").list_objects_v2(Bucket=shop.name, Prefix=prefix)["KeyCount"] == 1


def test_groups_are_listed_by_name_and_status(shop: Any) -> None:
    first, second = shop.made(), shop.made()
    shop.let_role("s3:ListBucket")
    failed = shop.made()

    listed = shop.sagemaker.list_feature_groups(NameContains=shop.name, SortBy="Name", MaxResults=2)
    rest = shop.sagemaker.list_feature_groups(
        NameContains=shop.name, SortBy="Name", MaxResults=2, NextToken=listed["NextToken"]
    )
    broken = shop.sagemaker.list_feature_groups(NameContains=shop.name, FeatureGroupStatusEquals="CreateFailed")

    pages = listed["FeatureGroupSummaries"] + rest["FeatureGroupSummaries"]
    assert {each["FeatureGroupName"] for each in pages} == {first, second, failed}
    assert [each["FeatureGroupName"] for each in broken["FeatureGroupSummaries"]] == [failed]


def test_a_feature_is_described_by_whoever_knows_it(shop: Any) -> None:
    name = shop.made()
    where = {"FeatureGroupName": name, "FeatureName": "share"}

    before = shop.sagemaker.describe_feature_metadata(**where)
    added = [{"Key": "unit", "Value": "percent"}, {"Key": "old", "Value": "yes"}]
    shop.sagemaker.update_feature_metadata(**where, Description="How much", ParameterAdditions=added)
    shop.sagemaker.update_feature_metadata(**where, ParameterRemovals=["old"])
    after = shop.sagemaker.describe_feature_metadata(**where)

    assert "Description" not in before
    assert before["Parameters"] == []
    assert after["Description"] == "How much"
    assert after["Parameters"] == [{"Key": "unit", "Value": "percent"}]
    unknown = {**where, "FeatureName": "absent"}
    assert refused(shop.sagemaker.describe_feature_metadata, **unknown)[0] == "ResourceNotFound"
