"""Jobs and endpoints run in the managed image: what it does not hold cannot be imported there."""

import ast
import sys
from pathlib import Path

import pytest

import sagewright
from sagewright.project import image

RUNTIME = Path(sagewright.__file__).parent / "runtime"
FILES = [*(RUNTIME / "jobs").rglob("*.py"), *(RUNTIME / "serving").rglob("*.py")]
# Jobs and endpoints are isolated from the network: a client of AWS could only hang. These are not.
ALLOWED = image.PACKAGES - {"boto3"} | sys.stdlib_module_names
CALLS_AWS = {
    RUNTIME / name
    for name in (
        "jobs/capture_objects.py",
        "jobs/datasets/dataset.py",
        "jobs/ingestion/ingest.py",
        "jobs/ingestion/source_files.py",
        "serving/online_store.py",
    )
}
AWS = {"boto3", "botocore"}  # boto3 is made of botocore


def imported(path: Path) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0
            names.add(str(node.module))
    return names


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(RUNTIME)))
def test_the_runtime_imports_what_the_image_holds(path: Path) -> None:
    ours = {"sagewright", "sagewright.runtime.serving"}
    if path.is_relative_to(RUNTIME / "jobs"):
        ours |= {f"sagewright.runtime.jobs{each}" for each in ("", ".datasets", ".ingestion")}
    allowed = ALLOWED | AWS if path in CALLS_AWS else ALLOWED
    for name in imported(path):
        assert name.partition(".")[0] in allowed or name in ours or name.rpartition(".")[0] in ours


def test_the_record_preprocessor_needs_nothing_but_python() -> None:
    names = imported(RUNTIME / "jobs" / "record_preprocessor.py")
    assert {name.partition(".")[0] for name in names} <= sys.stdlib_module_names


def test_the_bundles_entry_needs_nothing_but_python() -> None:
    entry = RUNTIME / "jobs" / "__main__.py"
    top = [node for node in ast.parse(entry.read_text()).body if isinstance(node, ast.Import | ast.ImportFrom)]
    names = {alias.name for node in top for alias in node.names if isinstance(node, ast.Import)}
    names |= {str(node.module) for node in top if isinstance(node, ast.ImportFrom)}
    assert names <= sys.stdlib_module_names
