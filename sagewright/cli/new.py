"""`sagewright new`: a project of one's own, from one that works."""

from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from . import seeds
from .errors import CommandError
from .options import Options, command


def register(group: typer.Typer) -> None:
    """Add the command."""

    @command(
        group,
        "new",
        examples=(
            "sagewright new ../my-churn --seed churn",
            "sagewright new ../late-payers --seed churn --name late-payers",
            "sagewright new ../my-flights --seed flights",
        ),
    )
    def new(
        options: Options,
        folder: Annotated[Path, typer.Argument(metavar="DIR", help="Folder to make.", show_default=False)],
        seed: Annotated[
            str, typer.Option(help=f"What to start from: {', '.join(seeds.available())}.", show_default=False)
        ],
        name: Annotated[
            str | None, typer.Option(help="Name of the project; the folder's name if left out.", show_default=False)
        ] = None,
    ) -> None:
        """Make a new project: a small repository that trains and serves as it is, with tests, under your own name.

        Where a seed's tables are too large to come along, as those of flights, they are fetched, once for this machine.
        """
        chosen = name or folder.resolve().name
        seeds.plant(seed, folder, chosen)
        if seeds.prepares(folder):
            try:
                seeds.prepare(folder, lambda line: options.terminal.note(escape(line)))
            except CommandError as error:
                raise CommandError(
                    f"{error}\n\nThe project itself is in {folder}: only its tables are missing."
                ) from error
        options.terminal.result(
            {"folder": str(folder.resolve()), "name": chosen, "seed": seed},
            f"Project [bold]{chosen}[/] is in {folder}. Next:\n\n"
            f"  cd {folder}\n  sagewright check\n  sagewright sandbox up\n  sagewright deploy\n  sagewright train",
        )
