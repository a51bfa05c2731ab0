"""Puts the commands of the feature store together."""

from typing import Any

import typer
from typer.core import TyperGroup

from sagewright.cli.options import Options, command, command_of_group

from . import get, infer, ingest, listing, migrate, page

EXAMPLES = (
    "sagewright features",
    "sagewright features --json",
    "sagewright features page",
    "sagewright features infer data/weather.csv",
)


class _Unguessing(TyperGroup):
    """Suggests nothing: who mistypes a command that looks must not be led to one that acts, as `ingest` is."""

    def __init__(self, **given: Any) -> None:
        # Typer itself hands on the setting of the whole program.
        given["suggest_commands"] = False
        super().__init__(**given)


def register(app: typer.Typer) -> None:
    """Add the command group."""
    group = typer.Typer(cls=_Unguessing)
    app.add_typer(group, name="features")

    command_of_group(group, examples=EXAMPLES)(features)
    command(group, "list", examples=EXAMPLES[:2], hidden=True)(features)
    for each in (infer, ingest, get, migrate, page):
        each.register(group)


def features(options: Options) -> None:
    """Show the groups of the project's feature store: features, owners, freshness, missing values, who uses them.

    What is told of rows, freshness and missing values is what the ingestion has written down, so that looking costs
    nothing.
    """
    listing.show(options)
