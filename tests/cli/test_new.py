import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import Result

from sagewright.project import load

Run = Callable[..., Result]


@pytest.fixture
def package_manager(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Return what puts a package manager in front that does just this, on a machine that has fetched nothing yet."""
    folder = tmp_path_factory.mktemp("machine")
    monkeypatch.setenv("PATH", str(folder), prepend=os.pathsep)
    monkeypatch.setenv("FLIGHTS_CACHE", str(folder / "cache"))

    def does(script: str) -> None:
        (folder / "uv").write_text(f"#!/bin/sh\n{script}\n")
        (folder / "uv").chmod(0o755)

    return does


def test_a_new_project_has_its_own_name_everywhere_and_is_right(run: Run, tmp_path: Path) -> None:
    folder = tmp_path / "late-payers"
    result = run("new", folder, "--seed", "churn", "--json")
    assert result.exit_code == 0
    assert json.loads(result.stdout)["name"] == "late-payers"
    project = load(folder)
    assert (project.name, project.first.training.code) == ("late-payers", "src/late_payers")
    checked = run("check", "--project", folder, "--no-synth")
    assert checked.exit_code == 0, checked.stderr


def test_the_word_stays_where_it_is_no_name(run: Run, tmp_path: Path) -> None:
    run("new", tmp_path / "leavers", "--seed", "churn")
    assert load(tmp_path / "leavers").first.data.label == "churn"
    assert (tmp_path / "leavers" / "data" / "churn.csv").is_file()


def test_editors_find_the_schema_beside_the_project_file(run: Run, tmp_path: Path) -> None:
    run("new", tmp_path / "leavers", "--seed", "churn")
    first = (tmp_path / "leavers" / "project.yaml").read_text().splitlines()[0]
    assert first == "# yaml-language-server: $schema=project.schema.json"
    assert "$schema" in json.loads((tmp_path / "leavers" / "project.schema.json").read_text())


@pytest.mark.slow
def test_a_new_projects_own_tests_pass(run: Run, tmp_path: Path) -> None:
    folder = tmp_path / "leavers"
    run("new", folder, "--seed", "churn")
    # Threads that spin while they wait make the fits many times slower as soon as another test runs beside.
    environment = os.environ | {"OMP_WAIT_POLICY": "PASSIVE"}
    call = [sys.executable, "-m", "pytest", "-q"]
    done = subprocess.run(call, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
    assert re.search(r"\d+ passed", done.stdout)


def test_a_name_that_aws_would_refuse_is_refused_and_nothing_is_left(run: Run, tmp_path: Path) -> None:
    result = run("new", tmp_path / "x", "--seed", "churn", "--name", "Not_A_Name")
    assert result.exit_code == 1
    assert "name" in result.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_folder_whose_name_cannot_be_the_projects_leaves_nothing_behind(run: Run, tmp_path: Path) -> None:
    result = run("new", tmp_path / "not yet there" / "Ünser Churn", "--seed", "churn")
    assert result.exit_code == 1
    told = " ".join(result.stderr.split())
    assert "This cannot be the project's name: 'Ünser Churn' cannot be part of AWS names" in told
    assert "Choose one with --name." in told
    assert "project.yaml" not in told
    assert list(tmp_path.iterdir()) == []


def test_a_name_that_is_too_long_is_told_as_a_name(run: Run, tmp_path: Path) -> None:
    result = run("new", tmp_path / "x", "--seed", "churn", "--name", "a" * 60)
    assert result.exit_code == 1
    assert "Choose one with --name." in result.stderr
    assert "project.yaml" not in result.stderr


def test_a_folder_with_something_in_it_is_left_alone(run: Run, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    result = run("new", tmp_path, "--seed", "churn", "--name", "leavers")
    assert result.exit_code == 1
    assert "not empty" in result.stderr
    assert [each.name for each in tmp_path.iterdir()] == ["notes.txt"]


def test_an_empty_folder_is_used(run: Run, tmp_path: Path) -> None:
    folder = tmp_path / "leavers"
    folder.mkdir()
    assert run("new", folder, "--seed", "churn").exit_code == 0


def test_an_unknown_seed_is_refused_with_those_that_there_are(run: Run, tmp_path: Path) -> None:
    result = run("new", tmp_path / "x", "--seed", "roses")
    assert result.exit_code == 1
    assert "Seeds: churn, flights" in result.stderr


def test_a_seed_with_tables_to_fetch_fetches_them(
    run: Run, tmp_path: Path, package_manager: Callable[[str], None]
) -> None:
    package_manager("exit 0")  # it brings nothing, and the project says so itself
    result = run("new", tmp_path / "late-birds", "--seed", "flights")
    assert result.exit_code == 1
    assert "in the package: missing, or not what is expected" in result.stderr


def test_a_project_is_there_although_its_tables_cannot_be_fetched(
    run: Run, tmp_path: Path, package_manager: Callable[[str], None]
) -> None:
    package_manager("echo no route to host >&2; exit 2")
    result = run("new", tmp_path / "late-birds", "--seed", "flights")
    assert result.exit_code == 1
    assert "no route to host" in result.stderr
    assert "Run `python -m prepare` again" in result.stderr
    assert "only its tables are missing" in " ".join(result.stderr.split())
    assert (tmp_path / "late-birds" / "src" / "late_birds" / "model.py").is_file()


def test_delivery_is_shown_with_its_own_seed(run: Run, tmp_path: Path) -> None:
    result = run("demo", "--delivery", "--seed", "flights", "--out", tmp_path / "out")
    assert result.exit_code == 1
    assert "--delivery shows the seed churn" in result.stderr
    assert not (tmp_path / "out").exists()


def test_a_wrong_name_is_told_although_the_tables_are_not_there(run: Run, tmp_path: Path) -> None:
    result = run("new", tmp_path / "x", "--seed", "flights", "--name", "a" * 60)
    assert result.exit_code == 1
    assert "Choose one with --name." in result.stderr
    assert list(tmp_path.iterdir()) == []
