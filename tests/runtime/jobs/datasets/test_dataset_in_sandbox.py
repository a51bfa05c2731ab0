"""The dataset job beside the sandbox's own Athena, catalog and S3: a larger history, found as the definition says."""

import io
import json
import random
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
import pyarrow.parquet as pq
import pytest
from botocore.config import Config

from sagewright.cli import sandbox_process
from sagewright.runtime.jobs import programs
from sagewright.runtime.jobs.datasets.labelled_rows import PARQUET
from sagewright.runtime.jobs.datasets.point_in_time import GLUE_TYPES
from tests.runtime.jobs.datasets.joined_history import DATABASE, History, Question, Record, Reference, document, iso

ACCOUNT, REGION = "111111111111", "eu-west-1"
BUCKET, WORKGROUP = "shop-dev-data-111111111111-eu-west-1", "shop-features"
START, HOUR = 1_793_000_000_000, 3_600_000
RESERVED = {"write_time": "timestamp", "api_invocation_time": "timestamp", "is_deleted": "boolean"}

Client = Callable[[str], Any]


@pytest.fixture
def client(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Client]:
    running = sandbox_process.start(tmp_path)
    keys = {"AWS_ACCESS_KEY_ID": f"AKIASBOX{ACCOUNT}", "AWS_SECRET_ACCESS_KEY": "sandbox"}
    for name, value in (keys | {"AWS_ENDPOINT_URL": running.endpoint, "NO_PROXY": "*", "no_proxy": "*"}).items():
        monkeypatch.setenv(name, value)

    def make(service: str) -> Any:
        name: Any = service
        return boto3.Session(region_name=REGION).client(name, config=Config(proxies={}))

    yield make
    running.stop()


def histories(chance: random.Random) -> list[History]:
    """Draw as many records as make every rule matter often, with ties in all times."""
    place = {"place": "string", "seen": "string", "wind": "fractional", "station-id": "string"}
    station = {"id": "string", "since": "fractional", "height": "integral"}

    def record(ids: list[str], values: dict[str, Any], *, in_seconds: bool) -> Record:
        happened = START + chance.randrange(200) * HOUR // 4
        stored = happened / 1000 if in_seconds else iso(happened, chance.choice([0, 5]))
        arrived = happened + chance.choice([0, HOUR, 9 * HOUR])
        deleted = chance.random() < 0.2
        return Record(chance.choice(ids), happened, stored, arrived, arrived, deleted, values)

    ids = [f"é{number}" for number in range(12)]
    places = [
        record(ids, {"wind": chance.choice([None, 0.5, 1e-7]), "station-id": chance.choice(ids)}, in_seconds=False)
        for _ in range(600)
    ]
    stations = [record(ids, {"height": chance.choice([None, 2**60, -1])}, in_seconds=True) for _ in range(400)]
    return [
        History("place", place, places, "where", look_back_hours=12),
        History("station", station, stations, "station-id"),
    ]


def keep(client: Client, history: History) -> None:
    content = io.BytesIO()
    pq.write_table(history.table(), content)
    folder = f"features/{history.name}/data"
    client("s3").put_object(Bucket=BUCKET, Key=f"{folder}/1.parquet", Body=content.getvalue())
    types = {name: GLUE_TYPES[kind] for name, kind in history.types.items()} | RESERVED
    columns = [{"Name": name, "Type": kind} for name, kind in types.items()]
    stored = {"Columns": columns, "Location": f"s3://{BUCKET}/{folder}", **PARQUET}
    table = {"Name": f"{history.name}_v1", "TableType": "EXTERNAL_TABLE", "StorageDescriptor": stored}
    client("glue").create_table(DatabaseName=DATABASE, TableInput=table)


@pytest.mark.parametrize("known_by", ["api_invocation_time", pytest.param("event_time", marks=pytest.mark.soak)])
def test_the_job_finds_what_the_definition_says(client: Client, tmp_path: Path, known_by: str) -> None:
    chance = random.Random(6)  # noqa: S311 - the same history each time
    groups = histories(chance)
    times = [START + chance.randrange(800) * HOUR // 16 for _ in range(500)]
    question = Question(times, {"where": [chance.choice([f"é{number}" for number in range(13)]) for _ in times]})
    client("s3").create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": REGION})
    client("glue").create_database(DatabaseInput={"Name": DATABASE})
    results = {"ResultConfiguration": {"OutputLocation": f"s3://{BUCKET}/queries/"}}
    client("athena").create_work_group(Name=WORKGROUP, Configuration=results)
    key = client("kms").create_key()["KeyMetadata"]["Arn"]
    for history in groups:
        keep(client, history)
    (tmp_path / "raw").mkdir()
    rows = zip(times, question.keys["where"], strict=True)
    lines = ["at,where,bought", *(f"{iso(at)},{where},{number % 2}" for number, (at, where) in enumerate(rows))]
    (tmp_path / "raw" / "rows.csv").write_text("\n".join(lines), encoding="utf-8")
    with zipfile.ZipFile(tmp_path / "bundle.zip", "w") as bundle:
        bundle.writestr("declaration.json", json.dumps(document(groups, known_by)))

    arguments = ["dataset", "--package=shop", f"--raw={tmp_path / 'raw'}", f"--output={tmp_path / 'manifest'}"]
    arguments += [f"--place=s3://{BUCKET}/executions/1/Dataset", f"--key={key}", f"--workgroup={WORKGROUP}"]
    arguments += [f"--database={DATABASE}", f"--region={REGION}", f"--message={tmp_path / 'reason'}"]
    assert programs.run(arguments, tmp_path / "bundle.zip") == 0

    body = client("s3").get_object(Bucket=BUCKET, Key="executions/1/Dataset/rows/dataset.parquet")["Body"].read()
    found = pq.read_table(io.BytesIO(body)).select(["wind", "station-id", "height"]).to_pylist()
    assert found == Reference(groups, known_by).joined(question)
    assert {each["Name"] for each in client("glue").get_tables(DatabaseName=DATABASE)["TableList"]} == {
        "place_v1",
        "station_v1",
    }
