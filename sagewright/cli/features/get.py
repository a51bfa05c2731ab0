"""`sagewright features get`: a record as serving would read it."""

from typing import Annotated, Any

import typer

from sagewright.cli import options as every
from sagewright.cli.errors import CommandError
from sagewright.cli.options import Options, command
from sagewright.cli.terminal import table
from sagewright.project import Project

from .catalogue import environment_group
from .listing import require_groups


def register(group: typer.Typer) -> None:
    """Add the command."""

    @command(
        group,
        "get",
        examples=(
            "sagewright features get weather JFK",
            "sagewright features get weather JFK --env prod",
            "sagewright features get weather JFK --json",
        ),
    )
    def get(
        options: Options,
        group: Annotated[str, typer.Argument(help="Name of a group in project.yaml.", show_default=False)],
        record_id: Annotated[str, typer.Argument(metavar="ID", help="Id of the record.", show_default=False)],
        *,
        env: Annotated[
            str | None, typer.Option(help="Environment whose store is read; the first if left out.", show_default=False)
        ] = None,
    ) -> None:
        """Show the newest record of an id in the online store: what an endpoint would look up now."""
        project = options.project()
        require_groups(project)
        declared = _declared(project, group)
        place = every.environment(project, env) if env else project.first
        name = environment_group(project, group, place)
        runtime = options.target(project).reading_client("sagemaker-featurestore-runtime", place)
        answer = runtime.get_record(
            FeatureGroupName=name, RecordIdentifierValueAsString=record_id, ExpirationTimeResponse="Enabled"
        )
        record = {each["FeatureName"]: each.get("ValueAsString") for each in answer.get("Record", ())}
        if not record:
            raise CommandError(
                f"Feature group {name} has no record with {declared} '{record_id}' in its online store: there never "
                "was one, it was deleted, or its time to live is over."
            )
        described: dict[str, Any] = {"feature_group": name, "record": record, "expires_at": answer.get("ExpiresAt")}
        types = {each.name: (each.type, each.unit) for each in project.features[group].declared}
        rows = [(feature, value, *types.get(feature, ("", ""))) for feature, value in record.items()]
        options.terminal.result(described, table("Feature", "Value", "Type", "Unit", rows=rows))


def _declared(project: Project, name: str) -> str:
    """Return what the ids of a group are called; raises where there is no such group, or none that can be read."""
    group = project.features.get(name)
    if group is None:
        raise CommandError(
            f"There is no feature group '{name}' in project.yaml; there are: {', '.join(project.features)}."
        )
    if group.online is None:
        raise CommandError(
            f"'{name}' has no online store (features.{name}.online is false), so no record of it can be read by its id."
        )
    return group.record_id
