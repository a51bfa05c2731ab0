"""Why: a deployment is a stack brought to a template and parameters out of artifacts, by CloudFormation's own API.

https://docs.aws.amazon.com/codepipeline/latest/userguide/action-reference-CloudFormation.html
"""

import json
from collections.abc import Mapping
from typing import Any

from botocore.exceptions import ClientError

from ..artifacts import packed
from ..failures import ActionError, refused
from .action import Done, Job

_MOST_BODY = 51_200
_GOOD = {"CREATE_COMPLETE", "UPDATE_COMPLETE"}
_CONFIGURATION_KEYS = {"Parameters", "Tags", "StackPolicy"}
_MOVING = "_IN_PROGRESS"
_NOTHING_NEW = "No updates are to be performed"
_ABSENT = "does not exist"
_SETTLING_ERRORS = "JobFailed"


class CloudFormation:
    """Creates, updates and deletes stacks."""

    def perform(self, job: Job) -> Done:
        """Do what the action's mode says."""
        if job.configuration["ActionMode"] == "DELETE_ONLY":
            return _delete(job)
        client, name = job.client("cloudformation"), job.configuration["StackName"]
        request = _request(job)
        known = _described(job, name)
        if known is None:
            _called(lambda: client.create_stack(**request), f"create the stack {name}")
        else:
            try:
                client.update_stack(**request)
            except ClientError as error:
                if _NOTHING_NEW not in str(error):
                    raise refused(error, f"update the stack {name}", _SETTLING_ERRORS) from error
        return _deployed(job, name)


def _delete(job: Job) -> Done:
    client, name = job.client("cloudformation"), job.configuration["StackName"]
    known = _described(job, name)
    if known is None:
        return Done(summary=f"Stack {name} does not exist")
    request = {"StackName": name, "RoleARN": job.configuration["RoleArn"]}
    _called(lambda: client.delete_stack(**request), f"delete the stack {name}")
    identity = known["StackId"]
    gone, reason = _settled(job, identity)
    if gone is not None and gone["StackStatus"] != "DELETE_COMPLETE":
        raise _failed(job, gone, reason)
    return Done("Stack deleted", identity, _page(job, identity))


def _deployed(job: Job, name: str) -> Done:
    """Wait for the stack, and write its outputs where they are asked for."""
    stack, reason = _settled(job, name)
    if stack is None:
        raise ActionError(_SETTLING_ERRORS, f"Stack {name} was deleted while it was being deployed")
    if stack["StackStatus"] not in _GOOD:
        raise _failed(job, stack, reason)
    outputs = {each["OutputKey"]: each["OutputValue"] for each in stack.get("Outputs") or ()}
    if file := job.configuration.get("OutputFileName"):
        job.leave(packed({file: json.dumps(outputs).encode()}))
    return Done("Stack deployed", stack["StackId"], _page(job, stack["StackId"]), outputs)


def _request(job: Job) -> dict[str, Any]:
    configuration = job.configuration
    request: dict[str, Any] = {
        "StackName": configuration["StackName"],
        "RoleARN": configuration["RoleArn"],
        **_template(job, _file(job, configuration["TemplatePath"])),
    }
    if capabilities := configuration.get("Capabilities"):
        request["Capabilities"] = capabilities.split(",")
    parameters: dict[str, str] = {}
    if path := configuration.get("TemplateConfiguration"):
        given = _template_configuration(_file(job, path), path)
        parameters |= given.get("Parameters") or {}
        if tags := given.get("Tags"):
            request["Tags"] = [{"Key": key, "Value": value} for key, value in tags.items()]
        if given.get("StackPolicy"):
            message = f"The sandbox's CloudFormation does not have stack policies (StackPolicy in {path})."
            raise ActionError("ConfigurationError", message)
    parameters |= json.loads(configuration.get("ParameterOverrides") or "{}")
    if parameters:
        request["Parameters"] = [{"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()]
    return request


def _file(job: Job, path: str) -> str:
    artifact, _, name = path.partition("::")
    return job.bundle(artifact).text(name)


def _template(job: Job, text: str) -> dict[str, str]:
    """Return the template as a request has it: a long one is an object beside the artifacts, left by the pipeline."""
    if len(text.encode()) <= _MOST_BODY:
        return {"TemplateBody": text}
    place = job.store.place(job.pipeline, "Templates")
    encryption = {"SSEKMSKeyId": job.store.key} if job.store.key else {}
    job.store.put(job.own.get("s3", "", job.place.region), place.key, text.encode(), **encryption)
    return {"TemplateURL": f"https://s3.{job.place.region}.amazonaws.com/{place.bucket}/{place.key}"}


def _template_configuration(text: str, path: str) -> Mapping[str, Any]:
    try:
        found: Any = json.loads(text)
    except ValueError as error:
        raise ActionError("ConfigurationError", f"Template configuration {path} is no valid JSON: {error}") from None
    if not isinstance(found, dict) or (unknown := set(found) - _CONFIGURATION_KEYS):
        keys = sorted(unknown) if isinstance(found, dict) else type(found).__name__
        allowed = ", ".join(sorted(_CONFIGURATION_KEYS))
        raise ActionError("ConfigurationError", f"Template configuration {path} has {keys}; there may be {allowed}")
    for part in ("Parameters", "Tags"):
        values = found.get(part) or {}
        if not isinstance(values, dict) or not all(isinstance(each, str) for each in values.values()):
            raise ActionError("ConfigurationError", f"Template configuration {path}: {part} must be an object of texts")
    return found


def _described(job: Job, name: str) -> dict[str, Any] | None:
    try:
        return job.client("cloudformation").describe_stacks(StackName=name)["Stacks"][0]
    except ClientError as error:
        if _ABSENT in str(error):
            return None
        raise refused(error, f"describe the stack {name}") from error


def _settled(job: Job, name: str) -> tuple[dict[str, Any] | None, str]:
    """Return the stack when nothing moves any more, and why it turned around if it did; each question waits a while."""
    reason = ""
    while (stack := _described(job, name)) is not None and stack["StackStatus"].endswith(_MOVING):
        if "ROLLBACK" in stack["StackStatus"]:
            reason = stack.get("StackStatusReason", "") or reason
    return stack, reason


def _failed(job: Job, stack: Mapping[str, Any], reason: str) -> ActionError:
    told = stack.get("StackStatusReason", "") or reason
    message = f"Stack {stack['StackName']} is in {stack['StackStatus']}. {told}".strip()
    return ActionError(_SETTLING_ERRORS, message, stack["StackId"], _page(job, stack["StackId"]))


def _called(call: Any, what: str) -> None:
    try:
        call()
    except ClientError as error:
        raise refused(error, what, _SETTLING_ERRORS) from error


def _page(job: Job, identity: str) -> str:
    return (
        f"https://console.aws.amazon.com/cloudformation/home?region={job.place.region}#/stack/detail?stackId={identity}"
    )
