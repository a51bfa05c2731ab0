"""`sagewright release`: an approved version goes live."""

from dataclasses import asdict
from typing import Annotated

import typer

from sagewright.project import Environment, Project

from . import releasing
from .cdk import INTERRUPTED
from .errors import CommandError
from .options import Options, command
from .releasing import Released

EnvironmentArgument = Annotated[
    str | None,
    typer.Argument(metavar="ENV", help="Serving environment; may be left out where there is one.", show_default=False),
]


def register(group: typer.Typer) -> None:
    """Add the command."""

    @command(
        group,
        "release",
        examples=(
            "sagewright release",
            "sagewright release prod",
            "sagewright release prod 3",
            "sagewright release prod 3 --all-at-once",
            "sagewright release prod 3 --by-hand",
        ),
    )
    def release(
        options: Options,
        environment: EnvironmentArgument = None,
        version: Annotated[
            int | None,
            typer.Argument(help="Number of an approved version; the newest one if left out.", show_default=False),
        ] = None,
        *,
        all_at_once: Annotated[
            bool,
            typer.Option("--all-at-once", help="Move all traffic at once, whatever serving.rollout says."),
        ] = False,
        by_hand: Annotated[
            bool,
            typer.Option("--by-hand", help="Release past the promotion of a project that has a repository."),
        ] = False,
    ) -> None:
        """Copy an approved version to an environment, deploy its endpoint, verify that it runs, watch it.

        The new version takes over only once it is in service: until then, and if it fails, what was live serves. A
        version that served there before goes live all at once while its endpoint config is still kept, so that a
        release is taken back without delay. Kept are the one that runs and the last two superseded ones; any other
        version moves traffic as serving.rollout says, unless `--all-at-once` forces it.

        Where project.yaml names a repository, approving a version has it promoted, through every environment and with
        its answers verified; what is released by hand goes past that, and past the approval before the last one.
        """
        project = options.project()
        if environment is not None and environment.isdigit() and version is None and environment not in _names(project):
            environment, version = None, int(environment)
        place = serving_environment(project, environment)
        _require_hand(project, by_hand=by_hand)
        instances = place.serving.instances
        target = options.acting_on(
            project,
            f"{'Version ' + str(version) if version else 'The newest approved version'} of {project.name} will serve "
            f"in {place.name} ({place.account or 'this account'}, {place.region}) on {instances.min} {instances.type}, "
            "charged by the second for as long as the endpoint exists.",
        )
        chosen = releasing.choose(project, target, version)
        live = releasing.live(project, target, place)
        before = live.number if live else None
        options.terminal.note(f"Live in {place.name}: {live or 'nothing yet'}")
        with options.terminal.if_interrupted(INTERRUPTED):
            released = releasing.carry_out(options, project, target, place, chosen, all_at_once=all_at_once)
        options.terminal.result(_as_json(released, before), _told(released, before))


def serving_environment(project: Project, name: str | None) -> Environment:
    """Find the environment that is meant; where there are several, it has to be named."""
    known = ", ".join(environment.name for environment in project.serving)
    if name is None:
        if len(project.serving) == 1:
            return project.serving[0]
        raise CommandError(f"{project.name} serves in several environments: name one of {known}.")
    for environment in project.serving:
        if environment.name == name:
            return environment
    raise CommandError(f"'{name}' is no environment in which {project.name} serves. It serves in: {known}.")


def _require_hand(project: Project, *, by_hand: bool) -> None:
    """Leave releases to the promotion where there is one, unless somebody says that this one is an exception."""
    if project.repository is not None and not by_hand:
        raise CommandError(
            f"{project.name} has a repository, so approving a version releases it: `sagewright approve VERSION` starts "
            "its promotion, which verifies it in each environment. To go past that, and past the approval before the "
            "last environment, say --by-hand."
        )


def _names(project: Project) -> set[str]:
    return {environment.name for environment in project.environments}


def _told(released: Released, before: int | None) -> str:
    replaced = f" (before: version {before})" if before not in (None, released.version) else ""
    watched = (
        f"\nWatched by {released.watch.engine}; see what it finds: sagewright drift {released.environment}"
        if released.watch is not None
        else ""
    )
    return (
        f"Version [bold]{released.version}[/] is live in {released.environment}{replaced}: "
        f"endpoint {released.endpoint} on {released.endpoint_config}\n"
        f"Try it: sagewright invoke {released.environment} --held-out 5{watched}"
    )


def _as_json(released: Released, before: int | None) -> dict[str, object]:
    return {
        "environment": released.environment,
        "version": released.version,
        "before": before,
        "endpoint": released.endpoint,
        "endpoint_config": released.endpoint_config,
        "deleted": {"endpoint_configs": released.swept.configs, "models": released.swept.models},
        "monitoring": asdict(released.watch) if released.watch is not None else None,
    }
