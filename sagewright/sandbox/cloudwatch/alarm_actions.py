"""Why: an alarm is there to be acted on: a topic or a function is told, and the event bus, each in the form of AWS."""

import json
import traceback
import uuid
from typing import Any, Protocol

import botocore.session

from ..event_sink import Bus
from ..protocol import ApiError
from .alarm_store import AlarmStore, Change
from .alarms import timestamp
from .held_alarm import HeldAlarm

SNS_SERVICE = "cloudwatch.amazonaws.com"
LAMBDA_SERVICE = "lambda.alarms.cloudwatch.amazonaws.com"


class Topics(Protocol):
    """Where a message is published for a service."""

    def publish(self, topic_arn: str, *, subject: str, message: str, service: str, source_arn: str) -> None:
        """Publish, or refuse as SNS would."""
        ...


class Functions(Protocol):
    """Where a function is called for a service."""

    def invoke_async(self, function_arn: str, payload: dict[str, Any], *, service: str, source_arn: str) -> None:
        """Hand an event over, or refuse as Lambda would."""
        ...


class AlarmActions:
    """Does what an alarm's configuration says on its coming into a state; each result is in the alarm's history."""

    def __init__(self, alarms: AlarmStore, topics: Topics, functions: Functions, bus: Bus) -> None:
        self._alarms = alarms
        self._topics = topics
        self._functions = functions
        self._bus = bus

    def act(self, change: Change) -> None:
        """Tell the bus and whomever the alarm names; a failure stops nobody else's being told."""
        alarm = change.alarm
        self._bus.emit(
            alarm.place,
            source="aws.cloudwatch",
            detail_type="CloudWatch Alarm State Change",
            detail={"alarmName": alarm.name, **_told(change)},
            resources=[alarm.arn],
            time_s=change.at_s,
        )
        for action in alarm.actions(change.state):
            error = self._tried(action, change)
            self._alarms.history.acted(alarm, action, self._alarms.clock.now(), error)

    def _tried(self, action: str, change: Change) -> str | None:
        try:
            self._do(action, change)
        except ApiError as error:
            return error.message
        except Exception as fault:  # noqa: BLE001 - a fault of ours must not keep the others from being told
            traceback.print_exc()
            return f"{type(fault).__name__}: {fault}"
        return None

    def _do(self, action: str, change: Change) -> None:
        arn = change.alarm.arn
        if action.split(":")[2] == "lambda":
            self._functions.invoke_async(action, payload(change), service=LAMBDA_SERVICE, source_arn=arn)
        else:
            self._topics.publish(
                action, subject=subject(change), message=message(change), service=SNS_SERVICE, source_arn=arn
            )


def payload(change: Change) -> dict[str, Any]:
    """Return the event that a function gets.

    https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarms-and-actions-Lambda.html
    """
    alarm = change.alarm
    return {
        "source": "aws.cloudwatch",
        "alarmArn": alarm.arn,
        "accountId": alarm.place.account,
        "time": timestamp(change.at_s),
        "region": alarm.place.region,
        "alarmData": {"alarmName": alarm.name, **_told(change)},
    }


def subject(change: Change) -> str:
    """Return the subject of a message to a topic; SNS takes 100 characters."""
    return f'{change.state}: "{change.alarm.name}" in {_region_name(change.alarm.place.region)}'[:100]


def message(change: Change) -> str:
    """Return the message that a topic gets: the JSON document that CloudWatch publishes."""
    alarm, request = change.alarm, change.alarm.request
    return json.dumps(
        {
            "AlarmName": alarm.name,
            "AlarmDescription": request.get("AlarmDescription"),
            "AWSAccountId": alarm.place.account,
            "AlarmConfigurationUpdatedTimestamp": timestamp(alarm.configured_s),
            "NewStateValue": change.state,
            "NewStateReason": change.reason,
            "StateChangeTime": timestamp(change.at_s),
            "Region": _region_name(alarm.place.region),
            "AlarmArn": alarm.arn,
            "OldStateValue": change.before,
            **{member: request.get(member, []) for member in ("OKActions", "AlarmActions", "InsufficientDataActions")},
            "Trigger": _trigger(request),
        }
    )


def _trigger(request: dict[str, Any]) -> dict[str, Any]:
    kind = "Statistic" if "Statistic" in request else "ExtendedStatistic"
    dimensions = [{"value": each["Value"], "name": each["Name"]} for each in request.get("Dimensions", ())]
    return {
        "MetricName": request["MetricName"],
        "Namespace": request["Namespace"],
        "StatisticType": kind,
        kind: request[kind].upper() if kind == "Statistic" else request[kind],
        "Unit": request.get("Unit"),
        "Dimensions": dimensions,
        "Period": request["Period"],
        "EvaluationPeriods": request["EvaluationPeriods"],
        **({"DatapointsToAlarm": request["DatapointsToAlarm"]} if "DatapointsToAlarm" in request else {}),
        "ComparisonOperator": request["ComparisonOperator"],
        "Threshold": request["Threshold"],
        "TreatMissingData": request.get("TreatMissingData", ""),
        "EvaluateLowSampleCountPercentile": request.get("EvaluateLowSampleCountPercentile", ""),
    }


def _told(change: Change) -> dict[str, Any]:
    """Return what an event on the bus and a function's event have in common."""
    return {
        "state": _state(change.state, change.reason, change.data, change.at_s),
        "previousState": _state(change.before, change.reason_before, change.data_before, change.at_before_s),
        "configuration": _configuration(change.alarm),
    }


def _state(value: str, reason: str, data: str, at_s: float) -> dict[str, Any]:
    return {
        "value": value,
        "reason": reason,
        **({"reasonData": data} if data else {}),
        "timestamp": timestamp(at_s),
    }


def _configuration(alarm: HeldAlarm) -> dict[str, Any]:
    request, metric = alarm.request, alarm.rule.metric
    stat = {
        "metric": {"namespace": metric.namespace, "name": metric.name, "dimensions": dict(sorted(metric.dimensions))},
        "period": alarm.rule.period_s,
        "stat": alarm.rule.statistic,
        **({"unit": request["Unit"]} if "Unit" in request else {}),
    }
    description = {"description": request["AlarmDescription"]} if "AlarmDescription" in request else {}
    query = {"id": str(uuid.uuid5(uuid.NAMESPACE_URL, alarm.arn)), "metricStat": stat, "returnData": True}
    return {**description, "metrics": [query]}


def _region_name(region: str) -> str:
    """Return a region as people know it, such as Europe (Ireland)."""
    partitions = botocore.session.get_session().get_data("endpoints")["partitions"]
    names = {key: value["description"] for each in partitions for key, value in each["regions"].items()}
    return names.get(region, region)
