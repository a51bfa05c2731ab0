"""`sagewright features ingest`: what is new at the groups' sources, into the feature store."""

from collections.abc import Sequence
from typing import Annotated

import typer

from sagewright.cli import uploading
from sagewright.cli.errors import CommandError
from sagewright.cli.options import Options, command
from sagewright.cli.target import Target
from sagewright.project import Project

from . import ingestion, set_aside
from .listing import require_groups


def register(group: typer.Typer) -> None:
    """Add the command."""

    @command(
        group,
        "ingest",
        examples=(
            "sagewright features ingest",
            "sagewright features ingest weather schedule",
            "sagewright features ingest weather --no-wait --json",
        ),
    )
    def ingest(
        options: Options,
        groups: Annotated[
            list[str] | None,
            typer.Argument(metavar="GROUP…", help="Groups; all that have a source if left out.", show_default=False),
        ] = None,
        *,
        wait: Annotated[bool, typer.Option("--wait/--no-wait", help="Follow the run until its end.")] = True,
    ) -> None:
        """Ingest the files that are new at the groups' sources: the same file twice changes nothing.

        Sources that are files of the project are sent up first where they have changed. Rows that cannot be right are
        set aside with the reason, below ingestion/ in the data bucket, and counted. A run of code or settings that are
        not deployed is refused.
        """
        project = options.project()
        require_groups(project)
        wanted = _checked(project, groups or [])
        shown = ", ".join(wanted) or "every group that has a source"
        target = options.acting_on(project, f"One job will ingest {shown}, charged by the second.")
        ingestion.require_current(project, target)
        _send_sources(options, project, target, wanted)
        before = set_aside.Before.of(project, target, wanted or _fed(project))
        arn = ingestion.start(project, target, {ingestion.GROUPS: ",".join(wanted)} if wanted else {})
        if not wait:
            options.terminal.result({"execution": arn}, f"Started {arn}", "See what comes of it: sagewright features")
            return
        said = ingestion.follow(options, project, target, arn)
        ingestion.tell(options, {"execution": arn, "said": said}, said, before.since())


def _send_sources(options: Options, project: Project, target: Target, wanted: Sequence[str]) -> None:
    for name in uploading.local_groups(project):
        if not wanted or name in wanted:
            upload = uploading.put_group(options, project, target, name)
            if upload.sent:
                options.terminal.done(f"Sent {upload.source.name} to {upload.target}.")


def _checked(project: Project, groups: list[str]) -> list[str]:
    fed = _fed(project)
    for name in groups:
        if name not in project.features:
            raise CommandError(f"There is no feature group '{name}' in project.yaml; there are: {_listed(project)}.")
        if name not in fed:
            why = "is written through SageMaker's API only" if project.features[name].own else "is another project's"
            raise CommandError(
                f"'{name}' has no source, so there is nothing to ingest: it {why}. Groups with one: "
                f"{', '.join(fed) or 'none'}."
            )
    return list(dict.fromkeys(groups))


def _fed(project: Project) -> list[str]:
    return [name for name, each in project.own_features.items() if each.source is not None]


def _listed(project: Project) -> str:
    return ", ".join(project.features)
