"""The project's files as the first content of its repository.

Git says which they are: what it keeps, or without Git everything but what a `.gitignore` of the project's folder names.
"""

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from aws_cdk import IgnoreStrategy

from sagewright.stacks import code_archive

# CodeCommit makes no repository of more than 20 MB; a zip file's own entries take some of that.
# https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-properties-codecommit-repository-code.html
MOST_BYTES = 19_000_000
# https://docs.aws.amazon.com/codecommit/latest/userguide/limits.html
MOST_BYTES_OF_FILE = 6_000_000
# What tools leave in a project, whether or not it has a .gitignore.
_LEFT = (".git", "__pycache__", ".venv", "cdk.out", "out", ".pytest_cache", ".ruff_cache", ".sagewright")


@dataclass(frozen=True)
class Seed:
    """The archive, and the files that are too large to go into it."""

    content: bytes
    left_out: tuple[str, ...]


def of(root: Path, *, without: Path | None = None) -> Seed:
    """Archive a project's files but for those in the folder that is being written just now.

    What is too large by itself is left out, and where they are too large together, the largest are until they are not:
    what is here is only looked at once, and a table that has grown since must not stop every later synthesis.
    """
    listed = {name: root / name for name in _tracked(root) or _found(root)}
    listed = {
        name: path
        for name, path in listed.items()
        if path.is_file() and not path.is_symlink() and not (without and path.resolve().is_relative_to(without))
    }
    left_out = [name for name, path in listed.items() if path.stat().st_size > MOST_BYTES_OF_FILE]
    listed = {name: path for name, path in listed.items() if name not in left_out}
    for name in sorted(listed, key=lambda each: (-listed[each].stat().st_size, each)):
        if sum(path.stat().st_size for path in listed.values()) <= MOST_BYTES:
            break
        left_out.append(name)
        del listed[name]
    # A file without content fails the deployment: it gets an empty line. https://github.com/aws/aws-cdk/issues/19012
    contents = {name: path.read_bytes() or b"\n" for name, path in listed.items()}
    return Seed(code_archive.archived(contents), tuple(sorted(left_out)))


def _tracked(root: Path) -> list[str]:
    """List what Git keeps below the folder; nothing where it keeps no project file there, or is not installed."""
    git = shutil.which("git")
    if git is None:
        return []
    command = [git, "-C", str(root), "ls-files", "-z"]
    done = subprocess.run(command, capture_output=True, check=False)  # noqa: S603 (the Git that is on the PATH)
    names = done.stdout.decode(errors="surrogateescape").split("\0") if done.returncode == 0 else []
    return sorted(filter(None, names)) if any(name.endswith(".yaml") for name in names) else []


def _found(root: Path) -> list[str]:
    """List what is there and not ignored; the patterns are those of the folder's own .gitignore."""
    ignoring = root / ".gitignore"
    patterns = ignoring.read_text(encoding="utf-8").splitlines() if ignoring.is_file() else []
    ignored = IgnoreStrategy.git(str(root), [*_LEFT, *patterns])
    found: list[str] = []
    for folder, folders, files in os.walk(root):
        here = Path(folder)
        folders[:] = [name for name in folders if not ignored.completely_ignores(str(here / name))]
        found += [(here / name).relative_to(root).as_posix() for name in files if not ignored.ignores(str(here / name))]
    return sorted(found)
