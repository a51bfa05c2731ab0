"""`sagewright data …`: the input of training and ingestion."""

from typing import Any

import typer

from . import uploading
from .errors import CommandError
from .options import Options, command
from .uploading import Upload


def register(group: typer.Typer) -> None:
    """Add the command group."""
    data = typer.Typer(no_args_is_help=True)
    group.add_typer(data, name="data", help="Send the project's data files to where training and ingestion read them.")

    @command(data, "put", examples=("sagewright data put", "sagewright data put --json"))
    def put(options: Options) -> None:
        """Send the file that `data.source` names to the data bucket, and those of feature groups.

        Nothing is sent when the same content is there. Files of feature groups are ingested when they have arrived, or
        by `sagewright features ingest`.
        """
        project = options.project()
        groups = uploading.local_groups(project)
        if not uploading.is_local(project) and not groups:
            raise CommandError(
                f"data.source is {project.first.data.source}: it is in S3 already, and the training reads it there."
            )
        files = [project.first.data.source] if uploading.is_local(project) else []
        files += [str(project.features[name].source) for name in groups]
        target = options.acting_on(project, f"{', '.join(files)} will be sent to the data bucket.")
        upload = uploading.put(options, project, target) if uploading.is_local(project) else None
        sources = {name: uploading.put_group(options, project, target, name) for name in groups}
        told = (_described(upload) if upload else {}) | (
            {"features": {name: _described(each) for name, each in sources.items()}} if sources else {}
        )
        options.terminal.result(told, *map(_shown, filter(None, (upload, *sources.values()))))


def _described(upload: Upload) -> dict[str, Any]:
    return {"uri": str(upload.target), "sha256": upload.sha256, "bytes": upload.size, "sent": upload.sent}


def _shown(upload: Upload) -> str:
    return f"{'Sent' if upload.sent else 'Unchanged:'} {upload.target} ({upload.size:,} bytes)"
