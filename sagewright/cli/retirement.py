"""`sagewright models retire`: the end of a version's life, which a version that serves has not reached."""

from typing import Annotated, Final

import typer
from botocore.exceptions import ClientError

from sagewright.project import Project, names
from sagewright.runtime.functions import audit as record
from sagewright.runtime.functions import live, model_versions
from sagewright.runtime.functions.audit import Entry
from sagewright.runtime.functions.model_versions import Version

from . import audit, gate
from .errors import CommandError
from .options import Options, command
from .target import Target

_KIND: Final = "retirement"


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
    if project.repository is not None:
        _record(project, target, model_versions.describe(sagemaker, found.arn))
    options.terminal.result({"version": version, "changed": changed, "note": note}, told)


def _record(project: Project, target: Target, version: Version) -> None:
    """Write down that a version was retired, unless that was: who could not, does it by retiring it once more."""
    written = audit.entries(project, target, version.created)
    if any(each["kind"] == _KIND and each["sources"].get("version") == version.arn for each in written):
        return
    first = project.first
    entry = Entry(
        _KIND,
        version.changed or version.created,
        version.changed_by or target.client("sts", first).get_caller_identity()["Arn"],
        f"Version {version.number} was retired.",
        about=f"{version.arn} {version.stage}",
        words=version.stage_note or "",
        sources={"version": version.arn},
    )
    bucket = names.data_bucket(project.name, first.name, target.account_of(first), first.region)
    try:
        record.write(target.client("s3", first), bucket, entry)
    except ClientError as error:
        raise CommandError(
            f"Version {version.number} is retired, and that could not be written down in s3://{bucket}/{entry.key}: "
            f"{error.response['Error']['Message']}. Run it again as somebody who may write there: it only adds the "
            "entry then."
        ) from error


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
        way = f"sagewright {f'rollback {first} --reason …' if project.repository is not None else f'release {first}'}"
        raise CommandError(
            f"Version {version.number} serves in {', '.join(where)}, so it cannot be retired. Let another one serve "
            f"there first: approve it, or `{way}`."
        )
    if gate.is_on_its_way(project, target, version.arn):
        raise CommandError(
            f"Version {version.number} is being promoted, so it cannot be retired: see `sagewright releases`. "
            f"`sagewright reject {version.number}` ends that."
        )
