"""Raw files become one table whose types are decided once."""

from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from sagewright.runtime.jobs import raw_data
from sagewright.runtime.serving.columns import Column
from sagewright.runtime.serving.errors import UserError


def read(folder: Path, **files: str) -> raw_data.RawData:
    for name, text in files.items():
        (folder / f"{name}.csv").write_text(text, encoding="utf-8", newline="")
    return raw_data.read(folder)


def test_files_are_one_table_in_the_order_of_their_names(tmp_path: Path) -> None:
    raw = read(tmp_path, b="y,x\n2,1\n", a="x,y\n3,4\n")
    pd.testing.assert_frame_equal(raw.rows, pd.DataFrame({"x": [3, 1], "y": [4, 2]}))
    assert raw.manifest["files"] == ["a.csv", "b.csv"]


def test_the_hash_follows_the_content(tmp_path: Path) -> None:
    first = read(tmp_path, a="x\n1\n").manifest["sha256"]
    assert read(tmp_path, a="x\n1\n").manifest["sha256"] == first
    assert read(tmp_path, a="x\n2\n").manifest["sha256"] != first


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({}, "no .csv or .parquet file"),
        (
            {"a": "x,y\n1,2\n", "b": "x,z\n1,2\n"},
            r"b.csv: its columns are not those of a.csv \(missing: \['y'\], beyond: \['z'\]\)",
        ),
        ({"a": "x,x\n1,2\n"}, "a.csv: two columns are named 'x'"),
        ({"a": ",x\n1,2\n"}, "a.csv: column 1 has no name"),
        ({"a": "x,y\n1,2\n3\n"}, "a.csv, line 3: 1 values, the header has 2 columns"),
        ({"a": 'x,y\n1,"2\n'}, "a.csv, near line 2, is not CSV"),
        ({"a": ""}, "a.csv is empty"),
        ({"a": "x,y\n"}, "the raw data holds no row"),
        ({"a": "x\n1.5\ninf\n"}, "column x of the raw data: 'inf' is not a finite number"),
    ],
)
def test_what_is_no_table_is_refused(tmp_path: Path, files: dict[str, str], said: str) -> None:
    with pytest.raises(UserError, match=said):
        read(tmp_path, **files)


def test_text_in_another_encoding_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes("x\nZürich\n".encode("latin-1"))
    with pytest.raises(UserError, match=r"a.csv is not UTF-8 text"):
        raw_data.read(tmp_path)


def test_both_formats_at_once_are_refused(tmp_path: Path) -> None:
    pq.write_table(pa.table({"x": [1]}), tmp_path / "a.parquet")
    with pytest.raises(UserError, match=r"both .csv and .parquet files"):
        read(tmp_path, b="x\n1\n")


def test_a_broken_parquet_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.parquet").write_text("PAR1")
    with pytest.raises(UserError, match=r"a.parquet is not a Parquet file"):
        raw_data.read(tmp_path)


def test_a_parquet_type_that_no_request_can_carry_is_refused(tmp_path: Path) -> None:
    pq.write_table(pa.table({"tags": [["a"], ["b"]]}), tmp_path / "a.parquet")
    with pytest.raises(UserError, match=r"column tags of the raw data has the Parquet type list<"):
        raw_data.read(tmp_path)


def test_parquet_files_may_differ_where_one_type_holds_both(tmp_path: Path) -> None:
    pq.write_table(pa.table({"x": [1, 2], "y": ["a", "b"]}), tmp_path / "a.parquet")
    pq.write_table(pa.table({"y": pa.nulls(1), "x": [0.5]}), tmp_path / "b.parquet")
    raw = raw_data.read(tmp_path)
    pd.testing.assert_frame_equal(raw.rows, pd.DataFrame({"x": [1.0, 2.0, 0.5], "y": ["a", "b", np.nan]}))


def test_parquet_files_whose_types_do_not_go_together_are_refused(tmp_path: Path) -> None:
    pq.write_table(pa.table({"x": [1]}), tmp_path / "a.parquet")
    pq.write_table(pa.table({"x": ["one"]}), tmp_path / "b.parquet")
    with pytest.raises(UserError, match="types that do not go together"):
        raw_data.read(tmp_path)


def test_an_index_that_pandas_stored_is_no_column(tmp_path: Path) -> None:
    pd.DataFrame({"x": [1, 2]}, index=[5, 9]).to_parquet(tmp_path / "a.parquet")
    assert raw_data.read(tmp_path).columns == (Column("x", "integer", nullable=False),)
