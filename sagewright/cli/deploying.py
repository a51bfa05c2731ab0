"""What `deploy` and the stack part of `release` do: prepare the accounts, then let the CDK deploy."""

import shutil
import sys
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from sagewright.project import Environment, Project
from sagewright.runtime.functions.client import Client

from . import checking
from .cdk import Cdk
from .errors import CommandError
from .options import Options
from .target import Sandbox, Target

TOOLKIT = "CDKToolkit"
# In the sandbox the accounts are empty and local; in AWS whoever bootstraps chooses the policy.
SANDBOX_POLICY = "arn:aws:iam::aws:policy/AdministratorAccess"


def deploy(options: Options, project: Project, target: Target) -> dict[str, Any]:
    """Deploy everything but the releases; returns the stacks with their outputs, by environment."""
    checking.require_code(project)
    bootstrap(options, project, target)
    Cdk(project.root, target.environ(project.first.region), options.terminal).deploy("--all")
    return {"target": "sandbox" if target.is_sandbox else "aws", "stacks": _stacks(project, target)}


def bootstrap(options: Options, project: Project, target: Target) -> None:
    """Make every account ready for the CDK: in the sandbox by itself, in AWS by saying which command does it."""
    seen: set[tuple[str, str]] = set()
    for environment in project.environments:
        place = (target.account_of(environment), environment.region)
        if place in seen:
            continue
        seen.add(place)
        if isinstance(target, Sandbox):
            if not _is_bootstrapped(target.client("cloudformation", environment)):
                _bootstrap_sandbox(options, project, target, environment)
        elif place[0] == target.account and not _is_bootstrapped(target.client("cloudformation", environment)):
            raise CommandError(
                f"Account {place[0]} is not prepared for the CDK in {place[1]} yet. Do it once: "
                f"`{_cdk_command()} bootstrap aws://{place[0]}/{place[1]}`; for one that another account deploys to, "
                f"add `--trust {target.account} --cloudformation-execution-policies <policy ARN>`."
            )


def _bootstrap_sandbox(options: Options, project: Project, target: Sandbox, environment: Environment) -> None:
    account = target.account_of(environment)
    arguments = [f"aws://{account}/{environment.region}", "--cloudformation-execution-policies", SANDBOX_POLICY]
    if account != target.account:
        arguments += ["--trust", target.account]
    variables = target.environ(environment.region) | target.variables(environment.region, account)
    Cdk(project.root, variables, options.terminal).run("bootstrap", ["bootstrap"], arguments)


def _is_bootstrapped(cloudformation: Client) -> bool:
    return _outputs(cloudformation, TOOLKIT) is not None


def _outputs(cloudformation: Client, stack: str) -> dict[str, str] | None:
    try:
        described = cloudformation.describe_stacks(StackName=stack)["Stacks"][0]
    except ClientError as error:
        if "does not exist" in error.response["Error"]["Message"]:
            return None
        raise
    return {output["OutputKey"]: output["OutputValue"] for output in described.get("Outputs", [])}


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
    own = f"{project.name}-{environment.name}-"
    return stack.startswith(own) or (environment == project.first and stack == f"{project.name}-training")


def _cdk_command() -> str:
    """Name the CDK CLI so that the user can type it: the one beside us where none is on the PATH."""
    return "cdk" if shutil.which("cdk") else str(Path(sys.executable).parent / "cdk")
