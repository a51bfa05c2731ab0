"""What a deployment would do to a stack, asked of CloudFormation by a change set that is never executed."""

import json
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from botocore.exceptions import ClientError

from sagewright.runtime.functions.client import Client

from . import stack_states
from .assembly import PlannedStack
from .errors import CommandError
from .target import Target

Action = Literal["add", "import", "modify", "replace", "may replace", "remove", "let go"]

CHANGE_SET = "sagewright-diff"
FEATURE_GROUP = "AWS::SageMaker::FeatureGroup"
CAPABILITIES = ("CAPABILITY_IAM", "CAPABILITY_NAMED_IAM", "CAPABILITY_AUTO_EXPAND")
# https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-limits.html
LONGEST_BODY = 51_200
_WAIT_S = 300
_NOT_UP = {"REVIEW_IN_PROGRESS", "ROLLBACK_COMPLETE", "ROLLBACK_FAILED"}
_SAME = ("didn't contain changes", "No updates are to be performed")
# The code of everything that it finds wrong with a template before it plans.
_REFUSED = "ValidationError"
_MISSING_EXPORT = "No export named"


@dataclass(frozen=True)
class Change:
    """What would become of one resource."""

    stack: PlannedStack
    action: Action
    logical_id: str
    kind: str
    physical_id: str = ""
    properties: tuple[str, ...] = ()
    """The properties that differ; of a replacement those that cause it."""
    attributes: tuple[str, ...] = ()
    """What differs beside the properties, such as the DeletionPolicy."""


@dataclass(frozen=True)
class StackChanges:
    """What would become of one stack; a new one holds nothing that could be hurt."""

    stack: PlannedStack
    is_new: bool = False
    changes: tuple[Change, ...] = ()
    unknown: str = ""
    """Why CloudFormation could not say what it would do, if it could not."""
    deployed: Mapping[str, Any] = field(default_factory=dict)
    """The resources that the stack has now, by logical id, where its template has feature groups; else none."""


def plan(target: Target, stack: PlannedStack, cloudformation: Client | None = None) -> StackChanges:
    """Ask CloudFormation what it would do with the stack's template; nothing is changed by asking.

    Without a client of the caller's choice it is asked as the one who deploys.
    """
    cloudformation = cloudformation or target.stacks_client(stack.environment)
    described = stack_states.describe(cloudformation, stack.name)
    if described is None or described["StackStatus"] in _NOT_UP:
        added = [Change(stack, "add", logical_id, each["Type"]) for logical_id, each in stack.resources.items()]
        return StackChanges(stack, is_new=True, changes=tuple(added))
    if not described["StackStatus"].endswith("_COMPLETE"):
        return StackChanges(stack, unknown=f"it is {described['StackStatus']}")
    if missing := _missing_parameters(stack, described):
        return StackChanges(stack, unknown=f"only a release gives values to its new parameters {', '.join(missing)}")
    return replace(_ask(target, cloudformation, stack, described), deployed=_deployed(cloudformation, stack))


def _ask(target: Target, cloudformation: Client, stack: PlannedStack, described: dict[str, Any]) -> StackChanges:
    _forget(cloudformation, stack.name)
    try:
        cloudformation.create_change_set(**request(target, stack, described), ChangeSetType="UPDATE")
        found = created(target, cloudformation, stack.name)
    except ClientError as error:
        if error.response["Error"]["Code"] != _REFUSED:
            raise
        return StackChanges(stack, unknown=error.response["Error"]["Message"])
    finally:
        _forget(cloudformation, stack.name)
    if found["Status"] != "FAILED":
        return StackChanges(stack, changes=tuple(_read(stack, found["Changes"])))
    reason = found.get("StatusReason", "")
    if any(words in reason for words in _SAME):
        return StackChanges(stack)
    later = ": a stack that is deployed before it makes it" if _MISSING_EXPORT in reason else ""
    return StackChanges(stack, unknown=f"{reason.rstrip('.')}{later}")


def _deployed(cloudformation: Client, stack: PlannedStack) -> Mapping[str, Any]:
    """Read the resources that a stack was deployed with; of a feature group a plan does not say enough."""
    if not any(each["Type"] == FEATURE_GROUP for each in stack.resources.values()):
        return {}
    return deployed_template(cloudformation, stack.name)["Resources"]


def deployed_template(cloudformation: Client, stack: str) -> dict[str, Any]:
    """Read the template that a stack was deployed with last."""
    body = cloudformation.get_template(StackName=stack)["TemplateBody"]
    return json.loads(body) if isinstance(body, str) else body


def request(target: Target, stack: PlannedStack, described: dict[str, Any] | None = None) -> dict[str, Any]:
    """Make what a change set of the stack asks for; parameters keep the values that they have."""
    present = {each["ParameterKey"] for each in (described or {}).get("Parameters", [])}
    return {
        "StackName": stack.name,
        "ChangeSetName": CHANGE_SET,
        **_template(target, stack),
        "Capabilities": list(CAPABILITIES),
        "Tags": [{"Key": key, "Value": value} for key, value in stack.tags.items()],
        "Parameters": [
            {"ParameterKey": key, "UsePreviousValue": True}
            for key in stack.template.get("Parameters", {})
            if key in present
        ],
    }


def created(target: Target, cloudformation: Client, stack: str) -> dict[str, Any]:
    """Wait until the change set is worked out; returns it with all of its changes."""
    deadline = time.monotonic() + _WAIT_S
    while True:
        pages = cloudformation.get_paginator("describe_change_set").paginate(StackName=stack, ChangeSetName=CHANGE_SET)
        first, *others = list(pages)
        if first["Status"] not in {"CREATE_PENDING", "CREATE_IN_PROGRESS"}:
            return first | {"Changes": [change for page in (first, *others) for change in page["Changes"]]}
        if time.monotonic() > deadline:
            raise CommandError(f"CloudFormation has not worked out the changes of {stack} within {_WAIT_S} s.")
        time.sleep(target.poll_s)


def _template(target: Target, stack: PlannedStack) -> dict[str, str]:
    """Give the template itself, or where it is too long for that, where it stands: there the CDK puts it, too."""
    body = json.dumps(stack.template, separators=(",", ":"), ensure_ascii=False)
    if len(body.encode()) <= LONGEST_BODY:
        return {"TemplateBody": body}
    bucket, _, key = stack.template_url.removeprefix("s3://").partition("/")
    account = target.account_of(stack.environment)
    bucket, key = (part.replace("${AWS::AccountId}", account) for part in (bucket, key))
    s3 = target.client("s3", stack.environment)
    s3.put_object(Bucket=bucket, Key=key, Body=stack.file.read_bytes(), ContentType="application/json")
    return {"TemplateURL": f"https://{bucket}.s3.{stack.environment.region}.amazonaws.com/{key}"}


def _missing_parameters(stack: PlannedStack, described: dict[str, Any]) -> list[str]:
    present = {each["ParameterKey"] for each in described.get("Parameters", [])}
    declared = stack.template.get("Parameters", {}).items()
    return [key for key, each in declared if key not in present and "Default" not in each]


def _forget(cloudformation: Client, stack: str) -> None:
    """Delete the change set, which an interrupted command may have left; one that is absent is fine, too."""
    cloudformation.delete_change_set(StackName=stack, ChangeSetName=CHANGE_SET)


def _read(stack: PlannedStack, changes: Iterable[dict[str, Any]]) -> Iterable[Change]:
    for change in changes:
        told = change["ResourceChange"]
        action = _action(told)
        details = [each for each in told.get("Details", []) if each["Target"]["Attribute"] == "Properties"]
        causes = [each for each in details if each["Target"].get("RequiresRecreation", "Never") != "Never"]
        wanted = causes if action in {"replace", "may replace"} else details
        others = sorted({each["Target"]["Attribute"] for each in told.get("Details", [])} - {"Properties"})
        named = tuple(dict.fromkeys(each["Target"]["Name"] for each in wanted))
        yield Change(
            stack,
            action,
            told["LogicalResourceId"],
            told["ResourceType"],
            told.get("PhysicalResourceId", ""),
            named or tuple(others),
            tuple(others),
        )


def _action(told: dict[str, Any]) -> Action:
    if told["Action"] == "Remove":
        return "let go" if told.get("PolicyAction") == "Retain" else "remove"
    plain: dict[str, Action] = {"Add": "add", "Import": "import"}
    replaced: dict[str, Action] = {"True": "replace", "Conditional": "may replace"}
    return plain.get(told["Action"]) or replaced.get(told.get("Replacement", ""), "modify")
