"""Why: a rollback must come from what was measured, so alarms are evaluated by CloudWatch's own rules, as a function.

Rules: https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/AlarmThatSendsEmail.html (evaluation of an alarm,
missing data). `pace` is how many seconds of an alarm's period pass in a second of the clock.
"""

import json
import operator
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

from .samples import Metric, Sample, UnavailableError, dimensions_of, statistic

State = Literal["OK", "ALARM", "INSUFFICIENT_DATA"]

SPARE_PERIODS = 2
"""CloudWatch looks at some more periods than it evaluates, so that late or missing points do not decide."""

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

    @staticmethod
    def described(description: Mapping[str, Any]) -> "Alarm":
        """Return the alarm that DescribeAlarms shows."""
        name = description["AlarmName"]
        if description.get("Metrics") or not description.get("MetricName"):
            raise UnavailableError(f"alarm {name} with metric math or anomaly detection")
        comparison = description["ComparisonOperator"]
        if comparison not in _COMPARISONS:
            raise UnavailableError(f"alarm {name} with ComparisonOperator {comparison}")
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
        )

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


def first_moment(alarm: Alarm, now_s: float, pace: float) -> float:
    """Return the earliest time of a sample that an evaluation can see."""
    return now_s - (alarm.periods + SPARE_PERIODS + 1) * alarm.period_s / pace


def evaluate(alarm: Alarm, samples: Iterable[Sample], now_s: float, pace: float, before: State) -> Verdict:
    """Return the alarm's state after all periods that are over; the one that runs does not count yet."""
    points = _points(alarm, samples, now_s, pace)
    if len(points) >= alarm.periods:
        points = points[: alarm.periods]
        state: State = "ALARM" if _breaching(points) >= alarm.datapoints else "OK"
    else:
        points = [point for point in points if point.age < alarm.periods + SPARE_PERIODS]
        state = _with_missing(alarm, points, before)
    return Verdict(state, _reason(alarm, points, state), _data(alarm, points, now_s))


def _points(alarm: Alarm, samples: Iterable[Sample], now_s: float, pace: float) -> list[_Point]:
    """Return the periods with data, the latest first."""
    running = int(now_s * pace // alarm.period_s)
    by_age: dict[int, list[Sample]] = {}
    for sample in samples:
        age = running - 1 - int(sample.time_s * pace // alarm.period_s)
        if 0 <= age < alarm.periods + SPARE_PERIODS:
            by_age.setdefault(age, []).append(sample)
    values = {age: statistic(alarm.statistic, found) for age, found in sorted(by_age.items())}
    return [_Point(age, value, alarm.breaches(value)) for age, value in values.items() if value is not None]


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
    return json.dumps(
        {
            "version": "1.0",
            "queryDate": datetime.fromtimestamp(now_s, UTC).isoformat(timespec="milliseconds"),
            "statistic": alarm.statistic,
            "period": alarm.period_s,
            "recentDatapoints": [point.value for point in reversed(points)],
            "threshold": alarm.threshold,
        }
    )


def was_evaluated(description: Mapping[str, Any]) -> bool:
    """Tell whether an evaluation left this state; one that somebody set by hand has no such data with it."""
    if description.get("StateReason") == "Unchecked: Initial alarm creation":
        return True
    try:
        data = json.loads(description.get("StateReasonData") or "{}")
    except ValueError:
        return False
    return isinstance(data, dict) and "queryDate" in data
