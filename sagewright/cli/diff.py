"""`sagewright diff`: what a deployment would change, before it changes anything."""

from collections.abc import Collection, Sequence
from typing import Annotated, Any

import typer
from rich.markup import escape

from sagewright.project import Environment, Project

from . import assembly, changes, checking, disturbance, protection
from .changes import Change, StackChanges
from .features import safe_change
from .options import Options, command
from .options import environment as environment_of
from .terminal import table

REFUSED = "refused"


def register(group: typer.Typer) -> None:
    """Add the command."""

    @command(group, "diff", examples=("sagewright diff", "sagewright diff prod --target aws", "sagewright diff --json"))
    def diff(
        options: Options,
        environment: Annotated[
            str | None, typer.Argument(metavar="[ENV]", help="Show one environment; every one if left out.")
        ] = None,
    ) -> None:
        """Show what a deployment would add, change, replace, remove and interrupt, resource by resource.

        CloudFormation itself is asked, by change sets that are deleted again; nothing is changed. Stacks of releases
        are shown, too: they change with the next `sagewright release`. Where the deployment would lose data it would be
        refused; then this ends with 1.
        """
        project = options.project()
        checking.require_code(project)
        chosen = [environment_of(project, environment)] if environment else list(project.environments)
        target = options.target(project)
        planned = assembly.synthesize(options, project, target)
        found = {
            stack.name: changes.plan(target, stack)
            for stack in (*planned.stacks, *planned.releases)
            if stack.environment in chosen
        }
        releases = {stack.name for stack in planned.releases}
        options.terminal.result(
            {"stacks": [_described(each, project, is_release=name in releases) for name, each in found.items()]},
            *(part for name, each in found.items() for part in _page(each, project, is_release=name in releases)),
            _summary(list(found.values()), project, chosen),
        )
        protection.refuse_losses(found.values(), project)


def _described(planned: StackChanges, project: Project, *, is_release: bool) -> dict[str, Any]:
    refused = protection.refused_changes(planned, project)
    return {
        "stack": planned.stack.name,
        "environment": planned.stack.environment.name,
        "with": "release" if is_release else "deploy",
        "new": planned.is_new,
        "unknown": planned.unknown or None,
        "changes": [
            {
                "action": change.action,
                "logical_id": change.logical_id,
                "type": change.kind,
                "physical_id": change.physical_id or None,
                "properties": list(change.properties),
                "disturbs": disturbance.told(change) or None,
                "refused": change.logical_id in refused,
                "unprotected": protection.is_lifted(change),
            }
            for change in planned.changes
        ],
    }


def _page(planned: StackChanges, project: Project, *, is_release: bool) -> list[Any]:
    refused = protection.refused_changes(planned, project)
    when = " with the next release" if is_release else ""
    title = f"{planned.stack.name}{when}"
    if planned.is_new:
        return [f"[bold]{title}[/]: new, with {len(planned.changes)} resources", ""]
    if planned.unknown:
        return [f"[bold]{title}[/]: CloudFormation cannot say yet, because {planned.unknown}", ""]
    if not planned.changes:
        return [f"[bold]{title}[/]: unchanged", ""]
    rows = [
        (change.action, change.logical_id, change.kind, ", ".join(change.properties), _note(change, refused))
        for change in planned.changes
    ]
    return [
        table("Action", "Logical id", "Type", "Because of", "", rows=rows, title=title),
        escape(" ".join(filter(None, (protection.lifted(planned), safe_change.left_behind(planned, project))))),
        "",
    ]


def _note(change: Change, refused: Collection[str]) -> str:
    if protection.is_lifted(change):
        return "protection is lifted"
    return REFUSED.upper() if change.logical_id in refused else disturbance.told(change)


def _summary(planned: Sequence[StackChanges], project: Project, chosen: Sequence[Environment]) -> str:
    resources = [change for each in planned for change in each.changes]
    counted = {
        words: sum(change.action in actions for change in resources)
        for words, actions in (
            ("to add", ("add", "import")),
            ("to change", ("modify",)),
            ("to replace", ("replace", "may replace")),
            ("to remove", ("remove", "let go")),
        )
    }
    told = ", ".join(f"{number} {words}" for words, number in counted.items() if number)
    where = ", ".join(each.name for each in chosen)
    return f"{project.name} in {where}: {told or 'nothing would change'}."
