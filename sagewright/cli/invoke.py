"""`sagewright invoke`: ask what is live."""

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape

from sagewright.project import Environment, Project
from sagewright.runtime.functions import evidence, model_versions
from sagewright.runtime.functions.evidence import HeldOut

from . import releasing, row_file, row_ids
from .asking import Endpoint, Prediction, Request, ask
from .errors import CommandError
from .options import Options, command
from .release import EnvironmentArgument, serving_environment
from .target import Target
from .terminal import table
from .training import number


def register(group: typer.Typer) -> None:
    """Add the command."""

    @command(
        group,
        "invoke",
        examples=(
            "sagewright invoke --held-out 5",
            "sagewright invoke prod --file customers.csv",
            'sagewright invoke --row \'{"age": 42, "plan": "basic"}\' --json',
            "sagewright invoke --id 1042 --id 1043",
            "sagewright invoke prod --id customer=1042,weight=9",
        ),
    )
    def invoke(  # noqa: PLR0913 - where to, and each way to give rows
        options: Options,
        environment: EnvironmentArgument = None,
        *,
        file: Annotated[
            Path | None,
            typer.Option(help="CSV or JSON file with the rows; CSV with or without a header.", show_default=False),
        ] = None,
        row: Annotated[
            list[str] | None, typer.Option(help="One row as a JSON object; may be repeated.", show_default=False)
        ] = None,
        ids: Annotated[
            list[str] | None,
            typer.Option(
                "--id",
                metavar="VALUE|NAME=VALUE,…",
                help="One row by its id, for a project with data.join: the endpoint looks its features up. Where a "
                "row takes more than one column, also ones of its own, each with its name. May be repeated.",
                show_default=False,
            ),
        ] = None,
        held_out: Annotated[
            int | None,
            typer.Option(
                min=1,
                help="So many rows that the live version has never seen, with the truth beside.",
                show_default=False,
            ),
        ] = None,
    ) -> None:
        """Send rows to the endpoint of an environment and show its predictions.

        A file may be larger than one request can be. The label and the record id are left out where it holds them,
        unless its rows hold ids alone and are looked up by the record id.
        """
        if sum(given is not None for given in (file, row or None, ids or None, held_out)) != 1:
            raise typer.BadParameter("Give the rows in exactly one way: --file, --row, --id or --held-out.")
        project = options.project()
        objects = row_ids.rows(project, ids) if ids else row or []
        place = serving_environment(project, environment)
        target = options.target(project)
        known = held_out_rows(project, target, place, held_out) if held_out is not None else None
        endpoint = Endpoint.of(project, target, place)
        if file is not None:
            predictions = _ask_file(options, project, endpoint, file)
        elif known is not None:
            predictions = ask(endpoint, Request.of_texts(known.rows))
        else:
            predictions = _ask_rows(project, endpoint, objects, ids or [])
        options.terminal.result(as_json(predictions, known), predictions_table(predictions, known))


def _ask_rows(project: Project, endpoint: Endpoint, rows: list[str], ids: list[str]) -> list[Prediction]:
    """Send rows in JSON; where their ids alone are not enough, the refusal says how to give the rest."""
    try:
        return ask(endpoint, Request.of_objects(rows))
    except CommandError as error:
        hint = row_ids.hint(project, ids, str(error)) if ids else ""
        if not hint:
            raise
        raise CommandError(f"{error}{hint}") from error


def _ask_file(options: Options, project: Project, endpoint: Endpoint, file: Path) -> list[Prediction]:
    """Send the rows of a file without what the model never sees, in as many requests as it takes."""
    data = project.first.data
    by_id = row_file.ById(row_ids.keys(project), row_ids.looked_up(project))
    rows = row_file.read(file, [name for name in (data.label, data.record_id) if name is not None], by_id)
    if rows.dropped:
        options.terminal.note(
            f"Left out of {file.name}, because the model is not given it: {escape(', '.join(rows.dropped))}"
        )
    return row_file.ask_all(endpoint, rows)


def held_out_rows(project: Project, target: Target, environment: Environment, count: int) -> HeldOut:
    """Read rows that the version which is live there has never seen."""
    live = releasing.live(project, target, environment)
    if live is None:
        raise CommandError(
            f"Nothing is released to {environment.name} yet: `sagewright release {environment.name}` does it."
        )
    if live.model_package_arn is None:
        raise CommandError(f"{environment.name} serves {live}: there are no held-out rows of it. Use --file or --row.")
    version = model_versions.describe(target.client("sagemaker", project.first), live.model_package_arn)
    return evidence.held_out(target.client("s3", project.first), version, count)


def as_json(predictions: list[Prediction], known: HeldOut | None) -> list[dict[str, Any]]:
    """Write predictions for programs, with record id and truth where they are known."""
    written: list[dict[str, Any]] = []
    for position, each in enumerate(predictions):
        entry: dict[str, Any] = {"prediction": each.value}
        if each.probabilities:
            entry["probabilities"] = each.probabilities
        if known is not None:
            entry |= {"record": known.records[position], "truth": known.truths[position]}
        written.append(entry)
    return written


def predictions_table(predictions: list[Prediction], known: HeldOut | None) -> Any:
    """Show predictions row by row, with the truth beside them where it is known."""
    labelled = bool(predictions) and bool(predictions[0].probabilities)
    headings = ["Record" if known else "Row", "Prediction"]
    headings += ["Probability"] if labelled else []
    headings += ["Truth"] if known else []
    rows: list[list[object]] = []
    for position, each in enumerate(predictions):
        row: list[object] = [known.records[position] if known else position + 1, shown(each)]
        row += [f"{each.probability:.3f}" if each.probability is not None else ""] if labelled else []
        row += [_truth(known.truths[position], each)] if known else []
        rows.append(row)
    return table(*headings, rows=rows)


def _truth(text: str, prediction: Prediction) -> str:
    """Write a value as the prediction beside it is written; a label stays as it is."""
    return number(float(text)) if isinstance(prediction.value, float) else text


def shown(prediction: Prediction) -> str:
    """Write one prediction for people."""
    return number(prediction.value) if isinstance(prediction.value, float) else str(prediction.value)
