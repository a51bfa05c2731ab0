"""What state a stack is in before it is deployed: an operation in progress is waited for, a dead end is explained.

The CDK CLI begins at once: on a stack that still changes it fails, and of one that is stuck it says only the state.
"""

import time
from typing import Any

from botocore.exceptions import ClientError

from sagewright.project import Environment, Project, names
from sagewright.runtime.functions.client import Client

from .errors import CommandError
from .options import Options
from .target import Target

_REVIEW = "REVIEW_IN_PROGRESS"
# The CDK deletes such a stack, of which nothing is left, and creates it anew.
_NEVER_CAME_UP = {"ROLLBACK_COMPLETE", "ROLLBACK_FAILED"}
# What takes each dead end on, and in words what it does.
_WAYS_ON = {
    "UPDATE_ROLLBACK_FAILED": ("continue-update-rollback", "put right what its reason names, then let it go on"),
    "UPDATE_FAILED": ("rollback-stack", "take back the update, which was started with rollback switched off"),
    "CREATE_FAILED": ("rollback-stack", "take back the creation, which was started with rollback switched off"),
    "DELETE_FAILED": ("delete-stack", "put right what its reason names, then let the deletion go on"),
}
_SHOWN_FAILURES = 3


def settle(options: Options, target: Target, environment: Environment, stack: str) -> dict[str, Any] | None:
    """Wait until nothing is in progress on the stack and make sure that it can be deployed.

    Returns its description; None where there is no stack, only a plan of one, or one that never came up.
    """
    cloudformation = target.stacks_client(environment)
    described = _settled(options, target, cloudformation, stack)
    if described is None or described["StackStatus"] == _REVIEW:
        return None
    status: str = described["StackStatus"]
    if status in _NEVER_CAME_UP:
        _unprotect(options, cloudformation, described)
        return None
    if status in _WAYS_ON:
        raise CommandError(_stuck(target, environment, cloudformation, described))
    return described


def settle_all(options: Options, project: Project, target: Target) -> None:
    """Make sure that every stack of the project but the releases can be deployed."""
    for environment in project.environments:
        stacks = [
            names.data_stack,
            names.network_stack,
            *([names.access_stack] if environment in project.serving else []),
        ]
        for name in stacks:
            settle(options, target, environment, name(project.name, environment.name))
    settle(options, target, project.first, names.training_stack(project.name))
    if project.repository is not None:
        settle(options, target, project.first, names.delivery_stack(project.name))


def ready(options: Options, target: Target, environment: Environment, stack: str) -> dict[str, Any] | None:
    """Make sure that CloudFormation itself can create or update the stack: it does not replace one that never came up.

    Returns its description; None where there is none, any more.
    """
    described = settle(options, target, environment, stack)
    if described is None and describe(target.stacks_client(environment), stack) is not None:
        delete(options, target, environment, stack)
    return described


def delete(options: Options, target: Target, environment: Environment, stack: str) -> None:
    """Delete a stack and wait until it is gone; one that is not there is fine, too."""
    cloudformation = target.stacks_client(environment)
    with options.terminal.task(f"Delete {stack}"):
        cloudformation.delete_stack(StackName=stack)
        while (described := describe(cloudformation, stack)) is not None:
            if described["StackStatus"] == "DELETE_FAILED":
                why = "; ".join(failures(cloudformation, stack))
                raise CommandError(f"Stack {stack} could not be deleted: {why or 'no reason is given'}.")
            time.sleep(target.poll_s)


def outputs(described: dict[str, Any] | None) -> dict[str, str]:
    """Read the outputs out of a stack's description; none of a stack that there is not."""
    found = described.get("Outputs", []) if described is not None else []
    return {output["OutputKey"]: output["OutputValue"] for output in found}


def parameters(described: dict[str, Any] | None) -> dict[str, str]:
    """Read the parameters out of a stack's description; none of a stack that there is not."""
    found = described.get("Parameters", []) if described is not None else []
    return {each["ParameterKey"]: each["ParameterValue"] for each in found}


def describe(cloudformation: Client, stack: str) -> dict[str, Any] | None:
    """Describe the stack; None where there is none."""
    try:
        return cloudformation.describe_stacks(StackName=stack)["Stacks"][0]
    except ClientError as error:
        if "does not exist" in error.response["Error"]["Message"]:
            return None
        raise


def _settled(options: Options, target: Target, cloudformation: Client, stack: str) -> dict[str, Any] | None:
    with options.terminal.checklist() as checklist:
        told = began = None
        while (described := describe(cloudformation, stack)) is not None:
            status = described["StackStatus"]
            if status == _REVIEW or not status.endswith("_IN_PROGRESS"):
                break
            if told is None:
                began = time.monotonic()
                options.terminal.note(
                    f"Stack {stack} is {status}: an earlier deployment goes on there. Waiting for it."
                )
            told = status
            checklist.running(stack, status)
            time.sleep(target.poll_s)
        if began is not None:
            ended = described["StackStatus"] if described is not None else "deleted"
            checklist.finished(stack, f"the earlier deployment ended: {ended}", time.monotonic() - began)
    return described


def _unprotect(options: Options, cloudformation: Client, described: dict[str, Any]) -> None:
    """Let the CDK replace a stack that never came up: it is protected from the start, though it holds nothing yet."""
    if described.get("EnableTerminationProtection"):
        stack = described["StackName"]
        cloudformation.update_termination_protection(StackName=stack, EnableTerminationProtection=False)
        options.terminal.note(
            f"Stack {stack} never came up ({described['StackStatus']}): it will be deleted and created anew. What its "
            "first attempt kept, such as a bucket, stays."
        )


def _stuck(target: Target, environment: Environment, cloudformation: Client, described: dict[str, Any]) -> str:
    stack, status = described["StackName"], described["StackStatus"]
    verb, words = _WAYS_ON[status]
    why = "; ".join(failures(cloudformation, stack)) or described.get("StackStatusReason", "no reason is given")
    where = "" if not target.is_sandbox else ' (after `eval "$(sagewright sandbox up --export)"`)'
    account = target.account_of(environment)
    whose = f" with credentials of account {account}" if account != target.account else ""
    return (
        f"Stack {stack} is {status} and cannot be deployed: {why.rstrip('.')}. To go on, {words}: "
        f"`aws cloudformation {verb} --region {environment.region} --stack-name {stack}`{where}{whose}; wait until it "
        "has ended and repeat this command."
    )


def failures(cloudformation: Client, stack: str) -> list[str]:
    """Read which resources failed in the last operation, the latest first."""
    found: dict[str, str] = {}
    for page in cloudformation.get_paginator("describe_stack_events").paginate(StackName=stack):
        for event in page["StackEvents"]:
            of_stack = event["PhysicalResourceId"] == event["StackId"]
            if of_stack and event.get("ResourceStatusReason") == "User Initiated":
                return list(found.values())
            if not of_stack and event["ResourceStatus"].endswith("_FAILED") and len(found) < _SHOWN_FAILURES:
                reason = " ".join(event.get("ResourceStatusReason", "no reason is given").split()).rstrip(".")
                found.setdefault(
                    event["LogicalResourceId"], f"{event['ResourceType']} {event['LogicalResourceId']}: {reason}"
                )
    return list(found.values())
