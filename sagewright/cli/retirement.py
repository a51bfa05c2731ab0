"""`sagewright models retire`: the end of a version's life, which a version that serves has not reached."""

from typing import Annotated

import typer

from sagewright.project import Project, names
from sagewright.runtime.functions import live, model_versions
from sagewright.runtime.functions.model_versions import Version

from . import gate
from .errors import CommandError
from .options import Options, command
from .target import Target


def register(group: typer.Typer) -> None:
    """Add the command to the group `models`."""
    examples = ("sagewright models retire 3", "sagewright models retire 3 --note 'replaced by version 5' --yes")
    command(group, "retire", examples=examples)(retire)


def retire(
    options: Options,
    version: Annotated[int, typer.Argument(help="Number of the version.", show_default=False)],
    note: Annotated[str | None, typer.Option(help="Why; kept with the version.", show_default=False)] = None,
) -> None:
    """Retire a version: its record stays, and it is neither released nor gone back to any more.

    Refused while it serves anywhere, or is on its way there. The stage is in the registry, in the version's life cycle.
    """
    project = options.project()
    target = options.acting_on(project, f"This will retire version {version} of {project.name} for good.")
    sagemaker = target.client("sagemaker", project.first)
    found = model_versions.find(sagemaker, names.model_package_group(project.name), version)
    _require_nowhere(project, target, found)
    changed = model_versions.retire(sagemaker, found, note or "")
    told = f"Version {version} is retired." if changed else f"Version {version} was retired already: nothing changed."
    options.terminal.result({"version": version, "changed": changed, "note": note}, told)


def _require_nowhere(project: Project, target: Target, version: Version) -> None:
    """Refuse a version that an endpoint runs, whatever is written down about it, or that is just being promoted."""
    where = [
        each.name
        for each in project.serving
        if (serves := live.read(target.reading_client("sagemaker", each), names.endpoint(project.name, each.name)))
        is not None
        and serves.model_package_arn == version.arn
    ]
    if where:
        first = where[0]
        way = f"sagewright rollback {first} --reason …" if gate.has_gates(project) else f"sagewright release {first}"
        raise CommandError(
            f"Version {version.number} serves in {', '.join(where)}, so it cannot be retired. Let another one serve "
            f"there first: approve it, or `{way}`."
        )
    if gate.is_on_its_way(project, target, version.arn):
        raise CommandError(
            f"Version {version.number} is being promoted, so it cannot be retired: see `sagewright releases`. "
            f"`sagewright reject {version.number}` ends that."
        )
