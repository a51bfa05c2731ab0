"""Which sailings will be late: a small project on the feature store, and what its rows are to be joined with.

The histories are kept here a second time, as plain lists: what was known of a port, a ship or a captain at some moment
is found by looking through all of it.
"""

import random
import textwrap
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow.parquet as pq
from ruamel.yaml import YAML

from sagewright.cli import sandbox_person, sandbox_process
from sagewright.cli.sandbox_process import RunningSandbox
from tests.loop.accounts import DEV, REGION, Sandbox, until

PROJECT = """
    name: sailings
    owner: harbour@example.com
    environments:
      dev: {region: eu-west-1}
    network: {mode: create}
    data:
      source: departures.csv
      problem: binary_classification
      label: late
      event_time: scheduled_at
      split: {by: time, test: 0.25}
      join:
        - {group: ships, on: ship}
        - {group: weather, on: home_port, features: [wind, gust], look_back_hours: 24}
        - {group: captains, on: captain}
    features:
      ships:
        source: ships.csv
        record_id: ship
        event_time: registered_at
        features: {home_port: string, age: integral}
      weather:
        description: What the harbours measure
        source: weather.csv
        transform: weather_features
        record_id: port
        event_time: observed_at
        features:
          wind: {type: fractional, description: Mean of ten minutes, unit: m/s}
          gust: fractional
        fresh_hours: 3
      captains:
        source: captains.csv
        record_id: captain
        event_time: since
        features: {captain: integral, since: fractional, years: fractional}
        online: {time_to_live: {value: 60, unit: days}}
        ingest: {schedule: daily}
    training: {code: sailings}
    evaluation: {metric: roc_auc, minimum: 0.5}
    monitoring: {engine: none}
    # The machine that tests is a busy one.
    serving: {lookup: {time_limit_ms: 20000}}
    """
KNOTS = 1.943844
CODE = f"""
    from sklearn.linear_model import LogisticRegression


    def weather_features(raw):
        return raw[["port", "observed_at"]].assign(wind=raw["knots"] / {KNOTS}, gust=raw["gust_knots"] / {KNOTS})


    def features(raw):
        return raw[["cargo", "age", "wind", "gust", "years"]].fillna(-1.0)


    def fit(X, y, hyperparameters):
        return LogisticRegression(max_iter=1000).fit(X, y)
    """
BUCKET = f"sailings-dev-data-{DEV}-{REGION}"
INGESTION = "sailings-ingestion"
PORTS = ("Ulm", "Bonn", "Kiel")
SHIPS = tuple(f"S{number}" for number in range(8))
CAPTAINS = range(12)
DAYS, GAP_H = 10, range(90, 130)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
LOOK_BACK = 24 * HOUR
Row = dict[str, Any]


class Known(NamedTuple):
    """What holds of something from a moment on."""

    key: Any
    since: datetime
    values: Row


@dataclass
class Histories:
    """What every group holds."""

    now: datetime
    ships: list[Known] = field(default_factory=list)
    weather: list[Known] = field(default_factory=list)
    captains: list[Known] = field(default_factory=list)

    @classmethod
    def drawn(cls, now: datetime) -> "Histories":
        """Draw ten days: one ship is new, one port measures nothing for more than a day."""
        drawn, made = random.Random(0), cls(now)  # noqa: S311 - a table, no secret
        for number, ship in enumerate(SHIPS):
            since = now - (5 if number == len(SHIPS) - 1 else 30) * DAY
            made.ships.append(Known(ship, since, {"home_port": PORTS[number % len(PORTS)], "age": 3 * number}))
        made.ships.append(Known("S0", now - 4 * DAY, {"home_port": "Kiel", "age": 1}))
        for hours in reversed(range(1, 24 * DAYS)):
            for port in PORTS:
                if port != "Kiel" or hours not in GAP_H:
                    made.weather.append(observed(port, now - hours * HOUR, round(drawn.uniform(0, 40), 2)))
        for captain in CAPTAINS:
            made.captains.append(Known(captain, now - (20 - captain) * DAY, {"years": round(drawn.uniform(1, 30), 1)}))
        return made

    def at(self, row: Row, moment: datetime) -> Row:
        """Join what was known at a moment with a row; None for what was not."""
        ship = newest(self.ships, row["ship"], moment)
        port = ship["home_port"] if ship else None
        weather = newest(self.weather, port, moment, LOOK_BACK)
        captain = newest(self.captains, row["captain"], moment)
        empty: Row = {"home_port": None, "age": None, "wind": None, "gust": None, "years": None}
        return {**row, **empty, **(ship or {}), **(weather or {}), **(captain or {})}


def observed(port: str, at: datetime, knots: float) -> Known:
    """Say what the project makes of a measurement."""
    return Known(port, at, {"wind": knots / KNOTS, "gust": round(1.3 * knots, 2) / KNOTS})


def newest(history: Iterable[Known], key: Any, moment: datetime, look_back: timedelta | None = None) -> Row | None:
    """Look through all of it: what is known of a key at a moment."""
    found = [each for each in history if each.key == key and each.since <= moment]
    if look_back is not None:
        found = [each for each in found if each.since > moment - look_back]
    return max(found, key=lambda each: each.since).values if found else None


def iso(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def departures(histories: Histories) -> list[Row]:
    """Draw sailings, which are late where the wind is strong."""
    drawn = random.Random(1)  # noqa: S311 - a table, no secret
    rows: list[Row] = []
    for _ in range(300):
        at = histories.now - drawn.randint(1, 24 * DAYS - 2) * HOUR + drawn.randint(1, 59) * timedelta(minutes=1)
        row = {"scheduled_at": iso(at), "ship": drawn.choice(SHIPS), "captain": drawn.choice(CAPTAINS)}
        row |= {"cargo": drawn.randint(10, 900)}
        wind = histories.at(row, at)["wind"] or 0
        rows.append(row | {"late": "Yes" if KNOTS * wind + drawn.gauss(0, 4) > 20 else "No"})
    return rows


def csv(columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    """Write a table."""
    return "\n".join(",".join(map(str, row)) for row in [columns, *rows]) + "\n"


def weather_csv(history: Iterable[Known]) -> str:
    """Write measurements as the harbours do: in knots."""
    rows = [(key, iso(at), round(each["wind"] * KNOTS, 2), round(each["gust"] * KNOTS, 2)) for key, at, each in history]
    return csv(("port", "observed_at", "knots", "gust_knots"), rows)


def ships_csv(history: Sequence[Known]) -> str:
    """Write what is known of ships."""
    rows = [(key, iso(at), *each.values()) for key, at, each in history]
    return csv(("ship", "registered_at", *history[0].values), rows)


def captains_csv(history: Sequence[Known]) -> str:
    """Write what is known of captains, with the moment in seconds."""
    columns = [*history[0].values]
    rows = [(key, int(at.timestamp()), *each.values()) for key, at, each in history]
    return csv(("captain", "since", *columns), rows)


@dataclass
class Sailings:
    """The project, released, in a sandbox of its own."""

    sandbox: Sandbox
    cli: Any
    histories: Histories
    rows: list[Row]
    before: int = 0
    """How many decisions there were when the project was last deployed."""

    @classmethod
    def planted(cls, sandbox: Sandbox, command_line: Callable[[Path], Any]) -> "Sailings":
        """Write it into the sandbox's folder."""
        folder = sandbox.folder
        histories = Histories.drawn(datetime.now(UTC).replace(minute=0, second=0, microsecond=0))
        rows = departures(histories)
        files = {
            "project.yaml": textwrap.dedent(PROJECT),
            "sailings/__init__.py": textwrap.dedent(CODE),
            "departures.csv": csv([*rows[0]], [[*each.values()] for each in rows]),
            "ships.csv": ships_csv(histories.ships),
            "weather.csv": weather_csv(histories.weather),
            "captains.csv": captains_csv(histories.captains),
        }
        (folder / "sailings").mkdir()
        for name, text in files.items():
            (folder / name).write_text(text)
        return cls(sandbox, command_line(folder), histories, rows)

    @property
    def running(self) -> RunningSandbox:
        """The sandbox as the command line knows it."""
        found = sandbox_process.of_folder(self.sandbox.folder)
        assert found is not None
        return found

    def declare(self, change: Callable[[Any], None]) -> str:
        """Change the project file; what it said before."""
        yaml, file = YAML(), self.cli.folder / "project.yaml"
        before = file.read_text()
        document = yaml.load(before)
        change(document)
        yaml.dump(document, file)
        return before

    def runs(self) -> dict[str, str]:
        """The runs of the ingestion pipeline with their states."""
        pages = self.sandbox.client("sagemaker").get_paginator("list_pipeline_executions")
        return {
            each["PipelineExecutionArn"]: each["PipelineExecutionStatus"]
            for page in pages.paginate(PipelineName=INGESTION)
            for each in page["PipelineExecutionSummaries"]
        }

    def ended(self, known: Mapping[str, str], count: int = 1) -> list[str]:
        """Block until so many runs that were not known have ended; what became of each, or why it failed."""

        def new() -> dict[str, str]:
            return {arn: state for arn, state in self.runs().items() if arn not in known}

        until(lambda: len(new()) >= count and not {"Executing", "Stopping"} & {*new().values()})
        return [state if state == "Succeeded" else self._why(arn) for arn, state in new().items()]

    def _why(self, arn: str) -> str:
        sagemaker = self.sandbox.client("sagemaker")
        steps = sagemaker.list_pipeline_execution_steps(PipelineExecutionArn=arn)["PipelineExecutionSteps"]
        return "; ".join(each.get("FailureReason", each["StepStatus"]) for each in steps)

    def put(self, group: str, name: str, content: str) -> None:
        """Put a file where the group's files are."""
        self.sandbox.client("s3").put_object(Bucket=BUCKET, Key=f"sources/{group}/{name}", Body=content)

    def arrive(self, group: str, name: str, content: str) -> None:
        """Put a file there, and block until the run that it starts has succeeded."""
        known = self.runs()
        self.put(group, name, content)
        assert self.ended(known) == ["Succeeded"]

    def tell(self, feature_group: str, values: Row) -> None:
        """Write a record through SageMaker's API."""
        record = [{"FeatureName": name, "ValueAsString": str(value)} for name, value in values.items()]
        self.sandbox.client("sagemaker-featurestore-runtime").put_record(FeatureGroupName=feature_group, Record=record)

    def let_pass(self, duration: timedelta) -> None:
        """Move the sandbox's clock."""
        now = sandbox_person.clock(self.running).now
        sandbox_person.move(self.running, now.astimezone(UTC) + duration, lambda _state: None)

    def objects(self, prefix: str) -> dict[str, str]:
        """The objects below a prefix with what tells their content."""
        pages = self.sandbox.client("s3").get_paginator("list_objects_v2").paginate(Bucket=BUCKET, Prefix=prefix)
        return {each["Key"]: each["ETag"] for page in pages for each in page.get("Contents", ())}

    def body(self, key: str) -> bytes:
        return self.sandbox.client("s3").get_object(Bucket=BUCKET, Key=key)["Body"].read()

    def table(self, key: str) -> list[Row]:
        """The rows of a Parquet file."""
        file = self.cli.folder / "read.parquet"
        file.write_bytes(self.body(key))
        return pq.ParquetFile(file).read().to_pylist()

    def history(self, feature_group: str) -> list[Row]:
        """Every row of a group's offline store, in no order."""
        described = self.sandbox.client("sagemaker").describe_feature_group(FeatureGroupName=feature_group)
        place = described["OfflineStoreConfig"]["S3StorageConfig"]["ResolvedOutputS3Uri"]
        prefix = place.removeprefix(f"s3://{BUCKET}/")
        return [row for key in self.objects(prefix) for row in self.table(key)]

    def online(self, feature_group: str, keys: Iterable[Any]) -> dict[str, Row]:
        """What the online store holds of these keys."""
        runtime, wanted = self.sandbox.client("sagemaker-featurestore-runtime"), [str(key) for key in keys]
        found: dict[str, Row] = {}
        for begin in range(0, len(wanted), 100):
            asked = {"FeatureGroupName": feature_group, "RecordIdentifiersValueAsString": wanted[begin : begin + 100]}
            for each in runtime.batch_get_record(Identifiers=[asked])["Records"]:
                values = {value["FeatureName"]: value.get("ValueAsString") for value in each["Record"]}
                found[each["RecordIdentifierValueAsString"]] = values
        return found

    def expected(self) -> list[Row]:
        """The labelled rows with what was known at the time of each."""
        return [self.histories.at(row, datetime.fromisoformat(row["scheduled_at"])) for row in self.rows]

    def joined(self, version: int) -> list[Row]:
        """The rows that a version was trained and judged on, as they were joined."""
        execution = self.cli.ok("show", str(version))["record"]["ExecutionArn"].rpartition("/")[2]
        (key,) = self.objects(f"executions/{execution}/Dataset/rows/")
        return self.table(key)

    def listed(self) -> dict[str, Row]:
        """What `sagewright features` says of each group."""
        return {each["name"]: each for each in self.cli.ok("features")["groups"]}

    def job(self) -> int:
        """The process of the ingestion that runs now; 0 for none."""
        return next(self._jobs(), 0)

    def _jobs(self) -> Iterator[int]:
        folder = str(Path(self.sandbox.ready["data"]) / "jobs")
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit():
                try:
                    place = str((entry / "cwd").readlink())
                except OSError:
                    continue
                if place.startswith(folder) and "-Ingest-" in place:
                    yield int(entry.name)
