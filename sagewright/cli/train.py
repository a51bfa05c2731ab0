"""`sagewright train`: a model from the data as it is now, up to a version that waits for approval."""

from typing import Annotated

import typer
from rich.markup import escape

from sagewright.runtime.functions import training_start
from sagewright.runtime.functions.model_versions import APPROVED, Version
from sagewright.runtime.functions.training_start import Overrides

from . import deployed, training
from .options import Options, command
from .pages import evaluation_page
from .training import Trained


def register(group: typer.Typer) -> None:
    """Add the command."""

    @command(
        group,
        "train",
        examples=(
            "sagewright train",
            "sagewright train --no-wait",
            "sagewright train --threshold 0.6 --instance-type ml.m5.2xlarge",
        ),
    )
    def train(
        options: Options,
        *,
        wait: Annotated[bool, typer.Option("--wait/--no-wait", help="Follow the steps until the end.")] = True,
        threshold: Annotated[
            float | None, typer.Option(help="For this run only: what the metric must reach.", show_default=False)
        ] = None,
        instance_type: Annotated[
            str | None, typer.Option(help="For this run only: what the training job runs on.", show_default=False)
        ] = None,
    ) -> None:
        """Run the training pipeline: preprocess, train, evaluate, and register a version if it is good enough.

        The project's data file is sent up first where it has changed. Steps whose inputs have not changed come from
        SageMaker's cache. A second run is refused while one runs, and so is one of code or settings that are not
        deployed.
        """
        project = options.project()
        instance = instance_type or project.first.training.instance.type
        target = options.acting_on(
            project, f"Three jobs will run one after the other, the training on one {instance}, charged by the second."
        )
        deployed.require_current(project, target)
        if project.repository is not None:
            options.terminal.note(
                f"A push to {escape(project.repository.branch)} trains by itself, where code, settings or data are "
                "new; this is a training beside that, and its version waits for approval like any other."
            )
        training.send_data(options, project, target)
        arn = training.start(project, target, Overrides(threshold, instance_type))
        if not wait:
            options.terminal.result({"execution": arn}, f"Started {arn}", "See what comes of it: sagewright models")
            return
        with options.terminal.if_interrupted(
            f"The training goes on: {arn}",
            "See what comes of it: sagewright models",
            f"Stop it: {training_start.stop_command(arn)}",
        ):
            trained = training.watch(options, project, target, arn)
        options.terminal.result(
            _as_json(trained),
            evaluation_page(trained.evaluation, trained.version.metric, trained.threshold),
            _next(trained.version),
        )


def _next(version: Version) -> str:
    """Say what becomes of the version: it waits, unless the comparison with what is live has approved it."""
    number = version.number
    if version.status == APPROVED:
        return f"\nVersion [bold]{number}[/] is approved: it stood the comparison. Look at it: sagewright show {number}"
    return (
        f"\nVersion [bold]{number}[/] waits for approval. Look at it: sagewright show {number}   "
        f"Decide: sagewright approve {number}"
    )


def _as_json(trained: Trained) -> dict[str, object]:
    return {
        "execution": trained.execution.arn,
        "version": trained.version.number,
        "arn": trained.version.arn,
        "status": trained.version.status,
        "metrics": trained.metrics,
        "champion": trained.evaluation.get("champion"),
        "threshold": trained.threshold,
        "steps": [
            {"name": step.name, "status": step.status, "seconds": step.seconds, "cached": step.cached}
            for step in trained.execution.steps
        ],
    }
