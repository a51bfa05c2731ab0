"""Why: a target is a call that the schedule's role makes; which calls those may be is known before one is due.

https://docs.aws.amazon.com/scheduler/latest/UserGuide/managing-targets.html
"""

import json
import re
from collections.abc import Mapping
from typing import Any

from botocore.model import StructureShape

from ..as_service import queue_url
from ..clients import ActingClients
from ..protocol import ApiError
from ..sagemaker.pipelines.kinds import MODEL

PRINCIPAL = "scheduler.amazonaws.com"
_UNIVERSAL = "arn:aws:scheduler:::aws-sdk:"
_PIPELINE_START = f"{_UNIVERSAL}sagemaker:startPipelineExecution"
_TEMPLATED = {"lambda": "function:", "sagemaker": "pipeline/", "sqs": ""}
_PARAMETERS = {"SageMakerPipelineParameters": "sagemaker", "SqsParameters": "sqs"}
_OTHER_PARAMETERS = ("EcsParameters", "EventBridgeParameters", "KinesisParameters")
_CONTEXT = re.compile(r"<aws\.scheduler\.([a-z-]+)>")
_ATTRIBUTES = ("schedule-arn", "scheduled-time", "execution-id", "attempt-number")


def check(target: Mapping[str, Any]) -> None:
    """Refuse a target that the sandbox does not reach, and input that its call would not take."""
    arn, kind = target["Arn"], kind_of(target["Arn"])
    if kind is None:
        reached = f"functions, queues, SageMaker pipelines and {_PIPELINE_START}"
        raise ApiError(
            "UnsupportedOperation", f"The sandbox's Scheduler does not reach {arn}: it reaches {reached}.", 501
        )
    for member in _OTHER_PARAMETERS:
        if member in target:
            raise _invalid(f"{member} is not for the target {arn}.")
    for member, wanted in _PARAMETERS.items():
        if member in target and kind != wanted:
            raise _invalid(f"{member} is not for the target {arn}.")
    if kind == "sqs" and arn.endswith(".fifo") and not target.get("SqsParameters"):
        raise _invalid("SqsParameters with a MessageGroupId is required for a FIFO queue.")
    if kind == "universal":
        _check_request(target)


def kind_of(arn: str) -> str | None:
    """Return what kind of target an ARN is, or None for one that is not reached here."""
    if arn.startswith(_UNIVERSAL):
        return "universal" if arn == _PIPELINE_START else None
    parts = arn.split(":", 5)
    if len(parts) != 6 or parts[2] not in _TEMPLATED or not parts[4]:  # noqa: PLR2004 - an ARN's six parts
        return None
    return parts[2] if parts[5].startswith(_TEMPLATED[parts[2]]) else None


def filled(text: str, attributes: Mapping[str, str]) -> str:
    """Return an input with the schedule's context in place of its keywords.

    https://docs.aws.amazon.com/scheduler/latest/UserGuide/managing-schedule-context-attributes.html
    """
    return _CONTEXT.sub(lambda match: attributes.get(match[1], match[0]), text)


def invoke(target: Mapping[str, Any], text: str, acting: ActingClients, account: str, region: str) -> None:
    """Make the call of a target with the schedule's role."""
    arn, kind = target["Arn"], kind_of(target["Arn"])
    parts = [*arn.split(":", 5), *([""] * 6)]
    if kind == "universal":
        acting.get("sagemaker", account, region).start_pipeline_execution(**json.loads(text))
    elif kind == "lambda":
        client = acting.get("lambda", parts[4], parts[3])
        client.invoke(FunctionName=arn, InvocationType="Event", Payload=text.encode())
    elif kind == "sqs":
        client = acting.get("sqs", parts[4], parts[3])
        more = target.get("SqsParameters") or {}
        client.send_message(QueueUrl=queue_url(acting.endpoint, arn), MessageBody=text, **more)
    else:
        given = (target.get("SageMakerPipelineParameters") or {}).get("PipelineParameterList") or []
        client = acting.get("sagemaker", parts[4], parts[3])
        client.start_pipeline_execution(PipelineName=parts[5].removeprefix("pipeline/"), PipelineParameters=given)


def _check_request(target: Mapping[str, Any]) -> None:
    """Refuse input that is no request of the operation: unknown members, missing ones, context that does not exist."""
    text = target.get("Input")
    if not text:
        raise _invalid("Input is required for a universal target: it is the request of its operation.")
    for name in _CONTEXT.findall(text):
        if name not in _ATTRIBUTES:
            raise _invalid(f"<aws.scheduler.{name}> is no context attribute; there are {', '.join(_ATTRIBUTES)}.")
    try:
        request = json.loads(text)
    except ValueError as error:
        raise _invalid(f"Invalid RequestJson provided. Reason {error}") from None
    shape = MODEL.operation_model("StartPipelineExecution").input_shape
    if not isinstance(request, dict) or not isinstance(shape, StructureShape):
        raise _invalid("Invalid RequestJson provided. Reason It is no JSON object.")
    for name in request:
        if name not in shape.members:
            raise _invalid(f"Invalid RequestJson provided. Reason The field '{name}' is not supported.")
    for name in shape.required_members:
        if name not in request and not shape.members[name].metadata.get("idempotencyToken"):
            raise _invalid(f"Invalid RequestJson provided. Reason The field '{name}' is required but was missing")


def _invalid(problem: str) -> ApiError:
    return ApiError("ValidationException", problem)
