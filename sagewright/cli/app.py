"""Puts the command groups together."""

from typing import Annotated

import typer

import sagewright

from . import (
    audit,
    bootstrap,
    data,
    demo,
    deploy,
    diff,
    doctor,
    drift,
    invoke,
    new,
    options,
    registry,
    release,
    releases,
    rollback,
    sandbox,
    train,
)
from . import check as checking
from .delivery import group as delivery_group
from .features import group as features_group
from .options import JsonOption, ProjectOption, TargetOption, YesOption

EPILOG = "First steps:\n\n  sagewright demo\n\n  sagewright new ../my-churn --seed churn\n\n  sagewright COMMAND --help"

app = typer.Typer(
    name="sagewright",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    epilog=EPILOG,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(asked: bool) -> None:  # noqa: FBT001 - typer calls it with the option's value
    if asked:
        typer.echo(f"sagewright {sagewright.__version__}")
        raise typer.Exit


@app.callback()
def root(  # noqa: PLR0913 - the options of every command
    context: typer.Context,
    *,
    project: ProjectOption = None,
    target: TargetOption = None,
    yes: YesOption = False,
    json: JsonOption = False,
    version: Annotated[
        bool, typer.Option("--version", help="Print the version.", callback=_version, is_eager=True)
    ] = False,
) -> None:
    """One project file becomes a complete, approval-gated ML system on Amazon SageMaker, on your machine first."""
    del version  # its callback has acted
    options.remember(context, project=project, target=target, yes=yes, json=json)


for group in (
    demo,
    new,
    checking,
    sandbox,
    doctor,
    bootstrap,
    diff,
    deploy,
    data,
    features_group,
    train,
    registry,
    release,
    releases,
    rollback,
    audit,
    invoke,
    drift,
    delivery_group,
):
    group.register(app)
