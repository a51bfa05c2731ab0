"""The table that a project names is there and has the columns it names; only its header is read."""

from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from sagewright.project import Project

Read = Callable[[str], Project]
Faults = Callable[[str], list[str]]

TEXT = """\
name: churn
environments: {dev: {region: eu-west-1}}
data: {source: data/t.csv, problem: binary_classification, label: churned, record_id: customer_id}
training: {code: src/churn}
evaluation: {minimum: 0.55}
"""


@pytest.mark.parametrize(
    "table",
    [
        b"customer_id,churned\n",
        b"\xef\xbb\xbfcustomer_id,churned\n1,Yes\n",
        b'"customer_id","churned"\r\n1,Yes\r\n',
        b'"two\nlines",customer_id,churned\n1,2,Yes\n',
    ],
    ids=["header only", "byte order mark", "quoted, CRLF", "line break in a name"],
)
def test_a_csv_header_is_read_as_the_job_reads_it(read: Read, folder: Path, table: bytes) -> None:
    (folder / "data" / "t.csv").write_bytes(table)

    assert read(TEXT).first.data.record_id == "customer_id"


@pytest.mark.parametrize(
    ("table", "told"),
    [
        (b"", "its first line is empty; it must hold the column names"),
        (b"customer_id;churned\n1;Yes\n", "its columns are separated by ';'; separate them by commas"),
        (b"customer_id\tchurned\n1\tYes\n", "its columns are separated by '\\t'; separate them by commas"),
        (b"customer_id,churned,churned\n", "has more than one column named 'churned'; rename them"),
        (b"customer_id,,churned\n", "has no name for column 2; name it or leave it out"),
        ("customer_id,churned,é\n".encode("latin-1"), "cannot be read as a table: 'utf-8' codec can't decode"),
    ],
)
def test_a_table_that_the_job_could_not_read_is_refused(faults: Faults, folder: Path, table: bytes, told: str) -> None:
    (folder / "data" / "t.csv").write_bytes(table)

    assert told in faults(TEXT)[0]


def test_a_parquet_file_is_read_by_its_schema(read: Read, faults: Faults, folder: Path) -> None:
    pd.DataFrame({"customer_id": [1], "churned": ["Yes"]}).to_parquet(folder / "data" / "t.parquet")
    text = TEXT.replace("t.csv", "t.parquet")

    assert read(text).first.data.label == "churned"
    assert (
        "'left' is not a column of data/t.parquet; there are: customer_id, churned"
        in faults(text.replace("churned,", "left,"))[0]
    )


def test_a_parquet_file_that_is_none_is_refused(faults: Faults, folder: Path) -> None:
    (folder / "data" / "t.parquet").write_text("customer_id,churned\n")

    assert "'data/t.parquet' cannot be read as a table" in faults(TEXT.replace("t.csv", "t.parquet"))[0]


def test_a_folder_is_no_table(faults: Faults, folder: Path) -> None:
    (folder / "data" / "t.csv").mkdir()

    assert "'data/t.csv' is not a file in" in faults(TEXT)[0]


def test_a_package_that_a_link_takes_out_of_the_project_is_refused(
    faults: Faults, folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    (folder / "data" / "t.csv").write_text("customer_id,churned\n")
    (folder / "src" / "linked").symlink_to(tmp_path_factory.mktemp("elsewhere"))

    assert "'src/linked' leads outside the project" in faults(TEXT.replace("src/churn", "src/linked"))[0]
