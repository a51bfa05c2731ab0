"""Takes one approved version to where it serves: copy, deploy, verify, watch. It says what serves, however it ends."""

import os
import socket
from dataclasses import dataclass, field
from datetime import UTC, datetime

from botocore.exceptions import ClientError

from sagewright.project import Environment, Project, names
from sagewright.runtime.functions import (
    audit,
    endpoint_update,
    model_versions,
    release,
    release_turn,
    sweep,
    verification,
    verified,
)
from sagewright.runtime.functions import live as serving
from sagewright.runtime.functions.audit import Entry
from sagewright.runtime.functions.client import Client
from sagewright.runtime.functions.live import Live
from sagewright.runtime.functions.model_versions import APPROVED, Version
from sagewright.runtime.functions.objects import Location
from sagewright.runtime.functions.release import Artifacts
from sagewright.runtime.functions.release_turn import Holder, Turn
from sagewright.runtime.functions.sweep import Swept

from . import stack_states
from .errors import EXPECTED, CommandError, explain
from .options import Options
from .release_failure import FailedRelease
from .release_monitoring import NotWatchedError, ReleaseMonitoring, Watch
from .release_stacks import ReleaseStacks
from .target import Target

# The template's parameter that overrules the project file's way of moving traffic.
ROLLOUT_PARAMETER, ALL_AT_ONCE = "Rollout", "all_at_once"


@dataclass(frozen=True)
class Released:
    """What is live now, and where; what was deleted because it is not needed to go back any more."""

    environment: str
    endpoint: str
    endpoint_config: str
    version: int
    swept: Swept = field(default_factory=Swept)
    watch: Watch | None = None
    """What watches it; None where the project wants nothing to."""


def choose(project: Project, target: Target, number: int | None) -> Version:
    """Find the version to release: the one asked for, else the newest approved one."""
    sagemaker, group = target.client("sagemaker", project.first), names.model_package_group(project.name)
    if number is not None:
        version = model_versions.find(sagemaker, group, number)
        release.require_approved(version)
        return version
    newest = model_versions.newest(sagemaker, group, APPROVED)
    if newest is None:
        raise CommandError(
            "No version is approved. See them with `sagewright models`, then `sagewright approve VERSION`."
        )
    return newest


def live(project: Project, target: Target, environment: Environment) -> Live | None:
    """Ask the endpoint what it serves."""
    return serving.read(target.reading_client("sagemaker", environment), names.endpoint(project.name, environment.name))


def carry_out(  # noqa: PLR0913 - what is released, where, and how
    options: Options,
    project: Project,
    target: Target,
    environment: Environment,
    version: Version,
    *,
    all_at_once: bool = False,
) -> Released:
    """Release the version, alone in its environment; on failure say what serves now.

    All traffic moves at once where it is asked for, or where the version served here before: whoever takes a release
    back does not want to wait for a canary.
    """
    bucket = names.data_bucket(project.name, environment.name, target.account_of(environment), environment.region)
    one = _Release(options, project, target, environment, version, Location(bucket, names.RELEASES), all_at_once)
    caller = target.client("sts", project.first).get_caller_identity()["Arn"]
    holder = Holder.now(version.number, caller, socket.gethostname(), os.getpid())
    s3 = target.release_client("s3", environment)
    failed = FailedRelease(target, environment, one.endpoint, version.number, datetime.now(UTC))
    try:
        with release_turn.taken(s3, one.folder, holder, is_gone=_is_gone) as turn:
            try:
                return one.carry_out(turn)
            except NotWatchedError:
                raise  # the version was released
            except EXPECTED as error:
                raise CommandError(failed.told(explain(error), one.write_down)) from error
    except ClientError as error:
        # It never had its turn, in which alone the record may be written.
        raise CommandError(failed.told(explain(error), _nothing)) from error


def _nothing() -> None:
    """Write nothing down."""


def _is_gone(holder: Holder) -> bool:
    """Tell whether a release of this very machine has died: of another one's processes nothing can be known."""
    if holder.host != socket.gethostname():
        return False
    try:
        os.kill(holder.process, 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        return False
    return False


@dataclass(frozen=True)
class _Release:
    """One release under way."""

    options: Options
    project: Project
    target: Target
    environment: Environment
    version: Version
    folder: Location
    all_at_once: bool

    @property
    def endpoint(self) -> str:
        return names.endpoint(self.project.name, self.environment.name)

    @property
    def stack(self) -> str:
        return names.serving_stack(self.project.name, self.environment.name)

    @property
    def tags(self) -> dict[str, str]:
        """What everything of this environment is tagged with."""
        return {"sagewright:project": self.project.name, "sagewright:environment": self.environment.name}

    @property
    def sagemaker(self) -> Client:
        return self.target.release_client("sagemaker", self.environment)

    def carry_out(self, turn: Turn) -> Released:
        """Copy, deploy, verify, write down, sweep, watch."""
        stacks = ReleaseStacks(self.options, self.project, self.target, self.environment)
        before = stacks.settle(self.stack)
        artifacts = self._copy()
        parameters = artifacts.parameters | self._rollout(stack_states.parameters(before))
        turn.confirm()
        config = stacks.deploy(self.stack, parameters)["EndpointConfigName"]
        turn.confirm()
        self._verify(config, stack_states.outputs(before).get("EndpointConfigName"))
        self.write_down()
        if self._is_delivered:
            self._prove(config, turn)
        swept = self._sweep()
        turn.confirm()
        watch = ReleaseMonitoring(stacks).carry_out(artifacts, self.version.number)
        return Released(self.environment.name, self.endpoint, config, self.version.number, swept, watch)

    def _copy(self) -> Artifacts:
        folder = self.folder / str(self.version.number)
        with self.options.terminal.task(f"Copy version {self.version.number} to {self.environment.name}") as details:
            # Asked again, as who copies it: whether it is approved counts at this moment and not when it was chosen.
            version = model_versions.describe(self.sagemaker, self.version.arn)
            s3 = self.target.release_client("s3", self.environment)
            artifacts = release.copy(s3, version, folder)
            if self._is_delivered:
                verification.copy_rows(s3, version, folder)
            details.append(str(folder))
        return artifacts

    @property
    def _is_delivered(self) -> bool:
        """Whether a rollback may come, which chooses from what was proved here."""
        return self.project.repository is not None

    def _prove(self, config: str, turn: Turn) -> None:
        """Let a rollback find what was released by hand, and an auditor who did it."""
        now = verified.Verified.now(self.version.arn, config, f"by hand, by {turn.who}")
        verified.write(self.target.release_client("s3", self.environment), self.folder, now)
        first, number = self.project.first, self.version.number
        bucket = names.data_bucket(self.project.name, first.name, self.target.account_of(first), first.region)
        entry = Entry(
            "release",
            datetime.now(UTC),
            turn.who,
            f"Version {number} serves in {self.environment.name}. It was released by hand, past its promotion.",
            about=f"by hand {now.when} {self.environment.name} {self.version.arn}",
            sources={"version": self.version.arn, "endpoint_config": config},
        )
        audit.write(self.target.client("s3", first), bucket, entry)

    def _rollout(self, before: dict[str, str]) -> dict[str, str]:
        """Overrule the project's rollout where nobody wants to wait, or where that is how the version got there."""
        if self.environment.serving.rollout.strategy == ALL_AT_ONCE:
            return {}
        overruled = {ROLLOUT_PARAMETER: ALL_AT_ONCE}
        if before.get("ModelPackageArn") == self.version.arn and before.get(ROLLOUT_PARAMETER) == ALL_AT_ONCE:
            return overruled  # else CloudFormation would update an endpoint of which nothing changes but the way there
        if self.all_at_once:
            why = "as asked"
        elif sweep.ran_before(self.sagemaker, self.endpoint, self.version.arn, tags=self.tags):
            why = f"version {self.version.number} served here before"
        else:
            return {}
        self.options.terminal.note(f"All traffic moves at once: {why}.")
        return overruled

    def _verify(self, config: str, before: str | None) -> None:
        """Prove that the endpoint runs the config; apply it where CloudFormation thought that it does already."""
        poll_s = self.target.poll_s
        with self.options.terminal.task("Verify the endpoint") as details:
            if config == before:
                endpoint_update.apply(self.sagemaker, self.endpoint, config, poll_s=poll_s)
            else:
                endpoint_update.verify(self.sagemaker, self.endpoint, config, poll_s=poll_s)
            details.append(f"{self.endpoint} is in service on {config}")

    def write_down(self) -> None:
        """Let the environment's record and its copy in the first one say what really serves."""
        now = serving.read(self.sagemaker, self.endpoint)
        if now is None:
            return
        parameter = names.release_parameter(self.project.name, self.environment.name)
        own = self.target.release_client("ssm", self.environment)
        serving.correct(own, parameter, now, str(self.folder / str(now.number) / "baseline"))
        copy = names.release_copy(self.project.name, self.project.first.name, self.environment.name)
        serving.copy_record(own, parameter, self.target.client("ssm", self.project.first), copy)

    def _sweep(self) -> Swept:
        """Delete what nobody will go back to; what cannot be deleted does not make the release a failure."""
        swept = sweep.sweep(self.sagemaker, self.endpoint, tags=self.tags)
        if swept.configs:
            self.options.terminal.done(f"Deleted {_count(swept)} of releases that nothing goes back to any more")
        for name, reason in swept.failures.items():
            self.options.terminal.note(f"{name} was not deleted, the next release tries again: {reason}")
        return swept


def _count(swept: Swept) -> str:
    return f"{len(swept.configs)} endpoint config(s) and {len(swept.models)} model(s)"
