"""`sagewright deploy`: the project's infrastructure, by the real CDK CLI."""

from typing import Annotated

import typer
from rich.markup import escape

from sagewright.project import Project

from . import deploying, git_remote, training
from .cdk import INTERRUPTED
from .options import Options, command
from .target import Sandbox
from .terminal import table


def register(group: typer.Typer) -> None:
    """Add the command."""

    @command(
        group,
        "deploy",
        examples=(
            "sagewright deploy",
            "sagewright deploy --target aws",
            "sagewright deploy --target aws --yes --json",
            "sagewright deploy --adopt",
        ),
    )
    def deploy(
        options: Options,
        *,
        adopt: Annotated[
            bool,
            typer.Option("--adopt", help="Take over data that a deleted stack has left, instead of refusing it."),
        ] = False,
    ) -> None:
        """Create or update everything but the releases: data, keys, roles, the model registry, the training pipeline.

        Runs `cdk deploy --all` with the CDK that is installed beside Sagewright. In the sandbox the accounts are
        bootstrapped by themselves. The complete output goes to .sagewright/logs/.

        In the sandbox a project's repository becomes the remote `sandbox` of your own: `git push sandbox main` is the
        push.

        Before anything is touched, CloudFormation is asked what would become of what holds data: where a key, a bucket,
        a registry or a log would be replaced or taken away, the deployment is refused. See `sagewright diff`.
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
        if told := uncommitted(project):
            options.terminal.note(f"[yellow]![/] {escape(told)}")
        with options.terminal.if_interrupted(INTERRUPTED):
            deployed = deploying.deploy(options, project, target, adopts=adopt)
        rows = [
            (environment, stack, name, value)
            for environment, stacks in deployed["stacks"].items()
            for stack, outputs in stacks.items()
            for name, value in outputs.items()
            if not name.startswith("Export")
        ]
        remote = git_remote.settle(project, target) if isinstance(target, Sandbox) else None
        shown = table("Environment", "Stack", "Output", "Value", rows=rows)
        if remote is None:
            options.terminal.result(deployed, shown)
        else:
            told = {"url": remote.url, "push": remote.command}
            options.terminal.result(deployed | {"git": told}, shown, f"\n{escape(remote.told)}")


def uncommitted(project: Project) -> str | None:
    """Say that a deployment beside delivery is of what no commit has; None where one has it, or without delivery."""
    if project.repository is None or not (training.git_commit(project.root) or "").endswith(training.DIRTY):
        return None
    return (
        "What is deployed now is in no commit: the folder holds changes that Git has not. The next push to "
        f"{project.repository.branch} deploys what is pushed instead."
    )
