"""What the command line remembers between commands: in `.sagewright/` beside the project, never in Git."""

import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

FOLDER = ".sagewright"


def folder_of(project: Path) -> Path:
    """Make sure that the project's state folder is there, and that Git does not see it."""
    base = project if project.is_dir() else Path(tempfile.gettempdir())
    state = base / FOLDER
    state.mkdir(exist_ok=True)
    ignore = state / ".gitignore"
    if not ignore.exists():
        ignore.write_text("*\n")
    return state


def new_log(project: Path, name: str) -> Path:
    """Choose the file for the complete output of one run; earlier ones are kept."""
    logs = folder_of(project) / "logs"
    logs.mkdir(exist_ok=True)
    return logs / f"{name}-{datetime.now(UTC):%Y%m%d-%H%M%S-%f}.log"


def around(project: Path) -> Iterator[Path]:
    """List the folder and its parents up to the root of the checkout: a sandbox of any of them serves this project."""
    for folder in (project.resolve(), *project.resolve().parents):
        yield folder
        if (folder / ".git").exists():
            return
