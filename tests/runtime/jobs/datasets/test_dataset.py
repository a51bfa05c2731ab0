"""The dataset job joins every labelled row once, leaves no table behind, and says how the rows came about."""

import hashlib
import io
import json
import logging
import os
import signal
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import boto3
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from moto import mock_aws

from sagewright.runtime.jobs import programs, raw_data
from sagewright.runtime.jobs.datasets import dataset
from sagewright.runtime.jobs.datasets.athena import Athena
from sagewright.runtime.jobs.datasets.dataset import Clients
from sagewright.runtime.jobs.datasets.joined_rows import Joined
from sagewright.runtime.serving import schema
from sagewright.runtime.serving.columns import Column
from sagewright.runtime.serving.schema import GroupFeature, Lookup, Schema
from tests.runtime.jobs.datasets.duckdb_athena import DuckDBAthena
from tests.runtime.jobs.datasets.joined_history import DATABASE, History, Record, document, iso

BUCKET = "shop-dev-data-111111111111-eu-west-1"
KEY = "arn:aws:kms:eu-west-1:111111111111:key/1"
PLACE = "executions/abc/Dataset"
START = 1_793_000_000_000
LABELLED = (
    "order,at,customer,code,paid,bought\n"
    "1,2026-10-26T10:00:00+01:00,7,007,1.5,no\n"
    "2,2026-10-27 12:00,8,,,yes\n"
    "3,2026-10-28,,x,2,no\n"
    "4,2026-10-29T00:00:00Z,7,y,3,yes\n"
)


def customers(*, features: str = "integral") -> History:
    types = {"customer": "integral", "seen": "string", "orders": features, "city": "string"}
    records = [
        Record(7, 0, "2026-10-26T09:00:00Z", START, START, deleted=False, values={"orders": 3, "city": "here"}),
        Record(7, 0, "2026-10-28T12:00:00Z", START, START, deleted=False, values={"orders": 4, "city": None}),
        Record(8, 0, "2026-10-27T12:00:01Z", START, START, deleted=False, values={"orders": 9, "city": "there"}),
    ]
    return History("customers", types, records, "customer")


def cities() -> History:
    types = {"city": "string", "since": "string", "size": "fractional"}
    records = [Record("here", 0, iso(0), START, START, deleted=False, values={"size": 0.5})]
    return History("cities", types, records, "city", look_back_hours=None)


@dataclass
class World:
    """An account with the groups' tables, and the job as the pipeline starts it."""

    folder: Path
    s3: Any
    glue: Any
    athena: DuckDBAthena
    histories: list[History]

    def declare(self) -> Path:
        bundle = self.folder / "bundle.zip"
        with zipfile.ZipFile(bundle, "w") as archive:
            archive.writestr("declaration.json", json.dumps(document(self.histories)))
        return bundle

    def keep(self, history: History) -> None:
        folder = f"features/{history.name}/data"
        content = io.BytesIO()
        pq.write_table(history.table(), content)
        self.s3.put_object(Bucket=BUCKET, Key=f"{folder}/year=2026/1.parquet", Body=content.getvalue())
        table = {"Name": f"{history.name}_v1", "StorageDescriptor": {"Location": f"s3://{BUCKET}/{folder}"}}
        self.glue.create_table(DatabaseName=DATABASE, TableInput=table)

    def run(self, labelled: str = LABELLED) -> int:
        raw = self.folder / "raw"
        raw.mkdir(exist_ok=True)
        (raw / "orders.csv").write_text(labelled)
        arguments = ["dataset", "--package=shop", f"--raw={raw}", f"--output={self.folder / 'manifest'}"]
        arguments += [f"--place=s3://{BUCKET}/{PLACE}", f"--key={KEY}", "--workgroup=shop-features"]
        arguments += [f"--database={DATABASE}", "--region=eu-west-1", f"--message={self.folder / 'reason'}"]
        return programs.run(arguments, self.declare())

    def reason(self, labelled: str = LABELLED) -> str:
        assert self.run(labelled) == 1
        assert self.tables() == {f"{each.name}_v1" for each in self.histories}
        return (self.folder / "reason").read_text()

    def tables(self) -> set[str]:
        return {each["Name"] for each in self.glue.get_tables(DatabaseName=DATABASE)["TableList"]}

    def content(self) -> bytes:
        body: bytes = self.s3.get_object(Bucket=BUCKET, Key=f"{PLACE}/rows/dataset.parquet")["Body"].read()
        return body

    def rows(self) -> Path:
        folder = self.folder / "rows"
        folder.mkdir(exist_ok=True)
        (folder / "dataset.parquet").write_bytes(self.content())
        return folder

    def manifest(self) -> dict[str, Any]:
        written: dict[str, Any] = json.loads((self.folder / "manifest" / "dataset.json").read_text())["manifest"]
        return written


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    with mock_aws():
        s3, glue = boto3.client("s3", region_name="eu-west-1"), boto3.client("glue", region_name="eu-west-1")
        s3.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
        glue.create_database(DatabaseInput={"Name": DATABASE})
        athena = DuckDBAthena(s3, glue)
        made = World(tmp_path, s3, glue, athena, [customers(), cities()])
        for history in made.histories:
            made.keep(history)
        clients = Clients(s3, glue, Athena(athena, "shop-features", wait=Mock()))
        monkeypatch.setattr(dataset.Clients, "connect", Mock(return_value=clients))
        yield made


def failed(text: str, *, again: bool) -> dict[str, Any]:
    return {"State": "FAILED", "StateChangeReason": text, "AthenaError": {"Retryable": again}}


def test_every_row_gets_its_features_in_the_order_of_the_rows(world: World) -> None:
    assert world.run() == 0
    found = pq.read_table(io.BytesIO(world.content())).select(["order", "orders", "city", "size"]).to_pylist()
    assert found == [
        {"order": 1, "orders": 3, "city": "here", "size": 0.5},
        {"order": 2, "orders": None, "city": None, "size": None},
        {"order": 3, "orders": None, "city": None, "size": None},
        {"order": 4, "orders": 4, "city": None, "size": None},
    ]


def test_the_labelled_columns_keep_their_types(world: World) -> None:
    assert world.run() == 0
    before, after = raw_data.read(world.folder / "raw"), raw_data.read(world.rows())
    assert after.columns[: len(before.columns)] == before.columns
    assert after.rows[[*before.rows]].equals(before.rows)


def test_neither_success_nor_failure_leaves_a_table_behind(world: World) -> None:
    assert world.run() == 0
    assert world.tables() == {"customers_v1", "cities_v1"}
    world.athena.told = [failed("SYNTAX_ERROR: line 1:8", again=False)]
    assert "in workgroup shop-features: SYNTAX_ERROR: line 1:8" in world.reason()


def stop_the_job() -> None:
    os.kill(os.getpid(), signal.SIGTERM)


def test_a_job_that_is_stopped_stops_its_query_and_takes_its_table_away(world: World) -> None:
    world.athena.while_running = stop_the_job
    with pytest.raises(SystemExit) as ended:
        world.run()
    assert ended.value.code == 128 + signal.SIGTERM
    assert len(world.athena.stopped) == 1
    assert world.tables() == {"customers_v1", "cities_v1"}


def test_what_a_killed_attempt_left_is_replaced(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.athena.while_running = stop_the_job
    with monkeypatch.context() as patch:
        patch.setattr(world.glue, "delete_table", Mock())
        with pytest.raises(SystemExit):
            world.run()
    assert len(world.tables()) == 3
    world.athena.while_running = lambda: None
    assert world.run() == 0
    assert world.tables() == {"customers_v1", "cities_v1"}


def test_the_fault_is_told_and_not_that_the_table_stays(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.athena.told = [failed("GENERIC_INTERNAL_ERROR", again=False)]
    drop = world.glue.delete_table

    def denied(**request: Any) -> None:
        if world.athena.started:
            raise ConnectionError("no network")
        drop(**request)

    monkeypatch.setattr(world.glue, "delete_table", denied)
    assert world.run() == 1
    assert "GENERIC_INTERNAL_ERROR" in (world.folder / "reason").read_text()


def test_a_failure_that_may_pass_is_tried_again_in_another_place(world: World) -> None:
    world.athena.told = [failed("EXCEEDED_MEMORY_LIMIT", again=True), {"State": "SUCCEEDED"}]
    assert world.run() == 0
    first, second = (statement.split("TO '")[1].split("'")[0] for statement in world.athena.started)
    assert first != second


def test_a_failure_that_does_not_pass_ends_the_job(world: World) -> None:
    world.athena.told = [failed("EXCEEDED_MEMORY_LIMIT", again=True)] * 9
    assert "EXCEEDED_MEMORY_LIMIT" in world.reason()
    assert len(world.athena.started) == 3


def test_a_cancelled_query_says_so(world: World) -> None:
    world.athena.told = [{"State": "CANCELLED"}]
    assert "was cancelled in workgroup shop-features: start the training again" in world.reason()


def test_a_long_query_says_how_far_it_is(world: World, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    world.athena.told = [{"State": "QUEUED"}, *[{"State": "RUNNING"}] * 20]
    assert world.run() == 0
    assert sum(": running for" in message for message in caplog.messages) == 2


def lost(table: pa.Table) -> pa.Table:
    return table.slice(1)


def doubled(table: pa.Table) -> pa.Table:
    return pa.concat_tables([table, table.slice(0, 1)])


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lost, "the join gave 3 rows, 3 of them different, for 4 labelled rows"),
        (doubled, "the join gave 5 rows, 4 of them different"),
    ],
)
def test_a_join_that_loses_or_doubles_a_row_is_no_dataset(
    world: World, change: Callable[[pa.Table], pa.Table], said: str
) -> None:
    world.athena.changed = change
    assert said in world.reason()


def test_a_group_that_gives_nothing_to_any_row_is_no_training_set(world: World) -> None:
    said = world.reason(LABELLED.replace(",7,", ",70,").replace(",8,", ",80,"))
    assert said.startswith("data.join[0] (customers): no labelled row has a value of shop-customers-v1")
    assert (
        "(sagewright features ingest customers), and see that customer, such as 70, is what its customer holds" in said
    )


def test_a_group_without_a_table_is_named(world: World) -> None:
    world.glue.delete_table(DatabaseName=DATABASE, Name="cities_v1")
    assert world.run() == 1
    assert "feature group shop-cities-v1 has no table shop_features.cities_v1" in (world.folder / "reason").read_text()


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("2026-10-28,", ",", "data.event_time at is empty in 1 rows"),
        ("2026-10-28,", "soon,", "data.event_time at, row 3: 'soon' is neither a time in ISO 8601"),
        ("at,", "when,", "data.event_time 'at' is no column of the raw data"),
        ("customer,", "client,", "data.join[0].on (customers) 'customer' is no column of the raw data"),
        (",8,", ",eight,", "customer holds string values such as '7' and cannot name records whose id is integral"),
        ("paid,", "city,", "data.join: city is a feature and a column of the labelled rows, too"),
    ],
)
def test_labelled_rows_that_cannot_be_joined_are_refused(world: World, old: str, new: str, said: str) -> None:
    assert said in world.reason(LABELLED.replace(old, new))


def test_the_manifest_says_how_the_rows_came_about(world: World) -> None:
    assert world.run() == 0
    manifest = world.manifest()
    assert manifest["uri"] == f"s3://{BUCKET}/{PLACE}/rows/dataset.parquet"
    assert manifest["sha256"] == hashlib.sha256(world.content()).hexdigest()
    assert manifest["rows"] == manifest["labelled"]["rows"] == 4
    assert manifest["missing"] == {"orders": 2, "city": 3, "size": 3}
    assert {"name": "size", "type": "fractional", "feature_group": "shop-cities-v1"} in manifest["columns"]
    assert manifest["query"]["scanned_bytes"] == 1234
    assert manifest["query"]["sql"] in world.athena.started[0]
    customers, _ = manifest["groups"]
    assert customers["location"] == f"s3://{BUCKET}/features/customers/data"
    assert (customers["objects"], customers["changed_meanwhile"]) == (1, False)


def test_the_manifest_says_when_a_group_grew_while_it_was_read(world: World) -> None:
    def grow() -> None:
        key = "features/cities/data/year=2026/1.parquet"
        copied = {"Bucket": BUCKET, "Key": key}
        world.s3.copy_object(Bucket=BUCKET, Key=key.replace("1.", "2."), CopySource=copied)

    world.athena.while_running = grow
    assert world.run() == 0
    assert [each["changed_meanwhile"] for each in world.manifest()["groups"]] == [False, True]


def test_the_same_history_gives_the_same_bytes(world: World) -> None:
    assert world.run() == 0
    first = world.content()
    assert world.run() == 0
    assert world.content() == first


def preprocessed(world: World, *more: str) -> tuple[int, Path]:
    output = world.folder / "data"
    arguments = ["preprocess", "--package=shop", f"--raw={world.rows()}", f"--output={output}", "--label=bought"]
    arguments += ["--problem=binary_classification", "--test-fraction=0.5", "--event-time=at", "--record-id=order"]
    return programs.run([*arguments, f"--message={world.folder / 'reason'}", *more], Path(__file__)), output


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "shop").mkdir()
    (tmp_path / "shop" / "__init__.py").write_text("def features(raw):\n    return raw[['orders', 'size']]\n")
    monkeypatch.syspath_prepend(tmp_path)


@pytest.mark.usefixtures("package")
def test_the_schema_says_how_an_endpoint_finds_the_features(world: World) -> None:
    assert world.run() == 0
    done, output = preprocessed(world, "--split-by=time", f"--dataset={world.folder / 'manifest'}")
    assert done == 0, (world.folder / "reason").read_text()
    recorded = Schema.load(output / "baseline" / schema.FILE)
    assert recorded.event_time == "at"
    assert recorded.lookups == (
        Lookup(
            "shop-customers-v1",
            "customer",
            "seen",
            "customer",
            "integer",
            (GroupFeature("orders", "integral"), GroupFeature("city", "string")),
            record_id_type="integral",
        ),
        Lookup("shop-cities-v1", "city", "since", "city", "string", (GroupFeature("size", "fractional"),)),
    )
    manifest = json.loads((output / "baseline" / schema.FILE).read_text())["manifest"]
    assert manifest["dataset"] == world.manifest()
    assert manifest["train_rows"] == manifest["test_rows"] == 2
    held_out = (output / "held_out" / "truth.csv").read_text()
    assert held_out == "order,bought\n3,no\n4,yes\n"


@pytest.mark.usefixtures("package")
def test_a_feature_may_be_missing_in_a_request_though_it_was_in_no_row(world: World) -> None:
    """Types of a table that happens to be full would not hold at an endpoint that finds no record."""
    full = LABELLED.replace(",8,", ",7,").replace("2026-10-28,,", "2026-10-28,7,")
    assert world.run(full) == 0
    assert raw_data.read(world.rows()).column("orders", "x") == Column("orders", "integer", nullable=False)
    done, output = preprocessed(world, "--split-by=random", f"--dataset={world.folder / 'manifest'}")
    assert done == 0
    columns = {column.name: column for column in Schema.load(output / "baseline" / schema.FILE).columns}
    assert columns["orders"] == Column("orders", "integer", nullable=True)
    assert columns["size"] == Column("size", "number", nullable=True)
    assert columns["customer"] == Column("customer", "integer", nullable=False)


def test_whole_numbers_that_a_gap_would_round_are_text(tmp_path: Path) -> None:
    most = 2**53
    for name, value in (("few", most), ("many", most + 1)):
        folder = tmp_path / name
        folder.mkdir()
        pq.write_table(pa.table({"number": [1, value]}), folder / "dataset.parquet")
        lookup = Lookup("g", "id", "t", "key", "string", (GroupFeature("number", "integral"),))
        typed = Joined((lookup,), {}).typed(raw_data.read(folder))
        few = name == "few"
        assert typed.columns == (Column("number", "integer" if few else "string", nullable=True),)
        assert typed.rows["number"].tolist() == ([1.0, float(value)] if few else ["1", str(value)])


def test_rows_of_another_manifest_are_refused(world: World) -> None:
    assert world.run() == 0
    path = world.folder / "manifest" / "dataset.json"
    path.write_text(path.read_text().replace('"rows": 4', '"rows": 5'))
    assert preprocessed(world, "--split-by=random", f"--dataset={path.parent}")[0] == 1
    assert "the joined table has 4 rows, its manifest says 5" in (world.folder / "reason").read_text()


def test_a_split_by_time_needs_the_column_of_times(world: World) -> None:
    assert world.run() == 0
    output = world.folder / "data"
    arguments = ["preprocess", "--package=shop", f"--raw={world.rows()}", f"--output={output}", "--label=bought"]
    arguments += ["--problem=binary_classification", "--test-fraction=0.5", "--split-by=time"]
    assert programs.run([*arguments, f"--message={world.folder / 'reason'}"], Path(__file__)) == 1
    assert "data.split.by is time, but data.event_time names no column" in (world.folder / "reason").read_text()
