"""cfn-lint on every template of an assembly: what CloudFormation would refuse minutes later, or worse, accept."""

from pathlib import Path

from sagewright.cli.assembly import Assembly
from sagewright.cli.errors import CommandError
from sagewright.cli.options import Options

_SHOWN = 20


def check(options: Options, folder: Path) -> list[str]:
    """Check the templates; returns their names, or raises with every finding."""
    from cfnlint.api import lint  # noqa: PLC0415 - it takes a second to load, and only this command needs it

    if not (folder / "manifest.json").is_file():
        raise CommandError(f"{folder} is no assembly: write one with `sagewright delivery synth --output {folder}`.")
    read = Assembly.read(options.project(), folder)
    stacks = (*read.stacks, *read.releases)
    found = [
        f"{stack.file.name}:{match.linenumber}: {match.rule.id} {match.message}"
        for stack in stacks
        for match in lint(stack.file.read_text(encoding="utf-8"), regions=[stack.environment.region])
    ]
    if found:
        more = f"\nand {len(found) - _SHOWN} more" if len(found) > _SHOWN else ""
        raise CommandError("cfn-lint refuses templates:\n" + "\n".join(found[:_SHOWN]) + more)
    return [stack.name for stack in stacks]
