"""The first step of a rollback: stop what is on its way, see what runs, and choose what comes back."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sagewright.cli import stack_states
from sagewright.cli.assembly import Assembly
from sagewright.cli.errors import CommandError
from sagewright.cli.options import Options
from sagewright.project import Environment, Project, load, names
from sagewright.runtime.functions import (
    code_pipelines,
    consoles,
    endpoint_update,
    live,
    model_versions,
    promotion,
    release,
    rollback,
)
from sagewright.runtime.functions.client import Client
from sagewright.runtime.functions.model_versions import Version
from sagewright.runtime.functions.rollback import Found, Wish

from . import decisions, published_project
from .build_target import BuildTarget, build_target
from .configurations import Configurations, tags_of
from .resolution import NONE, note, nothing, releases

_STOPPED_WITHIN_S = 1800


def go_back(options: Options, wish: Wish, execution: str, output: Path) -> dict[str, str]:
    """Decide about a rollback; returns the variables that the pipeline goes by.

    Of an execution of the rollback pipeline only the environment need be in the wish: the execution knows the rest.
    """
    if wish.environment == NONE:
        told = "Nothing to do: no environment was given, as when the pipeline was just created."
        return nothing(output, told) | {"Environment": NONE}
    published_project.fetch(options.folder)
    project = load(options.folder)
    environment = _environment(project, wish.environment)
    target = build_target(options, project)
    if execution != NONE:
        wish = _of_execution(target.client("codepipeline", project.first), project, wish.environment, execution)
    if wish.leaving is None and wish.version is None:
        raise CommandError(
            "Neither --leaving nor --version is given: say which version shall go, or which one shall serve instead."
        )
    return _GoingBack(options, project, target, environment, wish, output).decide()


def _of_execution(codepipeline: Client, project: Project, environment: str, identity: str) -> Wish:
    """Read what an execution was started for: people's words need no shell to carry them."""
    pipeline = names.rollback_pipeline(project.name)
    execution = code_pipelines.execution(codepipeline, pipeline, identity)
    if execution is None:
        raise CommandError(f"Pipeline {pipeline} has no execution {identity}, so nobody knows what it was started for.")
    return Wish.of(environment, execution)


def _environment(project: Project, name: str) -> Environment:
    for environment in project.serving:
        if environment.name == name:
            return environment
    known = ", ".join(each.name for each in project.serving)
    raise CommandError(f"'{name}' is no environment in which {project.name} serves. It serves in: {known}.")


@dataclass(frozen=True)
class _GoingBack:
    """One decision about one environment."""

    options: Options
    project: Project
    target: BuildTarget
    environment: Environment
    wish: Wish
    output: Path

    @property
    def _stacks(self) -> list[str]:
        """The stacks of a release, in the order in which they can be deleted."""
        project, environment = self.project.name, self.environment.name
        return [names.monitoring_stack(project, environment), names.serving_stack(project, environment)]

    def decide(self) -> dict[str, str]:
        """Stop, look, choose, and write down what the environment will be given."""
        # Another system's promotions are its own to stop: it runs one thing at a time in an environment.
        if self.project.delivery.provider == "codepipeline":
            codepipeline = self.target.client("codepipeline", self.project.first)
            promotions = names.promotion_pipeline(self.project.name)
            later = rollback.stands_back(codepipeline, promotions, self.wish)
            if later is not None:
                number = (later.variable(promotion.VERSION) or "").rpartition("/")[2]
                return self._nothing(
                    f"Nothing to do in {self.wish.environment}: the promotion of version {number} ({later.id}) is "
                    "there already, and replaces what the failed one has left."
                )
            self._stop(codepipeline, promotions)
        here = self._settled()
        choice = rollback.choose(self.wish, here, self._registered)
        if choice.deletes:
            for stack in self._stacks:
                self._delete(stack)
        if choice.version is None:
            return self._nothing(choice.told)
        return self._write(choice.version, choice.told)

    def _stop(self, codepipeline: Client, promotions: str) -> None:
        """Stop the promotion that is in the environment; its actions are not waited for."""
        inside = rollback.inside_of(codepipeline, promotions, self.wish.environment)
        if inside is None:
            return
        reason = f"{self.wish.environment} is taken back by {self.wish.who}: {self.wish.reason}"
        code_pipelines.stop(codepipeline, promotions, inside.id, reason)
        self.options.terminal.note(f"Stopped the promotion {inside.id}, which was in {self.wish.environment}.")
        poll_s = self.target.poll_s
        if not code_pipelines.ended(codepipeline, promotions, inside.id, poll_s=poll_s, longest_s=_STOPPED_WITHIN_S):
            raise CommandError(
                f"Promotion {inside.id} was told to stop and has not within {_STOPPED_WITHIN_S // 60} minutes: look "
                "at it in CodePipeline, then repeat this rollback."
            )

    def _settled(self) -> Found:
        """Wait until nothing moves any more, and look.

        SageMaker updates no endpoint that is being updated, so to cancel the stack's update would end no deployment: it
        would add another one behind it, back to the config before and as slow as the project's own rollout.
        """
        for stack in self._stacks:
            stack_states.ready(self.options, self.target, self.environment, stack)
        sagemaker = self.target.release_client("sagemaker", self.environment)
        endpoint = names.endpoint(self.project.name, self.environment.name)
        if live.describe(sagemaker, endpoint) is not None:
            endpoint_update.settled(sagemaker, endpoint, poll_s=self.target.poll_s)
        s3 = self.target.release_client("s3", self.environment)
        place = releases(self.project, self.target, self.environment)
        return rollback.found(sagemaker, s3, endpoint, place, tags_of(self.project, self.environment))

    def _registered(self, number: int) -> Version | None:
        """Read a version from the registry as it is at this moment."""
        first = self.project.first
        group = names.model_package_group(self.project.name)
        partition = self.target.partition(first)
        arn = f"arn:{partition}:sagemaker:{first.region}:{self.target.account_of(first)}:model-package/{group}/{number}"
        return model_versions.existing(self.target.client("sagemaker", first), arn)

    def _delete(self, stack: str) -> None:
        if stack_states.describe(self.target.stacks_client(self.environment), stack) is not None:
            stack_states.delete(self.options, self.target, self.environment, stack)

    def _nothing(self, told: str) -> dict[str, str]:
        conditions = {f"Proceed_{each.name}": decisions.NO for each in self.project.serving}
        return nothing(self.output, told) | {"Environment": NONE} | conditions

    def _write(self, version: Version, told: str) -> dict[str, str]:
        """Write templates and configurations of all environments; only one of them will be used."""
        folder = releases(self.project, self.target, self.environment) / str(version.number)
        artifacts = release.kept(self.target.release_client("s3", self.environment), version, folder)
        assembly = Assembly.read(self.project, self.project.root / published_project.ASSEMBLY)
        written = Configurations(self.project, assembly, self.output)
        written.write(self.environment, written.values(self.target, self.environment, artifacts, back=True))
        watch = "" if artifacts.comparable else " It has no baseline to compare requests with, so it is not watched."
        decided: dict[str, Any] = {
            "Proceed": decisions.YES,
            "Summary": promotion.on_one_line(f"{told}{watch} Asked for by {self.wish.who}: {self.wish.reason}"),
            "Evidence": consoles.version(self.project.first.region, version.arn).removeprefix("https://"),
            "Version": version.arn,
            "Number": str(version.number),
            "Environment": self.wish.environment,
        }
        decided |= {f"Proceed_{each.name}": decisions.said(each == self.environment) for each in self.project.serving}
        note(self.output, decided)
        return decided
