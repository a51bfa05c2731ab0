"""Ctrl-C ends the command and not what AWS has begun, so the command says what goes on."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

import pytest
from typer.testing import Result

from sagewright.cli import deployed, deploying, releasing, training
from sagewright.cli.options import Options

Run = Callable[..., Result]
ARN = "arn:aws:sagemaker:eu-west-1:111111111111:pipeline/leavers-training/execution/abcdefghijkl"


def ctrl_c(*_: object, **__: object) -> NoReturn:
    raise KeyboardInterrupt


def returning(value: object) -> Callable[..., object]:
    def call(*_: object) -> object:
        return value

    return call


@pytest.fixture(autouse=True)
def somewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Options, "acting_on", returning(None))


def test_an_interrupted_training_says_how_to_come_back_to_it_and_how_to_stop_it(
    run: Run, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deployed, "require_current", returning(None))
    monkeypatch.setattr(training, "send_data", returning(None))
    monkeypatch.setattr(training, "start", returning(ARN))
    monkeypatch.setattr(training, "watch", ctrl_c)
    result = run("train", "--project", project)
    assert result.exit_code == 130
    assert f"The training goes on: {ARN}\n" in result.stderr
    assert "sagewright models\n" in result.stderr
    command = f"aws sagemaker stop-pipeline-execution --region eu-west-1 --pipeline-execution-arn {ARN}\n"
    assert command in result.stderr


@pytest.mark.parametrize(
    ("command", "action"), [("deploy", (deploying, "deploy")), ("release", (releasing, "carry_out"))]
)
def test_an_interrupted_deployment_says_that_it_goes_on_and_may_be_repeated(
    run: Run, project: Path, monkeypatch: pytest.MonkeyPatch, command: str, action: tuple[Any, str]
) -> None:
    monkeypatch.setattr(releasing, "choose", returning(None))
    monkeypatch.setattr(releasing, "live", returning(None))
    monkeypatch.setattr(*action, ctrl_c)
    result = run(command, "--project", project)
    assert result.exit_code == 130
    assert "What CloudFormation has begun goes on without this command" in result.stderr
    assert "repeating the command is safe." in result.stderr
