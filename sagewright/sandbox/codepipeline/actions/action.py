"""Why: every provider gets the same to work with, and hands back the same: what it began, and what it knows."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from ...clients import ActingClients
from ...cloudwatch.metrics import Place
from ..artifacts import Bundle, Store, read
from ..executions import ActionRun, Execution


@dataclass(frozen=True)
class Job:
    """One run of an action; `acting` has the action's role, or else the pipeline's."""

    place: Place
    pipeline: str
    pipeline_arn: str
    execution: Execution
    run: ActionRun
    acting: ActingClients
    own: ActingClients
    """With the pipeline's role, whatever role the action has."""
    store: Store
    folder: Path
    """An empty one, gone when the action has ended."""

    @property
    def configuration(self) -> dict[str, str]:
        """Return the configuration, with what its references stand for."""
        return self.run.configuration

    def client(self, service: str) -> Any:
        """Return a client of a service that acts in the action's name."""
        return self.acting.get(service, self.place.account, self.place.region)

    def bundle(self, name: str) -> Bundle:
        """Read an input artifact."""
        artifact = next(each for each in self.run.inputs if each.name == name)
        return read(self.acting, artifact, self.place.region)

    def leave(self, content: bytes) -> None:
        """Write the action's only output artifact."""
        self.store.write(self.client("s3"), self.run.outputs[0], content)


@dataclass(frozen=True)
class Done:
    """How an action that succeeded ended."""

    summary: str = ""
    external_id: str = ""
    external_url: str = ""
    variables: dict[str, str] = field(default_factory=dict)
    revision: dict[str, Any] = field(default_factory=dict)
    """Of a source: what it was that the action took."""


class Provider(Protocol):
    """Does what actions of one kind are for; a failure is an ActionError."""

    def perform(self, job: Job) -> Done | None:
        """Do it; None where the end comes later, from elsewhere."""
        ...
