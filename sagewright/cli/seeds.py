"""The projects that a new one can start from: complete small repositories, copied and given another name."""

import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from ruamel.yaml import YAML

from sagewright.project import Problem, ProjectError, fields, load

from .errors import CommandError

SEEDS = Path(__file__).parent.parent / "seed_code"
SCHEMA = Path(__file__).parent.parent / "project" / "project.schema.json"
# The package of a seed whose tables are not in it: run in the project's folder, it fetches and writes them.
PREPARE = "prepare"
LEFT_OUT = ("__pycache__", ".*_cache", ".sagewright", ".venv", "cdk.out", "*.pyc")
TEXTS = {".py", ".yaml", ".toml", ".md"}


def available() -> list[str]:
    """List the seeds that this installation carries."""
    return sorted(folder.name for folder in SEEDS.iterdir() if (folder / "project.yaml").is_file())


def declares_features(seed: str) -> bool:
    """Tell whether a seed has feature groups; one that is not there has none."""
    file = SEEDS / seed / "project.yaml"
    return file.is_file() and "features" in YAML(typ="safe").load(file)


def plant(seed: str, folder: Path, name: str) -> None:
    """Copy a seed to a new folder under a name of its own; nothing is there unless all of it is right."""
    if seed not in available():
        raise CommandError(f"There is no seed '{seed}'. Seeds: {', '.join(available())}.")
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise CommandError(f"{folder} is there already and not empty: choose another folder, or empty it first.")
    _require_name(name)
    with tempfile.TemporaryDirectory(prefix="sagewright-new-") as temporary:
        copy = Path(temporary) / folder.name
        shutil.copytree(SEEDS / seed, copy, ignore=shutil.ignore_patterns(*LEFT_OUT))
        # Editors complete the project file by its schema, which has to be found wherever the project goes.
        shutil.copy(SCHEMA, copy / SCHEMA.name)
        # What is wrong already: tables that the seed has still to prepare.
        before = {problem.key for problem in _problems(copy)}
        _rename(copy, seed, name)
        wrong = [problem for problem in _problems(copy) if problem.key not in before]
        if wrong:  # the seed is right, so the name is not: AWS or Python would refuse it
            raise _wrong_name(wrong[0].message)
        folder.parent.mkdir(parents=True, exist_ok=True)
        if folder.exists():
            folder.rmdir()
        shutil.move(copy, folder)


def prepares(folder: Path) -> bool:
    """Tell whether the project has tables to prepare before it can do anything."""
    return (folder / PREPARE / "__main__.py").is_file()


def prepare(folder: Path, tell: Callable[[str], None]) -> None:
    """Let the project write its tables, with this very Python, whose packages it needs; each line is told."""
    call = [sys.executable, "-m", PREPARE]
    with (
        tempfile.TemporaryFile("w+") as errors,
        subprocess.Popen(call, cwd=folder, stdout=subprocess.PIPE, stderr=errors, text=True) as running,  # noqa: S603 - the seed's own program
    ):
        for line in running.stdout or ():
            tell(line.rstrip())
        if running.wait():
            errors.seek(0)
            raise CommandError(errors.read().strip() or f"`{' '.join(call)}` ended with {running.returncode}.")


def _problems(folder: Path) -> list[Problem]:
    try:
        load(folder)
    except ProjectError as error:
        return error.problems
    return []


def _require_name(name: str) -> None:
    """Refuse what cannot be a name before folders are called by it."""
    try:
        fields.name(name)
    except ValueError as error:
        raise _wrong_name(str(error)) from error


def _wrong_name(why: str) -> CommandError:
    return CommandError(f"This cannot be the project's name: {why}. Choose one with --name.")


def _rename(copy: Path, seed: str, name: str) -> None:
    """Give package and project their own name. Only names are touched: the same word in data or prose stays."""
    package = name.replace("-", "_")
    (copy / "src" / seed).rename(copy / "src" / package)
    changes = [
        (re.compile(rf"\bsrc/{seed}\b"), f"src/{package}"),
        (re.compile(rf"(?m)^(\s*(?:from|import) ){seed}\b"), rf"\g<1>{package}"),
        (re.compile(rf"(?m)^name: {seed}$"), f"name: {name}"),
        (re.compile(rf'(?m)^name = "{seed}"$'), f'name = "{name}"'),
        (re.compile(rf"\A# {seed}$", re.MULTILINE), f"# {name}"),
        (re.compile(r"(?m)^(# yaml-language-server: \$schema=).*$"), rf"\g<1>{SCHEMA.name}"),
    ]
    for file in copy.rglob("*"):
        if file.suffix in TEXTS and file.is_file():
            text = file.read_text(encoding="utf-8")
            for pattern, replacement in changes:
                text = pattern.sub(replacement, text)
            file.write_text(text, encoding="utf-8")
