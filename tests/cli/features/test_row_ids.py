"""Rows by their ids are written as the endpoint looks them up, from the command line and from files."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from sagewright.cli import row_file, row_ids
from sagewright.cli.errors import CommandError
from sagewright.cli.row_file import ById
from sagewright.project import Project, load


def test_a_row_takes_the_keys_that_no_group_before_gives(written: Project) -> None:
    assert row_ids.keys(written) == ["order"]
    assert row_ids.looked_up(written) == {"station", "seats", "wind"}


def test_an_id_alone_is_the_only_key(written: Project) -> None:
    assert [json.loads(row) for row in row_ids.rows(written, ["7", "order=8,placed_at=2026-01-01"])] == [
        {"order": "7"},
        {"order": "8", "placed_at": "2026-01-01"},
    ]


def test_every_key_of_a_row_has_to_be_named(written: Project) -> None:
    file = written.root / "project.yaml"
    file.write_text(file.read_text().replace("on: station, ", "on: place, "))
    (written.root / "data" / "orders.csv").write_text("order,place,placed_at,late\n1,A,2024-01-01T00:00:00Z,Yes\n")
    project = load(written.root)
    with pytest.raises(CommandError, match=r"--id 7: a row is looked up by order and place; give --id order=…,place=…"):
        row_ids.rows(project, ["7"])
    with pytest.raises(CommandError, match="--id order=7: place is missing"):
        row_ids.rows(project, ["order=7"])
    with pytest.raises(CommandError, match="'b' is not NAME=VALUE"):
        row_ids.rows(project, ["order=a,b"])


def test_a_refusal_for_want_of_a_column_says_how_it_goes_beside_the_id(written: Project) -> None:
    refusal = "row 1, column weight: a value is required, because no row of the training data was without one"
    said = "What no feature group has goes beside the id, such as: --id order=C0003,weight=…"
    assert row_ids.hint(written, ["C0003", "C0004"], f"{refusal}; {refusal}").strip() == said
    assert row_ids.hint(written, ["order=C0003,weight=9"], "row 1, column weight: 'x' is not a number") == ""


def test_a_project_without_a_join_looks_nothing_up(project: Path) -> None:
    with pytest.raises(CommandError, match=r"it has no data\.join"):
        row_ids.rows(load(project), ["7"])


def test_a_file_keeps_the_record_id_where_its_rows_are_looked_up_by_it(tmp_path: Path) -> None:
    by_id, file = ById(["order"], {"wind"}), tmp_path / "rows.csv"
    file.write_text("order,late\n7,Yes\n")
    rows = row_file.read(file, ["late", "order"], by_id)
    assert (rows.texts, rows.dropped) == (["order\n", "7\n"], ["late"])
    file.write_text("order,late,wind\n7,Yes,1\n")
    rows = row_file.read(file, ["late", "order"], by_id)
    assert (rows.texts, rows.dropped) == (["wind\n", "1\n"], ["late", "order"])
    file = tmp_path / "rows.json"
    file.write_text('[{"order": 7, "late": "Yes"}]')
    assert row_file.read(file, ["late", "order"], by_id).texts == ['{"order": 7}']
    assert row_file.read(file, ["late", "order"], replace(by_id, looked_up=())).texts == ["{}"]
