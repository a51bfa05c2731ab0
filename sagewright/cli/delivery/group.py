"""Puts the commands of delivery together."""

import typer

from . import build_steps, outside_steps, release_steps


def register(group: typer.Typer) -> None:
    """Add the command group."""
    delivery = typer.Typer(no_args_is_help=True)
    group.add_typer(
        delivery, name="delivery", help="The steps from a push to an endpoint, for pipelines: they never ask."
    )
    build_steps.register(delivery)
    release_steps.register(delivery)
    outside_steps.register(delivery)
