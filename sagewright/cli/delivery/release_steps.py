"""The steps of a promotion and of a rollback, as commands."""

from pathlib import Path
from typing import Annotated

import typer

from sagewright.cli.options import Options, command
from sagewright.cli.release import serving_environment
from sagewright.runtime.functions.rollback import Wish

from . import decisions, going_back, resolution
from .build_target import build_target
from .environment_release import EnvironmentRelease, as_json

EnvironmentName = Annotated[str, typer.Argument(metavar="ENV", help="Environment that serves.")]
VersionArn = Annotated[str, typer.Option("--version", help="ARN of the version.")]
ExecutionId = Annotated[str, typer.Option(help="Id of the execution that this is a step of.")]
OutputFolder = Annotated[Path, typer.Option(help="Folder for templates and configurations.")]
VariablesFile = Annotated[Path, typer.Option(help="File for what was decided, as exports that a shell reads.")]
Words = Annotated[str, typer.Option(help="In words, for the record.")]


def register(group: typer.Typer) -> None:
    """Add the commands."""
    command(
        group,
        "resolve",
        examples=('sagewright delivery resolve --version "$VERSION" --output release --variables release.env',),
    )(resolve)
    command(group, "copy", examples=('sagewright delivery copy prod --version "$VERSION" --execution "$EXECUTION"',))(
        copy
    )
    command(
        group, "verify", examples=('sagewright delivery verify prod --version "$VERSION" --execution "$EXECUTION"',)
    )(verify)
    command(
        group,
        "rollback-resolve",
        examples=(
            'sagewright delivery rollback-resolve prod --execution "$EXECUTION" --output out --variables out.env',
            "sagewright delivery rollback-resolve prod --leaving 3 --output out --variables out.env",
        ),
    )(rollback_resolve)


def resolve(
    options: Options,
    *,
    version: Annotated[str, typer.Option(help="ARN of the version; none decides to do nothing.")],
    output: OutputFolder,
    variables: VariablesFile,
) -> None:
    """Decide whether a version is promoted, and write what CloudFormation takes for every environment.

    The project that was published last is unpacked into the current folder, which later steps run in. A version that
    was deleted, or is not Approved any more, is refused.
    """
    decided = resolution.resolve(options, version, output)
    decisions.write(variables, decided)
    options.terminal.result(decided, decided["Summary"])


def copy(
    options: Options, environment: EnvironmentName, *, version: VersionArn, execution: ExecutionId = "by-hand"
) -> None:
    """Copy an approved version to where it will serve; a copy that was broken off is made anew."""
    released = _release(options, environment, version, execution, is_rollback=False)
    told = released.copy()
    options.terminal.result({"environment": environment, "version": released.number}, told)


def verify(  # noqa: PLR0913 - what is verified, where, for whom
    options: Options,
    environment: EnvironmentName,
    *,
    version: VersionArn,
    execution: ExecutionId = "by-hand",
    approver: Annotated[str, typer.Option(help="Who let it go here.")] = "",
    rollback: Annotated[bool, typer.Option("--rollback", help="It comes back: bring the endpoint to it.")] = False,
) -> None:
    """Prove by real requests that the endpoint runs the version and answers as it was judged; write that down.

    Rows that no training saw are sent as CSV and as JSON, and one by one. The answers must equal what the evaluation
    recorded, in the time that `delivery.verify` allows, and a wrong row must be refused.
    """
    released = _release(options, environment, version, execution, is_rollback=rollback)
    proof = released.verify(approver)
    told = f"Version [bold]{released.number}[/] is verified in {environment}: it answers on {proof.endpoint_config}."
    options.terminal.result(as_json(released, proof), told)


def _release(
    options: Options, environment: str, version: str, execution: str, *, is_rollback: bool
) -> EnvironmentRelease:
    project = options.project()
    place = serving_environment(project, environment)
    target = build_target(options, project)
    return EnvironmentRelease(options, project, target, place, version, execution, is_rollback)


def rollback_resolve(  # noqa: PLR0913 - what goes, what comes, who wants it and why
    options: Options,
    environment: Annotated[str, typer.Argument(metavar="ENV", help="Environment; none decides to do nothing.")],
    *,
    output: OutputFolder,
    variables: VariablesFile,
    execution: Annotated[
        str, typer.Option(help="Execution of the rollback pipeline, which knows all that follows.")
    ] = "none",
    version: Annotated[
        str, typer.Option(help="Number of the version to go to; none takes the last verified.")
    ] = "none",
    leaving: Annotated[str, typer.Option(help="Number of the version that shall go.")] = "none",
    promotion: Annotated[str, typer.Option(help="Execution of the promotion that failed, if one did.")] = "none",
    who: Words = "nobody",
    reason: Words = "no reason was given",
) -> None:
    """Stop the promotion that is in an environment, and choose the version that was verified there before.

    A first release that failed is taken away, so that no endpoint is left. Where what runs is right already, nothing is
    done.
    """
    wish = Wish(
        environment, who, reason, _number(leaving), _number(version), None if promotion == "none" else promotion
    )
    decided = going_back.go_back(options, wish, execution, output)
    decisions.write(variables, decided)
    options.terminal.result(decided, decided["Summary"])


def _number(text: str) -> int | None:
    """Read a version's number; pipelines write `none` for no value."""
    if text in {"", "none"}:
        return None
    if not text.isdigit():
        raise typer.BadParameter(f"'{text}' is no number of a version, and not none.")
    return int(text)
