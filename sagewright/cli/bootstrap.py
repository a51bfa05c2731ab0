"""`sagewright bootstrap`: once per account, what a deployment needs there before it can begin."""

from typing import Annotated

import typer

from . import bootstrapping
from .bootstrapping import Place
from .cdk import INTERRUPTED
from .errors import CommandError
from .options import Options, command, environment
from .terminal import table


def register(group: typer.Typer) -> None:
    """Add the command."""

    @command(
        group,
        "bootstrap",
        examples=("sagewright bootstrap", "sagewright bootstrap prod --target aws"),
    )
    def bootstrap(
        options: Options,
        environments: Annotated[
            list[str] | None,
            typer.Argument(metavar="[ENV]...", help="Environments to prepare for; every one if left out."),
        ] = None,
        *,
        replace: Annotated[
            bool,
            typer.Option(
                "--replace",
                help="Take over a bootstrap that lets CloudFormation deploy with other policies, and mend roles that "
                "were changed by hand.",
            ),
        ] = False,
    ) -> None:
        """Make accounts ready for deployments: the CDK's own stack, and a policy that says what CloudFormation may do.

        Runs `cdk bootstrap` with a policy that is just enough for projects of Sagewright, instead of the CDK's default,
        AdministratorAccess. Later environments trust the account of the first one, which deploys to them. In AWS it
        acts on the account of the credentials in use, and says what to run for the others.
        """
        project = options.project()
        chosen = [environment(project, name) for name in environments] if environments else project.environments
        target = options.target(project)
        wanted = bootstrapping.places(project, target, chosen)
        here = [place for place in wanted if target.is_sandbox or place.account == target.account]
        if not here:
            raise CommandError(
                f"The AWS credentials in use belong to account {target.account}, which none of "
                f"{', '.join(each.name for each in chosen)} is in. {_remaining(wanted)}"
            )
        bootstrapping.require_boundaries(target, here)
        options.acting_on(
            project,
            f"{', '.join(str(place) for place in here)} will be bootstrapped: roles that the account of the first "
            "environment can take on, a bucket, an image repository, and a policy for CloudFormation.",
        )
        with options.terminal.if_interrupted(INTERRUPTED):
            done = [bootstrapping.bootstrap(options, project, target, place, replace=replace) for place in here]
        others = [place for place in wanted if place not in here]
        if others:
            options.terminal.note(_remaining(others))
        rows = [(each["account"], each["region"], each["toolkit"], ", ".join(each["policies"])) for each in done]
        options.terminal.result(
            {"bootstrapped": done, "remaining": [_command(place) for place in others]},
            table("Account", "Region", "Stack", "Policies", rows=rows),
        )


def _remaining(places: list[Place]) -> str:
    commands = " and ".join(f"`{_command(place)}` with credentials of account {place.account}" for place in places)
    return f"Run {commands}."


def _command(place: Place) -> str:
    return f"sagewright bootstrap {place.environment.name} --target aws"
