"""The projects that a new one can start from: complete small repositories, copied and given another name."""

import re
import shutil
import tempfile
from pathlib import Path

from sagewright.project import ProjectError, fields, load

from .errors import CommandError

SEEDS = Path(__file__).parent.parent / "seed_code"
SCHEMA = Path(__file__).parent.parent / "project" / "project.schema.json"
LEFT_OUT = ("__pycache__", ".*_cache", ".sagewright", ".venv", "cdk.out", "*.pyc")
TEXTS = {".py", ".yaml", ".toml", ".md"}


def available() -> list[str]:
    """List the seeds that this installation carries."""
    return sorted(folder.name for folder in SEEDS.iterdir() if (folder / "project.yaml").is_file())


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
        _rename(copy, seed, name)
        try:
            load(copy)
        except ProjectError as error:  # the seed is right, so the name is not: AWS or Python would refuse it
            raise _wrong_name(error.problems[0].message) from error
        folder.parent.mkdir(parents=True, exist_ok=True)
        if folder.exists():
            folder.rmdir()
        shutil.move(copy, folder)


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
