"""What features() and the model get for a row is the same in training and in the endpoint, value by value.

Requests are made from the raw files by readers that are not ours, so that a fault of ours cannot cancel itself out.
"""

import csv
import datetime as dt
import decimal
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow.parquet as pq
import pytest

from sagewright.runtime.jobs import raw_data
from sagewright.runtime.jobs.feature_files import read_features
from sagewright.runtime.serving import requests, user_code
from sagewright.runtime.serving.schema import Schema
from tests.runtime.jobs.project_run import Project

Projects = Callable[[str], Project]
NAMES = ("churn", "loans", "plants", "houses")


def raw_records(project: Project) -> list[dict[str, Any]]:
    """Read the raw files, in the order of their names, with the standard library and pyarrow."""
    records: list[dict[str, Any]] = []
    for path in sorted(path for path in project.raw.rglob("*") if path.suffix.lower() in (".csv", ".parquet")):
        if path.suffix == ".parquet":
            records += pq.ParquetFile(path).read().to_pylist()
        else:
            with path.open(newline="", encoding="utf-8-sig") as lines:
                records += csv.DictReader(lines)
    return records


def held_out(project: Project, schema: Schema) -> list[dict[str, Any]]:
    """Return the raw records of the test rows, in the order of the test set."""
    records = raw_records(project)
    names = [record[schema.record_id] for record in records] if schema.record_id else range(1, len(records) + 1)
    by_id = {str(name): record for name, record in zip(names, records, strict=True)}
    with (project.held_out / "truth.csv").open(newline="") as lines:
        ids = [row[0] for row in csv.reader(lines)][1:]
    return [{column.name: by_id[name][column.name] for column in schema.columns} for name in ids]


def plain(value: Any) -> Any:
    """Return a value of a Parquet cell as a caller would put it into a request."""
    if isinstance(value, dt.date | dt.time):
        return value.isoformat()
    if isinstance(value, int) and abs(value) > 2**53:
        # Many JSON clients round such a number, so the schema says that it is text.
        return str(value)
    return float(value) if isinstance(value, decimal.Decimal) else value


def as_csv(records: list[dict[str, Any]]) -> str:
    body = io.StringIO()
    csv.writer(body).writerows([plain(value) for value in record.values()] for record in records)
    return body.getvalue()


def as_json(records: list[dict[str, Any]]) -> str:
    return json.dumps([{name: plain(value) for name, value in record.items()} for record in records])


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(("write", "kind"), [(as_csv, "text/csv"), (as_json, "application/json")])
def test_a_request_gives_the_frame_and_the_features_of_the_training_side(
    projects: Projects,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    write: Callable[[list[dict[str, Any]]], str],
    kind: str,
) -> None:
    project = projects(name)
    monkeypatch.syspath_prepend(project.package.parent)
    schema = Schema.load(project.root / "data" / "baseline" / "schema.json")
    records = held_out(project, schema)
    trained, _ = read_features(project.root / "data" / "test", schema)

    served = requests.read(write(records), kind, schema.columns)
    features = user_code.apply_features(user_code.find(schema.package, "features"), served)
    alone = requests.read(write(records[:1]), kind, schema.columns)

    assert [str(dtype) for dtype in served.dtypes] == [column.dtype for column in schema.columns]
    pd.testing.assert_series_equal(alone.dtypes, served.dtypes)
    pd.testing.assert_frame_equal(features, trained.reset_index(drop=True), check_exact=True)


@pytest.mark.parametrize("name", NAMES)
def test_the_held_out_rows_are_read_as_the_raw_table_was(projects: Projects, name: str) -> None:
    project = projects(name)
    schema = Schema.load(project.root / "data" / "baseline" / "schema.json")
    rows = requests.read((project.held_out / "rows.csv").read_bytes(), "text/csv", schema.columns)
    raw = raw_data.read(project.raw)
    names = [column.name for column in schema.columns]
    table = raw.rows.set_index(raw.rows[schema.record_id].astype(str)) if schema.record_id else raw.rows
    test = pd.read_parquet(project.root / "data" / "test").index
    chosen = table.loc[test.astype(str)] if schema.record_id else table.iloc[test - 1]
    pd.testing.assert_frame_equal(rows, chosen[names].reset_index(drop=True), check_exact=True)


def test_texts_that_look_like_numbers_stay_text(projects: Projects) -> None:
    columns: dict[str, str] = {}
    for name in ("loans", "plants"):
        document = json.loads(Path(projects(name).root / "data" / "baseline" / "schema.json").read_text())
        columns |= {column["name"]: column["type"] for column in document["columns"]}
    assert {columns[name] for name in ("postcode", "code", "account", "opened", "signed", "found")} == {"string"}
    assert (columns["children"], columns["rate"], columns["owner"], columns["wet"]) == (
        "integer",
        "number",
        "boolean",
        "boolean",
    )
