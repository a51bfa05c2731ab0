"""`sagewright data …`: the input of the training."""

import typer

from . import uploading
from .errors import CommandError
from .options import Options, command


def register(group: typer.Typer) -> None:
    """Add the command group."""
    data = typer.Typer(no_args_is_help=True)
    group.add_typer(data, name="data", help="Send the project's data file to where the training reads it.")

    @command(data, "put", examples=("sagewright data put", "sagewright data put --json"))
    def put(options: Options) -> None:
        """Send the file that `data.source` names to the data bucket; nothing is sent when the same content is there."""
        project = options.project()
        if not uploading.is_local(project):
            raise CommandError(
                f"data.source is {project.first.data.source}: it is in S3 already, and the training reads it there."
            )
        target = options.acting_on(project, f"{project.first.data.source} will be sent to the data bucket.")
        upload = uploading.put(options, project, target)
        told = "Sent" if upload.sent else "Unchanged:"
        options.terminal.result(
            {"uri": str(upload.target), "sha256": upload.sha256, "bytes": upload.size, "sent": upload.sent},
            f"{told} {upload.target} ({upload.size:,} bytes)",
        )
