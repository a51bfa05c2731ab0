"""The monitor's job reads a window of captured requests and says which columns are not as they were."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import boto3
import numpy as np
import pandas as pd
import pytest
from moto import mock_aws

from sagewright.runtime.jobs import programs
from sagewright.runtime.jobs.capture_objects import Period
from sagewright.runtime.serving.columns import Column
from sagewright.runtime.serving.errors import UserError
from tests.runtime.jobs.monitor_files import is_documented
from tests.runtime.jobs.project_run import Project

END = datetime(2026, 11, 21, 10, tzinfo=UTC)
BUCKET = "churn-dev-data-111111111111-eu-west-1"
CAPTURE = "capture/churn-dev/AllTraffic"


@pytest.fixture
def s3(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_REGION", "eu-west-1")
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    with mock_aws():
        client = boto3.client("s3", region_name="eu-west-1")
        client.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
        yield client


def captured(data: str, at: datetime, content_type: str = "text/csv") -> str:
    kind = "JSON" if "json" in content_type else "CSV"
    sent = {"observedContentType": content_type, "mode": "INPUT", "data": data, "encoding": kind}
    answer = {"observedContentType": "text/csv", "mode": "OUTPUT", "data": "No,0.9\n", "encoding": "CSV"}
    return json.dumps(
        {
            "captureData": {"endpointInput": sent, "endpointOutput": answer},
            "eventMetadata": {"eventId": "1", "inferenceTime": at.strftime("%Y-%m-%dT%H:%M:%SZ")},
            "eventVersion": "0",
        }
    )


def put(s3: Any, lines: list[str], hour: datetime, name: str = "00-12-3.jsonl") -> None:
    s3.put_object(Bucket=BUCKET, Key=f"{CAPTURE}/{hour:%Y/%m/%d/%H}/{name}", Body="\n".join(lines).encode())


class Monitor:
    """A run of the job beside the baseline of a project."""

    def __init__(self, project: Project, folder: Path) -> None:
        self._baseline = project.root / "data" / "baseline"
        self._project = project
        self.output = folder / "report"
        self.message = folder / "message"

    def run(self, **options: str) -> int:
        said = {
            "window-end": "2026-11-21T10:10:00Z",
            "window-hours": "1",
            "region": "eu-west-1",
            "baseline": str(self._baseline),
        }
        said |= {"capture": f"s3://{BUCKET}/{CAPTURE}", "output": str(self.output), "message": str(self.message)}
        said |= {name.replace("_", "-"): value for name, value in options.items()}
        arguments = ["monitor", "--package", self._project.package.name]
        return programs.run([*arguments, *(f"--{name}={value}" for name, value in said.items())], Path(__file__))

    def read(self, name: str) -> Any:
        return json.loads((self.output / name).read_text(encoding="utf-8"))

    @property
    def drifted(self) -> list[str]:
        for name in ("statistics", "constraints", "constraint_violations"):
            is_documented(name, self.read(f"{name}.json"))
        named = [column["name"] for column in self.read("drift.json")["columns"] if column["drifted"]]
        assert named == list(
            dict.fromkeys(one["feature_name"] for one in self.read("constraint_violations.json")["violations"])
        )
        return named


@pytest.fixture
def monitor(churn: Project, tmp_path: Path) -> Monitor:
    return Monitor(churn, tmp_path)


def columns_of(project: Project) -> tuple[Column, ...]:
    listed = json.loads((project.root / "data" / "baseline" / "schema.json").read_text())["columns"]
    return tuple(Column(**column) for column in listed)


@pytest.fixture(scope="module")
def held_out(churn: Project) -> pd.DataFrame:
    return pd.read_csv(churn.held_out / "rows.csv", dtype=str, keep_default_na=False)


def requests_of(rows: pd.DataFrame, rows_each: int = 5) -> list[str]:
    """Return requests in CSV, one without a header and the next with one."""
    starts = range(0, len(rows), rows_each)
    return [
        captured(
            rows.iloc[start : start + rows_each].to_csv(index=False, header=bool(number % 2)),
            END - timedelta(minutes=number % 59 + 1),
        )
        for number, start in enumerate(starts)
    ]


def test_the_baseline_of_a_project_has_the_documented_form_and_the_programs(churn: Project) -> None:
    folder = churn.root / "data" / "baseline"
    for name in ("statistics", "constraints"):
        is_documented(name, json.loads((folder / f"{name}.json").read_text()))
    names = [feature["name"] for feature in json.loads((folder / "statistics.json").read_text())["features"]]
    assert names == [column.name for column in columns_of(churn)]
    assert (folder / "code.zip").read_bytes() == (churn.root / "0a1b2c.zip").read_bytes()
    assert {path.name for path in folder.iterdir()} == {
        "schema.json",
        "statistics.json",
        "constraints.json",
        "record_preprocessor.py",
        "code.zip",
    }


def test_held_out_rows_are_no_drift(s3: Any, monitor: Monitor, held_out: pd.DataFrame) -> None:
    put(s3, requests_of(held_out), END - timedelta(hours=1))
    assert monitor.run() == 0
    assert monitor.drifted == []
    report = monitor.read("drift.json")
    assert (report["rows"], report["unreadable"]) == (len(held_out), 0)
    assert report["window"] == {"start": "2026-11-21T09:00:00Z", "end": "2026-11-21T10:00:00Z"}
    assert monitor.message.read_text() == (
        f"2026-11-21 09:00 to 2026-11-21 10:00 UTC: {len(held_out)} rows in {report['records']} records, "
        "0 unreadable: no violation"
    )


def test_each_column_that_is_shifted_is_named_alone(
    churn: Project, held_out: pd.DataFrame, s3: Any, tmp_path: Path
) -> None:
    numbers = [column.name for column in columns_of(churn) if column.type in ("integer", "number")]
    named: list[str] = []
    for column in columns_of(churn):
        rows = held_out.copy()
        common = rows[column.name].value_counts().index
        if column.name in numbers and len(common) > 2:
            rows[column.name] = [repr(round(float(cell) * 3)) if cell else "" for cell in rows[column.name]]
        elif abs((rows[column.name] == common[0]).mean() - (rows[column.name] == common[-1]).mean()) < 0.2:
            continue  # as many of the one as of the other: swapping them changes nothing
        else:
            rows[column.name] = rows[column.name].replace({common[0]: common[-1], common[-1]: common[0]})
        put(s3, requests_of(rows, 200), END - timedelta(hours=1))
        monitor = Monitor(churn, tmp_path / column.name)
        assert monitor.run() == 0
        assert monitor.drifted == [column.name]
        named += monitor.drifted
    assert len(named) > 8


def test_fifty_windows_of_a_hundred_unchanged_rows_name_no_column(
    churn: Project, held_out: pd.DataFrame, s3: Any, tmp_path: Path
) -> None:
    for seed in range(50):
        put(s3, requests_of(held_out.sample(100, random_state=seed), 100), END - timedelta(hours=1))
        monitor = Monitor(churn, tmp_path)
        assert monitor.run() == 0
        assert monitor.drifted == []


def test_no_traffic_is_no_drift(s3: Any, monitor: Monitor) -> None:
    assert monitor.run() == 0
    assert monitor.drifted == []
    report = monitor.read("drift.json")
    assert (report["rows"], report["records"]) == (0, 0)
    assert s3.list_objects_v2(Bucket=BUCKET)["KeyCount"] == 0


def test_records_count_in_the_window_of_their_own_time(s3: Any, monitor: Monitor, held_out: pd.DataFrame) -> None:
    row = held_out.head(1).to_csv(index=False, header=False)
    late, early = END - timedelta(seconds=1), END - timedelta(hours=1, seconds=1)
    put(s3, [captured(row, early), captured(row, END - timedelta(hours=1))], END - timedelta(hours=1))
    put(s3, [captured(row, late), captured(row, END)], END)
    put(s3, [captured(row, END - timedelta(minutes=30))], END - timedelta(hours=1), "_not_capture.txt")
    assert monitor.run() == 0
    assert monitor.read("drift.json")["rows"] == 2


def test_a_day_is_one_of_the_calendar(s3: Any, monitor: Monitor, held_out: pd.DataFrame) -> None:
    row = held_out.head(1).to_csv(index=False, header=False)
    midnight = END.replace(hour=0)
    for hours in range(-25, 2):
        put(s3, [captured(row, midnight + timedelta(hours=hours))], midnight + timedelta(hours=hours))
    assert monitor.run(window_hours="24", window_end="2026-11-21T00:20:00Z") == 0
    assert monitor.read("drift.json")["rows"] == 24
    assert monitor.read("drift.json")["window"] == {"start": "2026-11-20T00:00:00Z", "end": "2026-11-21T00:00:00Z"}


def test_what_cannot_be_read_is_counted_and_the_rest_goes_on(s3: Any, monitor: Monitor, held_out: pd.DataFrame) -> None:
    row = held_out.head(1).to_csv(index=False, header=False)
    at = END - timedelta(minutes=5)
    broken = [captured("1,2", at), captured("{", at, "application/json"), captured("x", at, "image/png")]
    missing = json.dumps({"eventMetadata": {"inferenceTime": at.isoformat()}, "captureData": {}})
    put(s3, [*broken, missing, "no json", '["a list"]', "", captured(row, at)], END - timedelta(hours=1))
    assert monitor.run() == 0
    report = monitor.read("drift.json")
    assert (report["rows"], report["records"], report["unreadable"]) == (1, 7, 6)


def test_json_and_csv_requests_count_alike(s3: Any, monitor: Monitor, churn: Project) -> None:
    values: dict[str, Any] = {
        column.name: {"integer": 3, "number": 2.5, "string": "\ud800 odd", "boolean": True}[column.type]
        for column in columns_of(churn)
    }
    at = END - timedelta(minutes=5)
    put(s3, [captured(json.dumps([values] * 40), at, "application/json")] * 3, END - timedelta(hours=1))
    assert monitor.run() == 0
    statistics = monitor.read("statistics.json")
    assert statistics["dataset"]["item_count"] == 120
    assert len(monitor.drifted) > 10


def test_values_of_the_wrong_type_and_columns_left_out_are_named(
    s3: Any, monitor: Monitor, churn: Project, held_out: pd.DataFrame
) -> None:
    number = next(column.name for column in columns_of(churn) if column.type == "integer")
    gone = next(column.name for column in columns_of(churn) if column.type == "string")
    rows = held_out.assign(**{number: "many"}).drop(columns=gone).assign(beyond="1")
    put(s3, requests_of(rows, 1)[1::2], END - timedelta(hours=1))
    assert monitor.run() == 0
    assert {*monitor.drifted} == {number, gone, "beyond"}
    checks = {one["name"]: one["checks"] for one in monitor.read("drift.json")["columns"] if one["drifted"]}
    assert checks == {number: ["data_type_check"], gone: ["missing_column_check"], "beyond": ["extra_column_check"]}


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"window_end": "yesterday"}, "--window-end 'yesterday' is not a time"),
        ({"capture": "capture/churn"}, "--capture 'capture/churn' is no place in S3"),
        ({"baseline": "/nowhere"}, "the baseline has no schema.json: train a version anew"),
        ({"capture": "s3://absent-bucket/capture"}, "NoSuchBucket"),
    ],
)
def test_what_the_job_cannot_do_is_its_failure_reason(
    s3: Any, monitor: Monitor, options: dict[str, str], said: str
) -> None:
    assert s3.list_buckets()["Buckets"]
    assert monitor.run(**options) == 1
    assert said in monitor.message.read_text()


def test_a_window_ends_at_the_last_whole_hour_wherever_it_is_told_from() -> None:
    assert Period.ending("2026-11-21T12:59:59+02:00", 1) == Period(END - timedelta(hours=1), END)
    assert Period.ending("2026-11-21T10:00:00", 1).end == END
    with pytest.raises(UserError, match="is not a time"):
        Period.ending("", 1)


def test_rows_are_counted_the_same_in_one_batch_and_in_many(
    s3: Any, churn: Project, held_out: pd.DataFrame, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(s3, requests_of(held_out, 10), END - timedelta(hours=1))
    whole, parts = Monitor(churn, tmp_path / "whole"), Monitor(churn, tmp_path / "parts")
    assert whole.run() == 0
    monkeypatch.setattr("sagewright.runtime.jobs.captured_rows.BATCH_ROWS", 64)
    assert parts.run() == 0
    for one, other in zip(whole.read("drift.json")["columns"], parts.read("drift.json")["columns"], strict=True):
        assert one == other
    assert np.isfinite([column["distance"] for column in whole.read("drift.json")["columns"]]).all()
