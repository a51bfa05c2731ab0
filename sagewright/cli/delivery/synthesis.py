"""Writes the assembly of a build: once, without anybody's credentials, for every later step to take as it is."""

import shutil
from pathlib import Path

from sagewright.cli import assembly, checking
from sagewright.cli.assembly import Assembly
from sagewright.cli.environ import without_aws
from sagewright.cli.errors import CommandError
from sagewright.cli.options import Options
from sagewright.cli.target import SANDBOX_ACCOUNT

from . import published_project


def write(options: Options, output: Path) -> list[str]:
    """Write the assembly to a folder; returns the names of its stacks."""
    project = options.project()
    checking.require_code(project)
    if output.exists() and any(output.iterdir()) and not (output / "manifest.json").is_file():
        raise CommandError(f"{output} holds something else than an assembly: choose another folder, or empty it first.")
    # Synthesis asks nobody: an account that project.yaml does not name is CloudFormation's own pseudo parameter.
    variables = without_aws() | {"CDK_DEFAULT_ACCOUNT": SANDBOX_ACCOUNT, "CDK_DEFAULT_REGION": project.first.region}
    written = assembly.write(options, project, variables)
    shutil.rmtree(output, ignore_errors=True)
    for name in published_project.of_assembly(written):
        target = output / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(written / name, target)
    read = Assembly.read(project, output)
    return [stack.name for stack in (*read.stacks, *read.releases)]
