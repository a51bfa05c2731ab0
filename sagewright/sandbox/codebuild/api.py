"""Why: CodeBuild has one door; behind it, each unit answers for the operations it has methods for."""

from collections.abc import Callable
from pathlib import Path

from botocore import xform_name
from moto.core.utils import get_service_model

from ..clients import Clients
from ..clock import Clock
from ..codecommit import CodeCommit
from ..codeconnections import CodeConnections
from ..protocol import Caller
from .builds import Builds
from .events import Bus, Events
from .origins import Origins
from .projects import Projects
from .refusals import lacking
from .reports import Reports
from .shelf import Record
from .statuses import Statuses
from .webhooks import Webhooks

Operation = Callable[[Record, Caller], Record]


class CodeBuild:
    """The sandbox's service "codebuild": a unit's method `start_build` is the operation StartBuild."""

    service_name = "codebuild"

    def __init__(  # noqa: PLR0913 - what builds act on
        self,
        clients: Clients,
        clock: Clock,
        bus: Bus,
        data: Path,
        *,
        codecommit: CodeCommit,
        connections: CodeConnections,
    ) -> None:
        origins = Origins(codecommit.source.folder, connections.source, connections.provider)
        self.statuses = Statuses()
        self.projects = Projects(clients, clock, origins)
        self.reports = Reports(clock)
        events = Events(bus, clock)
        self.builds = Builds(
            clients,
            clock,
            projects=self.projects,
            reports=self.reports,
            events=events,
            origins=origins,
            statuses=self.statuses,
            data=data,
        )
        webhooks = Webhooks(self.projects, self.builds, connections)
        self.operations: dict[str, Operation] = {
            name: getattr(unit, xform_name(name))
            for name in get_service_model(self.service_name).operation_names
            for unit in (self.projects, self.builds, self.reports, webhooks)
            if hasattr(unit, xform_name(name))
        }

    def call(self, operation: str, params: Record, caller: Caller) -> Record:
        """Answer one request whose parameters are already validated against botocore's model."""
        if operation not in self.operations:
            raise lacking(f"codebuild:{operation}")
        return self.operations[operation](params, caller)

    def tags_of(self, arn: str) -> dict[str, str]:
        """Return the tags of a project or a report group; of what is not there, and of builds, there are none."""
        return self.projects.tags_of(arn) or self.reports.tags_of(arn)

    def close(self) -> None:
        """Stop the builds."""
        self.builds.close()
