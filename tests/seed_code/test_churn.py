"""A seed is a repository of its own: copied out, it is linted, tested and checked as its user meets it."""

import ast
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

import sagewright
from sagewright.project import image, load

SEEDS = Path(sagewright.__file__).parent / "seed_code"
LEFT_BY_TOOLS = shutil.ignore_patterns("__pycache__", ".*_cache", "cdk.out", ".sagewright")


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    return Path(shutil.copytree(SEEDS / "churn", tmp_path / "mine", ignore=LEFT_BY_TOOLS))


def test_it_is_linted_where_it_is_copied_to(copy: Path) -> None:
    for command in (["check"], ["format", "--check"]):
        done = subprocess.run(
            [sys.executable, "-m", "ruff", *command, "--no-cache"],
            cwd=copy,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout


def test_its_project_file_is_valid_where_it_is_copied_to(copy: Path) -> None:
    project = load(copy)
    assert project.name == "churn"
    assert [environment.name for environment in project.environments] == ["dev"]


def test_its_three_environments_are_valid_once_they_are_uncommented(copy: Path) -> None:
    file = copy / "project.yaml"
    text = file.read_text().replace("  dev: {region: eu-west-1}\n", "", 1)
    file.write_text(re.sub(r"^  # (dev|staging|prod):", r"  \1:", text, flags=re.MULTILINE))
    assert [environment.name for environment in load(copy).environments] == ["dev", "staging", "prod"]


def test_editors_find_the_schema_of_its_project_file() -> None:
    first = (SEEDS / "churn" / "project.yaml").read_text().splitlines()[0]
    found = re.fullmatch(r"# yaml-language-server: \$schema=(.+)", first)
    assert found is not None
    assert (SEEDS / "churn" / found[1]).resolve() == Path(
        sagewright.__file__
    ).parent / "project" / "project.schema.json"


def test_it_knows_nothing_of_sagewright_and_holds_no_template_syntax() -> None:
    for path in (SEEDS / "churn").rglob("*.py"):
        imports = [
            node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Import | ast.ImportFrom)
        ]
        names = [alias.name for node in imports for alias in node.names if isinstance(node, ast.Import)]
        names += [str(node.module) for node in imports if isinstance(node, ast.ImportFrom)]
        assert not [name for name in names if name.partition(".")[0] == "sagewright"]
        assert not re.search(r"\{\{|\{%|cookiecutter", path.read_text())


def test_its_data_is_what_its_source_says() -> None:
    table = pd.read_csv(SEEDS / "churn" / "data" / "churn.csv")
    assert table.shape == (7043, 20)
    assert table["churn"].value_counts().to_dict() == {"No": 5174, "Yes": 1869}
    assert table["total_charges"].isna().sum() == 11
    assert (table["tenure"][table["total_charges"].isna()] == 0).all()


def test_it_asks_for_the_versions_of_the_image() -> None:
    text = (SEEDS / "churn" / "pyproject.toml").read_text()
    assert "scikit-learn==1.9.0" in text
    assert f"managed scikit-learn image {image.VERSION}" in text
