"""Builds in AWS install exactly the tool that their pipelines were deployed with: from one file, by hash."""

import hashlib
import io
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

import sagewright
from sagewright.stacks import tool_archive

WHEEL = f"sagewright-{sagewright.__version__}-py3-none-any.whl"


@pytest.fixture(scope="module")
def content() -> bytes:
    return tool_archive.content()


@pytest.fixture(scope="module")
def bundle(content: bytes) -> zipfile.ZipFile:
    return zipfile.ZipFile(io.BytesIO(content))


def test_what_is_needed_is_locked_by_hash_and_what_only_develops_the_tool_is_not_there(bundle: zipfile.ZipFile) -> None:
    locked = bundle.read("requirements.txt").decode()
    entries = re.split(r"\n(?=\S)", locked.strip())
    names = {re.split(r"[=\[]", entry)[0] for entry in entries}

    assert all("--hash=sha256:" in entry for entry in entries)
    assert names >= {"aws-cdk-lib", "boto3", "numpy", "pydantic", "pydantic-core", "typer"}
    assert not names & {"pytest", "ruff", "pyrefly", "playwright", "checkov"}
    assert bundle.read("uv.txt").decode().startswith("uv==")


def test_every_requirement_of_the_package_is_among_the_locked_ones(bundle: zipfile.ZipFile) -> None:
    project = (Path(sagewright.__file__).parents[1] / "pyproject.toml").read_text()
    declared = re.findall(
        r'^    "([A-Za-z0-9_.-]+)', project.partition("dependencies = [")[2].partition("\n]")[0], re.MULTILINE
    )
    locked = set(re.findall(r"^([a-z0-9-]+)(?:\[.*\])?==", bundle.read("requirements.txt").decode(), re.MULTILINE))

    assert len(declared) > 15
    assert {re.sub(r"[._-]+", "-", name.lower()) for name in declared} <= locked


def test_the_tool_that_a_build_installs_makes_the_same_bundle_again(
    content: bytes, bundle: zipfile.ZipFile, tmp_path: Path
) -> None:
    (tmp_path / WHEEL).write_bytes(bundle.read(WHEEL))
    uv = shutil.which("uv", path=str(Path(sys.executable).parent))
    assert uv is not None
    target = tmp_path / "installed"
    subprocess.run(
        [uv, "pip", "install", "--quiet", "--offline", "--no-deps", "--target", target, tmp_path / WHEEL], check=True
    )
    program = (
        "import hashlib, sagewright\n"
        "from sagewright.stacks import tool_archive\n"
        f"assert sagewright.__file__.startswith({str(target)!r}), sagewright.__file__\n"
        "print(hashlib.sha256(tool_archive.content()).hexdigest())"
    )
    ran = subprocess.run(
        [sys.executable, "-c", program],
        cwd=tmp_path,
        env={"PYTHONPATH": str(target), "PATH": "/usr/bin:/bin", "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
    )

    # What a build synthesizes brings the very same tool along.
    assert ran.stdout.strip() == hashlib.sha256(content).hexdigest()
    assert (target / "bin" / "sagewright").is_file()
    assert (target / "sagewright" / "seed_code" / "churn" / ".gitignore").is_file()


def test_nothing_that_tools_leave_in_a_checkout_is_in_the_wheel(bundle: zipfile.ZipFile) -> None:
    names = zipfile.ZipFile(io.BytesIO(bundle.read(WHEEL))).namelist()

    assert len(names) > 400
    assert [name for name in names if re.search(r"__pycache__|\.pyc$|_cache/|cdk\.out", name)] == []
