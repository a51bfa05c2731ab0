"""`sagewright features infer`: a group's declaration from a sample of its rows, to be owned from then on."""

from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from sagewright.cli.options import Options, command

_EXAMPLES = (
    "sagewright features infer data/weather.parquet",
    "sagewright features infer data/weather.csv --group weather --record-id origin --event-time observed_at",
    "sagewright features infer data/weather.csv --json",
)


def register(features: typer.Typer) -> None:
    """Add the command."""

    @command(features, "infer", examples=_EXAMPLES)
    def infer(
        options: Options,
        file: Annotated[Path, typer.Argument(metavar="FILE", help="A .csv or .parquet file with rows of the group.")],
        *,
        group: Annotated[str | None, typer.Option(help="The group's name; the file's if left out.")] = None,
        record_id: Annotated[
            str | None, typer.Option(help="The column of the record id; the likeliest one if left out.")
        ] = None,
        event_time: Annotated[
            str | None, typer.Option(help="The column of the event time; the likeliest one if left out.")
        ] = None,
    ) -> None:
        """Write a feature group's declaration from a sample of its rows, ready to be put into project.yaml.

        Columns are read by the rules of training and serving. Where up to one row of a hundred does not fit, the type
        is that of the rest, and what does not fit is told. Nothing is changed, and no account is asked.
        """
        from . import inferred  # noqa: PLC0415 - only this command needs what reads tables, and it takes a moment

        found = inferred.read(file, options.folder, group=group, record_id=record_id, event_time=event_time)
        for each in found.odd:
            options.terminal.note(f"[yellow]![/] {escape(str(each))}")
        if found.odd:
            options.terminal.note("Such rows would be set aside: correct them, or declare the column otherwise.")
        options.terminal.result(found.document(), escape(found.yaml()))
