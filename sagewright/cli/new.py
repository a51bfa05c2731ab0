"""`sagewright new`: a project of one's own, from one that works."""

from pathlib import Path
from typing import Annotated

import typer

from . import seeds
from .options import Options, command


def register(group: typer.Typer) -> None:
    """Add the command."""

    @command(
        group,
        "new",
        examples=(
            "sagewright new ../my-churn --seed churn",
            "sagewright new ../late-payers --seed churn --name late-payers",
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
        """Make a new project: a small repository that trains and serves as it is, with tests, under your own name."""
        chosen = name or folder.resolve().name
        seeds.plant(seed, folder, chosen)
        options.terminal.result(
            {"folder": str(folder.resolve()), "name": chosen, "seed": seed},
            f"Project [bold]{chosen}[/] is in {folder}. Next:\n\n"
            f"  cd {folder}\n  sagewright check\n  sagewright sandbox up\n  sagewright deploy\n  sagewright train",
        )
