"""What a check has found: how it is, what AWS would say later, and the command that mends it."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

from sagewright.cli.assembly import Assembly
from sagewright.cli.target import Target
from sagewright.project import Environment, Project

Result = Literal["ok", "warning", "failure"]


@dataclass(frozen=True)
class Finding:
    """One line of the diagnosis."""

    check: str
    result: Result
    told: str
    environment: str = ""
    later: str = ""
    """What AWS would say, where nothing is done about it."""
    mend: str = ""
    """A command that puts it right, or what to do where no command can."""


@dataclass(frozen=True)
class Subject:
    """What is examined."""

    project: Project
    target: Target
    environments: tuple[Environment, ...]
    assembly: Assembly

    @property
    def suffix(self) -> str:
        """The option that commands on the same target need."""
        return "" if self.target.is_sandbox else " --target aws"


Check = Callable[[Subject], Iterator[Finding]]
EnvironmentCheck = Callable[[Subject, Environment], Iterator[Finding]]
