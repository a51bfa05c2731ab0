"""The feature store from end to end: what training joins is what serving looks up, and nothing is lost or doubled."""

import json
import os
import signal
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from sagewright.cli import sandbox_person
from sagewright.stacks.execution_policy import statements
from tests.loop import privileges
from tests.loop.accounts import DEV, Sandbox, until
from tests.loop.privileges import Recorded
from tests.loop.sailings import (
    CAPTAINS,
    DAY,
    GAP_H,
    HOUR,
    KNOTS,
    PORTS,
    SHIPS,
    Known,
    Row,
    Sailings,
    captains_csv,
    csv,
    iso,
    observed,
    ships_csv,
    weather_csv,
)

pytestmark = pytest.mark.slow

ALARM = "sailings-weather-v1/freshness"
# Enough that the writing of their records can be seen before it ends.
MANY = range(1000, 1800)
# What no port has measured at any other time.
LATE_KNOTS, TOLD_KNOTS = 99.9, 88.8
# SageMaker writes what it was told into the offline store within fifteen minutes.
SETTLED = timedelta(minutes=16)


@pytest.fixture(scope="module")
def sailings(tmp_path_factory: pytest.TempPathFactory, command_line: Callable[[Path], Any]) -> Iterator[Sailings]:
    with Sandbox.up(tmp_path_factory.mktemp("sailings")) as sandbox:
        project = Sailings.planted(sandbox, command_line)
        cli = project.cli
        cli.ok("check")
        cli.ok("deploy")
        cli.ok("data", "put")
        assert project.ended({}, count=3) == ["Succeeded"] * 3, "each file has started a run"
        cli.ok("approve", str(cli.ok("train")["version"]))
        cli.ok("release")
        yield project


def ordered(rows: Iterable[Row]) -> list[str]:
    return sorted(json.dumps(row, sort_keys=True) for row in rows)


def test_a_training_row_has_what_was_known_at_its_time(sailings: Sailings) -> None:
    expected = sailings.expected()
    assert ordered(sailings.joined(1)) == ordered(expected)
    assert {each["wind"] is None for each in expected if each["home_port"] == "Kiel"} == {True, False}
    assert any(each["home_port"] is None for each in expected)


def test_rows_by_their_ids_are_answered_as_rows_with_what_is_known_now(sailings: Sailings) -> None:
    now = sailings.histories.now + HOUR
    ids = [{"ship": ship, "captain": captain, "cargo": 77} for ship, captain in [*zip(SHIPS, CAPTAINS, strict=False)]]
    ids += [{"ship": "no such ship", "captain": 1, "cargo": 77}, {"ship": "S1", "captain": 999, "cargo": 77}]
    whole = [json.dumps({"scheduled_at": iso(now)} | sailings.histories.at(row, now)) for row in ids]
    by_id = [",".join(f"{name}={value}" for name, value in row.items()) for row in ids]
    known = sailings.cli.ok("invoke", *(part for row in whole for part in ("--row", row)))
    assert sailings.cli.ok("invoke", *(part for row in by_id for part in ("--id", row))) == known
    assert len({json.dumps(each) for each in known}) > 1


def test_the_same_content_again_changes_nothing_under_whatever_name(sailings: Sailings) -> None:
    def store() -> Any:
        online = {port: sailings.online("sailings-weather-v1", PORTS) for port in PORTS}
        return sailings.objects("features/"), online, sailings.listed()["weather"]["rows"]

    before = store()
    put = sailings.cli.ok("data", "put")
    assert not any(each["sent"] for each in put["features"].values())
    sailings.arrive("weather", "again.csv", (sailings.cli.folder / "weather.csv").read_text())
    said = sailings.cli.ok("features", "ingest", "weather")["said"]
    assert said.startswith("weather: 0 new files, 2 known")
    assert store() == before


def test_bad_rows_are_put_aside_with_the_reason_and_counted(sailings: Sailings) -> None:
    now, before = sailings.histories.now, sailings.listed()["weather"]
    good = observed("Ulm", now - timedelta(minutes=20), 12.5)
    rows = [("Bonn", "soon", 1, 1), ("", iso(now), 1, 1), ("Kiel", iso(now), 1, 1, 1)]
    sailings.arrive("weather", "bad.csv", weather_csv([good]) + csv((), rows).lstrip())
    sailings.histories.weather.append(good)

    after = sailings.listed()["weather"]
    assert (after["rows"], after["quarantined"]) == (before["rows"] + 1, before["quarantined"] + 3)
    (key,) = sailings.objects("ingestion/weather/v1/quarantine/")
    told = sailings.body(key).decode()
    assert told.count("\n") == 1 + len(rows)
    assert all(each in told for each in ("soon", "port: every row needs a value", "5"))
    assert sailings.online("sailings-weather-v1", ["Ulm"])["Ulm"]["wind"] == repr(12.5 / KNOTS)


def test_an_ingestion_that_is_killed_and_run_again_leaves_the_store_as_if_it_had_run_once(sailings: Sailings) -> None:
    since = sailings.histories.now - 9 * DAY
    crew = [Known(number, since + number * timedelta(seconds=7), {"years": number / 8}) for number in MANY]
    known, ledger = sailings.runs(), sailings.objects("ingestion/captains/").keys()
    sailings.put("captains", "crew.csv", captains_csv(crew))
    until(lambda: bool(sailings.online("sailings-captains-v1", MANY[:100])))
    os.kill(sailings.job(), signal.SIGKILL)
    (why,) = sailings.ended(known)
    assert "137" in why
    left = sailings.objects("ingestion/captains/").keys() - ledger
    assert [each for each in left if each.endswith(".begin.json")] != []
    assert [each for each in left if each.endswith(".end.json")] == []

    said = sailings.cli.ok("features", "ingest", "captains")["said"]

    assert f"1 new files, 1 known; in all {len(MANY)} rows read, {len(MANY)} written" in said
    rows = {row["captain"]: row for row in sailings.history("sailings-captains-v1")}
    assert len(rows) == len(sailings.history("sailings-captains-v1")) == len(CAPTAINS) + len(MANY)
    assert [rows[each.key]["years"] for each in crew] == [each.values["years"] for each in crew]
    online = sailings.online("sailings-captains-v1", MANY)
    assert [float(online[str(each.key)]["years"]) for each in crew] == [each.values["years"] for each in crew]
    assert sailings.listed()["captains"]["rows"] == len(rows)


def test_a_change_that_a_group_cannot_take_is_refused_with_the_way_out(sailings: Sailings) -> None:
    before = sailings.declare(lambda declared: declared["features"]["weather"]["features"].update(gust="integral"))
    told = sailings.cli.refused("deploy")
    (sailings.cli.folder / "project.yaml").write_text(before)
    assert "features.weather.features.gust" in told
    assert "'gust' is fractional in sailings-weather-v1, and no feature changes its type" in told
    assert "`version: 2`" in told
    assert "sagewright features migrate weather" in told


@pytest.fixture(scope="module")
def moved(sailings: Sailings) -> Sailings:
    """The project with another version of a group, a feature more in another one, and a measurement that came late."""
    histories = sailings.histories
    row = next(each for each in sailings.expected() if each["wind"] is not None)
    hour = datetime.fromisoformat(row["scheduled_at"]).replace(minute=0)
    late = observed(row["home_port"], hour + timedelta(seconds=30), LATE_KNOTS)
    histories.weather.append(late)
    sailings.arrive("weather", "late.csv", weather_csv([late]))

    def change(declared: Any) -> None:
        features = declared["features"]
        features["ships"].update(version=2, features={"harbour": "string", "age": "fractional"})
        features["captains"]["features"]["licence"] = {"type": "string", "description": "For which waters"}
        declared["data"]["join"][1]["on"] = "harbour"

    sailings.declare(change)
    bought = Known("S9", histories.now - 3 * DAY, {"harbour": "Ulm", "age": 0.5})
    licensed = Known(3, histories.now - 5 * DAY, {"years": 31.5, "licence": "A"})
    (sailings.cli.folder / "ships.csv").write_text(ships_csv([bought]))
    (sailings.cli.folder / "captains.csv").write_text(captains_csv([licensed]))
    histories.ships.append(bought._replace(values={"home_port": "Ulm", "age": 0.5}))
    histories.captains.append(licensed)
    sailings.before = len(sailings.sandbox.decisions())
    sailings.cli.ok("deploy")
    known = sailings.runs()
    sailings.cli.ok("data", "put")
    assert sailings.ended(known, count=2) == ["Succeeded"] * 2
    told = observed("Kiel", histories.now - GAP_H[9] * HOUR, TOLD_KNOTS)
    histories.weather.append(told)
    sailings.tell("sailings-weather-v1", {"port": "Kiel", "observed_at": iso(told.since), **told.values})
    sailings.let_pass(SETTLED)
    return sailings


def test_another_version_takes_over_the_history_and_a_feature_is_added_in_place(moved: Sailings) -> None:
    migrated = moved.cli.ok("features", "migrate", "ships", "--rename", "home_port=harbour")
    assert (migrated["from"], migrated["to"]) == (1, 2)
    before, after = (moved.history(f"sailings-ships-v{version}") for version in (1, 2))
    told = {(each["ship"], each["registered_at"]): (each["home_port"], float(each["age"])) for each in before}
    told |= {("S9", iso(moved.histories.now - 3 * DAY)): ("Ulm", 0.5)}
    assert {(each["ship"], each["registered_at"]): (each["harbour"], each["age"]) for each in after} == told
    assert len(after) == len(before) + 1 == len(moved.histories.ships)
    assert moved.online("sailings-ships-v2", ["S0"])["S0"]["harbour"] == "Kiel"
    licences = moved.online("sailings-captains-v1", [3, 4])
    assert {key: each.get("licence") for key, each in licences.items()} == {"3": "A", "4": None}
    assert moved.cli.ok("features", "migrate", "ships", "--rename", "home_port=harbour")["said"].startswith(
        "ships: 0 new files"
    )


def test_a_late_record_is_in_the_next_training_set_where_it_was_known(moved: Sailings) -> None:
    trained = moved.cli.ok("train")["version"]
    expected = [renamed(each) for each in moved.expected()]
    assert ordered(moved.joined(trained)) == ordered(expected)
    assert {LATE_KNOTS / KNOTS, TOLD_KNOTS / KNOTS} <= {each["wind"] for each in expected}
    assert {each["licence"] for each in expected} == {"A", None}


def renamed(row: Row) -> Row:
    """Say of a row what the second version of the ships does."""
    others = {name: value for name, value in row.items() if name not in ("home_port", "age")}
    age = None if row["age"] is None else float(row["age"])
    return {"licence": None, **others, "harbour": row["home_port"], "age": age}


def test_what_is_live_goes_on_with_the_version_that_it_was_trained_with(moved: Sailings) -> None:
    row = {"ship": "S1", "captain": 3, "cargo": 77}
    now = moved.histories.now + HOUR
    known = moved.histories.at(row, now)
    known.pop("licence")
    whole = json.dumps(known | {"scheduled_at": iso(now)})
    by_id = moved.cli.ok("invoke", "--id", "ship=S1,captain=3,cargo=77")
    assert by_id == moved.cli.ok("invoke", "--row", whole)


def test_the_list_tells_of_every_group_what_is_in_it_and_who_uses_it(moved: Sailings) -> None:
    told = moved.cli.ok("features")
    groups = {each["name"]: each for each in told["groups"]}
    assert told["left"] == ["sailings-ships-v1"]
    assert {name: (each["version"], each["stores"]) for name, each in groups.items()} == {
        "ships": (2, {"dev": "Created"}),
        "weather": (1, {"dev": "Created"}),
        "captains": (1, {"dev": "Created"}),
    }
    assert all(each["used_by"] == ["sailings (data.join)"] for each in groups.values())
    assert all(each["owner"] == "harbour@example.com" for each in groups.values())
    wind = next(each for each in groups["weather"]["features"] if each["name"] == "wind")
    assert (wind["description"], wind["unit"], wind["null_rate"]) == ("Mean of ten minutes", "m/s", 0)
    described = moved.sandbox.client("sagemaker").describe_feature_metadata(
        FeatureGroupName="sailings-weather-v1", FeatureName="wind"
    )
    assert described["Description"] == "Mean of ten minutes"
    assert described["Parameters"] == [{"Key": "unit", "Value": "m/s"}]


def test_somebody_is_told_once_nothing_was_ingested_for_too_long(moved: Sailings) -> None:
    assert "harbour@example.com has said yes" in moved.cli.run("sandbox", "inbox", "--confirm").stderr
    cloudwatch = moved.sandbox.client("cloudwatch")

    def state() -> str:
        return cloudwatch.describe_alarms(AlarmNames=[ALARM])["MetricAlarms"][0]["StateValue"]

    moved.let_pass(timedelta(minutes=5))
    assert state() == "OK"
    known = moved.runs()
    moved.let_pass(DAY)
    assert state() == "ALARM"
    (notice,) = [each for each in sandbox_person.inbox(moved.running) if each.confirmation is None]
    assert (notice.to, "weather" in notice.subject) == ("harbour@example.com", True)
    assert moved.ended(known) == ["Succeeded"], "the daily schedule has started a run"


# What AWS documents, and asks for where the loop does not get, or the sandbox does not look: by role and action.
UNASKED = {
    ("", "kms:Encrypt"): "by SageMaker's documentation for the key of an output",
    ("", "logs:CreateLogGroup"): "where another job, whose log group it shares, left none",
    ("", "logs:DescribeLogStreams"): "by SageMaker's documentation for whoever writes logs",
    ("", "s3:AbortMultipartUpload"): "where an upload in parts breaks off",
    ("DatasetRole", "athena:GetDataCatalog"): "by Athena's documentation for whoever queries",
    ("DatasetRole", "athena:StopQueryExecution"): "where somebody stops a training that joins",
    ("DatasetRole", "glue:GetPartition"): "by Athena's documentation for whoever queries",
    ("DatasetRole", "glue:GetPartitions"): "by Athena's documentation for whoever queries",
    ("DatasetRole", "s3:GetObject"): "by Athena's documentation for where results are",
    ("DatasetRole", "s3:ListBucket"): "by Athena's documentation for where results are",
    ("ExecutionRole", "sagemaker:StopProcessingJob"): "where somebody stops an ingestion",
    ("sailings-ingestion", "s3:DeleteObject"): "where code has changed since a file was half ingested",
    ("sailings-ingestion", "sagemaker:DeleteRecord"): "where a version before has deleted records",
}
NEW = ("TrainingDatasetRole", "IngestionExecutionRole", "IngestionArrivalRole", "IngestionScheduleRole")
NAMED = ("sailings-ingestion", "sailings-dev-features")


@pytest.fixture(scope="module")
def recorded(moved: Sailings) -> Recorded:
    """What the roles of the feature store did since the second deployment, which has changed what some of them may."""
    of = privileges.recorded(moved.sandbox, moved.sandbox.decisions()[moved.before :], "sailings-", (DEV,))
    names = {arn: arn.rpartition("/")[2] for arn in of.roles}
    kept = [arn for arn, name in names.items() if any(each in name for each in NEW) or name in NAMED]
    assert len(kept) == len(NEW) + len(NAMED)
    return Recorded({arn: of.roles[arn] for arn in kept}, of.decisions, of.guarded)


def test_nothing_that_the_loop_does_is_denied(moved: Sailings) -> None:
    assert [each for each in moved.sandbox.decisions() if not each["allowed"] and each["role"]] == []


def test_without_any_one_permission_of_the_feature_store_something_is_refused(recorded: Recorded) -> None:
    for role, statements_of in recorded.roles.items():
        assert recorded.decisions[role]
        policy = privileges.policy(statements_of)
        assert all(recorded.allows(each, policy) for each in recorded.decisions[role])
    found = [(role.rpartition("/")[2], action) for role, action in recorded.superfluous_actions()]
    unasked = {key for key in UNASKED for role, action in found if key[0] in role and key[1] == action}
    assert [each for each in found if not any(of in each[0] and action == each[1] for of, action in UNASKED)] == []
    assert unasked == UNASKED.keys(), "and nothing is excused that is asked for"


def test_the_endpoint_looks_up_what_it_may(moved: Sailings) -> None:
    of = privileges.recorded(moved.sandbox, moved.sandbox.decisions(), "sailings-dev-access", (DEV,))
    (role,) = (arn for arn in of.roles if arn.endswith("/sailings-dev-endpoint"))
    assert (role, "sagemaker:BatchGetRecord") not in of.superfluous_actions()


def test_cloudformation_needs_every_statement_of_its_policy_for_features(moved: Sailings) -> None:
    alone: set[str] = set()
    for each in moved.sandbox.decisions():
        if "-cfn-exec-role-" in each["role"]:
            matched = {sid for policy, sid in each["matched"] if "sagewright-execution-" in policy}
            alone |= matched if len(matched) == 1 else set()
    every = {each.sid for each in statements("hnb659fds", None)["Features"]}
    assert sorted(every - alone) == ["LookAtLakes"], "which only AWS asks for, where it makes a table for a group"
