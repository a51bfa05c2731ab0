"""`sagewright features migrate`: a new version of a group takes over the history of the one before."""

from collections.abc import Mapping, Sequence
from typing import Annotated

import typer
from rich.markup import escape

from sagewright.cli.errors import CommandError
from sagewright.cli.options import Options, command
from sagewright.project import Project, names
from sagewright.runtime.functions.client import Client

from . import ingestion, safe_change
from .catalogue import describe
from .listing import require_groups


def register(group: typer.Typer) -> None:
    """Add the command."""

    @command(
        group,
        "migrate",
        examples=(
            "sagewright features migrate weather",
            "sagewright features migrate weather --rename wind=wind_speed --rename vis=visibility",
            "sagewright features migrate weather --from 1 --no-wait",
        ),
    )
    def migrate(
        options: Options,
        group: Annotated[str, typer.Argument(help="Name of a group in project.yaml.", show_default=False)],
        *,
        rename: Annotated[
            list[str] | None,
            typer.Option(metavar="OLD=NEW", help="A feature that has another name now; may be repeated."),
        ] = None,
        source: Annotated[
            int | None,
            typer.Option("--from", min=1, help="Version to take over; the last one deployed if left out."),
        ] = None,
        wait: Annotated[bool, typer.Option("--wait/--no-wait", help="Follow the run until its end.")] = True,
    ) -> None:
        """Fill the declared version of a group, once it is deployed, with the history of the version before.

        Both stay. Rows keep their event times; a feature that the version before did not have is empty in them. Run
        again, it takes over what came to the version before meanwhile. Ingestion writes the declared version alone: a
        live model that was trained on the one before reads ever older records until its successor is released.
        """
        project = options.project()
        require_groups(project)
        version = _new_version(project, group)
        target = options.acting_on(project, f"One job will copy the history of {group} into version {version}.")
        sagemaker = target.client("sagemaker", project.first)
        before = source or _last(sagemaker, project, group)
        if before == version:
            raise CommandError(f"--from {before} is the version that project.yaml declares: name one before it.")
        renamed = _renames(rename or [])
        _require(sagemaker, project, group, before, renamed)
        parameters = {ingestion.GROUPS: group, ingestion.BACKFILL_FROM: str(before)}
        if renamed:
            parameters[ingestion.RENAME] = ",".join(f"{old}={new}" for old, new in renamed.items())
        arn = ingestion.start(project, target, parameters)
        result = {"execution": arn, "group": group, "from": before, "to": version, "renamed": renamed}
        old = safe_change.grows_old(group, version, before)
        options.terminal.note(f"[yellow]![/] {escape(old[0].upper() + old[1:])}: run `sagewright train` next.")
        if not wait:
            options.terminal.result(result, f"Started {arn}", "See what comes of it: sagewright features")
            return
        said = ingestion.follow(options, project, target, arn)
        options.terminal.result({**result, "said": said}, escape(said.replace("; ", "\n")))


def _new_version(project: Project, name: str) -> int:
    group = project.features.get(name)
    if group is None:
        raise CommandError(
            f"There is no feature group '{name}' in project.yaml; there are: {', '.join(project.features)}."
        )
    if not group.own:
        raise CommandError(f"'{name}' is {group.use}, which is another project's: migrate it there.")
    if group.offline == "none":
        raise CommandError(f"'{name}' keeps no history (features.{name}.offline is none), so it can take over none.")
    return group.version


def _last(sagemaker: Client, project: Project, name: str) -> int:
    """Find the newest version before the declared one that is there."""
    version = project.features[name].version
    found: list[int] = []
    pages = sagemaker.get_paginator("list_feature_groups").paginate(NameContains=f"{project.name}-{name}-v")
    for page in pages:
        for each in page["FeatureGroupSummaries"]:
            read = names.group_of(project.name, each["FeatureGroupName"])
            if read is not None and read[0] == name and read[2] is None and read[1] < version:
                found.append(read[1])
    if not found:
        raise CommandError(
            f"There is no version of '{name}' before {version} in the account, so there is no history to take over. "
            "A new version is declared with `version:` in project.yaml and made by `sagewright deploy`."
        )
    return max(found)


def _renames(texts: Sequence[str]) -> dict[str, str]:
    renamed: dict[str, str] = {}
    for text in texts:
        old, equals, new = text.partition("=")
        if not equals or not old or not new:
            raise CommandError(f"--rename {text}: give the name before and the name now, such as wind=wind_speed.")
        renamed[old] = new
    twice = [new for new in renamed.values() if [*renamed.values()].count(new) > 1]
    if twice:
        raise CommandError(f"--rename: two features cannot both be called {twice[0]}.")
    return renamed


def _require(sagemaker: Client, project: Project, name: str, before: int, renamed: Mapping[str, str]) -> None:
    """Refuse what the job would: versions that are not there, names that neither version has."""
    group = project.features[name]
    old = describe(sagemaker, names.feature_group(project.name, name, before))
    if old is None:
        raise CommandError(f"There is no version {before} of '{name}' in the account.")
    if describe(sagemaker, names.feature_group(project.name, name, group.version)) is None:
        raise CommandError(f"Version {group.version} of '{name}' is not there yet: run `sagewright deploy` first.")
    had = [each["FeatureName"] for each in old["FeatureDefinitions"]]
    has = [each.name for each in group.declared]
    for was, now in renamed.items():
        if was not in had:
            raise CommandError(f"--rename {was}={now}: version {before} has no feature {was}; it has {', '.join(had)}.")
        if now not in has:
            raise CommandError(
                f"--rename {was}={now}: version {group.version} has no feature {now}; it has {', '.join(has)}."
            )
