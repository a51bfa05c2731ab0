import io
import json
import os
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from sagewright.stacks.code_archive import archive, contents, object_name


@pytest.fixture
def package(tmp_path: Path) -> Path:
    """A package beside whose code tools have left their own files."""
    package = tmp_path / "churn"
    for name in (
        "__init__.py",
        "model.py",
        "words/stop.txt",
        "__pycache__/model.cpython-312.pyc",
        ".ipynb_checkpoints/model-checkpoint.py",
        ".DS_Store",
        "words/.hidden",
    ):
        path = package / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    return package


@pytest.fixture
def umask() -> Iterator[None]:
    before = os.umask(0o077)
    yield
    os.umask(before)


def names(content: bytes) -> list[str]:
    return zipfile.ZipFile(io.BytesIO(content)).namelist()


def test_the_bundle_holds_the_job_programs_and_the_package_side_by_side(package: Path) -> None:
    found = set(names(archive(contents(package))))
    assert {"__main__.py", "sagewright/__init__.py", "sagewright/runtime/__init__.py"} < found
    assert {"sagewright/runtime/jobs/preprocess.py", "sagewright/runtime/serving/handlers.py"} < found
    assert {"churn/__init__.py", "churn/model.py", "churn/words/stop.txt"} < found


def test_what_tools_leave_beside_code_is_not_shipped(package: Path) -> None:
    churn = [name for name in names(archive(contents(package))) if name.startswith("churn/")]
    assert churn == ["churn/__init__.py", "churn/model.py", "churn/words/stop.txt"]


def test_nothing_that_runs_outside_jobs_makes_jobs_run_anew(package: Path) -> None:
    assert not [name for name in names(archive(contents(package))) if "/functions/" in name]


@pytest.mark.usefixtures("umask")
def test_when_where_and_by_whom_the_files_were_made_does_not_count(package: Path, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere" / "churn"
    for source in sorted((path for path in package.rglob("*") if path.is_file()), reverse=True):
        copy = elsewhere / source.relative_to(package)
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_bytes(source.read_bytes())
        copy.chmod(0o700)
        os.utime(copy, (0, 0))

    assert archive(contents(elsewhere)) == archive(contents(package))


def test_a_changed_line_makes_another_bundle(package: Path) -> None:
    before = archive(contents(package))
    (package / "model.py").write_text("changed")
    assert archive(contents(package)) != before


def test_entries_are_sorted_readable_and_stored_as_they_are(package: Path) -> None:
    entries = zipfile.ZipFile(io.BytesIO(archive(contents(package)))).infolist()
    assert [entry.filename for entry in entries] == sorted(entry.filename for entry in entries)
    assert {entry.external_attr >> 16 for entry in entries} == {0o100644}
    assert {entry.compress_type for entry in entries} == {zipfile.ZIP_STORED}
    assert {entry.date_time for entry in entries} == {(1980, 1, 1, 0, 0, 0)}


def test_the_name_of_the_uploaded_object_is_known_without_the_cdk(
    project: Callable[..., Path], synthesized: Callable[[Path], Any]
) -> None:
    folder = project()
    pipeline = synthesized(folder)["churn-training"].only("AWS::SageMaker::Pipeline")
    definition = json.loads(pipeline["Properties"]["PipelineDefinition"]["PipelineDefinitionBody"])
    (uri,) = {
        each["S3Input"]["S3Uri"]
        for each in definition["Steps"][0]["Arguments"]["ProcessingInputs"]
        if each["InputName"] == "code"
    }
    assert uri.rpartition("/")[2] == object_name(archive(contents(folder / "src" / "churn")))
