"""The commands of the feature store tell what is there, and refuse what would come to nothing."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from sagewright.cli.errors import CommandError
from sagewright.cli.features import ingestion
from tests.cli.features.conftest import Shop

HOURS_AGO = (datetime.now(UTC) - timedelta(hours=3)).strftime("%Y-%m-%dT%H:%M:%SZ")
PROFILE: dict[str, Any] = {
    "rows": 1200,
    "quarantined": 3,
    "distinct_ids": 40,
    "newest_event_time": "2026-01-31T12:00:00Z",
    "updated_at": HOURS_AGO,
    "null_rate": {"station": 0.0, "observed": 0.0, "wind": 0.125, "sight": 0.5},
}


def user(shop: Shop, export: str) -> str:
    """Deploy a stack that exports a group's name, and another one that imports it; returns the latter's name."""
    cloudformation = shop.client("cloudformation")
    parameter = {"Type": "AWS::SSM::Parameter", "Properties": {"Type": "String", "Value": export}}
    told = {"Group": {"Value": export, "Export": {"Name": export}}}
    used = {"Type": "AWS::SSM::Parameter", "Properties": {"Type": "String", "Value": {"Fn::ImportValue": export}}}
    templates = {
        f"{shop.project.name}-dev-data": {"Resources": {"P": parameter}, "Outputs": told},
        f"{shop.project.name}x-training": {"Resources": {"P": used}},
    }
    for stack, template in templates.items():
        cloudformation.create_stack(StackName=stack, TemplateBody=json.dumps(template))
        described = cloudformation.describe_stacks(StackName=stack)["Stacks"][0]
        assert described["StackStatus"] == "CREATE_COMPLETE"
    return f"{shop.project.name}x-training"


def test_groups_are_listed_with_what_is_known_of_them(shop: Shop) -> None:
    name = shop.make("sky", 2)
    shop.make("sky", 2, "prod")
    old = shop.make("sky", 1)
    shop.note("sky", 2, **PROFILE)
    importer = user(shop, name)

    told = shop.call("features", "--json")
    plan, sky, notes = told["groups"]
    assert (plan["stores"], plan["rows"], plan["late"]) == ({"dev": None, "prod": None}, None, False)
    assert (sky["stores"], sky["rows"], sky["quarantined"]) == ({"dev": "Created", "prod": "Created"}, 1200, 3)
    assert sky["used_by"] == [f"{shop.project.name} (data.join)", importer]
    assert sky["owner"] == "ml-team@example.com"
    assert [(each["name"], each["unit"], each["null_rate"]) for each in sky["features"]][-2:] == [
        ("wind", "", 0.125),
        ("sight", "miles", 0.5),
    ]
    assert notes["used_by"] == []
    assert told["left"] == [old]

    shown = shop.call("features")
    assert "plan v1 (not deployed in dev, prod)" in shown
    assert "3 h ago" in shown
    assert "sight 50.0%" in shown
    assert [column in shown for column in ("Set aside", "Most missing")] == [True, True]
    assert f"not in project.yaml any more (kept, with their data): {old}" in shown


def test_a_group_that_was_not_ingested_for_too_long_is_called_late(shop: Shop) -> None:
    shop.note("sky", 2, **{**PROFILE, "updated_at": "2020-01-01T00:00:00Z"})
    assert shop.call("features", "--json")["groups"][1]["late"]
    assert "days ago, LATE" in shop.call("features")


def test_the_page_holds_every_group_and_needs_nothing_else(shop: Shop) -> None:
    shop.make("sky", 2)
    shop.note("sky", 2, **PROFILE)
    file = shop.project.root / "out" / "features.html"
    assert shop.call("features", "page", "--json") == {"page": str(file)}
    text = file.read_text(encoding="utf-8")
    for part in ("What was planned for an order", "ml-team@example.com", "12.5%", "miles", "seats", "1,200"):
        assert part in text
    assert "<script" not in text
    assert "http" not in text.replace('http-equiv="Content', "")


def test_a_record_is_shown_as_serving_reads_it(shop: Shop) -> None:
    name = shop.make("plan", 1, "prod")
    values = {"order": "7", "since": "2026-01-01T00:00:00Z", "station": "A", "seats": "12"}
    record = [{"FeatureName": feature, "ValueAsString": value} for feature, value in values.items()]
    shop.client("sagemaker-featurestore-runtime").put_record(FeatureGroupName=name, Record=record)

    told = shop.call("features", "get", "plan", "7", "--env", "prod", "--json")
    assert (told["feature_group"], told["record"]) == (name, values)
    assert "has no record with order '8'" in shop.call("features", "get", "plan", "8", "--env", "prod", code=1)
    assert "'notes' has no online store" in shop.call("features", "get", "notes", "8", code=1)
    assert "no feature group 'sun' in project.yaml; there are: plan, sky, notes" in shop.call(
        "features", "get", "sun", "8", code=1
    )


def test_what_has_no_source_is_not_ingested(shop: Shop) -> None:
    told = shop.call("features", "ingest", "plan", "--yes", code=1)
    assert "'plan' has no source, so there is nothing to ingest: it is written through SageMaker's API only" in told
    assert "no feature group 'sun'" in shop.call("features", "ingest", "sun", "--yes", code=1)


def test_an_ingestion_that_is_not_deployed_is_told_so(shop: Shop) -> None:
    assert "run `sagewright deploy` first" in shop.call("features", "ingest", "--yes", code=1)


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, str]]:
    """What the pipeline was started with, in a sandbox that has none."""
    asked: list[dict[str, str]] = []

    def pass_by(*_: Any) -> None:
        pass

    def start(_project: Any, _target: Any, parameters: dict[str, str]) -> str:
        asked.append(dict(parameters))
        return "arn"

    def follow(*_: Any) -> str:
        return "sky: 1 new files; in all 2 rows"

    monkeypatch.setattr(ingestion, "require_current", pass_by)
    monkeypatch.setattr(ingestion, "start", start)
    monkeypatch.setattr(ingestion, "follow", follow)
    return asked


def test_an_ingestion_is_started_for_the_groups_that_were_asked_for(shop: Shop, started: list[dict[str, str]]) -> None:
    bucket = shop.make_bucket()
    assert shop.call("features", "ingest", "sky", "--no-wait", "--json") == {"execution": "arn"}
    sent = shop.client("s3").get_object(Bucket=bucket, Key="sources/sky/sky.csv")["Body"].read()
    assert sent == (shop.folder / "data" / "sky.csv").read_bytes()
    assert "sky: 1 new files" in shop.call("features", "ingest")
    assert started == [{"Groups": "sky"}, {}]


def test_a_new_version_takes_over_the_history_of_the_last_one(shop: Shop, started: list[dict[str, str]]) -> None:
    columns = {"station": "String", "observed": "String", "breeze": "Fractional", "sight": "Fractional"}
    shop.make("sky", 1, **columns)
    shop.make("sky", 2)
    told = shop.call("features", "migrate", "sky", "--rename", "breeze=wind", "--json")
    assert (told["from"], told["to"], told["renamed"]) == (1, 2, {"breeze": "wind"})
    assert started == [{"Groups": "sky", "BackfillFrom": "1", "Rename": "breeze=wind"}]


@pytest.mark.usefixtures("started")
def test_a_migration_says_what_a_model_of_the_version_before_reads_from_now_on(shop: Shop) -> None:
    shop.make("sky", 1, station="String", observed="String", breeze="Fractional")
    shop.make("sky", 2)
    told = shop.run("features", "migrate", "sky", "--rename", "breeze=wind", "--project", shop.folder)
    assert told.exit_code == 0
    assert (
        "From now on ingestion writes version 2 alone. A live model that was trained on version 1 of sky goes on "
        "reading that one, whose records get ever older, until a model that was trained on version 2 is released: run "
        "`sagewright train` next."
    ) in " ".join(told.stderr.split())


@pytest.mark.usefixtures("started")
def test_a_migration_that_could_not_work_is_refused(shop: Shop) -> None:
    assert "There is no version of 'sky' before 2" in shop.call("features", "migrate", "sky", code=1)
    shop.make("sky", 1, station="String", observed="String", breeze="Fractional")
    assert "Version 2 of 'sky' is not there yet: run `sagewright deploy`" in shop.call(
        "features", "migrate", "sky", code=1
    )
    shop.make("sky", 2)
    for renames, said in {
        ("wind",): "--rename wind: give the name before and the name now",
        ("gust=wind",): "version 1 has no feature gust; it has station, observed, breeze",
        ("breeze=gust",): "version 2 has no feature gust; it has station, observed, wind, sight",
        ("breeze=wind", "station=wind"): "two features cannot both be called wind",
    }.items():
        options = [part for each in renames for part in ("--rename", each)]
        assert said in shop.call("features", "migrate", "sky", *options, code=1)
    assert "is the version that project.yaml declares" in shop.call("features", "migrate", "sky", "--from", 2, code=1)


def test_a_migration_that_would_lose_a_feature_without_a_word_is_refused(
    shop: Shop, started: list[dict[str, str]]
) -> None:
    shop.make("sky", 1, station="String", observed="String", breeze="Fractional", view="Fractional", code="String")
    shop.make("sky", 2)
    told = shop.call("features", "migrate", "sky", code=1)
    assert "Version 1 has breeze, view, code, which version 2 has not, and version 2 has wind, sight, which" in told
    assert "such as --rename breeze=sight --rename view=wind." in told
    assert "--drop breeze --drop view --drop code" in told
    renames = ("--rename", "breeze=wind", "--rename", "view=sight")
    assert "has code" not in shop.call("features", "migrate", "sky", *renames, "--no-wait")  # nothing has come for it
    assert started == [{"Groups": "sky", "BackfillFrom": "1", "Rename": "breeze=wind,view=sight"}]
    drops = ("--drop", "breeze", "--drop", "view", "--drop", "code")
    assert shop.call("features", "migrate", "sky", *drops, "--no-wait", "--json")["dropped"] == [
        "breeze",
        "view",
        "code",
    ]
    assert started[1] == {"Groups": "sky", "BackfillFrom": "1"}
    for dropped, said in {
        "gust": "version 1 has no feature gust",
        "station": "--drop station: version 2 has station too",
    }.items():
        assert said in shop.call("features", "migrate", "sky", "--drop", dropped, code=1)


@pytest.mark.usefixtures("started")
def test_rows_that_a_run_has_set_aside_are_shown_with_their_reasons(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    s3, bucket = shop.client("s3"), shop.make_bucket()

    def put(content: str, reasons: list[str]) -> None:
        rows = "".join(f'{row},{reason},"{{}}"\n' for row, reason in enumerate(reasons, start=4))
        end = {"file": f"{content}.csv", "quarantined": len(reasons)}
        s3.put_object(
            Bucket=bucket, Key=f"ingestion/sky/v2/quarantine/{content}.csv", Body=f"row,reason,content\n{rows}"
        )
        s3.put_object(Bucket=bucket, Key=f"ingestion/sky/v2/ledger/{content}.end.json", Body=json.dumps(end))

    def nothing_new(*_: Any) -> str:
        return "sky: 0 new files"

    def follow(*_: Any) -> str:
        put("new", ["wind: 'many' is no number", "b", "c", "d"])
        return "sky: 1 new files"

    put("old", ["before"])
    monkeypatch.setattr(ingestion, "follow", follow)
    shown = shop.call("features", "ingest")
    assert f"sky: 4 rows were set aside, with the reasons: s3://{bucket}/ingestion/sky/v2/quarantine/\n" in shown
    assert "  new.csv, row 4: wind: 'many' is no number\n  new.csv, row 5: b\n  new.csv, row 6: c\n" in shown
    assert "row 7" not in shown
    assert "before" not in shown
    monkeypatch.setattr(ingestion, "follow", nothing_new)
    assert shop.call("features", "ingest", "--json")["set_aside"] == []


def test_an_ingestion_of_what_is_not_deployed_is_refused_before_anything_is_sent(
    shop: Shop, started: list[dict[str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: Any) -> None:
        raise CommandError("has changed since")

    monkeypatch.setattr(ingestion, "require_current", refuse)
    shop.make("sky", 1)
    shop.make("sky", 2)
    for arguments in (("ingest",), ("migrate", "sky")):
        assert "has changed since" in shop.call("features", *arguments, code=1)
    assert started == []


def test_a_feature_that_was_added_since_the_last_ingestion_is_called_so(shop: Shop) -> None:
    shop.note("sky", 2, **{**PROFILE, "null_rate": {"station": 0.0, "observed": 0.0, "wind": 0.0}})
    assert "never ingested: sight" in shop.call("features")
    features = shop.call("features", "--json")["groups"][1]["features"]
    assert [each["name"] for each in features if each["never_ingested"]] == ["sight"]
    shop.call("features", "page")
    assert "never ingested" in (shop.folder / "out" / "features.html").read_text()


def test_the_list_goes_by_that_name_too_and_a_wrong_name_leads_to_nothing_that_acts(shop: Shop) -> None:
    assert shop.call("features", "list", "--json") == shop.call("features", "--json")
    assert " list " not in shop.run("features", "--help").output
    said = shop.run("features", "lis").output
    assert "No such command 'lis'" in said
    assert "Did you mean" not in said


def test_more_than_a_job_can_be_told_is_refused_before_it_starts(shop: Shop) -> None:
    with pytest.raises(CommandError, match=r"Rename has 259 characters, .* \(at most 256\): rename fewer features"):
        ingestion.start(shop.project, shop.target, {ingestion.RENAME: f"{'a' * 64}={'b' * 64},{'c' * 64}={'d' * 64}"})


def test_a_project_without_groups_is_told_how_to_get_one(run: Any, project: Any) -> None:
    done = run("features", "--project", project)
    assert done.exit_code == 1
    assert "sagewright features infer FILE" in " ".join(done.stderr.split())
