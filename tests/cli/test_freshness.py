"""An assembly is written once for as long as nothing changes that it is made of."""

import json
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from ruamel.yaml import YAML
from typer.testing import Result

from sagewright.cli import assembly, freshness, state
from sagewright.cli.cdk import Cdk
from sagewright.cli.errors import CommandError
from sagewright.cli.options import Options
from sagewright.cli.terminal import Terminal
from sagewright.project import load


@dataclass
class Commands:
    """Commands on a project that need its assembly, one after the other; a synthesis writes only a template."""

    root: Path
    syntheses: int = 0
    fails: bool = False
    meanwhile: Callable[[], object] = field(default=lambda: None)

    @property
    def folder(self) -> Path:
        return state.folder_of(self.root) / "cdk.out"

    def synthesize(self) -> None:
        self.syntheses += 1
        self.meanwhile()
        self.folder.mkdir(exist_ok=True)
        (self.folder / "data.template.json").write_text("{}")
        if self.fails:
            raise CommandError("cdk synth failed")

    def another(self) -> int:
        """Run one more command; how many syntheses there were by now."""
        assert assembly.write(Options(Terminal(as_json=True), self.root), load(self.root), {}) == self.folder
        return self.syntheses

    def declare(self, **sections: object) -> None:
        yaml, file = YAML(), self.root / "project.yaml"
        yaml.dump(yaml.load(file) | sections, file)


@pytest.fixture
def commands(project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Commands:
    made = Commands(project)

    def synthesize(_: Cdk) -> None:
        made.synthesize()

    monkeypatch.setattr(Cdk, "synthesize", synthesize)
    monkeypatch.setenv("HOME", str(tmp_path))
    return made


def test_a_second_command_takes_the_assembly_that_the_first_one_wrote(commands: Commands) -> None:
    assert commands.another() == 1
    assert commands.another() == 1


CHANGES: dict[str, Callable[[Commands], object]] = {
    "the project file": lambda of: of.declare(tags={"cost-center": "1"}),
    "code that jobs run": lambda of: (of.root / "src/leavers/more.py").write_text("ONE = 1\n"),
    "the CDK's settings": lambda of: (of.root / "cdk.json").write_text("{}"),
    "the CDK's context": lambda of: (of.root / "cdk.context.json").write_text('{"one": 1}'),
    "the user's settings of the CDK": lambda of: (of.root.parent / ".cdk.json").write_text("{}"),
    "a template, by hand": lambda of: (of.folder / "data.template.json").write_text('{"Resources": {}}'),
    "a template, which is gone": lambda of: (of.folder / "data.template.json").unlink(),
    "a template, which another tool has added": lambda of: (of.folder / "more.template.json").write_text("{}"),
    "what is known of the assembly": lambda of: (of.folder.parent / "cdk.out.json").write_text('{"sources"'),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES.keys())
def test_after_any_change_it_is_written_anew(commands: Commands, change: Callable[[Commands], object]) -> None:
    commands.another()
    change(commands)
    assert commands.another() == 2


def test_after_a_change_of_the_tool_it_is_written_anew(commands: Commands, monkeypatch: pytest.MonkeyPatch) -> None:
    commands.another()
    monkeypatch.setattr(freshness, "_PACKAGES", ("pytest",))
    assert commands.another() == 2


def test_after_a_change_of_our_own_code_it_is_written_anew(
    commands: Commands, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    ours = tmp_path / "sagewright"
    for name in ("app.py", "stacks/data.py"):
        (ours / name).parent.mkdir(exist_ok=True)
        (ours / name).write_text("")
    monkeypatch.setattr(freshness, "_OURS", ours)
    commands.another()
    (ours / "stacks" / "data.py").write_text("class DataStack: ...\n")
    assert commands.another() == 2


def test_a_variable_of_the_cdk_counts_but_whose_credentials_are_in_use_does_not(
    commands: Commands, monkeypatch: pytest.MonkeyPatch
) -> None:
    commands.another()
    monkeypatch.setenv("CDK_DEFAULT_ACCOUNT", "111111111111")
    assert commands.another() == 1
    monkeypatch.setenv("CDK_CONTEXT_JSON", '{"one": 1}')
    assert commands.another() == 2


def test_a_project_file_that_the_cdks_context_names_counts(commands: Commands) -> None:
    (commands.root / "cdk.json").write_text(json.dumps({"context": {"project": "other.yaml"}}))
    commands.another()
    (commands.root / "other.yaml").write_text("name: other\n")
    assert commands.another() == 2


def test_what_a_failed_synthesis_has_written_is_never_taken(commands: Commands) -> None:
    commands.another()
    commands.declare(tags={"cost-center": "1"})
    commands.fails = True
    with pytest.raises(CommandError):
        commands.another()
    commands.declare(tags={"cost-center": "2"})
    commands.fails = False
    assert commands.another() == 3


def test_a_change_during_the_synthesis_is_not_missed(commands: Commands) -> None:
    commands.meanwhile = lambda: commands.declare(tags={"cost-center": "1"})
    commands.another()
    commands.meanwhile = lambda: None
    assert commands.another() == 2


def test_locks_and_archives_that_the_cdk_leaves_do_not_count(commands: Commands) -> None:
    commands.another()
    (commands.folder / "read.1234.1.lock").write_text("")
    (commands.folder / ".cache").mkdir()
    (commands.folder / ".cache" / "asset.zip").write_text("")
    assert commands.another() == 1


@pytest.mark.slow
def test_check_and_deploy_write_the_same_assembly(run: Callable[..., Result], project: Path) -> None:
    """The one with no credentials, the other as an account's administrator: a check spares the deployment its own."""
    assert run("check", "--project", project).exit_code == 0
    loaded = load(project)
    checked = {path: path.read_bytes() for path in _files(project)}
    assert freshness.Sources.of(loaded).are_in(project / ".sagewright" / "cdk.out")
    keys = {"AWS_ACCESS_KEY_ID": "AKIASBOX222222222222", "AWS_SECRET_ACCESS_KEY": "sandbox"}
    Cdk(project, {**os.environ, **keys}, Terminal(as_json=True)).synthesize()
    assert {path: path.read_bytes() for path in _files(project)} == checked


def _files(project: Path) -> list[Path]:
    """List what a deployment reads; beside it stands who asked for what, with lines of the CDK's own stack."""
    written = (project / ".sagewright" / "cdk.out").rglob("*")
    return [
        path for path in written if path.name == "manifest.json" or ".template." in path.name or ".assets." in path.name
    ]
