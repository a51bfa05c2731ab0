"""The ingestion brings every good row into both stores once, and says what became of the others."""

import csv
import io
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from sagewright.runtime.jobs.ingestion import online_writer, source_batches
from tests.runtime.jobs.ingestion.ingest_world import BUCKET, NOW, ROLE, World, group, parquet, refusal, world

__all__ = ["world"]

Make = Callable[..., World]

WEATHER = """id,at,wind,gusts
JFK,2013-01-01T05:00:00Z,10.5,3
LGA,2013-01-01T05:30:00Z,,
JFK,2013-01-01 01:00:00-05:00,11,NA
JFK,1357012800,9,1
"""


def test_rows_reach_the_hour_of_their_event_time_and_the_newest_of_each_id_is_online(world: Make) -> None:
    there = world()
    there.put("a.csv", WEATHER)

    code, message = there.run()

    assert (code, message) == (
        0,
        "g: 1 new files, 0 known; in all 4 rows read, 4 written, 0 quarantined, 0 there already",
    )
    rows = there.offline()
    assert [(row["id"], row["at"], row["wind"], row["gusts"], row["hour"]) for row in rows] == [
        ("JFK", "2013-01-01T04:00:00Z", 9.0, 1, "year=2013/month=01/day=01/hour=04"),
        ("JFK", "2013-01-01T05:00:00Z", 10.5, 3, "year=2013/month=01/day=01/hour=05"),
        ("LGA", "2013-01-01T05:30:00Z", None, None, "year=2013/month=01/day=01/hour=05"),
        ("JFK", "2013-01-01T06:00:00Z", 11.0, None, "year=2013/month=01/day=01/hour=06"),
    ]
    assert {(row["write_time"], row["api_invocation_time"], row["is_deleted"]) for row in rows} == {
        (NOW.replace(tzinfo=None), NOW.replace(tzinfo=None), False)
    }
    assert {key: record for (_, key), (_, record) in there.online.items()} == {
        "JFK": {"id": "JFK", "at": "2013-01-01T06:00:00Z", "wind": "11.0"},
        "LGA": {"id": "LGA", "at": "2013-01-01T05:30:00Z"},
    }
    assert ("Sagewright/p/dev", "g", "RowsIngested", 4.0) in there.metrics


def test_objects_are_named_as_sagemaker_names_them(world: Make) -> None:
    there = world()
    there.put("a.csv", WEATHER)
    there.run()
    names = [key.rpartition("/")[2] for key in there.objects if key.endswith(".parquet")]
    assert [name.partition("_")[0] for name in sorted(names)] == [
        "20130101T040000Z",
        "20130101T053000Z",
        "20130101T060000Z",
    ]
    assert {len(name) for name in names} == {len("20130101T040000Z_0123456789abcdef.parquet")}


def test_the_same_file_again_changes_nothing_whatever_it_is_called(world: Make) -> None:
    there = world()
    there.put("a.csv", WEATHER)
    there.run()
    before = there.state()
    there.put("again.csv", WEATHER)

    code, message = there.run()

    assert code == 0
    assert message.startswith("g: 0 new files, 2 known")
    after = there.state()
    assert {**after, "names": None} == {**before, "names": None}
    assert all("/seen/" in name or "sources/" in name for name in {*after["names"]} - {*before["names"]})


def test_a_late_row_is_history_and_does_not_replace_the_newer_one_online(world: Make) -> None:
    there = world()
    there.put("a.csv", "id,at,wind,gusts\nJFK,2013-01-02T00:00:00Z,2,2\n")
    there.run()
    there.put("b.csv", "id,at,wind,gusts\nJFK,2013-01-01T00:00:00Z,1,1\n")
    there.run()
    assert there.online["p-g-v1", "JFK"][1] == {"id": "JFK", "at": "2013-01-02T00:00:00Z", "wind": "2.0", "gusts": "2"}
    assert [row["wind"] for row in there.offline()] == [1.0, 2.0]


def test_a_correction_under_the_same_event_time_is_served_as_it_is_learnt(world: Make) -> None:
    there = world()
    there.put("a.csv", "id,at,wind,gusts\nJFK,2013-01-02T00:00:00Z,2,\nLGA,2013-01-02T00:00:00Z,5,5\n")
    there.run()
    there.put("b.csv", "id,at,wind,gusts\nJFK,2013-01-02T00:00:00Z,2,3\nLGA,2013-01-02T00:00:00Z,5.0,5\n")
    there.run()

    assert there.online["p-g-v1", "JFK"][1] == {"id": "JFK", "at": "2013-01-02T00:00:00Z", "wind": "2.0", "gusts": "3"}
    assert there.online["p-g-v1", "LGA"][1] == {"id": "LGA", "at": "2013-01-02T00:00:00Z", "wind": "5.0", "gusts": "5"}
    assert {row["gusts"] for row in there.offline() if row["id"] == "JFK"} == {None, 3}


@pytest.mark.parametrize("offline", ["glue", None])
def test_an_id_is_written_online_once_for_a_whole_file_with_its_newest_good_row(
    world: Make, monkeypatch: pytest.MonkeyPatch, offline: str | None
) -> None:
    monkeypatch.setattr(source_batches, "MOST_ROWS", 3)
    there = world(g=group(offline=offline))
    hours = [*range(20), 7, 19, 3]
    # The newest of all is no row of its table, and the last row is late.
    lines = [
        f"{key},2013-01-01T{hour:02}:{place:02}:00Z,{hour},{place}" for place, hour in enumerate(hours) for key in "ab"
    ]
    there.put("a.csv", "\n".join(["id,at,wind,gusts", *lines, "a,2013-01-02T00:00:00Z,strong,1"]) + "\n")
    calls: list[str] = []
    there.faults = lambda _, name: calls.append(name)

    code, message = there.run()

    assert code == 0, message
    assert calls.count("before put_record") == 2
    for key in "ab":
        assert there.online["p-g-v1", key][1] == {
            "id": key,
            "at": "2013-01-01T19:21:00Z",
            "wind": "19.0",
            "gusts": "21",
        }
    (end,) = there.ledger(".end.json")
    assert (end["written"], end["older"], end["online"]) == (46, 44, {"": 2})


def test_a_bad_row_is_quarantined_with_its_number_its_reason_and_itself(world: Make) -> None:
    there = world()
    lines = [
        *("id,at,wind,gusts", "JFK,2013-01-01T00:00:00Z,1,1", "JFK,2013-01-01T01:00:00Z,strong,1"),
        *("JFK,2013-01-01T02:00:00Z,1,1.5", ",2013-01-01T03:00:00Z,1,1", "JFK,,1,1", "JFK,tomorrow,1,1"),
        *("JFK,2013-01-01T04:00:00Z,1", "JFK,1357012800000,1,1", "JFK,2013-01-01T00:00:00Z,1,1"),
        *("JFK,2013-01-01T00:00:00Z,7,7", "JFK,2013-02-30,1,1", "JFK,2013-01-01T05:00:00Z,inf,x"),
    ]
    there.put("a.csv", "\n".join(lines) + "\n")

    code, message = there.run()

    assert code == 0
    assert "12 rows read, 1 written, 10 quarantined, 1 there already" in message
    (text,) = there.ledger("quarantine")
    told = [*csv.DictReader(io.StringIO(text))]
    assert {int(each["row"]): each["reason"] for each in told} == {
        2: "wind: 'strong' is not a number",
        3: "gusts: '1.5' is not a whole number",
        4: "id: every row needs a value",
        5: "at: every row needs a value",
        6: "at: 'tomorrow' is neither a time in ISO 8601 nor seconds since 1970",
        7: "3 values, the header has 4 columns",
        8: "at: '1357012800000' is not between 1900 and 2200: "
        "a time is ISO 8601 text, or seconds since 1970 (not milliseconds)",
        10: "an earlier row of the file has the same record id and event time, and other values",
        11: "at: '2013-02-30' is no time: day is out of range for month",
        12: "wind: 'inf' is not a finite number; gusts: 'x' is not a number",
    }
    assert told[0]["content"] == '{"id": "JFK", "at": "2013-01-01T01:00:00Z", "wind": "strong", "gusts": "1"}'
    assert ("Sagewright/p/dev", "g", "RowsQuarantined", 10.0) in there.metrics


def test_a_record_that_no_store_takes_is_quarantined_and_the_others_are_written(world: Make) -> None:
    there = world(g=group([("a", "string"), ("b", "string"), ("c", "string")]))
    long = ",".join(["x" * 120_000] * 3)
    at = "2013-01-01T00:00:00Z"
    there.put("a.csv", f"id,at,a,b,c\n{'i' * 2049},{at},,,\n{'i' * 2048},{at},,,\nJFK,{at},{long}\n")

    code, message = there.run()

    assert code == 0
    assert "3 rows read, 1 written, 2 quarantined" in message
    (text,) = there.ledger("quarantine")
    reasons = [line.split(",")[1:3] for line in text.splitlines()[1:]]
    assert reasons[0][0].startswith('"id: an id of 2049 bytes')
    assert reasons[1][0].startswith('"the record has 360030 bytes')


@pytest.mark.parametrize("transform", [None, "as_it_is"])
def test_a_value_longer_than_csv_readers_take_puts_its_row_aside_and_not_the_file(
    world: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, transform: str | None
) -> None:
    (tmp_path / "plainly.py").write_text("def as_it_is(raw):\n    return raw\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    there = world(g=group([("note", "string")], transform=transform, package="plainly"))
    at = "2013-01-01T00:00:00Z"
    there.put("a.csv", f"id,at,note\nJFK,{at},{'x' * 131_073}\nLGA,{at},{'x' * 131_072}\nEWR,{at},short\n")
    limit = csv.field_size_limit()

    code, message = there.run()

    assert code == 0, message
    assert "3 rows read, 2 written, 1 quarantined" in message
    (text,) = there.ledger("quarantine")
    assert text.splitlines()[1].startswith('1,"note: a value of 131073 characters, of at most 131072"')
    assert {row["id"] for row in there.offline()} == {"LGA", "EWR"}
    assert csv.field_size_limit() == limit


def test_a_quote_that_nothing_ends_is_told_of_the_file(world: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(source_batches, "_LONGEST_READ", 200_000)
    there = world()
    there.put("a.csv", WEATHER + 'JFK,2013-01-02T00:00:00Z,"' + "x" * 200_001)
    code, message = there.run()
    assert code == 1
    assert "a.csv, after row 4, is not CSV" in message


def test_parquet_types_become_those_declared(world: Make) -> None:
    there = world(g=group([("wind", "fractional"), ("gusts", "integral"), ("code", "string")]))
    at = [datetime(2013, 1, 1, hour, 0, 0, 123456, tzinfo=UTC) for hour in range(4)]
    there.put(
        "a.parquet",
        parquet(
            id=[7, 8, 9, 10], at=at, wind=[1, 2, None, 4], gusts=[1.0, float("nan"), 2.5, 3.0], code=[1.0, 2.5, None, 3]
        ),
    )
    assert there.run()[0] == 0
    assert [(row["id"], row["at"], row["wind"], row["gusts"], row["code"]) for row in there.offline()] == [
        ("7", "2013-01-01T00:00:00.123Z", 1.0, 1, "1"),
        ("8", "2013-01-01T01:00:00.123Z", 2.0, None, "2.5"),
        ("10", "2013-01-01T03:00:00.123Z", 4.0, 3, "3"),
    ]
    (end,) = there.ledger(".end.json")
    assert (end["rows"], end["written"], end["quarantined"]) == (4, 3, 1)


def test_seconds_since_1970_are_kept_where_the_event_time_is_a_number(world: Make) -> None:
    there = world(g=group(at="fractional"))
    there.put("a.csv", "id,at,wind,gusts\nJFK,1357016400.25,1,1\nJFK,2013-01-01T06:00:00Z,1,1\n")
    assert there.run()[0] == 0
    assert [(row["at"], row["hour"][-7:]) for row in there.offline()] == [
        (1357016400.25, "hour=05"),
        (1357020000.0, "hour=06"),
    ]


def test_what_the_online_store_would_take_away_at_once_is_not_written_there_and_counted(world: Make) -> None:
    there = world(g=group(time_to_live_s=3600))
    fresh, old = ((NOW - timedelta(minutes=minutes)).isoformat() for minutes in (30, 90))
    there.put("a.csv", f"id,at,wind,gusts\nnew,{fresh},1,1\nold,{old},1,1\n")
    code, message = there.run()
    assert code == 0
    assert "2 written" in message
    assert "1 too old for the online store" in message
    assert {key for _, key in there.online} == {"new"}
    assert len(there.offline()) == 2


def test_other_environments_get_the_newest_record_with_their_own_role(world: Make) -> None:
    there = world()
    there.put("a.csv", WEATHER)
    assert there.run("--online-targets", f"prod={ROLE}")[0] == 0
    assert {*there.online} == {(name, key) for name in ("p-g-v1", "p-g-v1-prod") for key in ("JFK", "LGA")}
    assert ROLE in there.assumed


def test_a_throttled_writer_waits_and_goes_on(world: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    there = world()
    there.put("a.csv", WEATHER)
    refused: list[str] = []

    def busy(_: int, name: str) -> None:
        if name == "before put_record" and len(refused) < 5:
            refused.append(name)
            raise refusal(*(("ThrottlingException", 400) if len(refused) % 2 else ("InternalFailure", 500)))

    there.faults = busy
    monkeypatch.setattr(online_writer, "_LONGEST_PAUSE_S", 0.0)
    code, message = there.run()
    assert code == 0
    assert message.endswith("5 calls were made again")
    assert len(there.online) == 2


@pytest.mark.parametrize(("times", "code"), [(3, 0), (12, 1)])
def test_what_was_written_is_read_again_until_the_store_shows_it(
    world: Make, monkeypatch: pytest.MonkeyPatch, times: int, code: int
) -> None:
    there = world()
    there.put("a.csv", WEATHER)
    refused: list[str] = []

    def busy(_: int, name: str) -> None:
        if name == "before batch_get_record" and len(refused) < times:
            refused.append(name)
            raise refusal("ThrottlingException", 400, "Rate exceeded")

    there.faults = busy
    monkeypatch.setattr(online_writer, "_LONGEST_PAUSE_S", 0.0)
    ended, message = there.run()

    assert ended == code
    told = "feature group p-g-v1 did not show its records: ThrottlingException: Rate exceeded"
    assert message.endswith("3 calls were made again" if code == 0 else told)


def test_a_record_that_the_store_refuses_fails_the_job_and_names_it(world: Make) -> None:
    there = world()
    there.put("a.csv", WEATHER)

    def refuse(_: int, name: str) -> None:
        if name == "before put_record":
            raise refusal("ValidationError", 400, "no such feature")

    there.faults = refuse
    code, message = there.run()
    assert code == 1
    assert message.startswith("feature group p-g-v1 did not take the record with id '")
    assert message.endswith("ValidationError: no such feature")
    assert there.ledger(".end.json") == []


def test_descriptions_and_units_are_written_only_where_they_differ(world: Make) -> None:
    declared = group()
    declared["features"][2] |= {"description": "How it blows", "unit": "km/h"}
    there = world(g=declared)
    there.metadata["p-g-v1", "gusts"] = {"Description": "", "Parameters": [{"Key": "unit", "Value": "mph"}]}
    there.run()
    assert there.updates == ["wind", "gusts"]
    assert there.metadata["p-g-v1", "wind"] == {
        "Description": "How it blows",
        "Parameters": [{"Key": "unit", "Value": "km/h"}],
    }
    assert there.metadata["p-g-v1", "gusts"]["Parameters"] == []
    there.run()
    assert there.updates == ["wind", "gusts"]


def test_the_profile_sums_the_files_and_heals_after_a_crash(world: Make) -> None:
    there = world()
    there.put("a.csv", WEATHER)
    there.run()
    there.put("b.csv", "id,at,wind,gusts\nEWR,2013-03-01T00:00:00Z,,1\n")
    there.run()
    (profile,) = there.ledger("profile.json")
    assert {name: profile[name] for name in ("rows", "files", "quarantined", "newest_event_time", "distinct_ids")} == {
        "rows": 5,
        "files": 2,
        "quarantined": 0,
        "newest_event_time": "2013-03-01T00:00:00Z",
        "distinct_ids": 3,
    }
    assert profile["null_rate"] == {"id": 0.0, "at": 0.0, "wind": 0.4, "gusts": 0.4}
    del there.objects["ingestion/g/v1/profile.json"]
    there.run()
    assert there.ledger("profile.json")[0]["rows"] == 5


def test_a_transform_of_the_package_makes_the_rows(
    world: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = tmp_path / "windy"
    package.mkdir()
    (package / "__init__.py").write_text(
        "def hourly(raw):\n"
        "    raw['gusts'] = raw['gusts'].fillna(0).astype(int)\n"
        "    return raw.rename(columns={'station': 'id', 'time': 'at'}).groupby('id', as_index=False).last()\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    there = world(g=group(transform="hourly", package="windy"))
    there.put("a.csv", WEATHER.replace("id,at", "station,time") + "broken\n")
    code, message = there.run()
    assert (code, message[:6]) == (0, "g: 1 n"), message
    assert [(row["id"], row["wind"]) for row in there.offline()] == [("JFK", 9.0), ("LGA", None)]
    (end,) = there.ledger(".end.json")
    assert (end["rows"], end["written"], end["quarantined"]) == (3, 2, 1)


def test_a_group_without_an_offline_store_is_written_online_only(world: Make) -> None:
    there = world(g=group(offline=None))
    there.put("a.csv", WEATHER)
    assert there.run()[0] == 0
    assert there.offline() == []
    assert len(there.online) == 2


def test_an_iceberg_group_gets_every_row_through_put_record(world: Make) -> None:
    there = world(g=group(offline="iceberg"))
    there.put("a.csv", WEATHER)
    assert there.run()[0] == 0
    assert len(there.appended) == 4
    assert len(there.online) == 2
    assert there.offline() == []


@pytest.mark.parametrize(
    ("files", "more", "said"),
    [
        ({"a.csv": "id,at,wind\n"}, (), "a.csv has no column gusts, which the group declares; it has id, at, wind"),
        ({"a.csv": ""}, (), "a.csv is empty"),
        ({"a.parquet": "text"}, (), "a.parquet is not a Parquet file"),
        ({}, ("--groups=h",), "the project has no group h of its own, only g"),
        ({}, ("--backfill-from=2",), "name it with --groups"),
        ({}, ("--groups=g", "--backfill-from=1"), "is the version of g itself"),
        ({}, ("--groups=g", "--backfill-from=3"), "there is no feature group p-g-v3: deploy the project first"),
    ],
)
def test_what_cannot_be_ingested_is_said_with_what_to_do(
    world: Make, files: dict[str, Any], more: tuple[str, ...], said: str
) -> None:
    there = world()
    for name, body in files.items():
        there.put(name, body)
    code, message = there.run(*more)
    assert code == 1
    assert said in message


def test_what_is_wrong_with_one_group_keeps_no_other_from_its_rows(world: Make) -> None:
    there = world(g=group(), h=group(feature_group="p-h-v1", table="h_v1"))
    there.put("a.csv", "id,at,wind\n")
    there.put("a.csv", WEATHER, "h")
    code, message = there.run()
    assert (code, "a.csv has no column gusts" in message) == (1, True)
    assert len(there.offline("p-h-v1")) == 4


def test_a_group_that_is_not_deployed_as_declared_is_refused(world: Make) -> None:
    there = world()
    there.groups["p-g-v1"]["FeatureDefinitions"].pop()
    code, message = there.run()
    assert code == 1
    assert message == "feature group p-g-v1 has no gusts yet: deploy the project first"


def test_what_is_no_data_is_left_out(world: Make) -> None:
    there = world()
    for name in ("_SUCCESS", ".a.csv", "notes.txt", "_b.parquet"):
        there.put(name, "x")
    assert there.run()[1].startswith("g: 0 new files")


def test_a_new_version_is_filled_from_the_history_of_the_one_before(world: Make) -> None:
    there = world()
    there.put("a.csv", WEATHER)
    there.run()
    first = there.offline()
    new = group([("speed", "fractional"), ("gusts", "string"), ("rain", "integral")])
    there.document["groups"]["g"] = new | {"version": 2, "feature_group": "p-g-v2", "table": "g_v2"}
    there.deploy(there.document["groups"]["g"])

    code, message = there.run("--groups=g", "--backfill-from=1", "--rename=wind=speed")

    assert code == 0, message
    rows = there.offline("p-g-v2")
    assert [(row["id"], row["at"], row["speed"], row["gusts"], row["rain"]) for row in rows] == [
        (row["id"], row["at"], row["wind"], None if row["gusts"] is None else str(row["gusts"]), None) for row in first
    ]
    # When it was known is part of its history; when it was written here is not.
    assert {row["api_invocation_time"] for row in rows} == {row["api_invocation_time"] for row in first}
    assert all(row["write_time"] > row["api_invocation_time"] for row in rows)
    assert there.online["p-g-v2", "JFK"][1] == {"id": "JFK", "at": "2013-01-01T06:00:00Z", "speed": "11.0"}
    assert there.run("--groups=g", "--backfill-from=1", "--rename=wind=speed")[1].startswith("g: 0 new files, 1 known")


def test_a_backfill_takes_deletions_over(world: Make) -> None:
    there = world()
    moment = pd.Timestamp("2013-01-01T05:00:00")
    there.put("unused", "")
    at = ["2013-01-01T05:00:00Z", "2013-01-01T05:30:00Z"]
    body = parquet(
        id=["a", "a"], at=at, wind=[1.0, None], gusts=[1, None], write_time=[moment] * 2,
        api_invocation_time=[moment] * 2, is_deleted=[False, True],
    )  # fmt: skip
    place = there.groups["p-g-v1"]["OfflineStoreConfig"]["S3StorageConfig"]["ResolvedOutputS3Uri"]
    key = f"{place.removeprefix(f's3://{BUCKET}/')}/year=2013/month=01/day=01/hour=05/x.parquet"
    there.objects[key], there.uploaded[key] = body, 0
    there.document["groups"]["g"] = group() | {"version": 2, "feature_group": "p-g-v2"}
    there.deploy(there.document["groups"]["g"])
    assert there.run("--groups=g", "--backfill-from=1")[0] == 0
    assert [row["is_deleted"] for row in there.offline("p-g-v2")] == [False, True]
    assert there.online["p-g-v2", "a"][1] is None
