"""`sagewright audit`: who trained, approved, released, took back and changed what, when and in which words."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, get_args

import typer
from rich.markup import escape

from sagewright.project import Project, names
from sagewright.runtime.functions import audit as record

from . import sandbox_person
from .errors import CommandError
from .options import Options, command
from .target import Target
from .terminal import table

KINDS = get_args(record.Kind)
_AGO = re.compile(r"(\d+)([dhm])")
_UNITS = {"d": "days", "h": "hours", "m": "minutes"}
_FIRST = datetime(2000, 1, 1, tzinfo=UTC)


def register(group: typer.Typer) -> None:
    """Add the command."""
    examples = (
        "sagewright audit --since 7d",
        "sagewright audit --since 2030-01-31 --kind release --kind rollback",
        "sagewright audit --json",
    )
    command(group, "audit", examples=examples)(audit)


def audit(
    options: Options,
    *,
    since: Annotated[
        str | None,
        typer.Option(
            metavar="7d|DATE",
            help="From when on: so many days (d), hours (h) or minutes (m) ago, or a day or moment (UTC without an "
            "offset). From the beginning if left out.",
            show_default=False,
        ),
    ] = None,
    kind: Annotated[
        list[str] | None,
        typer.Option(help=f"Only entries of this kind, may be repeated: {', '.join(KINDS)}.", show_default=False),
    ] = None,
) -> None:
    """Show the record of delivery, the oldest entry first: trainings, decisions, releases, rollbacks, settings.

    Entries are written once and can be neither changed nor deleted. They are in the first environment's data bucket,
    below audit/, and each names the events and executions that it was made from.
    """
    project = options.project()
    unknown = [each for each in kind or () if each not in KINDS]
    if unknown:
        raise CommandError(f"--kind {unknown[0]}: there is no such kind of entry. Kinds: {', '.join(KINDS)}.")
    if project.repository is None:
        raise CommandError(
            f"{project.name} has no repository, so no delivery writes a record. Name one in project.yaml: "
            "`repository: {provider: codecommit, name: …}`."
        )
    target = options.target(project)
    start = moment(since, sandbox_person.now(target)) if since is not None else None
    found = [each for each in entries(project, target, start) if not kind or each["kind"] in kind]
    rows = [(each["when"][:16].replace("T", " "), each["kind"], person(each["who"]), _words(each)) for each in found]
    shown = table("When", "What", "Who", "", rows=rows) if found else "Nothing was written down in that time."
    options.terminal.result(found, shown)


def entries(project: Project, target: Target, since: datetime | None) -> Iterator[dict[str, Any]]:
    """Read the entries since a moment, or all of them; the oldest first."""
    first = project.first
    bucket = names.data_bucket(project.name, first.name, target.account_of(first), first.region)
    yield from record.read(target.client("s3", first), bucket, since or _FIRST)


def moment(text: str, now: datetime) -> datetime:
    """Read a moment: so long ago, or a day or time of the calendar."""
    ago = _AGO.fullmatch(text)
    if ago is not None:
        return now - timedelta(**{_UNITS[ago[2]]: int(ago[1])})
    try:
        found = datetime.fromisoformat(text)
    except ValueError as error:
        raise CommandError(
            f"--since {text}: give a duration such as 7d or 12h, or a day such as 2030-01-31."
        ) from error
    return found if found.tzinfo is not None else found.replace(tzinfo=UTC)


def person(who: str) -> str:
    """Show the part of an ARN by which people know one another."""
    return who.rpartition(":")[2].partition("/")[2] if who.startswith("arn:") else who


def _words(entry: dict[str, Any]) -> str:
    said = f" “{entry['words']}”" if entry["words"] else ""
    return escape(f"{entry['what']}{said}")
