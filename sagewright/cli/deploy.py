"""`sagewright deploy`: the project's infrastructure, by the real CDK CLI."""

import typer

from . import deploying
from .cdk import INTERRUPTED
from .options import Options, command
from .terminal import table


def register(group: typer.Typer) -> None:
    """Add the command."""

    @command(
        group,
        "deploy",
        examples=("sagewright deploy", "sagewright deploy --target aws", "sagewright deploy --target aws --yes --json"),
    )
    def deploy(options: Options) -> None:
        """Create or update everything but the releases: data, keys, roles, the model registry, the training pipeline.

        Runs `cdk deploy --all` with the CDK that is installed beside Sagewright. In the sandbox the accounts are
        bootstrapped by themselves. The complete output goes to .sagewright/logs/.
        """
        project = options.project()
        places = ", ".join(
            f"{each.name} ({each.account or 'this account'}, {each.region})" for each in project.environments
        )
        target = options.acting_on(
            project,
            f"Stacks of project {project.name} will be created or updated in: {places}. They cost what is stored and a "
            "customer key per environment a month; nothing in them runs by itself.",
        )
        with options.terminal.if_interrupted(INTERRUPTED):
            deployed = deploying.deploy(options, project, target)
        rows = [
            (environment, stack, name, value)
            for environment, stacks in deployed["stacks"].items()
            for stack, outputs in stacks.items()
            for name, value in outputs.items()
            if not name.startswith("Export")
        ]
        options.terminal.result(deployed, table("Environment", "Stack", "Output", "Value", rows=rows))
