"""The steps of a build, as commands: from the project's own tests to a training that has started."""

from pathlib import Path
from typing import Annotated

import typer

from sagewright.cli.options import Options, command

from . import first_deployment, project_needs, rehearsal, synthesis, template_lint, training_on_push
from .build_target import build_target

Assembly = Annotated[Path, typer.Option(help="Folder that `sagewright delivery synth` wrote.")]
Commit = Annotated[str | None, typer.Option(help="The commit that was pushed.", show_default=False)]


def register(group: typer.Typer) -> None:
    """Add the commands."""
    command(group, "prepare", examples=("sagewright delivery prepare",))(prepare)
    command(group, "synth", examples=("sagewright delivery synth --output cdk.out",))(synth)
    command(group, "lint", examples=("sagewright delivery lint cdk.out",))(lint)
    command(group, "rehearse", examples=("sagewright delivery rehearse --assembly cdk.out",))(rehearse)
    command(group, "deploy", examples=('sagewright delivery deploy --assembly cdk.out --commit "$COMMIT"',))(deploy)
    command(group, "train", examples=('sagewright delivery train --commit "$COMMIT" --attempt "$EXECUTION"',))(train)


def prepare(options: Options) -> None:
    """Install what the project's own lint and tests need and the environment does not have yet."""
    installed = project_needs.install(options)
    told = f"Installed {', '.join(installed)}." if installed else "Everything that the tests need is there."
    options.terminal.result({"installed": installed}, told)


def synth(
    options: Options,
    *,
    output: Annotated[Path, typer.Option(help="Folder for the assembly, which replaces what is in it.")] = Path(
        "cdk.out"
    ),
) -> None:
    """Write the templates that every later step deploys, once, as nobody: no credentials reach the synthesis.

    A finding of cdk-nag fails it.
    """
    stacks = synthesis.write(options, output)
    options.terminal.result({"assembly": output, "stacks": stacks}, f"{len(stacks)} templates are in {output}.")


def lint(
    options: Options,
    assembly: Annotated[Path, typer.Argument(help="Folder that `sagewright delivery synth` wrote.")] = Path("cdk.out"),
) -> None:
    """Check every template with cfn-lint, each for the region that it goes to."""
    checked = template_lint.check(options, assembly)
    options.terminal.result({"templates": checked}, f"cfn-lint has nothing against {len(checked)} templates.")


def rehearse(options: Options, *, assembly: Assembly = Path("cdk.out")) -> None:
    """Deploy the training to a sandbox of its own and train on a sample: all but the quality of the model is tried.

    A model of a few hundred rows need not be good: where nothing but the gate refuses it, the rehearsal has passed.
    """
    told = rehearsal.run(options, assembly)
    options.terminal.result({"rehearsal": told}, told)


def deploy(options: Options, *, assembly: Assembly = Path("cdk.out"), commit: Commit = None) -> None:
    """Deploy the first environment from the assembly that was tested, and publish both for the releases to come."""
    project = options.project()
    deployed = first_deployment.deploy(options, project, build_target(options, project), assembly, commit)
    told = f"Deployed {', '.join(deployed.stacks)}; published {deployed.published}."
    options.terminal.result({"stacks": deployed.stacks, "published": deployed.published}, told)


def train(
    options: Options,
    *,
    commit: Annotated[str, typer.Option(help="The commit that was pushed.")],
    attempt: Annotated[str, typer.Option(help="What this attempt is told from another one of the same commit by.")],
) -> None:
    """Start the training, unless nothing that trains has changed since the last one; nobody waits for its end."""
    project = options.project()
    started = training_on_push.start(options, project, build_target(options, project), commit, attempt)
    options.terminal.result({"execution": started.execution, "skipped": started.skipped}, started.told)
