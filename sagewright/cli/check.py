"""`sagewright check`: whether a project is right, before anything runs."""

from typing import Annotated

import typer
from rich.markup import escape

from sagewright.project import Environment, Project

from . import assembly, checking
from .delivery import workflow_files
from .delivery.outside_steps import told_stale
from .environ import without_aws
from .options import Options, command
from .target import SANDBOX_ACCOUNT
from .terminal import table


def register(group: typer.Typer) -> None:
    """Add the command."""

    @command(
        group,
        "check",
        examples=("sagewright check", "sagewright check --no-synth"),
    )
    def check(
        options: Options,
        *,
        synth: Annotated[bool, typer.Option("--synth/--no-synth", help="Also write and check the templates.")] = True,
    ) -> None:
        """Check the project file, the functions it names, and the templates that they become. It needs no AWS.

        Tells every problem at once, each with file, line and what is allowed.
        """
        project = options.project()
        checking.require_code(project)
        options.terminal.done(f"project.yaml and {project.first.training.code}")
        if synth:
            region = project.first.region
            # Synthesis asks nobody: where an environment names no account, any will do to check the templates.
            variables = without_aws() | {"CDK_DEFAULT_ACCOUNT": SANDBOX_ACCOUNT, "CDK_DEFAULT_REGION": region}
            assembly.write(options, project, variables)
            options.terminal.done("templates")
        if told := told_stale(project, workflow_files.stale(project), workflow_files.left_over(project)):
            options.terminal.note(f"[yellow]![/] {escape(told)}")
        rows = [
            (each.name, each.account or "of the credentials in use", each.region, _does(project, each))
            for each in project.environments
        ]
        value = {
            "name": project.name,
            "environments": [
                {"name": each.name, "account": each.account, "region": each.region} for each in project.environments
            ],
        }
        right = f"{project.name} is right: {project.first.data.problem}, judged by {project.first.evaluation.metric}."
        options.terminal.result(value, right, table("Environment", "Account", "Region", "", rows=rows))


def _does(project: Project, environment: Environment) -> str:
    if len(project.environments) == 1:
        return "trains and serves"
    return "trains" if environment == project.first else "serves"
