"""A sample of rows becomes a declaration that the project file takes as it is."""

import json
from pathlib import Path

import pandas as pd
import pytest
import typer
from ruamel.yaml import YAML
from typer.testing import CliRunner

from sagewright.cli.errors import CommandError
from sagewright.cli.features import infer, inferred
from sagewright.project.feature_groups import FeatureGroup

CSV = """\
place,observed_at,wind,gusts,sunny,zip,note,hour
A,2024-01-01T00:00:00Z,1.5,3,true,01234,,1
B,2024-01-01T00:00:00Z,,4,false,01235,calm,1
A,2024-01-01T01:00:00Z,2,5,true,01236,,2
"""


@pytest.fixture
def sample(tmp_path: Path) -> Path:
    (tmp_path / "data").mkdir()
    file = tmp_path / "data" / "weather.csv"
    file.write_text(CSV)
    return file


def test_the_block_is_a_valid_declaration(sample: Path, tmp_path: Path) -> None:
    block = YAML(typ="safe", pure=True).load(inferred.read(sample, tmp_path).yaml())

    group = FeatureGroup.model_validate(block["features"]["weather"])
    assert (group.source, group.record_id, group.event_time) == ("data/weather.csv", "place", "observed_at")
    assert {each.name: each.type for each in group.declared} == {
        "place": "string",
        "observed_at": "string",
        "wind": "fractional",
        "gusts": "integral",
        "sunny": "string",
        "zip": "string",
        "note": "string",
    }


def test_a_column_that_no_feature_can_be_called_like_is_told(sample: Path, tmp_path: Path) -> None:
    text = inferred.read(sample, tmp_path).yaml()

    assert "# 'hour' is left out: SageMaker partitions the table by a column of this name" in text
    assert inferred.read(sample, tmp_path).left_out.keys() == {"hour"}


def test_parquet_has_types_of_its_own(tmp_path: Path) -> None:
    file = tmp_path / "plan.parquet"
    times = pd.to_datetime(["2024-01-01", "2024-01-02"], utc=True)
    pd.DataFrame({"seats": [1, 2], "since": times, "flight": ["a", "b"]}).to_parquet(file)

    found = inferred.read(file, tmp_path, record_id="flight")

    assert (found.record_ids[0], found.event_times) == ("flight", ("since",))
    assert found.types == {"seats": "integral", "since": "string", "flight": "string"}


def test_seconds_are_a_time_where_the_column_is_called_like_one(tmp_path: Path) -> None:
    file = tmp_path / "clicks.csv"
    file.write_text("user,views,event_time\n1,1700000000,1700000000\n2,1700000001,1700000060\n")

    found = inferred.read(file, tmp_path)

    assert found.event_times == ("event_time",)
    assert found.types["event_time"] == "fractional"
    assert found.types["views"] == "integral"


def test_the_record_id_tells_rows_of_one_time_apart(tmp_path: Path) -> None:
    file = tmp_path / "f.csv"
    file.write_text("kind,plane,seen_at\nx,p1,2024-01-01\nx,p2,2024-01-01\nx,p1,2024-01-02\n")

    assert inferred.read(file, tmp_path).record_ids == ("plane", "kind")


@pytest.mark.parametrize(
    ("name", "text", "given", "told"),
    [
        ("t.csv", "a,b\n1,2\n", {}, "has no column that says since when a row holds"),
        ("t.csv", "at,b\n2024-01-01,1.5\n", {}, "has no column that could be a record id"),
        ("t.csv", "a,at\n", {}, "holds no row, so that no type can be seen"),
        ("t.txt", "a", {}, "is neither a .csv nor a .parquet file"),
        ("t.csv", "a,a\n1,2\n", {}, "two columns are named 'a'"),
        ("t.csv", "a,at\n1,2024-01-01\n", {"record_id": "b"}, "--record-id: 'b' is not a column of"),
        ("t.csv", "a b,at\n1,2024-01-01\n", {}, "The record id 'a b' of .* cannot be a feature"),
        ("1.csv", "a,at\n1,2024-01-01\n", {}, "'1' cannot name a feature group; .* Name it by --group"),
        ("t.csv", "a,at\n1,2024-01-01\n", {"group": "V1"}, "'V1' cannot name a feature group"),
    ],
)
def test_what_cannot_be_a_group_is_said(tmp_path: Path, name: str, text: str, given: dict[str, str], told: str) -> None:
    (tmp_path / name).write_text(text)

    with pytest.raises(CommandError, match=told):
        inferred.read(tmp_path / name, tmp_path, **given)


def large(rows: int, bad: dict[int, str]) -> str:
    lines = [bad.get(row, f"c{row},2024-01-{row % 28 + 1:02},{row % 9}") for row in range(1, rows + 1)]
    return "\n".join(["customer,changed_at,orders", *lines, ""])


def test_a_few_wrong_rows_decide_nothing_and_are_told(tmp_path: Path) -> None:
    file = tmp_path / "customers.csv"
    file.write_text(large(653, {17: ",2024-01-01,1", 300: "c300,2024-01-01,many", 651: "c651,yesterday,1"}))

    found = inferred.read(file, tmp_path)

    assert (found.record_ids[0], found.event_times) == ("customer", ("changed_at",))
    assert found.types == {"customer": "string", "changed_at": "string", "orders": "integral"}
    assert [str(each) for each in found.odd] == [
        "customer: 652 of 653 rows; row 17 is empty",
        "changed_at: 652 of 653 rows; row 651 has 'yesterday'",
        "orders: 652 of 653 rows; row 300 has 'many'",
    ]


def test_more_than_one_row_of_a_hundred_is_no_mistake(tmp_path: Path) -> None:
    file = tmp_path / "customers.csv"
    file.write_text(large(199, {7: "c7,2024-01-01,many", 8: "c8,2024-01-01,few"}))
    assert inferred.read(file, tmp_path).types["orders"] == "string"
    file.write_text(large(99, {7: "c7,yesterday,1"}))
    with pytest.raises(CommandError, match="has no column that says since when a row holds"):
        inferred.read(file, tmp_path)


def test_one_code_among_numbers_makes_all_of_them_texts(tmp_path: Path) -> None:
    file = tmp_path / "customers.csv"
    file.write_text(large(300, {7: "c7,2024-01-01,007"}))
    found = inferred.read(file, tmp_path)
    assert (found.types["orders"], found.odd) == ("string", ())


def test_seconds_stay_a_time_beside_one_that_is_none(tmp_path: Path) -> None:
    file = tmp_path / "clicks.csv"
    rows = [f"u{row},{1700000000 + row}" for row in range(150)]
    file.write_text("\n".join(["user,event_time", *rows, "u150,soon", ""]))
    found = inferred.read(file, tmp_path)
    assert (found.event_times, found.types["event_time"]) == (("event_time",), "fractional")
    assert [str(each) for each in found.odd] == ["event_time: 150 of 151 rows; row 151 has 'soon'"]


def test_the_command_prints_yaml_or_json(sample: Path, tmp_path: Path) -> None:
    group = typer.Typer()
    infer.register(group)
    group.callback()(lambda: None)  # of one command alone, typer would make the whole program
    runner = CliRunner()

    shown = runner.invoke(group, ["infer", str(sample), "--project", str(tmp_path)])
    as_json = runner.invoke(group, ["infer", str(sample), "--project", str(tmp_path), "--json"])

    assert (shown.exit_code, as_json.exit_code) == (0, 0), shown.output
    assert shown.stdout.startswith("features:\n  weather:\n    source: data/weather.csv\n    record_id: place")
    assert json.loads(as_json.stdout)["features"]["weather"]["record_id"] == "place"
