import json
from typing import Any

import pytest

from sagewright.sandbox.cloudwatch.alarms import Alarm, State, borders, evaluate
from sagewright.sandbox.cloudwatch.samples import Sample, UnavailableError

NOW = 1_000_000 * 60.0
"""The beginning of a minute."""


def alarm(**changes: Any) -> Alarm:
    description = {
        "AlarmName": "errors",
        "Namespace": "AWS/SageMaker",
        "MetricName": "Invocation5XXErrors",
        "Dimensions": [{"Name": "EndpointName", "Value": "churn"}],
        "Statistic": "Sum",
        "Period": 60,
        "EvaluationPeriods": 3,
        "Threshold": 0.5,
        "ComparisonOperator": "GreaterThanThreshold",
    }
    return Alarm.described(description | changes)


def samples(minutes: str) -> list[Sample]:
    """Return a point a minute, the latest last: X breaches, 0 does not, - is missing."""
    values = {"X": 1.0, "0": 0.0}
    return [
        Sample.of(NOW - 60 * (len(minutes) - place) + 1, values[kind])
        for place, kind in enumerate(minutes)
        if kind != "-"
    ]


def state(minutes: str, before: State = "OK", **changes: Any) -> State:
    return evaluate(alarm(**changes), samples(minutes), NOW, 1, before).state


# CloudWatch's own tables, the latest point on the right; the columns are missing, ignore (R: the state is retained),
# breaching, notBreaching. The five rows of each are those of today's page, the others those of its first edition, and
# what the page tells besides the tables:
# https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarms-and-missing-data.html
# https://github.com/awsdocs/amazon-cloudwatch-user-guide/blob/05fd32f/doc_source/AlarmThatSendsEmail.md
THREE_OF_THREE = {
    "0-X-X": ("OK", "OK", "OK", "OK"),
    "0----": ("OK", "OK", "OK", "OK"),
    "-----": ("INSUFFICIENT_DATA", "R", "ALARM", "OK"),
    "0XX-X": ("ALARM", "ALARM", "ALARM", "ALARM"),
    "--X--": ("ALARM", "R", "ALARM", "OK"),
    # of the first edition
    "----X": ("INSUFFICIENT_DATA", "R", "ALARM", "OK"),
    "X----": ("ALARM", "R", "ALARM", "OK"),
    # "Avoiding premature transitions to alarm state"
    "---X-": ("INSUFFICIENT_DATA", "R", "ALARM", "OK"),
    "---X0": ("OK", "OK", "OK", "OK"),
    "--X-0": ("OK", "OK", "OK", "OK"),
}
TWO_OF_THREE = {
    "0-X-X": ("ALARM", "ALARM", "ALARM", "ALARM"),
    "00X0X": ("ALARM", "ALARM", "ALARM", "ALARM"),
    "0-X--": ("OK", "OK", "ALARM", "OK"),
    "----0": ("OK", "OK", "ALARM", "OK"),
    "---X-": ("ALARM", "R", "ALARM", "OK"),
    # of the first edition
    "----X": ("INSUFFICIENT_DATA", "R", "ALARM", "OK"),
}


@pytest.mark.parametrize(
    ("minutes", "datapoints", "expected"),
    [(minutes, 3, expected) for minutes, expected in THREE_OF_THREE.items()]
    + [(minutes, 2, expected) for minutes, expected in TWO_OF_THREE.items()],
)
def test_missing_points_are_treated_as_the_alarm_says(
    minutes: str, datapoints: int, expected: tuple[str, str, str, str]
) -> None:
    ways = ("missing", "ignore", "breaching", "notBreaching")
    for before in ("OK", "ALARM"):
        found = [state(minutes, before, TreatMissingData=way, DatapointsToAlarm=datapoints) for way in ways]
        assert found == [before if each == "R" else each for each in expected]


def test_the_running_period_does_not_count_yet() -> None:
    just_now = [Sample.of(NOW + 10, 1.0)]
    one = alarm(EvaluationPeriods=1, TreatMissingData="notBreaching")
    assert evaluate(one, just_now, NOW + 59, 1, "OK").state == "OK"
    assert evaluate(one, just_now, NOW + 60, 1, "OK").state == "ALARM"


# The figure of "Evaluating an alarm": three of three above three units.
# https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarm-evaluation.html
def test_an_alarm_fires_after_the_third_period_and_no_longer_than_all_three_breach() -> None:
    values = [2, 2.5, 4, 5, 4.5, 2.8, 2, 2, 3.5, 2]
    points = [Sample.of(NOW + 60 * period, value) for period, value in enumerate(values, 1)]
    three = alarm(Statistic="Average", Threshold=3)
    states: list[State] = ["OK"]
    for period in range(1, len(values) + 1):
        found = [point for point in points if point.time_s <= NOW + 60 * period]
        states.append(evaluate(three, found, NOW + 60 * (period + 1), 1, states[-1]).state)
    assert [period for period, each in enumerate(states) if each == "ALARM"] == [5]


# "if the Period is 5 minutes and Evaluation Periods is 1, then at the end of minute 5 the alarm evaluates based on data
# from minutes 1 to 5. Then at the end of minute 6, the alarm is evaluated based on the data from minutes 2 to 6."
def test_periods_slide_with_every_minute() -> None:
    one = alarm(Period=300, EvaluationPeriods=1, Threshold=4, TreatMissingData="notBreaching")
    points = [Sample.of(NOW + 60 * minute, minute + 1) for minute in range(6)]
    values = [json.loads(evaluate(one, points, NOW + 60 * end, 1, "OK").data)["recentDatapoints"] for end in (5, 6)]
    assert values == [[1 + 2 + 3 + 4 + 5], [2 + 3 + 4 + 5 + 6]]
    assert borders(one, NOW + 360, 1)[-2:] == (NOW + 60, NOW + 360)
    assert borders(one, NOW + 419, 1)[-2:] == (NOW + 60, NOW + 360)


def test_short_periods_slide_every_ten_seconds() -> None:
    one = alarm(Period=30, EvaluationPeriods=1)
    assert borders(one, NOW + 49, 1)[-2:] == (NOW + 10, NOW + 40)


def test_a_period_passes_at_the_pace() -> None:
    one = alarm(EvaluationPeriods=1, TreatMissingData="notBreaching")
    second = [Sample.of(NOW, 1.0)]
    assert evaluate(one, second, NOW + 0.9, 60, "OK").state == "OK"
    assert evaluate(one, second, NOW + 1.1, 60, "OK").state == "ALARM"
    assert borders(one, NOW, 60)[0] == NOW - 3


def test_only_values_of_the_alarms_unit_count() -> None:
    points = [Sample.of(NOW - 30, 1.0, unit="Seconds"), Sample.of(NOW - 30, 0.0, unit="Percent")]
    assert evaluate(alarm(EvaluationPeriods=1, Unit="Percent"), points, NOW, 1, "OK").state == "OK"
    assert evaluate(alarm(EvaluationPeriods=1), points, NOW, 1, "OK").state == "ALARM"


# https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/percentiles-with-low-samples.html: 1,000 of p99.
@pytest.mark.parametrize(("count", "expected"), [(999, "OK"), (1000, "ALARM")])
def test_a_percentile_of_too_few_values_keeps_the_state_where_the_alarm_says_so(count: int, expected: str) -> None:
    kept = alarm(
        ExtendedStatistic="p99", Statistic=None, EvaluationPeriods=1, EvaluateLowSampleCountPercentile="ignore"
    )
    assert evaluate(kept, [Sample.of(NOW - 30, 1.0, count)], NOW, 1, "OK").state == expected


def test_points_before_what_an_alarm_looks_at_are_forgotten() -> None:
    assert state("XXX---", EvaluationPeriods=1, TreatMissingData="notBreaching") == "OK"


@pytest.mark.parametrize(
    ("statistic", "value"), [("Sum", 6), ("Average", 2), ("Minimum", 1), ("Maximum", 3), ("SampleCount", 3)]
)
def test_a_statistic_is_over_all_values_of_the_period(statistic: str, value: float) -> None:
    points = [Sample.of(NOW - 50, 1), Sample(NOW - 40, 2, 5, 2, 3)]
    equal = alarm(
        Statistic=statistic, EvaluationPeriods=1, Threshold=value, ComparisonOperator="GreaterThanOrEqualToThreshold"
    )
    more = alarm(Statistic=statistic, EvaluationPeriods=1, Threshold=value)
    assert evaluate(equal, points, NOW, 1, "OK").state == "ALARM"
    assert evaluate(more, points, NOW, 1, "OK").state == "OK"


@pytest.mark.parametrize(("percentile", "value"), [("p50", 5), ("p90", 9), ("p99.9", 10), ("p0", 1)])
def test_a_percentile_is_the_value_that_so_many_do_not_exceed(percentile: str, value: float) -> None:
    points = [Sample.of(NOW - 30, each) for each in range(1, 11)]
    found = alarm(ExtendedStatistic=percentile, Statistic=None, EvaluationPeriods=1, Threshold=100)
    assert json.loads(evaluate(found, points, NOW, 1, "OK").data)["recentDatapoints"] == [value]


def test_a_statistic_set_has_no_percentiles() -> None:
    found = alarm(ExtendedStatistic="p90", Statistic=None, EvaluationPeriods=1)
    assert evaluate(found, [Sample(NOW - 30, 10, 55, 1, 10)], NOW, 1, "OK").state == "INSUFFICIENT_DATA"


@pytest.mark.parametrize(
    ("comparison", "fires"),
    [
        ("GreaterThanThreshold", False),
        ("GreaterThanOrEqualToThreshold", True),
        ("LessThanThreshold", False),
        ("LessThanOrEqualToThreshold", True),
    ],
)
def test_a_value_at_the_threshold_is_compared_as_the_operator_says(comparison: str, *, fires: bool) -> None:
    found = state("X", EvaluationPeriods=1, Threshold=1, ComparisonOperator=comparison)
    assert found == ("ALARM" if fires else "OK")


def test_an_alarm_says_why() -> None:
    verdict = evaluate(alarm(EvaluationPeriods=1), samples("X"), NOW, 1, "OK")
    assert verdict.reason == "Threshold Crossed: 1 datapoint [1.0] was greater than the threshold (0.5)."
    data = json.loads(verdict.data)
    assert data["evaluatedDatapoints"][0]["value"] == 1.0
    assert (data["period"], data["recentDatapoints"]) == (60, [1.0])
    missing = evaluate(alarm(EvaluationPeriods=2, TreatMissingData="notBreaching"), [], NOW, 1, "OK")
    assert missing.reason == (
        "Threshold Crossed: no datapoints were received for 2 periods and they were treated as [NonBreaching]."
    )
    assert evaluate(alarm(), [], NOW, 1, "OK").reason == "Insufficient Data: 3 datapoints were unknown."


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"Metrics": [{"Id": "a"}], "MetricName": None}, "alarm errors with metric math"),
        ({"ComparisonOperator": "GreaterThanUpperThreshold"}, "alarm errors with ComparisonOperator"),
        ({"ExtendedStatistic": "tm90", "Statistic": None}, "statistic tm90"),
    ],
)
def test_an_alarm_that_cannot_be_evaluated_is_named(changes: dict[str, Any], named: str) -> None:
    with pytest.raises(UnavailableError, match=named):
        evaluate(alarm(**changes), samples("X"), NOW, 1, "OK")
