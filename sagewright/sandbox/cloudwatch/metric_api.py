"""Why: clients put their own numbers, and read all of them, by the sandbox's clock and not by this machine's."""

import math
from collections.abc import Callable, Iterator, Sized
from datetime import datetime
from typing import Any, NamedTuple

from ..protocol import ApiError
from .dimensions import check_dimensions
from .held_alarm import moment
from .metrics import MINUTE_S, Metrics, Place
from .pages import page
from .samples import NO_UNIT, Metric, Sample, UnavailableError, dimensions_of, statistic

_AHEAD_S, _BACK_S = 2 * 3600, 14 * 24 * 3600
"""https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_MetricDatum.html: two hours, two weeks."""
_RECENTLY_S = 3 * 3600
_MOST_LISTED = 500
_MOST_POINTS = 1440
_SMALLEST, _LARGEST = 8.515920e-109, 1.174271e108
"""https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_MetricDatum.html: of a value but zero."""
_MOST_PUT, _MOST_VALUES = 1000, 150
"""https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricData.html: data, values of each."""
_RESERVED = "AWS/"


class _Wanted(NamedTuple):
    """What names a metric's values in a span of time."""

    metric: Metric
    begin_s: float
    end_s: float
    period_s: int
    unit: str | None


class MetricApi:
    """PutMetricData, and the operations that read what was put and measured."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics
        self.operations: dict[str, Callable[[dict[str, Any], Place], dict[str, Any]]] = {
            "PutMetricData": self._put,
            "GetMetricData": self._data,
            "GetMetricStatistics": self._statistics,
            "ListMetrics": self._list,
        }

    def _put(self, params: dict[str, Any], place: Place) -> dict[str, Any]:
        _refuse("PutMetricData", params, "EntityMetricData", "StrictEntityValidation")
        namespace = params["Namespace"]
        if namespace.startswith(_RESERVED):
            raise _invalid(f"The value {_RESERVED} for parameter Namespace is invalid.")
        data = params.get("MetricData", ())
        _check_size(data, "MetricData", _MOST_PUT)
        now_s = self._metrics.clock.now()
        put = [
            (_metric(namespace, datum), sample, datum.get("StorageResolution", MINUTE_S))
            for number, datum in enumerate(data, 1)
            for sample in _samples(datum, f"MetricData.member.{number}", now_s)
        ]
        for metric, sample, resolution_s in put:
            self._metrics.put(place, metric, sample, resolution_s)
        return {}

    def _data(self, params: dict[str, Any], place: Place) -> dict[str, Any]:
        _refuse("GetMetricData", params, "LabelOptions", "NextToken", "MaxDatapoints")
        span = _span(params, "ValidationError")
        newest_first = params.get("ScanBy") != "TimestampAscending"
        results = [
            self._result(query, place, span, newest_first=newest_first)
            for query in params["MetricDataQueries"]
            if query.get("ReturnData", True)
        ]
        return {"MetricDataResults": results, "Messages": []}

    def _result(
        self, query: dict[str, Any], place: Place, span: tuple[float, float], *, newest_first: bool
    ) -> dict[str, Any]:
        _refuse("GetMetricData", query, "Expression", "AccountId")
        if "MetricStat" not in query:
            raise ApiError("ValidationError", f"The query {query['Id']} has neither MetricStat nor Expression.")
        stat = query["MetricStat"]
        metric = _metric(stat["Metric"]["Namespace"], stat["Metric"])
        wanted = _Wanted(metric, *span, stat["Period"], stat.get("Unit"))
        points = [(began_s, _value(stat["Stat"], found)) for began_s, found in self._periods(place, wanted)]
        known = [(began_s, value) for began_s, value in points if value is not None]
        if newest_first:
            known.reverse()
        return {
            "Id": query["Id"],
            "Label": query.get("Label", metric.name),
            "Timestamps": [moment(began_s) for began_s, _ in known],
            "Values": [value for _, value in known],
            "StatusCode": "Complete",
        }

    def _statistics(self, params: dict[str, Any], place: Place) -> dict[str, Any]:
        begin_s, end_s = _span(params, "InvalidParameterValue")
        names = [*params.get("Statistics", ()), *params.get("ExtendedStatistics", ())]
        if not names:
            raise ApiError("InvalidParameterCombination", "Must specify either Statistics or ExtendedStatistics")
        if (end_s - begin_s) / params["Period"] > _MOST_POINTS:
            raise ApiError(
                "InvalidParameterCombination",
                f"You have requested up to {math.ceil((end_s - begin_s) / params['Period'])} datapoints, which exceeds"
                f" the limit of {_MOST_POINTS}. You may reduce the datapoints requested by increasing Period, or"
                " decreasing the time range.",
            )
        metric = _metric(params["Namespace"], params)
        wanted = _Wanted(metric, begin_s, end_s, params["Period"], params.get("Unit"))
        points = []
        for began_s, found in self._periods(place, wanted):
            for unit in sorted({sample.unit for sample in found}):
                of_unit = [sample for sample in found if sample.unit == unit]
                simple = {name: _value(name, of_unit) for name in params.get("Statistics", ())}
                extended = {name: _value(name, of_unit) for name in params.get("ExtendedStatistics", ())}
                more = {"ExtendedStatistics": extended} if extended else {}
                points.append({"Timestamp": moment(began_s), "Unit": unit, **simple, **more})
        return {"Label": metric.name, "Datapoints": points}

    def _periods(self, place: Place, wanted: _Wanted) -> Iterator[tuple[float, list[Sample]]]:
        """Yield the periods that have points, each with its beginning; they are counted from the first minute on."""
        by_period: dict[int, list[Sample]] = {}
        for sample in self._metrics.samples(place, wanted.metric, wanted.begin_s, wanted.end_s):
            if wanted.unit in {None, sample.unit}:
                number = int((sample.time_s - wanted.begin_s) // wanted.period_s)
                by_period.setdefault(number, []).append(sample)
        for number, found in sorted(by_period.items()):
            yield wanted.begin_s + number * wanted.period_s, found

    def _list(self, params: dict[str, Any], place: Place) -> dict[str, Any]:
        _refuse("ListMetrics", params, "IncludeLinkedAccounts", "OwningAccount")
        kept_s = _RECENTLY_S if params.get("RecentlyActive") else _BACK_S
        oldest_s = self._metrics.clock.now() - kept_s
        found = [
            {
                "Namespace": metric.namespace,
                "MetricName": metric.name,
                "Dimensions": [{"Name": name, "Value": value} for name, value in sorted(metric.dimensions)],
            }
            for metric, last_s in self._metrics.names(place).items()
            if last_s >= oldest_s and _is_meant(metric, params)
        ]
        listed, more = page(found, _MOST_LISTED, params.get("NextToken"))
        return {"Metrics": listed, **more}


def _is_meant(metric: Metric, params: dict[str, Any]) -> bool:
    if params.get("Namespace") not in {None, metric.namespace} or params.get("MetricName") not in {None, metric.name}:
        return False
    own = dict(metric.dimensions)
    return all(
        each["Name"] in own and each.get("Value") in {None, own[each["Name"]]} for each in params.get("Dimensions", ())
    )


def _metric(namespace: str, named: dict[str, Any]) -> Metric:
    return Metric(namespace, named["MetricName"], dimensions_of(named.get("Dimensions", ())))


def _samples(datum: dict[str, Any], where: str, now_s: float) -> list[Sample]:
    """Return the points of one datum; without a time they are of now."""
    check_dimensions(datum.get("Dimensions", ()), f"{where}.Dimensions", "InvalidParameterValue")
    at_s = datum["Timestamp"].timestamp() if "Timestamp" in datum else now_s
    if at_s > now_s + _AHEAD_S:
        raise _invalid(f"The parameter {where}.Timestamp must specify a time no more than two hours in the future.")
    if at_s < now_s - _BACK_S:
        raise _invalid(f"The parameter {where}.Timestamp must specify a time no more than two weeks in the past.")
    given = [name for name in ("Value", "Values", "StatisticValues") if name in datum]
    if len(given) != 1:
        told = " and ".join(f"{where}.{name}" for name in given) or f"{where}.Value, Values and StatisticValues"
        problem = "are mutually exclusive and you have specified both" if given else "are all missing: one is required"
        raise ApiError("InvalidParameterCombination", f"The parameters {told} {problem}.")
    unit = datum.get("Unit", NO_UNIT)
    if "StatisticValues" in datum:
        held = datum["StatisticValues"]
        for name, value in held.items():
            _check_value(value, f"{where}.StatisticValues.{name}")
        return [Sample(at_s, held["SampleCount"], held["Sum"], held["Minimum"], held["Maximum"], None, unit)]
    values = datum.get("Values", [datum.get("Value")])
    counts = datum.get("Counts", [1] * len(values))
    _check_size(values, f"{where}.Values", _MOST_VALUES)
    if len(values) != len(counts):
        raise _invalid(f"The parameters {where}.Values and {where}.Counts must be of the same size.")
    for value in values:
        _check_value(value, f"{where}.{given[0]}")
    return [Sample.of(at_s, float(value), count, unit) for value, count in zip(values, counts, strict=True)]


def _check_size(collection: Sized, where: str, most: int) -> None:
    if len(collection) > most:
        raise _invalid(f"The collection {where} must not have a size greater than {most}.")


def _check_value(value: float, where: str) -> None:
    if value and not _SMALLEST <= abs(value) <= _LARGEST:  # NaN is in no range
        raise _invalid(f"The value {value} for parameter {where} is invalid.")


def _span(params: dict[str, Any], code: str) -> tuple[float, float]:
    """Return the span of time that is asked for; its begin is rounded down to the minute, as CloudWatch does it."""
    begin, end = params["StartTime"], params["EndTime"]
    if not _seconds(begin) < _seconds(end):
        raise ApiError(code, "The parameter StartTime must be less than the parameter EndTime.")
    return _seconds(begin) // MINUTE_S * MINUTE_S, _seconds(end)


def _seconds(time: datetime) -> float:
    return time.timestamp()


def _value(name: str, samples: list[Sample]) -> float | None:
    try:
        return statistic(name, samples)
    except UnavailableError as error:
        raise ApiError("UnsupportedOperation", f"The sandbox does not have {error}.", 501) from None


def _refuse(operation: str, params: dict[str, Any], *names: str) -> None:
    """Refuse what the sandbox would otherwise ignore."""
    for name in names:
        if params.get(name):
            raise ApiError("UnsupportedOperation", f"The sandbox does not have {operation} with {name}.", 501)


def _invalid(message: str) -> ApiError:
    return ApiError("InvalidParameterValue", message)
