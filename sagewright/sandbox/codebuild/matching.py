"""Why: artifacts and reports are chosen by patterns of paths, which are CodeBuild's and not the shell's."""

import os
import re
from collections.abc import Iterable
from functools import cache
from pathlib import Path

from .buildspec import Files
from .failures import PhaseError


def chosen(files: Files, source: Path) -> list[tuple[Path, str]]:
    """Return the files that are meant, each with its name in the result; refuse where there are none."""
    found: dict[str, Path] = {}
    for base in _bases(files.base_directory, source):
        for name, file in sorted(_below(base)):
            wanted = any(_pattern(each).fullmatch(name) for each in files.files)
            if wanted and not any(_pattern(each).fullmatch(name) for each in files.exclude_paths):
                found[file.name if files.discard_paths else name] = file
    if not found:
        raise PhaseError("CLIENT_ERROR", "no matching artifact paths found")
    return [(file, name) for name, file in found.items()]


def _bases(directory: str, source: Path) -> list[Path]:
    directory = directory.removeprefix("./").rstrip("/")
    if not directory:
        return [source]
    if directory.startswith("/"):
        found = [Path(directory)] if Path(directory).is_dir() else []
    else:
        found = [each for each in sorted(source.glob(directory)) if each.is_dir()]
    if not found:
        raise PhaseError("CLIENT_ERROR", f"no matching base directory path found for {directory}")
    return found


def _below(base: Path) -> Iterable[tuple[str, Path]]:
    for folder, _, names in os.walk(base):
        for name in names:
            file = Path(folder) / name
            if file.is_file():
                yield file.relative_to(base).as_posix(), file


@cache
def _pattern(text: str) -> re.Pattern[str]:
    """Return a pattern of paths: `**` stands for any folders, `*` and `?` for what has no slash."""
    text = text.removeprefix("./")
    parts = re.split(r"(\*\*/|\*\*|\*|\?)", text)
    known = {"**/": "(?:[^/]+/)*", "**": ".*", "*": "[^/]*", "?": "[^/]"}
    return re.compile("".join(known.get(part) or re.escape(part) for part in parts))
