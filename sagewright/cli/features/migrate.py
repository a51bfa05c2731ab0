"""`sagewright features migrate`: a new version of a group takes over the history of the one before."""

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any

import typer
from rich.markup import escape

from sagewright.cli.errors import CommandError
from sagewright.cli.options import Options, command
from sagewright.project import Project, names
from sagewright.runtime.functions.client import Client

from . import ingestion, safe_change, set_aside
from .catalogue import definitions
from .listing import require_groups


def register(group: typer.Typer) -> None:
    """Add the command."""

    @command(
        group,
        "migrate",
        examples=(
            "sagewright features migrate weather",
            "sagewright features migrate weather --rename wind=wind_speed --rename vis=visibility",
            "sagewright features migrate weather --drop gusts",
            "sagewright features migrate weather --from 1 --no-wait",
        ),
    )
    def migrate(  # noqa: PLR0913 - what is taken over, and how each feature is
        options: Options,
        group: Annotated[str, typer.Argument(help="Name of a group in project.yaml.", show_default=False)],
        *,
        rename: Annotated[
            list[str] | None,
            typer.Option(metavar="OLD=NEW", help="A feature that has another name now; may be repeated."),
        ] = None,
        drop: Annotated[
            list[str] | None,
            typer.Option(metavar="OLD", help="A feature that is meant to stay behind; may be repeated."),
        ] = None,
        source: Annotated[
            int | None,
            typer.Option("--from", min=1, help="Version to take over; the last one deployed if left out."),
        ] = None,
        wait: Annotated[bool, typer.Option("--wait/--no-wait", help="Follow the run until its end.")] = True,
    ) -> None:
        """Fill the declared version of a group, once it is deployed, with the history of the version before.

        Both stay. Rows keep their event times; a feature that the version before did not have is empty in them. Where
        features have gone and others have come, nothing starts before each that has gone is renamed or dropped. Run
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
        moves = _Moves(before, version, _renames(rename or []), tuple(drop or ()))
        _require(sagemaker, project, group, moves)
        ingestion.require_current(project, target)
        parameters = {ingestion.GROUPS: group, ingestion.BACKFILL_FROM: str(before)}
        if moves.renamed:
            parameters[ingestion.RENAME] = ",".join(f"{old}={new}" for old, new in moves.renamed.items())
        there = set_aside.Before.of(project, target, [group])
        arn = ingestion.start(project, target, parameters)
        result = {"execution": arn, "group": group, "from": before, "to": version, **moves.document()}
        old = safe_change.grows_old(group, version, before)
        options.terminal.note(f"[yellow]![/] {escape(old[0].upper() + old[1:])}: run `sagewright train` next.")
        if not wait:
            options.terminal.result(result, f"Started {arn}", "See what comes of it: sagewright features")
            return
        said = ingestion.follow(options, project, target, arn)
        ingestion.tell(options, {**result, "said": said}, said, there.since())


@dataclass(frozen=True)
class _Moves:
    """What becomes of the features of one version in another."""

    before: int
    now: int
    renamed: Mapping[str, str] = field(default_factory=dict)
    dropped: tuple[str, ...] = ()

    def document(self) -> dict[str, Any]:
        """Write it for programs."""
        return {"renamed": dict(self.renamed), "dropped": [*self.dropped]}

    def check(self, had: Mapping[str, str], has: Mapping[str, str]) -> None:
        """Refuse names that neither version has, and features that would be lost without a word; both by type."""
        for was, now in self.renamed.items():
            if was not in had:
                raise CommandError(
                    f"--rename {was}={now}: version {self.before} has no feature {was}; it has {', '.join(had)}."
                )
            if now not in has:
                raise CommandError(
                    f"--rename {was}={now}: version {self.now} has no feature {now}; it has {', '.join(has)}."
                )
        for name in self.dropped:
            if name not in had:
                raise CommandError(
                    f"--drop {name}: version {self.before} has no feature {name}; it has {', '.join(had)}."
                )
            if name in has or name in self.renamed:
                kept = f"has {name} too" if name in has else f"has it as {self.renamed[name]}, by --rename"
                raise CommandError(f"--drop {name}: version {self.now} {kept}, so it does not stay behind.")
        gone = [name for name in had if name not in {*has, *self.renamed, *self.dropped}]
        come = [name for name in has if name not in {*had, *self.renamed.values()}]
        if gone and come:
            raise CommandError(self._lost(gone, come, had, has))

    def _lost(self, gone: Sequence[str], come: Sequence[str], had: Mapping[str, str], has: Mapping[str, str]) -> str:
        pairs = _likeliest(gone, come, had, has)
        renames = " ".join(f"--rename {old}={new}" for old, new in pairs)
        drops = " ".join(f"--drop {name}" for name in gone)
        advice = f"If a feature has another name now, say so, such as {renames}. " if pairs else ""
        return (
            f"Version {self.before} has {', '.join(gone)}, which version {self.now} has not, and version {self.now} "
            f"has {', '.join(come)}, which version {self.before} has not: what was known would be lost, and what is "
            f"new empty in every row. {advice}If it is meant to stay behind: {drops}. Nothing was started."
        )


def _likeliest(
    gone: Sequence[str], come: Sequence[str], had: Mapping[str, str], has: Mapping[str, str]
) -> list[tuple[str, str]]:
    """Pair features of one type, those first whose names are most alike."""
    alike = [
        (-difflib.SequenceMatcher(None, old, new).ratio(), old, new)
        for old in gone
        for new in come
        if had[old].lower() == has[new].lower()
    ]
    pairs: dict[str, str] = {}
    for _, old, new in sorted(alike, key=lambda each: each[0]):
        if old not in pairs and new not in pairs.values():
            pairs[old] = new
    return [(old, pairs[old]) for old in gone if old in pairs]


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


def _require(sagemaker: Client, project: Project, name: str, moves: _Moves) -> None:
    """Refuse what the job would: versions that are not there, features that neither has, or that would be lost."""
    had = definitions(sagemaker, names.feature_group(project.name, name, moves.before))
    if had is None:
        raise CommandError(f"There is no version {moves.before} of '{name}' in the account.")
    if definitions(sagemaker, names.feature_group(project.name, name, moves.now)) is None:
        raise CommandError(f"Version {moves.now} of '{name}' is not there yet: run `sagewright deploy` first.")
    moves.check(had, {each.name: each.type for each in project.features[name].declared})
