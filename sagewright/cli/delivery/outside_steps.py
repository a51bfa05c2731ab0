"""The commands that only another system's jobs need: its files, what waits to begin, and one stack at a time."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Literal

import typer

from sagewright.cli.errors import CommandError
from sagewright.cli.options import Options, command
from sagewright.project import Project, names
from sagewright.runtime.functions import code_pipelines, rollback, waiting_list
from sagewright.runtime.functions.client import Client

from . import decisions, stack_deployment
from .build_target import BuildTarget, build_target
from .release_steps import EnvironmentName, VariablesFile

StackKind = Literal["data", "network", "access", "serving", "monitoring"]
_NONE = code_pipelines.NONE
_VARIABLES = ("Version", *(name for name in rollback.Wish("", "", "").variables if name != "Version"))


def register(group: typer.Typer) -> None:
    """Add the commands."""
    command(
        group,
        "workflows",
        examples=("sagewright delivery workflows", "sagewright delivery workflows --check"),
    )(workflows)
    command(group, "stack", examples=("sagewright delivery stack prod serving --release ../release",))(stack)
    command(group, "waiting", examples=("sagewright delivery waiting promotion --variables waiting.env",))(waiting)
    command(group, "begun", examples=('sagewright delivery begun "$Waiting" --by "$EXECUTION"',))(begun)


def workflows(
    options: Options,
    *,
    check: Annotated[
        bool, typer.Option("--check", help="Write nothing; fail where a file is stale or left over.")
    ] = False,
) -> None:
    """Write the files by which GitHub Actions or Jenkins runs the steps, as project.yaml says; commit them.

    The tool itself is among them: jobs install exactly the one that wrote them.
    """
    project = options.project()
    from . import workflow_files  # noqa: PLC0415 - it loads the CDK, which no other command needs

    left = workflow_files.left_over(project)
    if not project.delivery.elsewhere:
        raise CommandError(
            f"{project.name} is delivered by AWS CodePipeline, which needs no files in it: write "
            "`delivery: {provider: github_actions}` or `jenkins` in project.yaml to have them written. "
            f"{told_stale(project, [], left)}".rstrip()
        )
    if check:
        stale = workflow_files.stale(project)
        if stale or left:
            raise CommandError(told_stale(project, stale, left))
        options.terminal.result({"stale": stale, "left_over": left}, "Every file is what project.yaml says.")
        return
    written = workflow_files.write(project)
    told = f"Wrote {', '.join(written)}: commit them." if written else "Every file is what project.yaml says already."
    options.terminal.result({"written": written, "left_over": left}, f"{told} {told_stale(project, [], left)}".rstrip())


def told_stale(project: Project, stale: list[str], left: list[str]) -> str:
    """Say which files have to be written, or written anew, and which ones another provider has left; "" for none."""
    absent = [name for name in stale if not (project.root / name).exists()]
    changed = [name for name in stale if name not in absent]
    told = [
        f"Not written yet: {', '.join(absent)}." if absent else "",
        f"Not what project.yaml says: {', '.join(changed)}." if changed else "",
        "Run `sagewright delivery workflows`, and commit that." if stale else "",
        f"Left from another provider: {', '.join(left)}. `git rm -r {' '.join(left)}` takes that away." if left else "",
    ]
    return " ".join(filter(None, told))


def stack(
    options: Options,
    environment: EnvironmentName,
    kind: Annotated[StackKind, typer.Argument(help="Which stack of the environment.")],
    *,
    release: Annotated[Path, typer.Option(help="Folder that the resolving step has left.")],
) -> None:
    """Deploy one stack from the files of the resolving step, and wait for its end.

    It is created or updated and never replaced; where nothing changes, nothing is done.
    """
    told = stack_deployment.deploy(options, environment, kind, release)
    options.terminal.result({"environment": environment, "stack": kind, "told": told}, told)


def waiting(
    options: Options,
    what: Annotated[
        Literal["promotion", "rollback"] | None, typer.Argument(help="Only these.", show_default=False)
    ] = None,
    *,
    variables: VariablesFile,
) -> None:
    """Find what was decided in the registry and waits to begin, the longest waiting first.

    An approved version waits for its promotion, a rejected one that serves for its rollback.
    """
    project = options.project()
    s3, bucket = _bucket(project, build_target(options, project))
    found = next(
        (each for each in waiting_list.waiting(s3, bucket, datetime.now(UTC)) if what in {None, each.what}), None
    )
    given = found.variables if found is not None else {}
    told = {name: given.get(name, _NONE) for name in _VARIABLES}
    decided = {"Waiting": found.identity if found else _NONE, "What": found.what if found else _NONE, **told}
    decisions.write(variables, decided)
    options.terminal.result(decided, f"{decided['Waiting']} waits." if found is not None else "Nothing waits.")


def begun(
    options: Options,
    identity: Annotated[str, typer.Argument(metavar="ID", help="What `sagewright delivery waiting` has found.")],
    *,
    by: Annotated[str, typer.Option(help="The job that has begun it.")],
) -> None:
    """Note that something has begun, so that it does not begin again."""
    project = options.project()
    s3, bucket = _bucket(project, build_target(options, project))
    waiting_list.begin(s3, bucket, identity, by)
    options.terminal.result({"begun": identity, "by": by}, f"{identity} has begun.")


def _bucket(project: Project, target: BuildTarget) -> tuple[Client, str]:
    account = target.account_of(project.first)
    bucket = names.data_bucket(project.name, project.first.name, account, project.first.region)
    return target.client("s3", project.first), bucket
