"""What a project's own lint and tests need: installed where it is missing, and nothing touched where it is there."""

import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path
from typing import Any

from packaging.requirements import InvalidRequirement, Requirement

from sagewright.cli import state
from sagewright.cli.errors import CommandError
from sagewright.cli.options import Options

_GROUP = "dev"
# What the test step itself calls.
_TOOLS = ("ruff", "pytest", "pytest-cov")
_LAST_LINES = 5


def install(options: Options) -> list[str]:
    """Install what is missing into the environment that runs; returns what that was."""
    missing = [str(each) for each in _needed(options.folder) if not _is_there(each)]
    if missing:
        with options.terminal.task(f"Install {', '.join(missing)}"):
            _call(options.folder, missing)
    return missing


def _needed(root: Path) -> Iterator[Requirement]:
    file = root / "pyproject.toml"
    written: dict[str, Any] = tomllib.loads(file.read_text(encoding="utf-8")) if file.is_file() else {}
    groups: dict[str, list[Any]] = written.get("dependency-groups", {})
    texts = [*written.get("project", {}).get("dependencies", []), *_of_group(groups, _GROUP, file), *_TOOLS]
    for text in texts:
        try:
            needed = Requirement(text)
        except InvalidRequirement as error:
            raise CommandError(f"{file}: {text!r} is no requirement that pip could install: {error}") from error
        if needed.marker is None or needed.marker.evaluate():
            yield needed


def _of_group(groups: dict[str, list[Any]], name: str, file: Path, *above: str) -> Iterator[str]:
    """List a group's requirements with those of the groups that it includes.

    https://packaging.python.org/en/latest/specifications/dependency-groups/
    """
    if name in above:
        raise CommandError(f"{file}: dependency group {name!r} includes itself.")
    for each in groups.get(name, []):
        if isinstance(each, str):
            yield each
        else:
            yield from _of_group(groups, each["include-group"], file, *above, name)


def _is_there(needed: Requirement) -> bool:
    try:
        version = metadata.version(needed.name)
    except metadata.PackageNotFoundError:
        return False
    return needed.specifier.contains(version, prereleases=True)


def _call(root: Path, missing: list[str]) -> None:
    """Install with uv where it is there, which needs no pip in the environment; else with pip."""
    uv = shutil.which("uv", path=str(Path(sys.executable).parent)) or shutil.which("uv")
    install = [uv, "pip", "install", "--python", sys.executable] if uv else [sys.executable, "-m", "pip", "install"]
    log = state.new_log(root, "prepare")
    with log.open("w", encoding="utf-8") as written:
        done = subprocess.run(  # noqa: S603 - the project's own requirements, as its owner wrote them
            [*install, "--quiet", *missing], stdout=written, stderr=subprocess.STDOUT, check=False
        )
    if done.returncode != 0:
        last = " ".join(log.read_text(errors="replace").split("\n")[-_LAST_LINES:]).strip()
        raise CommandError(f"{', '.join(missing)} could not be installed: {last} The whole output is in {log}.")
