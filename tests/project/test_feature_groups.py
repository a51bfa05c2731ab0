"""Feature groups and joins are declared once, and what AWS would refuse later is refused at once, at its line."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator
from ruamel.yaml import YAML

from sagewright.project import Project, code, declaration, reference
from sagewright.project.feature_groups import Provisioned
from sagewright.project.schema import build

Read = Callable[[str], Project]
Faults = Callable[[str], list[str]]

TEXT = """\
name: trips
environments:
  dev: {region: eu-west-1}
  prod: {region: eu-west-1}
data:
  source: data/trips.csv
  problem: binary_classification
  label: late
  record_id: trip
  event_time: planned_at
  join:
    - {group: plan, on: trip}
    - {group: sky, features: [wind], look_back_hours: 24}
features:
  plan:
    record_id: trip
    event_time: since
    features: {station: string, seats: {type: integral, description: How many, unit: seats}}
  sky:
    version: 2
    source: data/sky.csv
    record_id: station
    event_time: observed
    features: {wind: fractional, sight: {type: fractional, unit: miles}}
    online: {time_to_live: {value: 30, unit: days}}
  shared:
    use: other-project/airports@3
    record_id: airport
    event_time: since
    features: {runways: integral}
training: {code: src/churn}
evaluation: {minimum: 0.55}
"""


@pytest.fixture
def folder(folder: Path) -> Path:
    """The project's folder, with the tables that its file names."""
    (folder / "data" / "trips.csv").write_text("trip,planned_at,late\n1,2024-01-01T00:00:00Z,Yes\n")
    (folder / "data" / "sky.csv").write_text("station,observed,wind,sight\nA,2024-01-01T00:00:00Z,1.5,10\n")
    return folder


def test_a_group_has_record_id_and_event_time_first_and_every_default(read: Read) -> None:
    plan = read(TEXT).features["plan"]

    assert [(each.name, each.type) for each in plan.declared] == [
        ("trip", "string"),
        ("since", "string"),
        ("station", "string"),
        ("seats", "integral"),
    ]
    assert plan.declared[-1][2:] == ("How many", "seats")
    assert (plan.own, plan.table_format, plan.throughput, plan.version) == (True, "Glue", None, 1)
    assert plan.online is not None
    assert plan.time_to_live is None


def test_declared_types_of_record_id_and_event_time_are_theirs(read: Read) -> None:
    sky = read(TEXT.replace("{wind: fractional,", "{observed: fractional, station: string, wind: fractional,"))

    assert [(each.name, each.type) for each in sky.features["sky"].declared][:2] == [
        ("station", "string"),
        ("observed", "fractional"),
    ]


def test_short_forms_mean_what_the_long_ones_do(read: Read) -> None:
    text = TEXT.replace("online: {time_to_live: {value: 30, unit: days}}", "online: true\n    throughput: on_demand")
    sky = read(text).features["sky"]
    provisioned = read(text.replace("on_demand", "{reads: 5, writes: 7}")).features["sky"]

    assert (sky.online is not None, sky.throughput) == (True, None)
    assert provisioned.throughput == Provisioned(reads=5, writes=7)
    assert read(TEXT).features["sky"].time_to_live.seconds == 30 * 86400  # type: ignore[union-attr]
    alone = NO_JOIN.replace("online: {time_to_live: {value: 30, unit: days}}", "online: false")
    assert read(alone).features["sky"].online is None


def test_a_group_of_another_project_is_read_and_not_owned(read: Read) -> None:
    project = read(TEXT)

    assert project.features["shared"].used == ("other-project", "airports", 3)
    assert list(project.own_features) == ["plan", "sky"]


def test_the_declaration_holds_what_jobs_need(read: Read) -> None:
    told = json.loads(json.dumps(declaration.document(read(TEXT))))

    assert told["join"] == [
        {"group": "plan", "on": "trip", "features": ["station", "seats"], "look_back_hours": None},
        {"group": "sky", "on": "station", "features": ["wind"], "look_back_hours": 24.0},
    ]
    assert told["data"] == {
        "event_time": "planned_at",
        "record_id": "trip",
        "label": "late",
        "known_by": "event_time",
    }
    sky, shared = told["groups"]["sky"], told["groups"]["shared"]
    assert (sky["feature_group"], sky["database"], sky["table"]) == ("trips-sky-v2", "trips_features", "sky_v2")
    assert (sky["time_to_live_s"], sky["online"], sky["offline"]) == (2_592_000, True, "glue")
    assert (shared["feature_group"], shared["database"]) == ("other-project-airports-v3", "other_project_features")
    assert (shared["own"], shared["project"]) == (False, "other-project")


def _with(group: str, keys: str) -> str:
    return TEXT.replace(f"  {group}:\n", f"  {group}:\n    {keys}\n", 1)


SKY = "{wind: fractional, sight: {type: fractional, unit: miles}}"
REFUSED = [
    # One group by itself.
    (TEXT.replace("  plan:\n", "  v2:\n"), "features.v2: 'v2' cannot name a feature group; use up to 30"),
    (TEXT.replace("wind: fractional", "wind: float"), "project.yaml:24: features.sky.features.wind.type: 'float' is"),
    (TEXT.replace("wind: fractional", "wind: 3"), "features.sky.features.wind: 3 is not a type; write integral,"),
    (TEXT.replace("wind: fractional", "_wind: fractional"), "features.sky.features._wind: '_wind' cannot name a"),
    (TEXT.replace("wind: fractional", f"{'w' * 65}: fractional"), "cannot name a feature; use up to 64 letters"),
    (TEXT.replace("wind: fractional", "write_time: fractional"), "'write_time' is a column that SageMaker itself adds"),
    (TEXT.replace("wind: fractional", "Is_Deleted: string"), "'Is_Deleted' is a column that SageMaker itself adds"),
    (TEXT.replace("sight:", "Wind:"), "'wind' and 'Wind' are one column to Glue, which ignores case; rename one"),
    (TEXT.replace("sight:", "sky-sight:"), "'sky-sight' has a hyphen, which Athena takes in no column; write _"),
    (TEXT.replace("sight:", "hour:"), "'hour' is what SageMaker partitions the table by (year, month, day, hour)"),
    (TEXT.replace(SKY, "{}"), "features.sky.features: has nothing beside record id and event time"),
    (TEXT.replace("unit: miles", "unit: °C"), "'°C' is not what SageMaker takes as a parameter; use up to 255"),
    (TEXT.replace("How many", "x" * 256), "has 256 characters, more than SageMaker allows (at most 255)"),
    (TEXT.replace("event_time: observed", "event_time: station"), "'station' is record_id too; name the column"),
    (TEXT.replace(SKY, "{observed: integral, wind: fractional}"), "'integral' does not go with event_time; write str"),
    (TEXT.replace(SKY, "{station: fractional, wind: fractional}"), "'fractional' does not go with record_id; write"),
    (_with("plan", "offline: parquet"), "features.plan.offline: 'parquet' is not one of glue, iceberg, none"),
    (_with("plan", "online: maybe"), "features.plan.online: 'maybe' is neither true nor false; write one of them"),
    (_with("plan", "online: {ttl: 3}"), "features.plan.online.ttl: is not a key that exists here"),
    (_with("plan", "throughput: high"), "features.plan.throughput: 'high' is not on_demand; write that, or `reads`"),
    (_with("plan", "throughput: {reads: 1}"), "features.plan.throughput.writes: is required: write capacity units"),
    (_with("plan", "online: {time_to_live: {value: 0, unit: days}}"), "time_to_live.value: 0 is less than allowed"),
    (_with("plan", "online: {time_to_live: {value: 1, unit: years}}"), "'years' is not one of seconds, minutes"),
    (_with("plan", "online: false\n    offline: none"), "is false, and offline is none: nothing would be kept"),
    (
        _with("plan", "throughput: {reads: 40001, writes: 1}"),
        "features.plan.throughput.reads: 40001 is more than allowed (at most 40000)",
    ),
    (
        _with("plan", "throughput: {reads: 1, writes: 40001}"),
        "features.plan.throughput.writes: 40001 is more than allowed (at most 40000)",
    ),
    (_with("plan", "online: false\n    throughput: {reads: 1, writes: 1}"), "is for the online store, and online is f"),
    (_with("plan", "transform: plans"), "would be ignored, because the group has no source: it is written through"),
    (_with("plan", "ingest: {schedule: daily}"), "features.plan.ingest: would be ignored, because the group has no s"),
    (_with("plan", "fresh_hours: 169"), "features.plan.fresh_hours: 169 is more than allowed (at most 168)"),
    (
        _with("plan", "offline: iceberg").replace("{station: string,", "{since: fractional, station: string,"),
        "'iceberg' needs an event time of type string, and since is fractional; write glue",
    ),
    # What its source holds.
    (TEXT.replace("data/sky.csv", "data/sea.csv"), "features.sky.source: 'data/sea.csv' does not exist in"),
    (TEXT.replace("sight:", "sea:"), "features.sky.features.sea: 'sea' is not a column of data/sky.csv; there are"),
    (TEXT.replace("event_time: observed", "event_time: at"), "features.sky.event_time: 'at' is not a column of data"),
    (
        TEXT.replace("data/sky.csv", f"s3://bucket/{'s' * 250}/"),
        "features.sky.source: is 11 characters too long for an",
    ),
    # A group of another project.
    (TEXT.replace("other-project/airports@3", "airports"), "features.shared.use: 'airports' names no group of another"),
    (TEXT.replace("other-project/", "trips/"), "'trips/airports@3' is this project's own; declare the group instead"),
    (_with("shared", "source: data/sky.csv"), "features.shared.source: is decided by other-project, which holds the"),
    (_with("shared", "online: true"), "features.shared.online: is decided by other-project, which holds the group"),
    # Names.
    (TEXT.replace("name: trips", f"name: t{'x' * 33}").replace("  sky:", f"  s{'k' * 29}:"), "gives the feature group"),
    (TEXT.replace("  prod:", "  v1:"), "environments.v1: 'v1' reads like a version in the names of feature groups"),
    # What is joined.
    (TEXT.replace("  event_time: planned_at\n", ""), "data.event_time: is required by data.join: the column of the l"),
    (
        TEXT.replace("group: sky", "group: sun"),
        "project.yaml:13: data.join.1.group: 'sun' is no feature group; there are: plan",
    ),
    (_with("plan", "online: false"), "data.join.0.group: 'plan' has no online store, where the endpoint looks"),
    (_with("sky", "offline: none"), "data.join.1.group: 'sky' has no offline store, which alone knows what it held"),
    (TEXT.replace("[wind]", "[rain]"), "data.join.1.features: 'rain' is not a feature of sky; there are: wind, sight"),
    (TEXT.replace("[wind]", "[station]"), "'station' only says which record of sky is meant, and brings nothing"),
    (TEXT.replace("[wind]", "[]"), "data.join.1.features: a list is empty; write at least one"),
    (TEXT.replace("on: trip", "on: trap"), "'trap' is neither a column of data/trips.csv nor a feature of a group b"),
    (TEXT.replace("on: trip", "on: late"), "data.join.0.on: 'late' is data.label, which names no record; name anothe"),
    (TEXT.replace("on: trip", "on: wind"), "'wind' comes from sky, which is joined later; put sky before plan"),
    (TEXT.replace("on: trip", "on: seats"), "'seats' comes from plan itself, whose record it has to find first"),
    (
        TEXT.replace("{station: string,", "{station: integral,"),
        "stands for `on`, which is left out: it is integral, and station of sky is string; declare both alike",
    ),
    (
        TEXT.replace("{station: string,", "{station: string, wind: string,"),
        "'wind' of sky is there already, as 'wind' of plan; choose the features of one of them by `features`, or",
    ),
    (TEXT.replace("seats:", "Late:"), "'Late' of plan is there already, as 'late' of data/trips.csv; choose"),
    (TEXT.replace("look_back_hours: 24", "look_back_hours: 0"), "data.join.1.look_back_hours: 0 is less than allowed"),
    # How rows are set aside and requests answered.
    (
        TEXT.replace("  event_time: planned_at\n", "  split: {by: time}\n"),
        "data.event_time: is required by `split.by: time`",
    ),
    (TEXT.replace("planned_at\n", "late\n"), "data.event_time: 'late' is data.label too; name the column that says"),
    (TEXT.replace("planned_at\n", "left_at\n"), "'left_at' is not a column of data/trips.csv; there are"),
    (TEXT.replace("  join:\n", "  known_by: later\n  join:\n"), "data.known_by: 'later' is not one of event_time, api"),
]


@pytest.mark.parametrize(("text", "told"), REFUSED, ids=[told[:60] for _, told in REFUSED])
def test_what_aws_would_refuse_is_refused_at_once(faults: Faults, text: str, told: str) -> None:
    assert any(told in each for each in faults(text)), "\n".join(faults(text))


NO_JOIN = TEXT[: TEXT.index("  join:")] + TEXT[TEXT.index("features:\n") :]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (NO_JOIN.replace("  label:", "  known_by: api_invocation_time\n  label:"), "data.known_by: would be ignored"),
        (f"{NO_JOIN}serving: {{lookup: {{missing: refuse}}}}\n", "serving.lookup: would be ignored, because nothing"),
        (
            TEXT[: TEXT.index("features:\n")] + TEXT[TEXT.index("training:") :],
            "'plan' names no feature group, and none",
        ),
    ],
)
def test_what_goes_only_with_a_join_is_refused_without_one(faults: Faults, text: str, told: str) -> None:
    assert any(told in each for each in faults(text)), "\n".join(faults(text))


def test_a_fault_of_an_overridden_join_is_told_at_the_environment(faults: Faults) -> None:
    text = TEXT.replace("dev: {region: eu-west-1}", "dev: {region: eu-west-1, data: {join: [{group: sun}]}}")

    assert faults(text)[0].startswith("project.yaml:3: environments.dev.data.join.0.group: 'sun' is no feature group")


def test_a_group_of_another_project_is_looked_up_only_where_that_trains(faults: Faults, read: Read) -> None:
    borrowed = TEXT.replace("    - {group: sky", "    - {group: shared, on: station}\n    - {group: sky")
    assert read(borrowed)
    there = "dev: {account: '111111111111', region: eu-west-1}\n  prod: {account: '333333333333', region: eu-west-1}"
    (told,) = faults(borrowed.replace("dev: {region: eu-west-1}\n  prod: {region: eu-west-1}", there))

    assert "features.shared.use: 'other-project/airports@3' is in the account of dev, and the endpoint of prod" in told


@pytest.mark.parametrize(
    ("variables", "told"),
    [
        ("{FEATURE_STORE_REGION: x}", "'FEATURE_STORE_REGION' would be overwritten"),
        (
            json.dumps({f"V{number}": "x" for number in range(94)}),
            "94 variables are more than SageMaker leaves room for beside data.join (at most 93)",
        ),
    ],
)
def test_variables_leave_room_for_those_of_the_lookup(faults: Faults, read: Read, variables: str, told: str) -> None:
    serving = f"serving: {{environment: {variables}}}\n"
    assert read(NO_JOIN[: NO_JOIN.index("features:\n")] + NO_JOIN[NO_JOIN.index("training:") :] + serving)

    assert any("serving.environment" in each and told in each for each in faults(TEXT + serving))


def test_too_many_features_are_refused(faults: Faults) -> None:
    many = ", ".join(f"f{number}: string" for number in range(2499))

    (told,) = faults(TEXT.replace("{runways: integral}", f"{{{many}}}"))
    assert "2501 features are more than SageMaker allows (at most 2500)" in told


def _many(number: int, keys: str) -> str:
    return "".join(
        f"  group{each}: {{record_id: a, event_time: b, features: {{c: string}}, {keys}}}\n" for each in range(number)
    )


def test_what_one_ingestion_cannot_be_told_is_refused(faults: Faults, read: Read) -> None:
    fed, hourly = "source: s3://bucket/x/", "source: s3://bucket/x/, ingest: {schedule: hourly}"

    assert len(read(TEXT.replace("training:", f"{_many(59, fed)}training:")).features) == 62
    assert (
        "61 groups with a source are more than one"
        in faults(TEXT.replace("training:", f"{_many(60, fed)}training:"))[0]
    )
    (told,) = faults(TEXT.replace("training:", f"{_many(40, hourly)}training:"))
    assert "the names of all hourly groups have 309 characters together, more than SageMaker allows in one" in told


def test_a_source_in_s3_is_believed_to_have_what_is_declared(read: Read) -> None:
    text = TEXT.replace("data/sky.csv", "s3://bucket/sky/").replace("sight:", "sea:")

    assert read(text).features["sky"].s3_place == ("bucket", "sky/")


def test_rows_can_be_set_aside_by_time_without_any_feature_group(read: Read) -> None:
    text = NO_JOIN[: NO_JOIN.index("features:\n")] + NO_JOIN[NO_JOIN.index("training:") :]

    assert read(text.replace("  label:", "  split: {by: time}\n  label:")).first.data.split.by == "time"


def test_a_transform_must_be_a_function_of_one_table_in_the_package(read: Read, folder: Path) -> None:
    project = read(TEXT.replace("source: data/sky.csv", "source: data/sky.csv\n    transform: skies"))
    assert [str(each) for each in code.check(project)] == [
        "src/churn: no public module defines skies(raw); write it, it returns the rows of its feature group"
    ]

    (folder / "src" / "churn" / "sky.py").write_text("def skies(raw, more):\n    return raw\n")
    assert "skies() takes raw, more, and is called as skies(raw)" in str(code.check(project)[0])

    (folder / "src" / "churn" / "sky.py").write_text("def skies(raw):\n    return raw\n")
    assert code.check(project) == []


def test_a_transform_frees_the_columns_from_the_source(read: Read) -> None:
    text = TEXT.replace("sight:", "sea:").replace("source: data/sky.csv", "source: data/sky.csv\n    transform: skies")

    assert read(text).features["sky"].transform == "skies"


def test_the_example_of_the_reference_page_is_a_valid_project(read: Read, folder: Path) -> None:
    (folder / "data" / "departures.csv").write_text("flight,scheduled_at,late\n1,2024-01-01T00:00:00Z,Yes\n")
    rest = TEXT[: TEXT.index("data:\n")] + TEXT[TEXT.index("training:") :]
    text = rest + reference.FEATURES

    assert list(read(text).own_features) == ["schedule", "weather"]
    assert Draft202012Validator(build()).is_valid(YAML(typ="safe", pure=True).load(text))


@pytest.mark.parametrize(
    ("text", "valid"),
    [
        (TEXT, True),
        (_with("plan", "online: false"), True),
        (_with("plan", "throughput: {reads: 1, writes: 2}"), True),
        (_with("plan", "throughput: on_demand"), True),
        (TEXT.replace("wind: fractional", "wind: float"), False),
        (_with("plan", "online: maybe"), False),
        (TEXT.replace("  plan:\n", "  v2:\n"), False),
        (TEXT.replace("other-project/airports@3", "airports"), False),
        (TEXT.replace("[wind]", "[]"), False),
    ],
)
def test_an_editor_takes_what_the_product_takes(text: str, *, valid: bool) -> None:
    assert Draft202012Validator(build()).is_valid(YAML(typ="safe", pure=True).load(text)) is valid
