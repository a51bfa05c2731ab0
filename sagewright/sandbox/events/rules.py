"""Why: a rule that could never match, or a target that would never be reached, is refused when it is put."""

import json
from collections.abc import Mapping
from typing import Any

from moto.events.models import events_backends

from ..protocol import ApiError, Caller
from .pattern_rules import pattern_problem
from .timetable import check_timetable

_MAX_TARGETS = 5
_ROLE_NEEDED = ("sagemaker", "events", "codepipeline")
_UNKNOWN = ("KinesisParameters", "EcsParameters", "BatchParameters", "HttpParameters", "RunCommandParameters")


def rules_of(account: str, region: str, bus: str) -> list[Any]:
    """Return the rules of a bus that are switched on; refuse a bus that is not there."""
    found: Any = bus_at(account, region, bus)
    return [rule for rule in list(found.rules.values()) if rule.state == "ENABLED" and rule.event_pattern.get_pattern()]


def bus_at(account: str, region: str, name: str) -> Any:
    """Return moto's bus."""
    buses: Any = events_backends[account][region].event_buses
    if name not in buses:
        raise ApiError("ResourceNotFoundException", f"Event bus {name} does not exist.")
    return buses[name]


def bus_policy(arn: str) -> str | None:
    """Return the policy of a bus, for whoever decides about access."""
    _, _, _, region, account, resource = arn.split(":", 5)
    kind, _, name = resource.partition("/")
    if kind != "event-bus":
        return None
    buses: Any = events_backends[account][region].event_buses
    return buses[name].policy if name in buses else None


def check_rule(params: Mapping[str, Any]) -> None:
    """Refuse a pattern or a timetable that is none."""
    if not params.get("EventPattern") and not params.get("ScheduleExpression"):
        problem = "Parameter(s) EventPattern or ScheduleExpression must be specified."
        raise ApiError("ValidationException", problem)
    if text := params.get("ScheduleExpression"):
        check_timetable(text, params.get("EventBusName", "default").rpartition("/")[2])
    if (pattern := params.get("EventPattern")) and (problem := pattern_problem(pattern)):
        raise ApiError("InvalidEventPatternException", f"Event pattern is not valid. Reason: {problem}")


def check_targets(rule: Any, targets: list[dict[str, Any]], caller: Caller) -> None:
    """Refuse targets that the sandbox does not reach, or that lack what EventBridge needs to reach them."""
    present = {target["Id"] for target in rule.targets}
    if len(present | {target["Id"] for target in targets}) > _MAX_TARGETS:
        raise ApiError("LimitExceededException", "The requested resource exceeds the maximum number allowed.")
    for target in targets:
        _check_target(target, caller)


def _check_target(target: dict[str, Any], caller: Caller) -> None:
    arn, named = target["Arn"], f"target {target['Id']}"
    kind = kind_of(arn)
    for member in _UNKNOWN:
        if member in target:
            raise ApiError("UnsupportedOperation", f"The sandbox's EventBridge does not have {member}.", 501)
    if kind is None:
        problem = (
            f"The sandbox's EventBridge does not reach {arn} ({named}): it reaches functions, topics, queues,"
            " SageMaker pipelines, CodePipeline's pipelines and event buses."
        )
        raise ApiError("UnsupportedOperation", problem, 501)
    if kind in _ROLE_NEEDED and not target.get("RoleArn") and arn.split(":")[4] == caller.account:
        raise ApiError("ValidationException", f"RoleArn is required for {named}.")
    if kind == "sqs" and arn.endswith(".fifo") and not target.get("SqsParameters"):
        problem = f"Parameter(s) SqsParameters must be specified for target: {target['Id']}."
        raise ApiError("ValidationException", problem)
    shaped = [member for member in ("Input", "InputPath", "InputTransformer") if member in target]
    if kind == "codepipeline" and shaped:
        problem = f"The sandbox's EventBridge does not have {shaped[0]} for a pipeline of CodePipeline ({named})."
        raise ApiError("UnsupportedOperation", problem, 501)
    if len(shaped) > 1:
        problem = f"Only one of Input, InputPath, or InputTransformer must be provided for {named}."
        raise ApiError("ValidationException", problem)
    if "Input" in target:
        try:
            json.loads(target["Input"])
        except ValueError:
            raise ApiError("ValidationException", f"JSON syntax error in input for {named}.") from None


def kind_of(arn: str) -> str | None:
    """Return the service of a target that can be reached here, or None."""
    parts = arn.split(":", 5)
    if len(parts) != 6 or not parts[4]:  # noqa: PLR2004 - an ARN's six parts
        return None
    service, resource = parts[2], parts[5]
    prefix = {"lambda": "function:", "sagemaker": "pipeline/", "events": "event-bus/"}
    prefix |= dict.fromkeys(("sqs", "sns", "codepipeline"), "")
    return service if service in prefix and resource.startswith(prefix[service]) else None
