"""Records are written, read and deleted online by AWS's rules."""

import random
import re
import subprocess
import sys
from typing import Any

import pytest

from sagewright.sandbox.feature_store.online_table import Kept, OnlineTable
from sagewright.sandbox.feature_store.values import iso

from .conftest import record, refused

EARLY, MIDDLE, LATE = "2026-01-01T00:00:00Z", "2026-01-01T00:00:00.500Z", "2026-01-01T00:00:01Z"


@pytest.fixture
def group(shop: Any) -> str:
    return shop.made(OfflineStoreConfig=None)


def test_what_was_put_is_read_as_it_was_written(shop: Any, group: str) -> None:
    shop.put(group, id="a/b c", at=EARLY, count="007", share="1.50", note="")

    assert shop.get(group, "a/b c") == {"id": "a/b c", "at": EARLY, "count": "007", "share": "1.50", "note": ""}
    assert shop.get(group, "a/b c", FeatureNames=["share", "count"]) == {"share": "1.50", "count": "007"}


def test_a_feature_without_a_value_is_left_out_of_the_answer(shop: Any, group: str) -> None:
    shop.put(group, id="a", at=EARLY, count=1)
    shop.put(group, id="a", at=LATE, share=1)

    assert shop.get(group, "a") == {"id": "a", "at": LATE, "share": "1"}


def test_the_latest_event_time_wins_in_whatever_order_records_arrive(shop: Any, group: str) -> None:
    for moment, count in ((MIDDLE, 1), (LATE, 2), (EARLY, 3), (LATE, 4)):
        shop.put(group, id="a", at=moment, count=count)

    assert shop.get(group, "a")["count"] == "2"


def test_the_newest_stays_whatever_the_order() -> None:
    moments = list(range(20))
    for seed in range(20):
        table = OnlineTable()
        random.Random(seed).shuffle(moments)  # noqa: S311 - an order, no secret
        for moment in moments:
            table.put("a", Kept(moment, {"at": str(moment)}, None, 0), 0)
        found = table.get("a", 0)
        assert found is not None
        assert found.moment_s == max(moments)


def test_an_absent_record_is_an_empty_answer(shop: Any, group: str) -> None:
    answer = shop.runtime.get_record(FeatureGroupName=group, RecordIdentifierValueAsString="absent")

    assert "Record" not in answer


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({"id": "a"}, "Required feature at is missing"),
        ({"at": EARLY}, "Required feature id is missing"),
        ({"id": "a", "at": EARLY, "other": 1}, "Feature other is not defined"),
        ({"id": "a", "at": EARLY, "count": "1.0"}, "not of its type Integral"),
        ({"id": "a", "at": EARLY, "count": 2**63}, "not of its type Integral"),
        ({"id": "a", "at": EARLY, "count": ""}, "not of its type Integral"),
        ({"id": "a", "at": EARLY, "share": "nan"}, "not of its type Fractional"),
        ({"id": "a", "at": EARLY, "share": "1e999"}, "not of its type Fractional"),
        ({"id": "a", "at": EARLY, "share": "1_000"}, "not of its type Fractional"),
        ({"id": "a", "at": "2026-01-01"}, "ISO-8601 string in the format"),
        ({"id": "a", "at": "2026-01-01T00:00:00"}, "ISO-8601 string in the format"),
        ({"id": "a", "at": "2026-01-01T00:00:00+01:00"}, "ISO-8601 string in the format"),
        ({"id": "a", "at": "2026-02-30T00:00:00Z"}, "ISO-8601 string in the format"),
        ({"id": "a", "at": "2026-01-01T00:00:00.5Z"}, "ISO-8601 string in the format"),
        ({"id": "", "at": EARLY}, "record identifier id has 0 bytes"),
        ({"id": "i" * 2049, "at": EARLY}, "record identifier id has 2049 bytes"),
        ({"id": "a", "at": EARLY, "note": "n" * 358_390}, "more than the 358400"),
    ],
)
def test_a_record_that_is_none_is_refused(shop: Any, group: str, values: dict[str, Any], told: str) -> None:
    code, message = refused(shop.runtime.put_record, FeatureGroupName=group, Record=record(**values))

    assert code == "ValidationError"
    assert told in message


def test_a_feature_given_twice_is_refused(shop: Any, group: str) -> None:
    twice = record(id="a", at=EARLY, count=1) + record(count=2)

    assert "more than once" in refused(shop.runtime.put_record, FeatureGroupName=group, Record=twice)[1]


def test_event_times_may_be_unix_seconds(shop: Any) -> None:
    features = {"id": "Integral", "at": "Fractional"}
    group = shop.made(features, OfflineStoreConfig=None)
    shop.put(group, id=1, at="1700000000.25")
    shop.put(group, id=1, at="1700000000")

    assert shop.get(group, "1")["at"] == "1700000000.25"
    params = {"FeatureGroupName": group, "Record": record(id=1, at=EARLY)}
    assert "Unix timestamp in seconds" in refused(shop.runtime.put_record, **params)[1]


def test_a_store_that_the_group_does_not_have_is_refused(shop: Any, group: str) -> None:
    params = {"FeatureGroupName": group, "Record": record(id="a", at=EARLY), "TargetStores": ["OfflineStore"]}
    without = shop.made(OnlineStoreConfig=None)
    asked = {"FeatureGroupName": without, "RecordIdentifierValueAsString": "a"}

    assert "OfflineStore of FeatureGroup" in refused(shop.runtime.put_record, **params)[1]
    assert "has no online store" in refused(shop.runtime.get_record, **asked)[1]


def test_an_absent_group_is_told(shop: Any) -> None:
    params = {"FeatureGroupName": "absent", "Record": record(id="a", at=EARLY)}

    assert refused(shop.runtime.put_record, **params)[0] == "ResourceNotFound"


def test_a_group_is_found_by_its_arn(shop: Any, group: str) -> None:
    arn = f"arn:aws:sagemaker:eu-west-1:111111111111:feature-group/{group}"
    shop.put(arn, id="a", at=EARLY)

    assert shop.get(arn, "a")["id"] == "a"
    assert shop.get(group, "a")["id"] == "a"


def test_a_batch_returns_what_there_is_and_tells_of_what_went_wrong(shop: Any, group: str) -> None:
    shop.put(group, id="a", at=EARLY, count=1)
    shop.put(group, id="b", at=EARLY, count=2)

    answer = shop.runtime.batch_get_record(
        Identifiers=[
            {
                "FeatureGroupName": group,
                "RecordIdentifiersValueAsString": ["a", "absent", "b"],
                "FeatureNames": ["count"],
            },
            {"FeatureGroupName": "no-such-group", "RecordIdentifiersValueAsString": ["a"]},
        ]
    )

    found = {each["RecordIdentifierValueAsString"]: each["Record"] for each in answer["Records"]}
    assert found == {"a": record(count=1), "b": record(count=2)}
    assert [(each["FeatureGroupName"], each["ErrorCode"]) for each in answer["Errors"]] == [
        ("no-such-group", "ResourceNotFound")
    ]
    assert answer["UnprocessedIdentifiers"] == []


@pytest.mark.parametrize(
    ("ids", "told"),
    [
        ([[f"{number}" for number in range(60)], [f"x{number}" for number in range(60)]], "At most 100 records"),
        ([["a", "a"]], "more than once"),
    ],
)
def test_a_batch_has_its_limits(shop: Any, group: str, ids: list[list[str]], told: str) -> None:
    asked = [{"FeatureGroupName": group, "RecordIdentifiersValueAsString": each} for each in ids]

    assert told in refused(shop.runtime.batch_get_record, Identifiers=asked)[1]


def test_a_soft_deletion_hides_the_record_and_keeps_older_ones_out(shop: Any, group: str) -> None:
    where = {"FeatureGroupName": group, "RecordIdentifierValueAsString": "a"}
    shop.put(group, id="a", at=MIDDLE)

    shop.runtime.delete_record(**where, EventTime=EARLY)
    after_an_early_one = shop.get(group, "a")
    shop.runtime.delete_record(**where, EventTime=LATE)
    shop.put(group, id="a", at=MIDDLE)
    after_a_late_one = shop.get(group, "a")
    shop.put(group, id="a", at="2026-01-02T00:00:00Z")

    assert after_an_early_one["at"] == MIDDLE
    assert after_a_late_one == {}
    assert shop.get(group, "a")["at"] == "2026-01-02T00:00:00Z"


def test_a_hard_deletion_forgets_the_record_and_must_be_later(shop: Any, group: str) -> None:
    where = {"FeatureGroupName": group, "RecordIdentifierValueAsString": "a", "DeletionMode": "HardDelete"}
    shop.put(group, id="a", at=MIDDLE)

    code, message = refused(shop.runtime.delete_record, **where, EventTime=MIDDLE)
    shop.runtime.delete_record(**where, EventTime=LATE)
    shop.put(group, id="a", at=EARLY)

    assert (code, "EventTime" in message) == ("ValidationError", True)
    assert shop.get(group, "a")["at"] == EARLY


def test_a_record_expires_after_its_time_to_live(shop: Any) -> None:
    ttl = {"Unit": "Hours", "Value": 1}
    group = shop.made(OnlineStoreConfig={"EnableOnlineStore": True, "TtlDuration": ttl}, OfflineStoreConfig=None)
    moment = int(shop.clock.now())
    own = {"Unit": "Hours", "Value": 3}
    shop.put(group, id="by-group", at=iso(moment))
    shop.runtime.put_record(FeatureGroupName=group, Record=record(id="by-record", at=iso(moment)), TtlDuration=own)

    told = shop.runtime.get_record(
        FeatureGroupName=group, RecordIdentifierValueAsString="by-record", ExpirationTimeResponse="Enabled"
    )
    shop.forward(2 * 3600)

    assert told["ExpiresAt"] == iso(moment + 3 * 3600)
    assert shop.get(group, "by-group") == {}
    assert shop.get(group, "by-record")["id"] == "by-record"


def test_what_was_over_when_it_came_cannot_be_read(shop: Any) -> None:
    ttl = {"Unit": "Hours", "Value": 1}
    group = shop.made(OnlineStoreConfig={"EnableOnlineStore": True, "TtlDuration": ttl}, OfflineStoreConfig=None)

    shop.put(group, id="a", at=EARLY)

    assert shop.get(group, "a") == {}


def test_a_new_time_to_live_is_for_new_records_alone(shop: Any, group: str) -> None:
    moment = iso(int(shop.clock.now()))
    shop.put(group, id="old", at=moment)
    change = {"TtlDuration": {"Unit": "Minutes", "Value": 1}}
    shop.sagemaker.update_feature_group(FeatureGroupName=group, OnlineStoreConfig=change)
    shop.settled(group)
    shop.put(group, id="new", at=moment)

    shop.forward(300)

    assert shop.get(group, "old")["id"] == "old"
    assert shop.get(group, "new") == {}


def test_more_than_the_provisioned_writes_are_throttled(shop: Any) -> None:
    units = {"ProvisionedReadCapacityUnits": 2, "ProvisionedWriteCapacityUnits": 3}
    group = shop.made(OfflineStoreConfig=None, ThroughputConfig={"ThroughputMode": "Provisioned", **units})
    big = record(id="big", at=EARLY, note="n" * 60_000)
    shop.runtime.put_record(FeatureGroupName=group, Record=big)

    code, message = refused(shop.runtime.put_record, FeatureGroupName=group, Record=record(id="a", at=EARLY))

    assert code == "ThrottlingException"
    assert "provisioned write capacity" in message


def test_more_than_the_provisioned_reads_come_back_unprocessed(shop: Any) -> None:
    units = {"ProvisionedReadCapacityUnits": 1, "ProvisionedWriteCapacityUnits": 100}
    group = shop.made(OfflineStoreConfig=None, ThroughputConfig={"ThroughputMode": "Provisioned", **units})
    for record_id in "abc":
        shop.put(group, id=record_id, at=EARLY, note="n" * 20_000)

    asked = [{"FeatureGroupName": group, "RecordIdentifiersValueAsString": ["a", "b", "c"], "FeatureNames": ["at"]}]
    answer = shop.runtime.batch_get_record(Identifiers=asked)

    assert [each["RecordIdentifierValueAsString"] for each in answer["Records"]] == ["a"]
    assert answer["UnprocessedIdentifiers"] == [{**asked[0], "RecordIdentifiersValueAsString": ["b", "c"]}]


@pytest.mark.parametrize("operation", ["list_records", "update_record", "batch_write_record"])
def test_operations_that_the_sandbox_lacks_are_refused_by_name(shop: Any, group: str, operation: str) -> None:
    values = {
        "list_records": {"FeatureGroupName": group},
        "update_record": {
            "FeatureGroupName": group,
            "RecordIdentifierValueAsString": "a",
            "Features": record(count=1),
        },
        "batch_write_record": {"Entries": [{"FeatureGroupName": group, "Record": record(id="a", at=EARLY)}]},
    }

    code, message = refused(getattr(shop.runtime, operation), **values[operation])

    assert code == "UnsupportedOperation"
    assert re.search(r"does not have sagemaker-featurestore-runtime:\w+", message)


WRITER = """
import sys, threading, time
import boto3

endpoint, group, count, threads = sys.argv[1], sys.argv[2], int(sys.argv[3]), 4
keys = {"aws_access_key_id": "AKIASBOX111111111111", "aws_secret_access_key": "sandbox"}
runtime = boto3.client("sagemaker-featurestore-runtime", "eu-west-1", endpoint_url=endpoint, **keys)

def write(first):
    for number in range(first, count, threads):
        values = {"id": str(number), "at": "2026-01-01T00:00:00Z", "count": str(number), "share": "0.5"}
        record = [{"FeatureName": name, "ValueAsString": value} for name, value in values.items()]
        runtime.put_record(FeatureGroupName=group, Record=record)

began_s = time.monotonic()
writers = [threading.Thread(target=write, args=(first,)) for first in range(threads)]
for writer in writers:
    writer.start()
for writer in writers:
    writer.join()
print(count / (time.monotonic() - began_s))
"""


@pytest.mark.soak
def test_another_process_writes_four_hundred_records_a_second(shop: Any, group: str) -> None:
    call = [sys.executable, "-c", WRITER, shop.sandbox.endpoint, group, "5000"]

    per_second = float(subprocess.run(call, check=True, capture_output=True, text=True).stdout)

    assert shop.get(group, "4999")["count"] == "4999"
    assert per_second > 400
