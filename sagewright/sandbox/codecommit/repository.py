"""Why: a repository is Git's on the disk and AWS's by its ARN, and what changes its references is told as events."""

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from ..clock import Clock
from ..cloudwatch.metrics import Place
from ..git.repository import HEADS, TAGS, BareRepository
from ..protocol import ApiError

_NOTHING: Mapping[str, Any] = MappingProxyType({})


@dataclass(frozen=True)
class Change:
    """A reference before and after somebody changed it; None where it was not there."""

    reference: str
    before: str | None
    after: str | None

    @property
    def branch(self) -> str:
        """Return the name of the branch, or nothing where it is a tag."""
        return self.reference.removeprefix(HEADS) if self.reference.startswith(HEADS) else ""


@dataclass(eq=False)
class Repository:
    """A repository of an account and region."""

    place: Place
    name: str
    git: BareRepository
    id: str
    created_s: float
    changed_s: float
    description: str = ""
    default_branch: str = ""
    tags: dict[str, str] = field(default_factory=dict)
    lock: threading.RLock = field(default_factory=threading.RLock, repr=False)

    @property
    def arn(self) -> str:
        """Return the repository's ARN."""
        return f"arn:aws:codecommit:{self.place.region}:{self.place.account}:{self.name}"

    def branch(self, name: str) -> str:
        """Return the commit that a branch shows; an absent branch is refused."""
        commit = self.git.references().get(HEADS + name)
        if commit is None:
            raise ApiError("BranchDoesNotExistException", f"{name} does not exist in the repository {self.name}.")
        return commit


Told = Callable[[Repository, Change, str, Mapping[str, Any]], None]
"""Told of a changed reference, the ARN of who changed it, and what else its event says."""


class Changes:
    """Lets one at a time change a repository's references, and tells who listens what has become of them."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._told: list[Told] = []

    def listen(self, told: Told) -> None:
        """Tell this one too, in the order of listening."""
        self._told.append(told)

    @contextmanager
    def of(self, repository: Repository, caller_arn: str, more: Mapping[str, Any] = _NOTHING) -> Iterator[None]:
        """Compare the references before and after the block; the first branch becomes the default one."""
        with self._clock.work(f"repository {repository.name}"), repository.lock:
            before = repository.git.references()
            yield
            after = repository.git.references()
            changes = [
                Change(name, before.get(name), after.get(name))
                for name in sorted({*before, *after})
                if before.get(name) != after.get(name)
            ]
            if not changes:
                return
            repository.changed_s = self._clock.now()
            created = [each.branch for each in changes if each.branch and each.before is None]
            if not repository.default_branch and created:
                repository.default_branch = "main" if "main" in created else created[0]
                repository.git.point_head(repository.default_branch)
            for change in changes:
                for told in self._told:
                    told(repository, change, caller_arn, more)


def kind_of(reference: str) -> tuple[str, str]:
    """Return whether a reference is a branch or a tag, and its short name."""
    if reference.startswith(TAGS):
        return "tag", reference.removeprefix(TAGS)
    return "branch", reference.removeprefix(HEADS)
