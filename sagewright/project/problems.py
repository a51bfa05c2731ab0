"""What is wrong with a project, told so that its author can mend it: where, what was received, what is allowed."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Problem:
    """One fault at one place, so that a person, an editor and a script can all jump to it.

    `file` is relative to the project's folder; `key` is empty where the fault is not a key's.
    """

    file: Path
    line: int | None
    key: str
    message: str

    def __str__(self) -> str:
        place = str(self.file) if self.line is None else f"{self.file}:{self.line}"
        return f"{place}: {self.key}: {self.message}" if self.key else f"{place}: {self.message}"


class ProjectError(Exception):
    """Every fault of a project at once, because being told one at a time wastes its author's afternoon."""

    def __init__(self, problems: list[Problem]) -> None:
        super().__init__("\n".join(str(problem) for problem in problems))
        self.problems = problems
