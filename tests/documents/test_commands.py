"""Every command in the documents exists, with the options it is given."""

import json
import re
from pathlib import Path
from shutil import copytree

import botocore.session
import pytest
import typer
from botocore import xform_name
from ruamel.yaml import YAML
from typer._click.exceptions import UsageError  # typer brings a click of its own
from typer.core import TyperGroup

from sagewright.cli.app import app
from sagewright.project import load
from tests.documents import shell

# Words of the shell, and programs of others, that a reader has.
OTHERS = {
    "cat",
    "cd",
    "cp",
    "done",
    "echo",
    "eval",
    "export",
    "for",
    "git",
    "pip",
    "pytest",
    "python",
    "sed",
    "source",
    "until",
    "uv",
}
PLACEHOLDERS = {"VERSION": "3", "ENV": "prod", "COMMAND": "deploy", "FILE": "rows.csv", "TIME": "+1h"}

# What the AWS command line has beside the operations: https://docs.aws.amazon.com/cli/latest/reference/logs/tail.html
CUSTOM = {
    ("logs", "tail"): {
        *("--since", "--follow", "--format", "--filter-pattern", "--log-stream-names", "--log-stream-name-prefix"),
    },
}

COMMANDS = [(block.where, words) for block in shell.blocks() for words in block.commands()]
CASES = {f"{where} {' '.join(words)}": words for where, words in [*COMMANDS, *shell.in_sentences()]}


def understand(words: list[str]) -> None:
    """Fail where a program would not understand its words."""
    program, *arguments = words
    if program == "sagewright":
        of_ours([PLACEHOLDERS.get(each, each) for each in arguments])
    elif program == "make":
        targets = set(re.findall(r"^([a-z]+):", (shell.ROOT / "Makefile").read_text(), re.MULTILINE))
        assert {each for each in arguments if "=" not in each} <= targets
    elif program == "aws":
        of_aws(*arguments)
    elif program == "cdk":
        assert arguments[0] in {"bootstrap", "deploy", "destroy", "diff", "synth"}
    else:
        assert program in OTHERS or program.startswith(".venv/bin/") or "=" in program


def of_ours(arguments: list[str]) -> None:
    """Parse as the console script would, without doing anything."""
    command = typer.main.get_command(app)
    context = command.context_class(command, info_name="sagewright")
    while isinstance(command, TyperGroup):
        arguments = [each for each in arguments if each not in {"--help", "-h", "--version"}]
        if not arguments:
            return
        name, *arguments = arguments
        found = command.get_command(context, name)
        assert found is not None, f"sagewright has no command {name}"
        command, context = found, found.context_class(found, parent=context, info_name=name)
    command.parse_args(context, arguments)


def of_aws(service: str, operation: str, *options: str) -> None:
    """Hold a call of the AWS command line against botocore's model of the service."""
    if (service, operation) in CUSTOM:
        assert {each for each in options if each.startswith("--")} <= CUSTOM[service, operation]
        return
    model = botocore.session.get_session().get_service_model("s3" if service == "s3api" else service)
    named = {xform_name(each, "-"): each for each in model.operation_names}
    assert operation in named, f"{service} has no {operation}"
    shape = model.operation_model(named[operation]).input_shape
    members = {xform_name(each, "-") for each in shape.members} if shape else set()
    members |= {"query", "output", "region", "profile"}
    for each in options:
        if each.startswith("--"):
            assert each.removeprefix("--").removeprefix("no-") in members, f"{operation} has no {each}"


@pytest.mark.parametrize("case", CASES)
def test_a_command_of_the_documents_exists(case: str) -> None:
    understand(CASES[case])


def test_the_check_itself_finds_a_command_that_does_not_exist() -> None:
    for wrong in ("sagewright deploi", "sagewright deploy --fats", "make nothing", "aws sagemaker list-nothing"):
        with pytest.raises((AssertionError, UsageError)):
            understand([*wrong.split()])


@pytest.mark.parametrize("where", shell.settings())
def test_settings_in_the_documents_are_keys_of_the_project_file(where: str, tmp_path: Path) -> None:
    project = tmp_path / "churn"
    copytree(shell.ROOT / "sagewright" / "seed_code" / "churn", project)
    file = project / "project.yaml"
    yaml = YAML(typ="safe")
    whole = yaml.load(file) | yaml.load(shell.settings()[where])
    file.write_text(json.dumps(whole))  # JSON is YAML
    load(project)
