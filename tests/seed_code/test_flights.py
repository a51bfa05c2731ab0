"""The seed whose tables are fetched: copied out it is linted, tested and checked without a network."""

import ast
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import sagewright
from sagewright.project import ProjectError, image, load

SEED = Path(sagewright.__file__).parent / "seed_code" / "flights"
LEFT_OUT = shutil.ignore_patterns("__pycache__", ".*_cache", "cdk.out", ".sagewright", "*.csv", "*.parquet")
# The made-up tables of its own tests, as files.
MADE_UP = """
from pathlib import Path
from conftest import made_up
from prepare import tables
tables.write(made_up(), Path("data"))
"""


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    return Path(shutil.copytree(SEED, tmp_path / "mine", ignore=LEFT_OUT))


def run(folder: Path, *arguments: str) -> str:
    variables = {"PATH": os.environ["PATH"], "OMP_NUM_THREADS": "1", "PYTHONDONTWRITEBYTECODE": "1"}
    variables["PYTHONPATH"] = os.pathsep.join(str(folder / each) for each in ("src", "tests", "."))
    call = [sys.executable, *arguments]
    done = subprocess.run(call, cwd=folder, env=variables, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_its_own_tests_pass_where_it_is_copied_to(copy: Path) -> None:
    assert re.search(r"\d+ passed", run(copy, "-m", "pytest", "-q", "-p", "no:cacheprovider"))


def test_it_is_linted_where_it_is_copied_to(copy: Path) -> None:
    run(copy, "-m", "ruff", "check", "--no-cache")
    run(copy, "-m", "ruff", "format", "--check", "--no-cache")


def test_its_project_file_is_valid_once_its_tables_are_there(copy: Path) -> None:
    with pytest.raises(ProjectError, match=r"data/departures\.csv' does not exist"):
        load(copy)
    run(copy, "-c", MADE_UP)
    project = load(copy)
    assert [each.group for each in project.first.data.join or ()] == list(project.features)


def test_its_three_environments_are_valid_once_they_are_uncommented(copy: Path) -> None:
    run(copy, "-c", MADE_UP)
    file = copy / "project.yaml"
    text = file.read_text().replace("  dev: {region: eu-west-1}\n", "", 1)
    file.write_text(re.sub(r"^  # (dev|staging|prod):", r"  \1:", text, flags=re.MULTILINE))
    assert [environment.name for environment in load(copy).environments] == ["dev", "staging", "prod"]


def test_it_declares_what_its_files_and_functions_give(copy: Path) -> None:
    run(copy, "-c", MADE_UP)
    project = load(copy)
    asked = f"""
import pandas as pd
from flights import groups
for name, source, transform in {[(name, each.source, each.transform) for name, each in project.features.items()]}:
    rows = pd.read_parquet(source)
    print(name, *(getattr(groups, transform)(rows) if transform else rows).columns)
"""
    found = {line.split()[0]: set(line.split()[1:]) for line in run(copy, "-c", asked).splitlines()}
    declared = {name: {each.name for each in group.declared} for name, group in project.features.items()}
    assert found == declared


def test_it_knows_nothing_of_sagewright_and_holds_no_template_syntax() -> None:
    for path in SEED.rglob("*.py"):
        text = path.read_text()
        for node in ast.walk(ast.parse(text)):
            named = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            named += [str(node.module)] if isinstance(node, ast.ImportFrom) else []
            assert not [name for name in named if name.partition(".")[0] == "sagewright"]
        assert not re.search(r"\{\{|\{%|cookiecutter", text)


def test_no_table_of_it_is_committed() -> None:
    tracked = subprocess.run(["git", "ls-files", "data"], cwd=SEED, capture_output=True, text=True, check=True).stdout
    assert not [name for name in tracked.split() if name.endswith((".csv", ".parquet"))]


def test_it_asks_for_the_versions_of_the_image() -> None:
    text = (SEED / "pyproject.toml").read_text()
    assert "scikit-learn==1.9.0" in text
    assert f"managed scikit-learn image {image.VERSION}" in text
