"""What a person sees when something is wrong: one paragraph that says what to do, and an exit code for scripts."""

from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import Result

import sagewright
from sagewright.cli import options
from sagewright.cli.options import Options
from sagewright.cli.terminal import Terminal

Run = Callable[..., Result]


def test_without_a_target_both_ways_to_one_are_told(run: Run, project: Path) -> None:
    result = run("models", "--project", project)
    assert result.exit_code == 1
    assert "`sagewright sandbox up`" in result.stderr
    assert "`--target aws`" in result.stderr
    assert "Traceback" not in result.stderr
    assert result.stdout == ""


def test_asking_for_a_sandbox_that_is_not_up_says_how_to_start_one(run: Run, project: Path) -> None:
    result = run("deploy", "--project", project, "--target", "sandbox")
    assert result.exit_code == 1
    assert "No sandbox is up" in result.stderr


def test_an_unknown_target_is_wrong_usage(run: Run, project: Path) -> None:
    assert run("models", "--project", project, "--target", "azure").exit_code == 2


def test_an_unknown_command_is_wrong_usage(run: Run) -> None:
    assert run("trian").exit_code == 2


def test_every_fault_of_a_project_file_is_told_with_its_line(run: Run, project: Path) -> None:
    file = project / "project.yaml"
    text = file.read_text().replace("minimum: 0.60", "minimum: 1.3").replace("region: eu-west-1", "region: mars", 1)
    file.write_text(text)
    result = run("check", "--project", project)
    assert result.exit_code == 1
    assert "project.yaml:" in result.stderr
    assert "1.3 is more than average_precision can be (at most 1)" in result.stderr
    assert "mars" in result.stderr
    assert "Traceback" not in result.stderr


def test_a_folder_without_a_project_is_told(run: Run, tmp_path: Path) -> None:
    result = run("check", "--project", tmp_path)
    assert result.exit_code == 1
    assert "project.yaml" in result.stderr


def test_a_missing_function_is_found_before_anything_runs(run: Run, project: Path) -> None:
    model = project / "src" / "leavers" / "model.py"
    model.write_text(model.read_text().replace("def fit(", "def learn("))
    result = run("check", "--project", project)
    assert result.exit_code == 1
    assert "fit(X, y, hyperparameters)" in result.stderr


def test_a_defect_of_ours_is_told_without_a_traceback_which_is_kept_in_a_file(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken() -> None:
        raise ZeroDivisionError("division by zero")

    with pytest.raises(Exception) as ended:  # noqa: PT011 - typer's Exit has no public base that says more
        options.guard(Options(Terminal(), project), broken)
    assert getattr(ended.value, "exit_code", None) == 1
    told = capsys.readouterr().err
    assert "This is a defect of Sagewright" in told
    assert "Traceback" not in told
    (log,) = (project / ".sagewright" / "logs").glob("crash-*.log")
    assert "ZeroDivisionError" in log.read_text()


def test_the_version_is_told(run: Run) -> None:
    assert run("--version").stdout == f"sagewright {sagewright.__version__}\n"


COMMANDS = [
    *("demo", "new", "check", "deploy", "train", "models", "show", "approve", "reject", "release", "invoke"),
    *("sandbox up", "sandbox status", "sandbox down", "data put"),
]


@pytest.mark.parametrize("command", COMMANDS)
def test_the_help_of_every_command_shows_an_example(run: Run, command: str) -> None:
    result = run(*command.split(), "--help")
    assert result.exit_code == 0
    assert "Examples:" in result.stdout
    assert f"sagewright {command}" in " ".join(result.stdout.split())


def test_the_help_of_release_says_which_versions_go_all_at_once_and_how_to_force_it(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("typer.rich_utils.MAX_WIDTH", 900)
    told = run("release", "--help").stdout
    assert "Kept are the one that runs and the last two superseded ones" in told
    assert "unless `--all-at-once` forces it" in told or "unless --all-at-once forces it" in told


def test_a_paragraph_of_help_is_broken_only_where_the_terminal_ends(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("typer.rich_utils.MAX_WIDTH", 400)
    told = run("train", "--help").stdout
    assert "Steps whose inputs have not changed come from SageMaker's cache." in told
    assert "the accounts are bootstrapped by themselves." in run("deploy", "--help").stdout
