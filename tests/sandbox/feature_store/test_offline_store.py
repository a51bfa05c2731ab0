"""The offline store has SageMaker's layout, columns and delay, and is written as the group's role."""

import datetime as dt
import json
import re
from typing import Any

import pytest

from sagewright.sandbox.feature_store.values import iso

from .conftest import ROLE_MAY, definitions, refused

QUARTER_S = 15 * 60


def test_a_record_is_written_after_the_delay_and_not_before(shop: Any) -> None:
    group = shop.made()
    shop.put(group, id="a", at="2026-01-01T00:00:00Z")

    shop.forward(QUARTER_S - 60)
    before = shop.keys(group)
    shop.forward(60)

    assert before == []
    assert len(shop.keys(group)) == 1


def test_files_lie_in_the_hour_of_the_event_time(shop: Any) -> None:
    group = shop.made()
    moments = ("2026-01-31T23:59:59.999Z", "2026-02-01T00:00:00Z", "2026-02-01T00:30:00Z")
    for number, moment in enumerate(moments):
        shop.put(group, id=number, at=moment)

    shop.forward(QUARTER_S)

    january, february = shop.keys(group)
    random = r"[A-Za-z0-9]{16}\.parquet"
    assert re.fullmatch(rf"data/year=2026/month=01/day=31/hour=23/20260131T235959Z_{random}", january)
    assert re.fullmatch(rf"data/year=2026/month=02/day=01/hour=00/20260201T003000Z_{random}", february)


def test_rows_hold_every_record_with_types_and_times(shop: Any) -> None:
    group = shop.made()
    shop.put(group, id="a", at="2026-01-01T00:00:02Z", count="5", share="0.5", note="x")
    invoked = dt.datetime.fromtimestamp(shop.clock.now(), dt.UTC).replace(tzinfo=None)
    shop.put(group, id="a", at="2026-01-01T00:00:01Z", count="6")

    shop.forward(QUARTER_S)

    late, early = sorted(shop.rows(group), key=lambda row: row["at"], reverse=True)
    values = ("a", "2026-01-01T00:00:02Z", 5, 0.5, "x", False)
    assert tuple(late[name] for name in ("id", "at", "count", "share", "note", "is_deleted")) == values
    assert (early["count"], early["share"], early["note"]) == (6, None, None)
    assert abs(late["api_invocation_time"] - invoked) < dt.timedelta(seconds=5)
    assert late["write_time"] - late["api_invocation_time"] >= dt.timedelta(minutes=14)


def test_a_deletion_is_a_row_without_values(shop: Any) -> None:
    group = shop.made()
    shop.runtime.delete_record(
        FeatureGroupName=group, RecordIdentifierValueAsString="a", EventTime="2026-01-01T00:00:00Z"
    )

    shop.forward(QUARTER_S)

    (row,) = shop.rows(group)
    assert (row["id"], row["at"], row["count"], row["is_deleted"]) == ("a", "2026-01-01T00:00:00Z", None, True)


def test_a_hard_deletion_that_is_refused_leaves_no_marker(shop: Any) -> None:
    group = shop.made()
    shop.put(group, id="a", at="2026-01-01T00:00:00Z")
    where = {"FeatureGroupName": group, "RecordIdentifierValueAsString": "a", "DeletionMode": "HardDelete"}
    refused(shop.runtime.delete_record, **where, EventTime="2025-01-01T00:00:00Z")

    shop.forward(QUARTER_S)

    assert [row["is_deleted"] for row in shop.rows(group)] == [False]


def test_an_expired_record_leaves_a_marker(shop: Any) -> None:
    ttl = {"Unit": "Hours", "Value": 1}
    group = shop.made(OnlineStoreConfig={"EnableOnlineStore": True, "TtlDuration": ttl})
    moment = int(shop.clock.now())
    shop.put(group, id="a", at=iso(moment))

    shop.forward(2 * 3600)

    written, expired = sorted(shop.rows(group), key=lambda row: row["is_deleted"])
    assert (written["at"], written["is_deleted"]) == (iso(moment), False)
    assert (expired["at"], expired["is_deleted"]) == (iso(moment + 3600), True)


@pytest.mark.parametrize(("store", "online", "rows"), [("OnlineStore", {"id": "a"}, 0), ("OfflineStore", {}, 1)])
def test_a_record_goes_into_the_stores_that_are_meant(shop: Any, store: str, online: dict[str, str], rows: int) -> None:
    group = shop.made()
    values = [
        {"FeatureName": "id", "ValueAsString": "a"},
        {"FeatureName": "at", "ValueAsString": "2026-01-01T00:00:00Z"},
    ]
    shop.runtime.put_record(FeatureGroupName=group, Record=values, TargetStores=[store])

    shop.forward(QUARTER_S)

    assert shop.get(group, "a", FeatureNames=["id"]) == online
    assert len(shop.rows(group)) == rows


def test_a_store_that_the_role_may_no_longer_write_is_blocked_and_loses_nothing(shop: Any) -> None:
    group = shop.made()
    for number in range(3):
        shop.put(group, id=number, at=f"2026-01-01T0{number}:00:00Z")
    shop.let_role("s3:ListBucket")

    shop.forward(QUARTER_S)
    blocked = shop.settled(group)["OfflineStoreStatus"]
    shop.let_role(*ROLE_MAY)
    shop.forward(QUARTER_S)

    assert blocked["Status"] == "Blocked"
    assert "s3:PutObject" in blocked["BlockedReason"]
    assert shop.settled(group)["OfflineStoreStatus"] == {"Status": "Active"}
    assert sorted(row["id"] for row in shop.rows(group)) == ["0", "1", "2"]


def test_files_are_encrypted_with_the_groups_key(shop: Any) -> None:
    key = shop.client("kms").create_key()["KeyMetadata"]["Arn"]
    storage = {"S3Uri": f"s3://{shop.name}/features", "KmsKeyId": key}
    group = shop.made(OfflineStoreConfig={"S3StorageConfig": storage})
    shop.put(group, id="a", at="2026-01-01T00:00:00Z")

    shop.forward(QUARTER_S)

    (path,) = shop.keys(group)
    found = shop.client("s3").head_object(Bucket=shop.name, Key=f"{shop.prefix(group)}/{path}")
    assert (found["ServerSideEncryption"], found["SSEKMSKeyId"]) == ("aws:kms", key)


def test_an_iceberg_table_has_its_own_layout_and_new_metadata_with_every_write(shop: Any) -> None:
    storage = {"S3StorageConfig": {"S3Uri": f"s3://{shop.name}/features"}, "TableFormat": "Iceberg"}
    group = shop.made(OfflineStoreConfig=storage)
    first = shop.table(group)["Parameters"]["metadata_location"]
    shop.sagemaker.update_feature_group(FeatureGroupName=group, FeatureAdditions=definitions({"more": "Integral"}))
    shop.settled(group)
    shop.put(group, id="a", at="2026-01-01T00:00:00Z", more=1)

    shop.forward(QUARTER_S)

    (path,) = shop.keys(group)
    table = shop.table(group)
    location = table["Parameters"]["metadata_location"]
    body = shop.client("s3").get_object(Bucket=shop.name, Key=location.removeprefix(f"s3://{shop.name}/"))["Body"]
    metadata = json.loads(body.read())
    assert re.fullmatch(r"data/[A-Za-z0-9]{8}/at_trunc=2026-01-01/20260101T000000Z_[A-Za-z0-9]{16}\.parquet", path)
    assert table["Parameters"]["table_type"] == "ICEBERG"
    assert location != first
    assert metadata["current-schema-id"] == 1
    assert metadata["schemas"][-1]["fields"][-1]["name"] == "more"
    assert shop.rows(group)[0]["more"] == 1


def test_a_table_of_ones_own_names_needs_the_database_and_a_free_name(shop: Any) -> None:
    database = shop.name.replace("-", "_")
    names = {"Catalog": "AwsDataCatalog", "Database": database, "TableName": "weather_v1"}
    storage = {"S3StorageConfig": {"S3Uri": f"s3://{shop.name}/features"}, "DataCatalogConfig": names}
    without = shop.settled(shop.made(OfflineStoreConfig=storage))
    shop.client("glue").create_database(DatabaseInput={"Name": database})
    group = shop.settled(shop.made(OfflineStoreConfig=storage))
    again = shop.settled(shop.made(OfflineStoreConfig=storage))

    assert [each["FeatureGroupStatus"] for each in (without, group, again)] == [
        "CreateFailed",
        "Created",
        "CreateFailed",
    ]
    assert shop.client("glue").get_table(DatabaseName=database, Name="weather_v1")["Table"]["Name"] == "weather_v1"


def test_features_that_the_catalog_cannot_tell_apart_make_no_table(shop: Any) -> None:
    group = shop.settled(shop.made({"id": "String", "at": "String", "Wind": "Integral", "wind": "Integral"}))

    assert group["FeatureGroupStatus"] == "CreateFailed"
    assert "wind" in group["FailureReason"]
