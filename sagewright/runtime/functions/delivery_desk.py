"""What every part of the delivery function works with: whose delivery it is, its clients, its record, its messages."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from typing import Any

from . import audit, code_pipelines, consoles
from .audit import Entry, Kind
from .client import Client
from .code_pipelines import Execution
from .owner_notices import OwnerNotices

Event = Mapping[str, Any]


@dataclass(frozen=True)
class Setting:
    """What the function is told of the project by its environment variables; `environments` serve, in their order."""

    project: str
    first: str
    region: str
    environments: tuple[str, ...]
    build: str
    promotion: str
    rollback: str
    group: str
    bucket: str
    topic: str
    approval_hours: int
    pull_request: str
    repository: str
    delivered_by: str = ""
    """The system that runs the steps, where that is not AWS itself; nothing of ours is started then."""

    @classmethod
    def read(cls, variables: Mapping[str, str]) -> "Setting":
        """Take it from the environment of the process."""
        return cls(
            variables["PROJECT"],
            variables["FIRST"],
            variables["AWS_REGION"],
            tuple(json.loads(variables["ENVIRONMENTS"])),
            variables["BUILD"],
            variables["PROMOTION"],
            variables["ROLLBACK"],
            variables["GROUP"],
            variables["BUCKET"],
            variables["TOPIC_ARN"],
            int(variables["APPROVAL_HOURS"]),
            variables.get("PULL_REQUEST", ""),
            variables.get("REPOSITORY", ""),
            variables.get("DELIVERED_BY", ""),
        )

    def release_copy(self, environment: str) -> str:
        """Name the parameter that repeats what an environment serves."""
        return f"/sagewright/{self.project}/{self.first}/releases/{environment}"

    def namespace(self, environment: str) -> str:
        """Name the namespace of an environment's metrics."""
        return f"Sagewright/{self.project}/{environment}"

    def page(self, pipeline: str, execution: str | None = None) -> str:
        """Give the address of a pipeline's page in the console, or of one of its executions."""
        return consoles.pipeline(self.region, pipeline, execution)


class Desk:
    """One event's desk: clients are made when they are needed, with the credentials of the function."""

    def __init__(self, setting: Setting, make: Callable[[str], Client]) -> None:
        self.setting = setting
        self._make = make
        self._clients: dict[str, Client] = {}

    def client(self, service: str) -> Client:
        """Return the client of a service."""
        if service not in self._clients:
            self._clients[service] = self._make(service)
        return self._clients[service]

    @property
    def codepipeline(self) -> Client:
        """CodePipeline."""
        return self.client("codepipeline")

    @property
    def sagemaker(self) -> Client:
        """SageMaker."""
        return self.client("sagemaker")

    @cached_property
    def notices(self) -> OwnerNotices:
        """Where messages go."""
        return OwnerNotices(self.client("sns"), self.client("s3"), self.setting.topic, self.setting.bucket)

    def record(  # noqa: PLR0913 - what an auditor asks: what kind, when, who, what, in which words, by which sources
        self, kind: Kind, when: datetime, who: str, what: str, *, about: str, words: str = "", **sources: Any
    ) -> bool:
        """Write an entry of the audit; False where it is there already."""
        entry = Entry(kind, when, who or "unknown", what, about, words, {k: v for k, v in sources.items() if v})
        return audit.write(self.client("s3"), self.setting.bucket, entry)

    def tell(self, subject: str, text: str, *, about: str) -> bool:
        """Send a message to the owner, once for each thing that it is about."""
        return self.notices.tell(f"{self.setting.project}: {subject}", text, about=about)

    def execution(self, pipeline: str, identity: str) -> Execution | None:
        """Read an execution of one of the pipelines."""
        return code_pipelines.execution(self.codepipeline, pipeline, identity)


def happened(event: Event) -> datetime:
    """Read when an event happened."""
    moment = datetime.fromisoformat(str(event["time"]))
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
