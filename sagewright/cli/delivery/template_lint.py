"""cfn-lint on every template of an assembly: what CloudFormation would refuse minutes later, or worse, accept."""

import glob
from collections import defaultdict
from pathlib import Path

from sagewright.cli.assembly import Assembly
from sagewright.cli.errors import CommandError
from sagewright.cli.options import Options

_SHOWN = 20


def check(options: Options, folder: Path) -> list[str]:
    """Check the templates; returns their names, or raises with every finding."""
    from cfnlint.api import lint_by_config  # noqa: PLC0415 - it takes a second to load, and only this command needs it

    if not (folder / "manifest.json").is_file():
        raise CommandError(f"{folder} is no assembly: write one with `sagewright delivery synth --output {folder}`.")
    read = Assembly.read(options.project(), folder)
    stacks = (*read.stacks, *read.releases)
    # All of a region at once, because cfn-lint reads its rules anew each time that it is called.
    files: dict[str, list[str]] = defaultdict(list)
    for stack in stacks:
        files[stack.environment.region].append(glob.escape(str(stack.file)))
    found = [
        f"{Path(match.filename or '').name}:{match.linenumber}: {match.rule.id} {match.message}"
        for region, templates in files.items()
        for match in lint_by_config({"templates": templates, "regions": [region]})
    ]
    if found:
        more = f"\nand {len(found) - _SHOWN} more" if len(found) > _SHOWN else ""
        raise CommandError("cfn-lint refuses templates:\n" + "\n".join(found[:_SHOWN]) + more)
    return [stack.name for stack in stacks]
