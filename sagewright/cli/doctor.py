"""`sagewright doctor`: what AWS would say after ten minutes, said now, with the command that mends it."""

from dataclasses import asdict
from typing import Annotated

import typer

from . import assembly, checking
from .diagnosis.examination import examine
from .diagnosis.finding import Finding, Subject
from .errors import CommandError
from .options import Options, command
from .options import environment as environment_of
from .terminal import table

_MARKS = {"ok": "ok", "warning": "WARNING", "failure": "FAILURE"}


def register(group: typer.Typer) -> None:
    """Add the command."""

    @command(
        group,
        "doctor",
        examples=("sagewright doctor", "sagewright doctor prod --target aws", "sagewright doctor --json"),
    )
    def doctor(
        options: Options,
        environment: Annotated[
            str | None, typer.Argument(metavar="[ENV]", help="Examine one environment; every one if left out.")
        ] = None,
    ) -> None:
        """Check that a deployment, a training and a release can work here: tools, accounts, quotas, regions, names.

        Each finding says what AWS would say later and the command that mends it. Nothing is changed. Ends with 1 where
        something would fail; warnings alone end with 0.
        """
        project = options.project()
        checking.require_code(project)
        target = options.target(project)
        chosen = (environment_of(project, environment),) if environment else project.environments
        planned = assembly.synthesize(options, project, target)
        findings = list(examine(Subject(project, target, chosen, planned)))
        rows = [(_MARKS[each.result], each.environment, each.check, each.told) for each in findings]
        failed = [each for each in findings if each.result == "failure"]
        options.terminal.result(
            {"healthy": not failed, "findings": [asdict(each) for each in findings]},
            table("", "Environment", "Check", "", rows=rows),
            *(_remedy(each) for each in findings if each.result != "ok"),
        )
        if failed:
            names = ", ".join(dict.fromkeys(each.check for each in failed))
            raise CommandError(f"{len(failed)} of {len(findings)} checks failed: {names}.")


def _remedy(finding: Finding) -> str:
    where = f" in {finding.environment}" if finding.environment else ""
    later = f"\n  AWS would say: {finding.later}" if finding.later else ""
    mend = f"\n  Mend it: {finding.mend}" if finding.mend else ""
    return f"\n{finding.check}{where}: {finding.told}{later}{mend}"
