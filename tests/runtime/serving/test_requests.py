"""A request is either read as the training data was, or refused with all that is wrong in it."""

import json

import pandas as pd
import pytest

from sagewright.runtime.serving.columns import Column
from sagewright.runtime.serving.requests import RequestError, read

COLUMNS = (
    Column("tenure", "integer", nullable=False),
    Column("total", "number", nullable=True),
    Column("contract", "string", nullable=False),
)
ROWS = pd.DataFrame({"tenure": [3, 40], "total": [9.5, float("nan")], "contract": ["one, two", "x"]})
CSV = '3,9.5,"one, two"\n40,,x\n'
OBJECTS = [{"tenure": 3, "total": 9.5, "contract": "one, two"}, {"tenure": 40, "total": None, "contract": "x"}]


@pytest.mark.parametrize(
    ("content", "content_type"),
    [
        (CSV, "text/csv"),
        (CSV.encode(), "text/csv; charset=utf-8"),
        (b"\xef\xbb\xbf" + CSV.encode(), "TEXT/CSV"),
        (CSV.replace("\n", "\r\n").rstrip(), "text/csv"),
        ("tenure,total,contract\n" + CSV, "text/csv"),
        ('contract,tenure,total\n"one, two",3,9.5\nx,40,\n', "text/csv"),
        (json.dumps({"instances": OBJECTS}), "application/json"),
        (json.dumps(OBJECTS).encode(), "application/json"),
        (
            '[{"total": 9.5, "tenure": 3.0, "contract": "one, two"}, {"tenure": "40", "contract": "x"}]',
            "application/json",
        ),
        (json.dumps(OBJECTS).replace("null", "NaN"), "application/json"),
    ],
)
def test_each_form_of_a_request_gives_the_same_frame(content: str | bytes, content_type: str) -> None:
    pd.testing.assert_frame_equal(read(content, content_type, COLUMNS), ROWS)


def test_one_object_is_one_row() -> None:
    pd.testing.assert_frame_equal(read(json.dumps(OBJECTS[0]), "application/json", COLUMNS), ROWS.head(1))


def test_a_column_may_be_named_as_the_list_of_rows() -> None:
    columns = (Column("instances", "integer", nullable=False), Column("plan", "string", nullable=False))
    rows = [{"instances": 3, "plan": "a"}, {"instances": 4, "plan": "b"}]
    for body in ({"instances": rows}, rows):
        pd.testing.assert_frame_equal(read(json.dumps(body), "application/json", columns), pd.DataFrame(rows))
    assert read(json.dumps(rows[0]), "application/json", columns)["instances"].tolist() == [3]
    with pytest.raises(RequestError, match=r"column instances: \[1, 2\] is not a number"):
        read('{"instances": [1, 2], "plan": "a"}', "application/json", columns)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("3,9.5,x\nabc,1,x\n", "row 2, column tenure: 'abc' is not a number"),
        ("3,9.5,x\n4,x\n", "row 2: 2 values, 3 are expected (tenure, total, contract)"),
        ("3.5,,\n", "row 1, column tenure: '3.5' is not a whole number; row 1, column contract: a value is required"),
        (
            "tenure,totals,contract\n1,2,x\n",
            "header: column totals is unknown, did you mean total?; header: column total is missing",
        ),
        ("tenure,total,contract,tenure\n1,2,x,1\n", "header: column tenure stands there twice"),
        ('3,"9.5,x\n', "the body is not CSV: unexpected end of data"),
        ("", "the body holds no row"),
        ("tenure,total,contract\n", "the body holds no row"),
        (b"\xff\xfe", "the body is not UTF-8 text"),
    ],
)
def test_a_csv_request_is_refused_with_row_and_column(content: str | bytes, said: str) -> None:
    with pytest.raises(RequestError) as refused:
        read(content, "text/csv", COLUMNS)
    assert str(refused.value).startswith(said)
    assert refused.value.status == 400


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ('{"tenure": 3,', "the body is not JSON: "),
        ('{"tenure": ' + "9" * 5000 + "}", "the body is not JSON: "),
        ("[" * 100_000, "the body is not JSON: "),
        ("[]", "the body holds no row"),
        ('{"instances": []}', "the body holds no row"),
        ("[[3, 9.5]]", "row 1: an object with a value for each column is expected, a JSON list is received"),
        ("3", "row 1: an object with a value for each column is expected, 3 is received"),
        ('{"instances": [{}], "signature": 1}', "signature beside instances is not supported"),
        ('{"tenur": 3, "contract": "x"}', "row 1: column tenur is unknown, did you mean tenure?"),
        ('{"contract": "x"}', "row 1, column tenure: a value is required"),
        ('{"tenure": 3, "total": Infinity, "contract": "x"}', "row 1, column total: inf is not a finite number"),
        ('{"tenure": true, "contract": "x"}', "row 1, column tenure: true is not a number"),
        ('{"tenure": 3, "contract": 7}', "row 1, column contract: 7 is not text"),
    ],
)
def test_a_json_request_is_refused_with_row_and_column(body: str, said: str) -> None:
    with pytest.raises(RequestError) as refused:
        read(body, "application/json", COLUMNS)
    assert str(refused.value).startswith(said)
    assert refused.value.status == 400


def test_another_content_type_is_refused_as_such() -> None:
    with pytest.raises(RequestError, match="send text/csv or application/json") as refused:
        read(b"\x93NUMPY", "application/x-npy", COLUMNS)
    assert refused.value.status == 415


def test_the_first_twenty_problems_are_named_and_the_others_counted() -> None:
    with pytest.raises(RequestError) as refused:
        read("x,1,x\n" * 30, "text/csv", COLUMNS)
    sentences = str(refused.value).split("; ")
    assert len(sentences) == 21
    assert sentences[19].startswith("row 20, column tenure")
    assert sentences[20] == "and 10 more"


def test_a_blank_line_is_a_row_where_a_row_is_one_optional_value() -> None:
    column = (Column("total", "number", nullable=True),)
    pd.testing.assert_frame_equal(read("\n2.5\n", "text/csv", column), pd.DataFrame({"total": [float("nan"), 2.5]}))
