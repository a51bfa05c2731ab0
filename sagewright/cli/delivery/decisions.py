"""What a resolving step decided, as exports: the shell that called it reads them, and CodePipeline after it."""

import shlex
from collections.abc import Mapping
from pathlib import Path

YES, NO = "yes", "no"


def write(file: Path, decided: Mapping[str, str]) -> None:
    """Write the variables; a shell takes each as one word, whatever people have written into it."""
    lines = [f"export {name}={shlex.quote(value)}\n" for name, value in decided.items()]
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("".join(lines), encoding="utf-8")


def said(decided: bool) -> str:  # noqa: FBT001 - it is the one thing that is said
    """Write a decision as the conditions of a pipeline read it."""
    return YES if decided else NO
