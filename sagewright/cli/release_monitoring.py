"""Puts the watch over what serves: last in a release, because it compares with the baseline of the version that does.

It goes with every release, also with one that takes a version back: a monitor that still compared with the baseline of
another version would report drift where there is none.
"""

from dataclasses import dataclass

from sagewright.project import Environment, Project, names
from sagewright.runtime.functions import watching
from sagewright.runtime.functions.release import Artifacts

from .errors import EXPECTED, CommandError, explain
from .release_stacks import ReleaseStacks

NONE = "none"
# What the template of the watch takes of a version.
_TAKEN = ("ModelPackageArn", "BaselineUri")
_NOBODY = (
    "Nobody is told when requests drift: project.yaml names no owner, an e-mail address. Name one, and release again."
)
_NOT_COMPARABLE = (
    "Nothing watches this version: it was trained before versions had a baseline to compare requests with. Train a new "
    "one to have it watched."
)


class NotWatchedError(CommandError):
    """The version serves, but what watches it is not what it should be."""


@dataclass(frozen=True)
class Watch:
    """What watches a released version."""

    engine: str
    stack: str
    schedule: str
    dashboard: str


@dataclass(frozen=True)
class ReleaseMonitoring:
    """The last part of a release to one environment."""

    stacks: ReleaseStacks

    @property
    def project(self) -> Project:
        """Whose release it is."""
        return self.stacks.project

    @property
    def environment(self) -> Environment:
        """Where the version serves."""
        return self.stacks.environment

    @property
    def stack(self) -> str:
        """The name of the stack."""
        return names.monitoring_stack(self.project.name, self.environment.name)

    def carry_out(self, artifacts: Artifacts, number: int) -> Watch | None:
        """Deploy the watch for the version that serves now; None where nothing can or shall watch it."""
        try:
            return self._carry_out(artifacts)
        except EXPECTED as error:
            raise NotWatchedError(self._failure(explain(error), number)) from error

    def _carry_out(self, artifacts: Artifacts) -> Watch | None:
        project, environment = self.project.name, self.environment.name
        engine = self.environment.monitoring.engine
        if engine == NONE or not artifacts.comparable:
            self.stacks.delete(self.stack)
            if engine != NONE:
                self.stacks.options.terminal.note(_NOT_COMPARABLE)
            return None
        if self.stacks.settle(self.stack) is None:
            # Else the alarm at a monitor that does not run would fire as soon as it is there, before any run can be.
            cloudwatch = self.stacks.target.release_client("cloudwatch", self.environment)
            watching.begin(
                cloudwatch, names.metric_namespace(project, environment), names.endpoint(project, environment)
            )
        if self.project.owner is None:
            self.stacks.options.terminal.note(_NOBODY)
        self.stacks.deploy(self.stack, {name: artifacts.parameters[name] for name in _TAKEN})
        schedule, dashboard = names.monitoring_schedule(project, environment), names.dashboard(project, environment)
        return Watch(engine, self.stack, schedule, dashboard)

    def _failure(self, why: str, number: int) -> str:
        place = self.environment.name
        return (
            f"Version {number} serves in {place}, and was verified. But what watches it there was not put right: "
            f"{why} Until it is, requests are compared with the baseline of an earlier version, or not at all. Release "
            f"it again when the cause is gone: `sagewright release {place} {number}`."
        )
