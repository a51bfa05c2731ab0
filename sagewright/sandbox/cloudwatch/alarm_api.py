"""Why: alarms are made, read and tried out by clients, who must meet the refusals that CloudWatch has."""

import json
from collections.abc import Callable, Iterable
from typing import Any

from ..protocol import ApiError
from .alarm_store import AlarmStore
from .alarms import Alarm, Verdict
from .dimensions import check_dimensions
from .held_alarm import HeldAlarm
from .metrics import Place
from .pages import page
from .samples import UnavailableError, dimensions_of

_DAY_S, _WEEK_S, _HOUR_S = 86_400, 604_800, 3_600
_SHORT_PERIODS_S = {10, 20, 30}
_MOST_LISTED = 100
_ACTIONS = ("OKActions", "AlarmActions", "InsufficientDataActions")
_TAKEN_ACTIONS = ("sns", "lambda")
_UNAVAILABLE = (
    *("Metrics", "ThresholdMetricId", "EvaluationWindow", "WarmUpConfiguration", "EvaluationCriteria"),
    *("EvaluationInterval", "ActionConfiguration"),
)


class AlarmApi:
    """The operations on metric alarms."""

    def __init__(self, alarms: AlarmStore) -> None:
        self._alarms = alarms
        self.operations: dict[str, Callable[[dict[str, Any], Place], dict[str, Any]]] = {
            "PutMetricAlarm": self._put,
            "DescribeAlarms": self._describe,
            "DescribeAlarmsForMetric": self._describe_for_metric,
            "DescribeAlarmHistory": self._history,
            "DeleteAlarms": self._delete,
            "SetAlarmState": self._set_state,
            "EnableAlarmActions": self._enable,
            "DisableAlarmActions": self._disable,
            "TagResource": self._tag,
            "UntagResource": self._untag,
            "ListTagsForResource": self._tags,
        }

    def tags_of(self, arn: str) -> dict[str, str]:
        """Return an alarm's tags; one that is not there has none."""
        alarm = self._at(arn)
        return dict(alarm.tags) if alarm else {}

    def _put(self, params: dict[str, Any], place: Place) -> dict[str, Any]:
        rule = _rule(params)
        _check_times(rule)
        for action in (action for member in _ACTIONS for action in params.get(member, ())):
            _check_action(action, place)
        request = {name: value for name, value in params.items() if name != "Tags"}
        tags = {tag["Key"]: tag["Value"] for tag in params.get("Tags", ())}
        self._alarms.put(HeldAlarm(place, request, rule, self._alarms.clock.now(), tags))
        return {}

    def _describe(self, params: dict[str, Any], place: Place) -> dict[str, Any]:
        names, prefix = params.get("AlarmNames"), params.get("AlarmNamePrefix")
        if names and prefix:
            raise ApiError("ValidationError", "AlarmNamePrefix and AlarmNames are mutually exclusive")
        _refuse("DescribeAlarms", params, "ChildrenOfAlarmName", "ParentsOfAlarmName")
        found = (
            self._alarms.of(place, names or None) if "MetricAlarm" in params.get("AlarmTypes", "MetricAlarm") else []
        )
        shown = [
            alarm.described()
            for alarm in found
            if alarm.name.startswith(prefix or "")
            and params.get("StateValue") in {None, alarm.state}
            and ("ActionPrefix" not in params or _acts_on(alarm, params["ActionPrefix"]))
        ]
        listed, more = page(shown, params.get("MaxRecords", _MOST_LISTED), params.get("NextToken"))
        return {"MetricAlarms": listed, "CompositeAlarms": [], **more}

    def _describe_for_metric(self, params: dict[str, Any], place: Place) -> dict[str, Any]:
        wanted = dimensions_of(params.get("Dimensions", ()))
        compared = ("Namespace", "MetricName", "Statistic", "ExtendedStatistic", "Period", "Unit")
        found = [
            alarm.described()
            for alarm in self._alarms.of(place)
            if alarm.rule.metric.dimensions == wanted
            and all(alarm.request.get(name) == params[name] for name in compared if name in params)
        ]
        return {"MetricAlarms": found}

    def _history(self, params: dict[str, Any], place: Place) -> dict[str, Any]:
        _refuse("DescribeAlarmHistory", params, "AlarmContributorId")
        items = [
            item
            for item in self._alarms.history.items(place, self._alarms.clock.now())
            if params.get("AlarmName") in {None, item["AlarmName"]}
            and params.get("HistoryItemType") in {None, item["HistoryItemType"]}
            and item["AlarmType"] in params.get("AlarmTypes", [item["AlarmType"]])
            and ("StartDate" not in params or item["Timestamp"] >= params["StartDate"])
            and ("EndDate" not in params or item["Timestamp"] <= params["EndDate"])
        ]
        if params.get("ScanBy") != "TimestampAscending":
            items.reverse()
        listed, more = page(items, params.get("MaxRecords", _MOST_LISTED), params.get("NextToken"))
        return {"AlarmHistoryItems": listed, **more}

    def _delete(self, params: dict[str, Any], place: Place) -> dict[str, Any]:
        self._alarms.delete(place, params["AlarmNames"])
        return {}

    def _set_state(self, params: dict[str, Any], place: Place) -> dict[str, Any]:
        data = params.get("StateReasonData", "")
        try:
            json.loads(data or "{}")
        except ValueError:
            raise ApiError("InvalidFormat", f"StateReasonData is not valid JSON: {data}") from None
        found = self._alarms.of(place, [params["AlarmName"]])
        if not found:
            raise ApiError("ResourceNotFound", f"Unknown alarm: {params['AlarmName']}", 404)
        self._alarms.set_by_hand(found[0], Verdict(params["StateValue"], params["StateReason"], data))
        return {}

    def _enable(self, params: dict[str, Any], place: Place) -> dict[str, Any]:
        return self._switch(params["AlarmNames"], place, enabled=True)

    def _disable(self, params: dict[str, Any], place: Place) -> dict[str, Any]:
        return self._switch(params["AlarmNames"], place, enabled=False)

    def _switch(self, names: Iterable[str], place: Place, *, enabled: bool) -> dict[str, Any]:
        for alarm in self._alarms.of(place, names):
            alarm.request["ActionsEnabled"] = enabled
        return {}

    def _tag(self, params: dict[str, Any], place: Place) -> dict[str, Any]:
        self._tagged(params, place).tags.update({tag["Key"]: tag["Value"] for tag in params["Tags"]})
        return {}

    def _untag(self, params: dict[str, Any], place: Place) -> dict[str, Any]:
        tags = self._tagged(params, place).tags
        for key in params["TagKeys"]:
            tags.pop(key, None)
        return {}

    def _tags(self, params: dict[str, Any], place: Place) -> dict[str, Any]:
        return {"Tags": [{"Key": key, "Value": value} for key, value in self._tagged(params, place).tags.items()]}

    def _tagged(self, params: dict[str, Any], place: Place) -> HeldAlarm:
        alarm = self._at(params["ResourceARN"])
        if alarm is None or alarm.place != place:
            raise ApiError("ResourceNotFoundException", f"Unknown resource: {params['ResourceARN']}", 404)
        return alarm

    def _at(self, arn: str) -> HeldAlarm | None:
        parts = arn.split(":", 6)
        if len(parts) != 7 or parts[2] != "cloudwatch" or parts[5] != "alarm":  # noqa: PLR2004 - an alarm's ARN
            return None
        found = self._alarms.of(Place(parts[4], parts[3]), [parts[6]])
        return found[0] if found else None


def _rule(params: dict[str, Any]) -> Alarm:
    _refuse("PutMetricAlarm", params, *_UNAVAILABLE)
    for name in ("MetricName", "Namespace", "Period", "Threshold"):
        if name not in params:
            raise ApiError("ValidationError", f"The parameter {name} is required for an alarm on a metric")
    if ("Statistic" in params) == ("ExtendedStatistic" in params):
        raise ApiError("ValidationError", "Exactly one of Statistic and ExtendedStatistic must be specified")
    check_dimensions(params.get("Dimensions", ()), "Dimensions", "ValidationError")
    try:
        return Alarm.described(params)
    except UnavailableError as error:
        raise ApiError("UnsupportedOperation", f"The sandbox does not have {error}.", 501) from None


def _check_times(rule: Alarm) -> None:
    """Refuse periods that CloudWatch does not evaluate.

    https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricAlarm.html
    """
    if rule.period_s not in _SHORT_PERIODS_S and rule.period_s % 60:
        raise ApiError("ValidationError", f"Period must be 10, 20, 30 or a multiple of 60, but is {rule.period_s}")
    most_s = _WEEK_S if rule.period_s >= _HOUR_S else _DAY_S
    if rule.period_s * rule.periods > most_s:
        raise ApiError(
            "ValidationError",
            f"Metrics cannot be checked across more than {'seven days' if most_s == _WEEK_S else 'a day'}"
            f" (EvaluationPeriods * Period must be <= {most_s}).",
        )
    if rule.datapoints > rule.periods:
        raise ApiError(
            "ValidationError",
            f"DatapointsToAlarm ({rule.datapoints}) must not be more than EvaluationPeriods ({rule.periods})",
        )
    if rule.missing not in {"missing", "ignore", "breaching", "notBreaching"}:
        raise ApiError(
            "ValidationError",
            f"Option {rule.missing} is not supported. Supported options for parameter TreatMissingData are breaching,"
            " notBreaching, ignore and missing.",
        )


def _check_action(action: str, place: Place) -> None:
    parts = action.split(":")
    if len(parts) < 6 or parts[0] != "arn":  # noqa: PLR2004 - the least parts of an ARN
        raise ApiError("ValidationError", f"Invalid arn syntax: {action}")
    if parts[2] not in _TAKEN_ACTIONS:
        raise ApiError(
            "UnsupportedOperation",
            f"The sandbox does not have the alarm action {action}: it has SNS topics and Lambda functions.",
            501,
        )
    if parts[3] != place.region:
        raise ApiError("ValidationError", f"Invalid region {parts[3]} specified. Only {place.region} is supported.")


def _refuse(operation: str, params: dict[str, Any], *names: str) -> None:
    """Refuse what the sandbox would otherwise ignore."""
    for name in names:
        if params.get(name):
            raise ApiError("UnsupportedOperation", f"The sandbox does not have {operation} with {name}.", 501)


def _acts_on(alarm: HeldAlarm, prefix: str) -> bool:
    return any(action.startswith(prefix) for member in _ACTIONS for action in alarm.request.get(member, ()))
