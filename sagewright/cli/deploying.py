"""What `deploy` and the stack part of `release` do: prepare the accounts, then let the CDK deploy."""

from collections.abc import Sequence
from typing import Any

from rich.markup import escape

from sagewright.project import Environment, Project, names

from . import adoption, assembly, bootstrapping, checking, protection, stack_states
from .cdk import Cdk
from .changes import StackChanges
from .features import safe_change
from .options import Options
from .target import Target


def deploy(options: Options, project: Project, target: Target, *, adopts: bool = False) -> dict[str, Any]:
    """Deploy everything but the releases; returns the stacks with their outputs, by environment.

    With `adopts`, what an earlier deployment has left is taken over instead of being in the way.
    """
    checking.require_code(project)
    planned = assembly.synthesize(options, project, target)
    # A bootstrap changes accounts, and a refused deployment changes nothing: what can be told without one is told now.
    known = bootstrapping.bootstrapped(project, target)
    protection.refuse_known_losses(project, target, planned, known)
    bootstrapping.prepare(options, project, target)
    stack_states.settle_all(options, project, target)
    changed = protection.require_kept(project, target, planned, adopts=adopts)
    _tell_lifted(options, target, changed)
    for each in filter(None, (safe_change.left_behind(stack, project) for stack in changed)):
        options.terminal.note(f"[yellow]![/] {escape(each)}")
    adopted = adoption.adopt(options, project, target, planned) if adopts else []
    cdk = Cdk(project.root, target.environ(project.first.region), options.terminal)
    cdk.deploy_assembly(planned.folder, "--all", *(["--import-existing-resources"] if adopts else []))
    deployed = {"target": "sandbox" if target.is_sandbox else "aws", "stacks": _stacks(project, target)}
    return deployed | ({"adopted": adopted} if adopts else {})


def _tell_lifted(options: Options, target: Target, planned: Sequence[StackChanges]) -> None:
    """Say where data loses its protection; in AWS somebody has to agree."""
    told = " ".join(filter(None, map(protection.lifted, planned)))
    if told and target.is_sandbox:
        options.terminal.note(f"[yellow]![/] {escape(told)}")
    elif told:
        options.terminal.confirm(f"{told} Go on?", assume_yes=options.yes)


def _stacks(project: Project, target: Target) -> dict[str, dict[str, dict[str, str]]]:
    """Read the outputs of the project's stacks, where the caller's own account holds them."""
    found: dict[str, dict[str, dict[str, str]]] = {}
    for environment in project.environments:
        if not target.is_sandbox and target.account_of(environment) != target.account:
            continue  # the caller may deploy there through the CDK's roles, but not look around
        cloudformation = target.client("cloudformation", environment)
        pages = cloudformation.get_paginator("describe_stacks").paginate()
        stacks = [stack for page in pages for stack in page["Stacks"]]
        found[environment.name] = {
            stack["StackName"]: {output["OutputKey"]: output["OutputValue"] for output in stack.get("Outputs", [])}
            for stack in stacks
            if _belongs(stack["StackName"], project, environment)
        }
    return found


def _belongs(stack: str, project: Project, environment: Environment) -> bool:
    of_project = {names.training_stack(project.name), names.delivery_stack(project.name)}
    own = f"{project.name}-{environment.name}-"
    return stack.startswith(own) or (environment == project.first and stack in of_project)
