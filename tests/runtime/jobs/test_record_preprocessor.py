"""Monitors read what the model read: the program that reads records for both, beside serving's own reader."""

import base64
import json
import runpy
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pandas as pd
import pytest

from sagewright.runtime.jobs import baseline, record_preprocessor
from sagewright.runtime.jobs.record_preprocessor import UnreadableError
from sagewright.runtime.serving import requests
from sagewright.runtime.serving.columns import Column, ColumnType
from sagewright.runtime.serving.requests import CSV, JSON

COLUMNS = (
    Column("count", "integer", nullable=True),
    Column("price", "number", nullable=True),
    Column("town", "string", nullable=True),
    Column("member", "boolean", nullable=True),
)
KINDS = [(column.name, column.type) for column in COLUMNS]

REQUESTS = [
    ("1,2.5,Ulm,true", CSV),
    ("1,2.5,Ulm,true\n2,-3e2,Zürich,FALSE\n", "text/csv; charset=utf-8"),
    ("\ufeffcount,price,town,member\r\n1,2,Ulm,true\r\n", CSV),
    ("town,member,price,count\nUlm,true,2,1", CSV),
    (",,,\nNA, null ,NA,nan\n", CSV),
    ('3,4,"a ""b"", c\nd",False', CSV),
    ("1.0,1e3, spaced ,true\n1e2,.5,007,TRUE", CSV),
    ("9007199254740992,1e308,-,false", CSV),
    ('{"count": 1, "price": 2, "town": "Ulm", "member": true}', JSON),
    ('[{"count": 1.0, "price": 2.5}, {"town": "", "member": null}, {}]', JSON),
    ('{"instances": [{"count": "7", "price": " 1.5 ", "town": "7", "member": "True"}]}', JSON),
    ('[{"count": NaN, "price": NaN, "town": NaN, "member": NaN}]', JSON),
]


def read(data: str, content_type: str | None, encoding: str = "CSV") -> list[dict[str, Any]]:
    return record_preprocessor.rows(data, encoding, content_type, KINDS)


def as_served(data: str, content_type: str, columns: tuple[Column, ...] = COLUMNS) -> list[list[object]]:
    frame = requests.read(data, content_type, columns)
    return [[None if pd.isna(cell) else cell for cell in row] for row in frame.astype(object).to_numpy().tolist()]


def as_monitored(data: str, content_type: str) -> list[list[object]]:
    words = {"True": True, "False": False}
    rows = [[row.get(name) for name, _ in KINDS] for row in read(data, content_type)]
    return [[*row[:3], words.get(str(row[3]))] for row in rows]


@pytest.mark.parametrize(("data", "content_type"), REQUESTS)
def test_a_request_that_is_answered_is_monitored_with_the_values_that_the_model_saw(
    data: str, content_type: str
) -> None:
    assert as_monitored(data, content_type) == as_served(data, content_type)


def test_a_blank_line_is_a_missing_value_where_there_is_one_column() -> None:
    column = Column("town", "string", nullable=True)
    assert as_served("Ulm\n\nBonn\n", CSV, (column,)) == [["Ulm"], [None], ["Bonn"]]
    rows = record_preprocessor.rows("Ulm\n\nBonn\n", "CSV", CSV, [("town", "string")])
    assert [row["town"] for row in rows] == ["Ulm", None, "Bonn"]


@pytest.mark.parametrize(
    ("kind", "cell"),
    [
        ("integer", "1.5"),
        ("integer", "many"),
        ("integer", "99999999999999999999"),
        ("integer", True),
        ("number", "1e999"),
        ("number", "inf"),
        ("number", 10**400),
        ("number", [1]),
        ("boolean", "yes"),
        ("boolean", 1),
        ("string", 5),
    ],
)
def test_a_value_that_its_column_cannot_hold_is_left_for_the_checks(kind: ColumnType, cell: object) -> None:
    row = record_preprocessor.rows(json.dumps([{"x": cell}]), "JSON", JSON, [("x", kind)])[0]
    assert row["x"] is not None
    assert not (kind in ("integer", "number") and isinstance(row["x"], int | float) and not isinstance(row["x"], bool))
    with pytest.raises(requests.RequestError):
        requests.read(json.dumps([{"x": cell}]), JSON, (Column("x", kind, nullable=True),))


def test_columns_that_are_unknown_stay() -> None:
    assert read('{"hieght": 2}', JSON) == [{"hieght": 2}]
    assert read("count,price,town,height\n1,2,Ulm,3", CSV) == [{"count": 1, "price": 2.0, "town": "Ulm", "height": "3"}]


@pytest.mark.parametrize(
    ("data", "content_type"),
    [
        ("1,2", CSV),
        ('1,2,"Ulm,true', CSV),
        ("count,price,town,town\n1,2,a,b", CSV),
        ("{", JSON),
        ("[1, 2]", JSON),
        ('{"instances": [{}], "parameters": {}}', JSON),
        ("<a/>", "application/xml"),
    ],
)
def test_what_is_no_table_is_unreadable(data: str, content_type: str) -> None:
    with pytest.raises(UnreadableError):
        read(data, content_type)
    with pytest.raises(requests.RequestError):
        requests.read(data, content_type, COLUMNS)


def test_the_encoding_tells_what_is_sent_without_a_content_type() -> None:
    assert read("1,2,Ulm,true", None) == read('{"count":1,"price":2,"town":"Ulm","member":true}', None, "JSON")


def test_a_body_in_base64_is_read_by_its_content_type_or_its_beginning() -> None:
    for body, kind in (("1,2,Zürich,true", CSV), (' [{"town": "Zürich"}]', JSON)):
        sent = base64.b64encode(body.encode()).decode()
        assert read(sent, kind, "BASE64")[0]["town"] == read(sent, None, "BASE64")[0]["town"] == "Zürich"
    for broken in ("?", base64.b64encode("ü".encode("latin-1")).decode()):
        with pytest.raises(UnreadableError, match="not UTF-8 text"):
            read(broken, CSV, "BASE64")


def record(data: str, encoding: str, content_type: str) -> SimpleNamespace:
    """Return a captured record as Model Monitor hands it over."""
    sent = SimpleNamespace(data=data, encoding=encoding, observed_content_type=content_type)
    return SimpleNamespace(endpoint_input=sent, endpoint_output=SimpleNamespace(data="No,0.9", encoding="CSV"))


def test_the_program_for_model_monitor_has_the_columns_written_in(tmp_path: Path) -> None:
    columns = (*COLUMNS, Column('a "quoted" ü\\', "string", nullable=True))
    (tmp_path / "record_preprocessor.py").write_text(baseline.record_preprocessor_for(columns), encoding="utf-8")
    handler = runpy.run_path(str(tmp_path / "record_preprocessor.py"))["preprocess_handler"]
    expected = {"count": 1, "price": 2.0, "town": "Ulm", "member": "True", 'a "quoted" ü\\': None}
    assert handler(record("1,2,Ulm,true,\n", "CSV", CSV)) == [expected]
    assert handler(record("garbage", "CSV", CSV)) == []
    assert handler(record('{"count": [1]}', "JSON", JSON)) == [{"count": "[1]"}]


def test_the_program_runs_on_python_alone(tmp_path: Path) -> None:
    program = tmp_path / "record_preprocessor.py"
    program.write_text(baseline.record_preprocessor_for(COLUMNS), encoding="utf-8")
    subprocess.run([sys.executable, "-I", "-S", program], check=True)
