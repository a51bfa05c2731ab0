"""The clock's own evaluation of alarms, what they do, and what is remembered of it; no service but the clock runs."""

import json
import time
from collections.abc import Iterator
from typing import Any

import pytest

from sagewright.sandbox.clock import Clock
from sagewright.sandbox.cloudwatch.alarms import evaluate
from sagewright.sandbox.cloudwatch.api import CloudWatch
from sagewright.sandbox.cloudwatch.metrics import Place
from sagewright.sandbox.protocol import ApiError, Caller

ACCOUNT, REGION = "111111111111", "eu-west-1"
PLACE = Place(ACCOUNT, REGION)
TOPIC = f"arn:aws:sns:{REGION}:{ACCOUNT}:notices"
FUNCTION = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:message"
HOUR_S = 3600
MINUTE_S = 60


class Told:
    """Topics, functions and a bus that remember what they were told; `missing` is not there."""

    def __init__(self) -> None:
        self.published: list[dict[str, Any]] = []
        self.called: list[dict[str, Any]] = []
        self.events: list[dict[str, Any]] = []
        self.missing: set[str] = set()

    def publish(self, topic_arn: str, **message: Any) -> None:
        if topic_arn in self.missing:
            raise ApiError("NotFound", "Topic does not exist", 404)
        self.published.append({"topic": topic_arn, **message})

    def invoke_async(self, function_arn: str, payload: dict[str, Any], **who: Any) -> None:
        self.called.append({"function": function_arn, "payload": payload, **who})

    def emit(self, place: Place, **event: Any) -> None:
        self.events.append({"place": place, **event})


class World:
    """A CloudWatch whose clock is moved by the tests, and a metric with an alarm on it."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.told = Told()
        self.cloudwatch = CloudWatch(clock, 60)
        self.cloudwatch.stand(clock, self.told, self.told, self.told)

    def call(self, operation: str, **params: Any) -> dict[str, Any]:
        return self.cloudwatch.call(operation, params, Caller(ACCOUNT, REGION, ""))

    def alarm(self, **changes: Any) -> None:
        alarm = {
            "AlarmName": "drift",
            "Namespace": "Test",
            "MetricName": "DriftedColumns",
            "Statistic": "Maximum",
            "Period": HOUR_S,
            "EvaluationPeriods": 3,
            "DatapointsToAlarm": 2,
            "Threshold": 1.0,
            "ComparisonOperator": "GreaterThanOrEqualToThreshold",
            "TreatMissingData": "notBreaching",
            "AlarmActions": [TOPIC],
        }
        self.call("PutMetricAlarm", **{key: value for key, value in (alarm | changes).items() if value is not None})

    def put(self, value: float, metric: str = "DriftedColumns") -> None:
        self.call("PutMetricData", Namespace="Test", MetricData=[{"MetricName": metric, "Value": value}])

    def wait(self, seconds: float) -> None:
        self.clock.forward(self.clock.now() + seconds)
        assert self.clock.arrived(60)

    def state(self, name: str = "drift") -> str:
        (alarm,) = self.call("DescribeAlarms", AlarmNames=[name])["MetricAlarms"]
        return alarm["StateValue"]

    def history(self, kind: str | None = None, **more: Any) -> list[dict[str, Any]]:
        kinds = {"HistoryItemType": kind} if kind else {}
        return self.call("DescribeAlarmHistory", **kinds, **more)["AlarmHistoryItems"]


@pytest.fixture
def world() -> Iterator[World]:
    clock = Clock()
    yield World(clock)
    clock.close()


def test_a_new_alarm_knows_nothing_until_it_is_evaluated(world: World) -> None:
    world.alarm()
    assert world.state() == "INSUFFICIENT_DATA"
    world.wait(MINUTE_S)
    assert world.state() == "OK"


def test_an_alarm_of_two_in_three_fires_once_however_long_it_lasts(world: World) -> None:
    world.alarm()
    world.put(0)
    states = []
    for value in (0, 2, 2, 2, 2, 2):
        world.wait(HOUR_S)
        world.put(value)
        world.wait(MINUTE_S)
        states.append(world.state())
    assert states == ["OK", "OK", *["ALARM"] * 4]
    assert len(world.told.published) == 1
    assert world.told.published[0]["service"] == "cloudwatch.amazonaws.com"


def test_one_noisy_period_does_not_fire_and_what_ended_is_over(world: World) -> None:
    world.alarm()
    for value in (2, 0, 0, 0, 2, 2, 0, 0, 0):
        world.put(value)
        world.wait(HOUR_S)
    updates = [item["HistorySummary"] for item in world.history("StateUpdate", ScanBy="TimestampAscending")]
    assert updates == [
        "Alarm updated from INSUFFICIENT_DATA to OK",
        "Alarm updated from OK to ALARM",
        "Alarm updated from ALARM to OK",
    ]


def test_a_metric_that_stops_fires_the_alarm_that_takes_missing_data_for_breaching(world: World) -> None:
    world.alarm(
        MetricName="RunsCompleted",
        Statistic="Sum",
        DatapointsToAlarm=None,
        Threshold=0,
        ComparisonOperator="LessThanThreshold",
        TreatMissingData="breaching",
    )
    world.put(1, "RunsCompleted")
    world.wait(4 * HOUR_S)
    assert world.state() == "OK"
    world.wait(HOUR_S + 2 * MINUTE_S)  # now the last point has left the range of five periods, too
    assert world.state() == "ALARM"
    assert len(world.told.published) == 1


def test_a_topic_gets_cloudwatchs_own_message(world: World) -> None:
    world.alarm(EvaluationPeriods=1, DatapointsToAlarm=None, AlarmDescription="Columns drifted.")
    world.put(3)
    world.wait(2 * MINUTE_S)
    (published,) = world.told.published
    assert published["subject"] == 'ALARM: "drift" in Europe (Ireland)'
    message = json.loads(published["message"])
    assert (message["NewStateValue"], message["OldStateValue"]) == ("ALARM", "INSUFFICIENT_DATA")
    assert message["NewStateReason"].startswith("Threshold Crossed: 1 datapoint [3.0] was greater than or equal to")
    assert message["AlarmArn"] == published["source_arn"] == f"arn:aws:cloudwatch:{REGION}:{ACCOUNT}:alarm:drift"
    assert message["Trigger"] == {
        "MetricName": "DriftedColumns",
        "Namespace": "Test",
        "StatisticType": "Statistic",
        "Statistic": "MAXIMUM",
        "Unit": None,
        "Dimensions": [],
        "Period": HOUR_S,
        "EvaluationPeriods": 1,
        "ComparisonOperator": "GreaterThanOrEqualToThreshold",
        "Threshold": 1.0,
        "TreatMissingData": "notBreaching",
        "EvaluateLowSampleCountPercentile": "",
    }


def test_a_function_and_the_bus_get_the_alarm_with_its_state_before(world: World) -> None:
    dimensions = [{"Name": "Endpoint", "Value": "churn"}]
    world.alarm(AlarmActions=[FUNCTION], EvaluationPeriods=1, DatapointsToAlarm=None, Dimensions=dimensions)
    datum = {"MetricName": "DriftedColumns", "Dimensions": dimensions, "Value": 3}
    world.call("PutMetricData", Namespace="Test", MetricData=[datum])
    world.wait(2 * MINUTE_S)
    (called,) = world.told.called
    assert (called["function"], called["service"]) == (FUNCTION, "lambda.alarms.cloudwatch.amazonaws.com")
    data = called["payload"]["alarmData"]
    assert (data["alarmName"], data["state"]["value"]) == ("drift", "ALARM")
    assert data["previousState"]["value"] == "INSUFFICIENT_DATA"
    assert json.loads(data["state"]["reasonData"])["recentDatapoints"] == [3.0]
    (metric,) = data["configuration"]["metrics"]
    assert metric["metricStat"]["metric"] == {
        "namespace": "Test",
        "name": "DriftedColumns",
        "dimensions": {"Endpoint": "churn"},
    }
    event = world.told.events[-1]
    assert (event["source"], event["detail_type"]) == ("aws.cloudwatch", "CloudWatch Alarm State Change")
    assert event["detail"]["state"] == data["state"]


def test_an_action_that_fails_is_remembered_and_stops_no_other(world: World) -> None:
    world.told.missing.add(TOPIC)
    world.alarm(AlarmActions=[TOPIC, FUNCTION], EvaluationPeriods=1, DatapointsToAlarm=None)
    world.put(3)
    world.wait(2 * MINUTE_S)
    assert len(world.told.called) == 1
    actions = world.history("Action", ScanBy="TimestampAscending")
    assert [item["HistorySummary"] for item in actions] == [
        f"Failed to execute action {TOPIC}",
        f"Successfully executed action {FUNCTION}",
    ]
    assert json.loads(actions[0]["HistoryData"])["error"] == "Topic does not exist"


def test_an_alarm_whose_actions_are_disabled_changes_its_state_and_tells_nobody(world: World) -> None:
    world.alarm(EvaluationPeriods=1, DatapointsToAlarm=None)
    world.call("DisableAlarmActions", AlarmNames=["drift"])
    world.put(3)
    world.wait(2 * MINUTE_S)
    assert world.state() == "ALARM"
    assert not world.told.published
    assert world.told.events


def test_a_state_set_by_hand_acts_and_lasts_until_the_evaluation_a_minute_later(world: World) -> None:
    world.alarm()
    world.wait(MINUTE_S)
    world.call("SetAlarmState", AlarmName="drift", StateValue="ALARM", StateReason="a test")
    assert len(world.told.published) == 1
    world.wait(MINUTE_S - 5)
    assert world.state() == "ALARM"
    world.wait(MINUTE_S + 10)
    assert world.state() == "OK"
    assert len(world.told.published) == 1


def test_changing_an_alarm_keeps_its_state_until_it_is_evaluated_and_its_tags(world: World) -> None:
    tags = [{"Key": "team", "Value": "ml"}]
    world.alarm(EvaluationPeriods=1, DatapointsToAlarm=None, Tags=tags)
    world.put(3)
    world.wait(2 * MINUTE_S)
    world.alarm(EvaluationPeriods=1, DatapointsToAlarm=None, Threshold=10.0)
    assert world.state() == "ALARM"
    world.wait(MINUTE_S)
    assert world.state() == "OK"
    arn = f"arn:aws:cloudwatch:{REGION}:{ACCOUNT}:alarm:drift"
    assert world.call("ListTagsForResource", ResourceARN=arn)["Tags"] == tags
    summaries = [item["HistorySummary"] for item in world.history("ConfigurationUpdate")]
    assert summaries == ['Alarm "drift" updated', 'Alarm "drift" created']


def test_the_history_outlives_the_alarm_by_two_weeks(world: World) -> None:
    world.alarm()
    world.call("DeleteAlarms", AlarmNames=["drift"])
    assert not world.call("DescribeAlarms")["MetricAlarms"]
    assert len(world.history(AlarmName="drift")) == 2
    world.wait(14 * 24 * HOUR_S + 1)
    assert not world.history()


def test_an_alarm_that_a_deployment_watches_is_left_to_it(world: World) -> None:
    class Client:
        def describe_alarms(self, **_: Any) -> dict[str, Any]:
            return {}

    world.alarm(EvaluationPeriods=1, DatapointsToAlarm=None)
    watch = world.cloudwatch.watch(PLACE, ("drift",), Client())
    world.put(3)
    while not watch.firing():  # a paced minute is a second
        assert world.state() != "ALARM"
    began = world.clock.now()
    while watch.firing():  # the paced hour passes in a minute, but the point's own hour does not
        world.clock.forward(world.clock.now() + 30)
        assert world.clock.arrived(20)
    assert world.clock.now() - began < HOUR_S / 2
    assert world.state() == "OK"


def test_a_week_with_ten_alarms_passes_in_seconds(world: World) -> None:
    for number in range(10):
        world.alarm(AlarmName=f"alarm-{number}", MetricName=f"Metric{number % 3}")
    for _ in range(100):
        world.put(1, "Metric0")
    began = time.monotonic()
    world.wait(7 * 24 * HOUR_S)
    assert time.monotonic() - began < 15
    assert world.state("alarm-0") == "OK"


def test_a_state_set_while_an_evaluation_is_on_its_way_is_not_lost(world: World) -> None:
    world.alarm()
    (alarm,) = world.cloudwatch.alarms.of(PLACE)
    began = alarm.by_hand_s
    found = evaluate(alarm.rule, [], world.clock.now(), 1, alarm.state)
    world.call("SetAlarmState", AlarmName="drift", StateValue="ALARM", StateReason="a test")
    world.cloudwatch.alarms.found(alarm, found, began)
    assert world.state() == "ALARM"
