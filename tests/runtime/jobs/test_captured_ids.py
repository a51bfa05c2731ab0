"""Requests that hold ids in the place of features are counted; what the endpoint looked up is not taken for drift."""

import json
import runpy
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pandas as pd
import pytest

from sagewright.runtime.jobs import baseline, constraints, drift, profiles
from sagewright.runtime.jobs.captured_rows import CapturedRows
from sagewright.runtime.jobs.profiles import TableProfile
from sagewright.runtime.serving.by_id import IdRows
from sagewright.runtime.serving.columns import Column
from sagewright.runtime.serving.schema import GroupFeature, Lookup, Schema

ROWS = 500
COLUMNS = (
    Column("line", "string", nullable=False),
    Column("sent_at", "string", nullable=False),
    Column("weight", "number", nullable=False),
    Column("load", "number", nullable=False),
)
LOOKUPS = (Lookup("p-lines-v1", "line", "at", "customer", "string", (GroupFeature("load", "fractional"),)),)
SCHEMA = Schema("p", "regression", "late", "customer", COLUMNS, (), event_time="sent_at", lookups=LOOKUPS)
TRAINED = pd.DataFrame(
    {
        "line": [f"L{number % 3}" for number in range(ROWS)],
        "sent_at": [f"2026-01-{number % 28 + 1:02}T00:00:00Z" for number in range(ROWS)],
        "weight": [float(number % 10) for number in range(ROWS)],
        "load": [float(number % 7) for number in range(ROWS)],
    }
)


def captured(data: str, kind: str) -> dict[str, Any]:
    sent = {"observedContentType": kind, "data": data, "encoding": "JSON" if "json" in kind else "CSV"}
    return {"captureData": {"endpointInput": sent}}


def as_json(rows: pd.DataFrame) -> dict[str, Any]:
    return captured(rows.to_json(orient="records"), "application/json")


def as_csv(rows: pd.DataFrame) -> dict[str, Any]:
    return captured(rows.to_csv(index=False), "text/csv")


BY_ID = TRAINED.drop(columns=["load", "sent_at"]).assign(customer=[str(number) for number in range(ROWS)])


def found(*records: dict[str, Any]) -> tuple[CapturedRows, dict[str, list[str]]]:
    table = TableProfile.of_columns(COLUMNS)
    for batch in profiles.batches(TRAINED, COLUMNS):
        table.add(batch)
    rows = CapturedRows(COLUMNS, IdRows.of(SCHEMA), SCHEMA.event_time)
    for record in records:
        rows.add(record)
    findings = drift.find(table, constraints.suggest(table, SCHEMA.event_time), rows.window())
    return rows, {each.column: [one.check for one in each.violations] for each in findings if each.violations}


@pytest.mark.parametrize("write", [as_json, as_csv])
def test_a_window_of_rows_by_their_ids_alone_is_no_drift(write: Any) -> None:
    rows, drifted = found(write(BY_ID), write(BY_ID[["customer", "weight", "line"]]))
    assert (rows.by_id, rows.unreadable, rows.window().table.rows) == (2 * ROWS, 0, 2 * ROWS)
    assert drifted == {}


def test_what_rows_by_their_ids_do_hold_is_compared() -> None:
    _, drifted = found(as_json(BY_ID.assign(weight=BY_ID["weight"] * 5)))
    assert drifted == {"weight": ["baseline_drift_check"]}


def test_looked_up_columns_are_compared_where_callers_send_them() -> None:
    shifted = TRAINED.assign(load=TRAINED["load"] * 5)
    rows, drifted = found(as_json(shifted), as_csv(BY_ID))
    assert rows.by_id == ROWS
    assert drifted == {"load": ["baseline_drift_check"]}


def test_times_move_on_without_being_drift() -> None:
    _, drifted = found(as_json(TRAINED.assign(sent_at="2027-06-01T00:00:00Z")))
    assert drifted == {}


def test_the_program_of_model_monitor_leaves_rows_by_their_ids_out(tmp_path: Path) -> None:
    program = tmp_path / "record_preprocessor.py"
    program.write_text(baseline.record_preprocessor_for(COLUMNS, IdRows.of(SCHEMA)), encoding="utf-8")
    handler = runpy.run_path(str(program))["preprocess_handler"]

    def handled(data: str) -> list[dict[str, Any]]:
        sent = SimpleNamespace(data=data, encoding="CSV", observed_content_type="text/csv")
        return handler(SimpleNamespace(endpoint_input=sent))

    assert handled("customer\n7\n8\n") == []
    assert handled("line,sent_at,weight,load\nL1,2026-01-01,1,2\n") == [
        {"line": "L1", "sent_at": "2026-01-01", "weight": 1.0, "load": 2.0}
    ]
    assert json.loads(json.dumps(handled("L1,2026-01-01,1,2\n")))[0]["load"] == 2.0
