"""Why: Git is a program of this machine: it is found here, and runs untouched by the settings of whoever is at it."""

import os
import shutil
import subprocess
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import IO, Any

from ..protocol import ApiError

_NOTHING: Mapping[str, str] = MappingProxyType({})
_NEEDED = "The sandbox keeps repositories with git"


class GitError(Exception):
    """What git said when it failed."""


def run(folder: Path, *arguments: str, data: bytes = b"") -> bytes:
    """Return what git prints about a repository; a failure is a GitError with git's own words."""
    done = subprocess.run([_git(), *arguments], cwd=folder, env=environment(), input=data, capture_output=True)  # noqa: PLW1510, S603 - the code is looked at below; no shell, and the program is git
    if done.returncode:
        raise GitError(done.stderr.decode(errors="replace").strip() or f"git {arguments[0]} ended on {done.returncode}")
    return done.stdout


def http_backend(variables: Mapping[str, str], stdin: IO[bytes], stdout: IO[bytes] | int) -> subprocess.Popen[Any]:
    """Start the program by which Git answers over HTTP, as a web server would, with all of a file before it."""
    stdin.flush()
    os.lseek(stdin.fileno(), 0, os.SEEK_SET)  # where the file's next byte is, not where Python's buffer ends
    return subprocess.Popen([_backend()], env=environment(variables), stdin=stdin, stdout=stdout)  # noqa: S603 - git's own program


def environment(more: Mapping[str, str] = _NOTHING) -> dict[str, str]:
    """Return the variables under which git sees no settings but the repository's own."""
    return {
        "PATH": os.environ.get("PATH", os.defpath),
        "LC_ALL": "C",
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_TERMINAL_PROMPT": "0",
        # A data folder on a volume may belong to somebody else, and git would not touch a repository there.
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": "safe.directory",
        "GIT_CONFIG_VALUE_0": "*",
        **more,
    }


@cache
def _git() -> str:
    if (found := shutil.which("git")) is None:
        raise ApiError("UnsupportedOperation", f"{_NEEDED}, and finds none on its PATH: install git.", 501)
    return found


@cache
def _backend() -> str:
    folder = run(Path.cwd(), "--exec-path").decode().strip()
    program = Path(folder) / "git-http-backend"
    if not program.is_file():
        message = f"{_NEEDED} and its program git-http-backend, and finds none in {folder}: install all of git."
        raise ApiError("UnsupportedOperation", message, 501)
    return str(program)
