"""Why: a rollback must come from what was measured, so alarms are evaluated by CloudWatch's own rules, as a function.

Rules: https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarm-evaluation.html and
https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarms-and-missing-data.html. `pace` is how many seconds
of an alarm's period pass in a second of the clock: 1, but for the alarms of a deployment.
"""

import json
import math
import operator
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

from .samples import Metric, Sample, UnavailableError, dimensions_of, percentile_of, statistic

State = Literal["OK", "ALARM", "INSUFFICIENT_DATA"]

SPARE_PERIODS = 2
"""CloudWatch looks at more periods than it evaluates, so that late or missing points do not decide.

How many more depends on the period and is documented for none but the five minutes of the examples, where it is two.
"""
MINUTE_S, HIGH_RESOLUTION_S = 60, 10
"""How often an alarm is evaluated, and by how much its periods slide: those of periods under a minute more often."""
_LOW_SAMPLES = 10
_SIGNIFICANT_MS = 3
_MOST_SHOWN = 20
"""What says why an alarm is in its state has at most 4,000 characters in all."""

_COMPARISONS: dict[str, tuple[Callable[[float, float], bool], str]] = {
    "GreaterThanOrEqualToThreshold": (operator.ge, "greater than or equal to"),
    "GreaterThanThreshold": (operator.gt, "greater than"),
    "LessThanThreshold": (operator.lt, "less than"),
    "LessThanOrEqualToThreshold": (operator.le, "less than or equal to"),
}


@dataclass(frozen=True)
class Alarm:
    """What an alarm on one metric's statistic compares."""

    name: str
    metric: Metric
    statistic: str
    period_s: int
    periods: int
    datapoints: int
    threshold: float
    comparison: str
    missing: str
    unit: str | None = None
    """None counts the values of every unit."""
    keeps_at_low_samples: bool = False
    """Whether the state stays while a percentile is of too few values."""

    @staticmethod
    def described(description: Mapping[str, Any]) -> "Alarm":
        """Return the alarm that DescribeAlarms shows; of a kind that is not here, raise UnavailableError."""
        name = description["AlarmName"]
        if description.get("Metrics") or not description.get("MetricName"):
            raise UnavailableError(f"alarm {name} with metric math or anomaly detection")
        comparison = description["ComparisonOperator"]
        if comparison not in _COMPARISONS:
            raise UnavailableError(f"alarm {name} with ComparisonOperator {comparison}")
        if "ExtendedStatistic" in description:
            percentile_of(description["ExtendedStatistic"])
        periods = int(description["EvaluationPeriods"])
        return Alarm(
            name=name,
            metric=Metric(
                description["Namespace"],
                description["MetricName"],
                dimensions_of(description.get("Dimensions") or ()),
            ),
            statistic=description.get("Statistic") or description["ExtendedStatistic"],
            period_s=int(description["Period"]),
            periods=periods,
            datapoints=int(description.get("DatapointsToAlarm") or periods),
            threshold=float(description["Threshold"]),
            comparison=comparison,
            missing=description.get("TreatMissingData") or "missing",
            unit=description.get("Unit"),
            keeps_at_low_samples=description.get("EvaluateLowSampleCountPercentile") == "ignore",
        )

    @property
    def every_s(self) -> int:
        """How often it is evaluated, and by how much its periods slide each time."""
        return MINUTE_S if self.period_s >= MINUTE_S else HIGH_RESOLUTION_S

    def breaches(self, value: float) -> bool:
        """Tell whether a period's value is on the wrong side of the threshold."""
        return _COMPARISONS[self.comparison][0](value, self.threshold)


@dataclass(frozen=True)
class Verdict:
    """An alarm's state, with the reason that DescribeAlarms shows."""

    state: State
    reason: str
    data: str


@dataclass(frozen=True)
class _Point:
    """A period that has data: how many periods ago it ended (the last full one is 0), and its value."""

    age: int
    value: float
    breaching: bool
    began_s: float
    count: float


def borders(alarm: Alarm, now_s: float, pace: float) -> tuple[float, ...]:
    """Return where the periods that an evaluation looks at begin, the oldest first, and where the last one ends.

    A period need not begin with the hour or the day: it ends with the last full minute.
    """
    end_s = now_s * pace // alarm.every_s * alarm.every_s
    seen = alarm.periods + SPARE_PERIODS
    return tuple((end_s - age * alarm.period_s) / pace for age in range(seen, -1, -1))


def evaluate(alarm: Alarm, samples: Iterable[Sample], now_s: float, pace: float, before: State) -> Verdict:
    """Return the alarm's state after all minutes that are over; the one that runs does not count yet."""
    points = _points(alarm, samples, now_s, pace)
    if _too_few(alarm, points):
        return Verdict(before, "", "")
    if len(points) >= alarm.periods:
        points = points[: alarm.periods]
        state: State = "ALARM" if _breaching(points) >= alarm.datapoints else "OK"
    else:
        state = _with_missing(alarm, points, before)
    return Verdict(state, _reason(alarm, points, state), _data(alarm, points, now_s))


def _points(alarm: Alarm, samples: Iterable[Sample], now_s: float, pace: float) -> list[_Point]:
    """Return the periods with data, the latest first."""
    end_s = now_s * pace // alarm.every_s * alarm.every_s
    by_age: dict[int, list[Sample]] = {}
    for sample in samples:
        age = math.ceil((end_s - round(sample.time_s * pace, _SIGNIFICANT_MS)) / alarm.period_s) - 1
        if 0 <= age < alarm.periods + SPARE_PERIODS and alarm.unit in {None, sample.unit}:
            by_age.setdefault(age, []).append(sample)
    points = []
    for age, found in sorted(by_age.items()):
        value = statistic(alarm.statistic, found)
        if value is not None:
            began_s, count = (end_s - (age + 1) * alarm.period_s) / pace, sum(each.count for each in found)
            points.append(_Point(age, value, alarm.breaches(value), began_s, count))
    return points


def _too_few(alarm: Alarm, points: list[_Point]) -> bool:
    """Tell whether a percentile is of too few values to say anything, and the alarm wants its state kept then."""
    if not alarm.keeps_at_low_samples or not points:
        return False
    share = percentile_of(alarm.statistic) / 100
    rare = min(share, 1 - share)
    return rare > 0 and sum(point.count for point in points[: alarm.periods]) < _LOW_SAMPLES / rare


def _breaching(points: list[_Point]) -> int:
    return sum(point.breaching for point in points)


def _with_missing(alarm: Alarm, points: list[_Point], before: State) -> State:
    """Return the state where fewer periods have data than the alarm evaluates."""
    breaching = _breaching(points)
    filled = alarm.periods - len(points)
    if alarm.missing == "breaching":
        return "ALARM" if breaching + filled >= alarm.datapoints else "OK"
    if breaching >= alarm.datapoints:
        return "ALARM"
    if alarm.missing == "notBreaching" or breaching < len(points):
        return "OK"
    if alarm.missing == "ignore":
        return before
    # Only breaching points, and they began as long ago as it takes: the missing ones do not excuse them.
    began_long_ago = any(point.age + 1 >= alarm.datapoints for point in points)
    return "ALARM" if began_long_ago else "INSUFFICIENT_DATA"


def _reason(alarm: Alarm, points: list[_Point], state: State) -> str:
    if state == "INSUFFICIENT_DATA":
        return f"Insufficient Data: {alarm.periods} datapoint{'s were' if alarm.periods > 1 else ' was'} unknown."
    deciding = [point for point in points if point.breaching == (state == "ALARM")]
    if not deciding:
        treated = "Breaching" if state == "ALARM" else "NonBreaching"
        missing = f"no datapoints were received for {alarm.periods} period{'s' if alarm.periods > 1 else ''}"
        return f"Threshold Crossed: {missing} and they were treated as [{treated}]."
    values = ", ".join(str(point.value) for point in deciding)
    many = len(deciding) > 1
    compared = _COMPARISONS[alarm.comparison][1]
    verb = ("were" if many else "was") + ("" if state == "ALARM" else " not")
    noun = f"{len(deciding)} datapoint{'s' if many else ''} [{values}]"
    return f"Threshold Crossed: {noun} {verb} {compared} the threshold ({alarm.threshold})."


def _data(alarm: Alarm, points: list[_Point], now_s: float) -> str:
    earliest = {"startDate": timestamp(points[-1].began_s)} if points else {}
    evaluated = [
        {"timestamp": timestamp(point.began_s), "sampleCount": point.count, "value": point.value}
        for point in points[:_MOST_SHOWN]
    ]
    return json.dumps(
        {
            "version": "1.0",
            "queryDate": timestamp(now_s),
            **earliest,
            "statistic": alarm.statistic,
            "period": alarm.period_s,
            "recentDatapoints": [point.value for point in reversed(points[:_MOST_SHOWN])],
            "threshold": alarm.threshold,
            "evaluatedDatapoints": evaluated,
        }
    )


def timestamp(time_s: float) -> str:
    """Return a time as CloudWatch writes it into the texts that it hands on: 2030-01-31T12:00:00.000+0000."""
    return datetime.fromtimestamp(time_s, UTC).isoformat(timespec="milliseconds").replace("+00:00", "+0000")
