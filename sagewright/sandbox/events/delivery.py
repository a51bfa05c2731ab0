"""Why: each kind of target lets EventBridge in by a way of its own: by its policy, or by a role that the rule lends."""

import json
from collections.abc import Callable, Mapping
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from ..as_service import ServiceActor, complain, queue_url, refused
from ..clients import Clients
from ..functions import Functions
from ..protocol import ApiError
from ..topics import Topics
from .rules import kind_of
from .shaping import shaped, value_at

PRINCIPAL = "events.amazonaws.com"

Pass = Callable[[str, dict[str, Any]], None]
Start = Callable[[str, str], None]
"""Starts what an ARN is for a rule, given by its ARN, too."""


class Delivery:
    """Brings events to targets; what does not arrive goes to the target's dead-letter queue."""

    def __init__(self, clients: Clients, functions: Functions, topics: Topics, pass_on: Pass) -> None:
        self._clients = clients
        self._functions = functions
        self._topics = topics
        self._pass_on = pass_on
        self._starts: dict[str, Start] = {}

    def reach(self, service: str, start: Start) -> None:
        """Let a service start what is a target; the rule's role is asked for the permission."""
        self._starts[service] = start

    def deliver(self, rule: Any, target: Mapping[str, Any], event: dict[str, Any]) -> None:
        """Bring one event to one target.

        What is refused here (a missing permission, an absent target) is what EventBridge does not try again either.
        """
        text = shaped(target, event, rule.arn)
        try:
            self._bring(rule, target, event, text)
        except (ApiError, ClientError, BotoCoreError) as error:
            failure = refused(error, target["Arn"]) if isinstance(error, ClientError) else error
            complain(f"An event of rule {rule.arn} did not reach {target['Arn']}: {failure}")
            self._bury(rule, target, text, failure)

    def _bring(self, rule: Any, target: Mapping[str, Any], event: dict[str, Any], text: str) -> None:
        arn, kind = target["Arn"], kind_of(target["Arn"])
        if kind == "lambda":
            self._functions.invoke_async(arn, json.loads(text), service=PRINCIPAL, source_arn=rule.arn)
        elif kind == "sns":
            self._topics.publish(arn, subject="", message=text, service=PRINCIPAL, source_arn=rule.arn)
        elif kind == "sqs":
            group = str((target.get("SqsParameters") or {}).get("MessageGroupId", ""))
            ServiceActor(self._clients, PRINCIPAL, rule.arn).send(arn, text, group=group)
        elif kind == "sagemaker":
            self._start(rule, target, event)
        elif kind == "codepipeline":
            region, account = arn.split(":")[3:5]
            action = "codepipeline:StartPipelineExecution"
            self._acting(rule, target).require(action, arn, region=region, account=account, context={})
            self._starts[kind](arn, rule.arn)
        else:
            self._to_bus(rule, target, event)

    def _start(self, rule: Any, target: Mapping[str, Any], event: dict[str, Any]) -> None:
        acting = self._acting(rule, target)
        _, _, _, region, account, resource = target["Arn"].split(":", 5)
        listed = (target.get("SageMakerPipelineParameters") or {}).get("PipelineParameterList") or []
        parameters = [{"Name": each["Name"], "Value": _parameter(each["Value"], event)} for each in listed]
        acting.get("sagemaker", account, region).start_pipeline_execution(
            PipelineName=resource.removeprefix("pipeline/"), PipelineParameters=parameters
        )

    def _to_bus(self, rule: Any, target: Mapping[str, Any], event: dict[str, Any]) -> None:
        arn = target["Arn"]
        _, _, _, region, account, _ = arn.split(":", 5)
        if target.get("RoleArn"):
            self._acting(rule, target).require("events:PutEvents", arn, region=region, account=account, context={})
        else:
            ServiceActor(self._clients, PRINCIPAL, rule.arn).require("events:PutEvents", arn)
        self._pass_on(arn, event)

    def _acting(self, rule: Any, target: Mapping[str, Any]) -> Any:
        return self._clients.as_role(target["RoleArn"], service=PRINCIPAL, region=rule.region_name, source_arn=rule.arn)

    def _bury(self, rule: Any, target: Mapping[str, Any], text: str, failure: Exception) -> None:
        queue = (target.get("DeadLetterConfig") or {}).get("Arn")
        if not queue:
            return
        told = {
            "RULE_ARN": rule.arn,
            "TARGET_ARN": target["Arn"],
            "ERROR_CODE": getattr(failure, "code", type(failure).__name__),
            "ERROR_MESSAGE": str(failure)[:1024],
        }
        try:
            ServiceActor(self._clients, PRINCIPAL, rule.arn).require("sqs:SendMessage", queue)
            self._clients.get("sqs", queue.split(":")[4], queue.split(":")[3]).send_message(
                QueueUrl=queue_url(self._clients.endpoint, queue),
                MessageBody=text,
                MessageAttributes={name: {"DataType": "String", "StringValue": value} for name, value in told.items()},
            )
        except (ApiError, ClientError) as error:
            complain(f"The dead-letter queue {queue} of rule {rule.arn} took no message: {error}")


def _parameter(value: str, event: dict[str, Any]) -> str:
    """Return a pipeline parameter's value, which may be a path into the event."""
    if not value.startswith("$."):
        return value
    found = value_at(value, event)
    return found if isinstance(found, str) else json.dumps(found)
