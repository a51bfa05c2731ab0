"""`sagewright features page`: the feature store on one page of HTML, for those who look for features."""

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from sagewright.cli import report as reports
from sagewright.cli import sandbox_person
from sagewright.cli.options import Options, command
from sagewright.cli.report.times import day_and_time
from sagewright.project import Project

from .catalogue import Catalogue, Group, Reader
from .listing import as_json, freshness, require_groups, told_time

HERE = Path(__file__).parent
STYLE = Path(reports.__file__).parent / "page.css"
OUTPUT = Path("out") / "features.html"


def register(group: typer.Typer) -> None:
    """Add the command."""

    @command(
        group, "page", examples=("sagewright features page", "sagewright features page --output site/features.html")
    )
    def page(
        options: Options,
        *,
        output: Annotated[
            Path | None, typer.Option(help=f"File to write; {OUTPUT} of the project if left out.", show_default=False)
        ] = None,
    ) -> None:
        """Write a page with every group: its features, owner, freshness, missing values, and who uses it.

        The page is one file without a script, and needs no network.
        """
        project = options.project()
        require_groups(project)
        target = options.target(project)
        now = sandbox_person.now(target)
        first = project.first
        where = "a sandbox on this machine" if target.is_sandbox else f"account {target.account} in {first.region}"
        file = output or project.root / OUTPUT
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(render(project, Reader(project, target).read(), where, now), encoding="utf-8")
        options.terminal.result({"page": str(file)}, f"Wrote {file}")


def render(project: Project, found: Catalogue, where: str, now: datetime) -> str:
    """Return the page's text: the same catalogue always gives the same one."""
    environment = Environment(
        loader=FileSystemLoader(HERE), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters["moment"] = day_and_time
    told = as_json(found, now)["groups"]
    groups = [
        {**document, "freshness": freshness(each, now), "facts": [*_facts(each, now)]}
        for document, each in zip(told, found.groups, strict=True)
    ]
    return environment.get_template("page.html.j2").render(
        project=project,
        groups=groups,
        left=found.left,
        where=where,
        made=now,
        # It is ours and holds no text of a project, so it stands in the page as it is.
        style=Markup(STYLE.read_text(encoding="utf-8")),  # noqa: S704 - see above
    )


def _facts(group: Group, now: datetime) -> Iterator[tuple[str, str]]:
    yield "Owner", group.owner
    yield "Feature group", group.feature_group
    yield "Project", group.project
    yield "Record id, event time", f"{group.declared.record_id}, {group.declared.event_time}"
    yield "Stores", ", ".join(_stores(group))
    yield "Source", group.declared.source or ("written through the API" if group.declared.own else "another project's")
    if group.ingested is not None:
        yield "Rows", f"{group.ingested.rows:,}"
        if group.ingested.distinct_ids is not None:
            yield "Ids", f"about {group.ingested.distinct_ids:,}"
        yield "Set aside", f"{group.ingested.quarantined:,} rows"
        yield "Newest event time", told_time(group.ingested.newest_event_time)
    yield "Ingested", freshness(group, now)
    yield "Used by", ", ".join(group.used_by) or "nobody"


def _stores(group: Group) -> Iterator[str]:
    if group.declared.own:
        kinds = [group.declared.offline] if group.declared.offline != "none" else []
        kinds += ["online"] if group.declared.online else []
        yield " and ".join(kinds)
    for environment, status in group.stores.items():
        yield f"{environment}: {status or 'not deployed'}"
