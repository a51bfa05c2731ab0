"""Puts the commands of the feature store together."""

import typer

from sagewright.cli.options import Options, command_of_group

from . import get, infer, ingest, listing, migrate, page

EXAMPLES = (
    "sagewright features",
    "sagewright features --json",
    "sagewright features page",
    "sagewright features infer data/weather.csv",
)


def register(app: typer.Typer) -> None:
    """Add the command group."""
    group = typer.Typer()
    app.add_typer(group, name="features")

    command_of_group(group, examples=EXAMPLES)(features)
    for each in (infer, ingest, get, migrate, page):
        each.register(group)


def features(options: Options) -> None:
    """Show the groups of the project's feature store: features, owners, freshness, missing values, who uses them.

    What is told of rows, freshness and missing values is what the ingestion has written down, so that looking costs
    nothing.
    """
    listing.show(options)
