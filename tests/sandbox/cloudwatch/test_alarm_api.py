"""Alarms through the front door: what clients see, and what CloudWatch refuses."""

import uuid
from typing import Any

import pytest
from botocore.exceptions import ClientError

ACCOUNT, REGION = "111111111111", "eu-west-1"


@pytest.fixture
def name() -> str:
    return f"alarm-{uuid.uuid4().hex[:8]}"


def put(sandbox: Any, name: str, **changes: Any) -> None:
    alarm = {
        "AlarmName": name,
        "Namespace": "Test",
        "MetricName": "Runs",
        "Statistic": "Sum",
        "Period": 3600,
        "EvaluationPeriods": 3,
        "Threshold": 0,
        "ComparisonOperator": "LessThanThreshold",
    }
    request = {key: value for key, value in (alarm | changes).items() if value is not None}
    sandbox.client("cloudwatch").put_metric_alarm(**request)


def described(sandbox: Any, **which: Any) -> list[dict[str, Any]]:
    return sandbox.client("cloudwatch").describe_alarms(**which)["MetricAlarms"]


def test_an_alarm_is_described_as_it_was_asked_for(sandbox: Any, name: str) -> None:
    topic = f"arn:aws:sns:{REGION}:{ACCOUNT}:notices"
    put(sandbox, name, AlarmActions=[topic], TreatMissingData="breaching", AlarmDescription="No run.")
    (alarm,) = described(sandbox, AlarmNames=[name])
    assert alarm["AlarmArn"] == f"arn:aws:cloudwatch:{REGION}:{ACCOUNT}:alarm:{name}"
    assert (alarm["AlarmActions"], alarm["OKActions"], alarm["ActionsEnabled"]) == ([topic], [], True)
    assert (alarm["TreatMissingData"], alarm["AlarmDescription"], alarm["Period"]) == ("breaching", "No run.", 3600)
    assert (alarm["StateValue"], alarm["StateReason"]) == ("INSUFFICIENT_DATA", "Unchecked: Initial alarm creation")
    assert described(sandbox, AlarmNamePrefix=name[:-1]) == [alarm]
    assert alarm in described(sandbox, ActionPrefix=topic)
    assert (
        alarm
        in sandbox.client("cloudwatch").describe_alarms_for_metric(Namespace="Test", MetricName="Runs")["MetricAlarms"]
    )


def test_a_list_of_alarms_comes_in_pages(sandbox: Any, name: str) -> None:
    for number in range(3):
        put(sandbox, f"{name}-{number}")
    pages = sandbox.client("cloudwatch").get_paginator("describe_alarms").paginate(AlarmNamePrefix=name, MaxRecords=2)
    assert [len(page["MetricAlarms"]) for page in pages] == [2, 1]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"Period": 90}, "Period must be 10, 20, 30 or a multiple of 60, but is 90"),
        ({"Period": 1800, "EvaluationPeriods": 49}, "more than a day .EvaluationPeriods . Period must be <= 86400"),
        ({"Period": 86400, "EvaluationPeriods": 8}, "more than seven days .EvaluationPeriods . Period must be <= 60"),
        ({"DatapointsToAlarm": 4}, "DatapointsToAlarm .4. must not be more than EvaluationPeriods .3."),
        ({"TreatMissingData": "no"}, "Option no is not supported"),
        ({"Statistic": None}, "Exactly one of Statistic and ExtendedStatistic must be specified"),
        ({"Threshold": None}, "The parameter Threshold is required"),
        ({"Statistic": "Median"}, "failed to satisfy constraint"),
        ({"Dimensions": [{"Name": "A", "Value": "ü"}]}, "Dimensions.member.1.Value contains non-ASCII characters"),
        ({"Dimensions": [{"Name": ":A", "Value": "a"}]}, "must not start with a colon"),
        ({"Dimensions": [{"Name": "A", "Value": "a"}] * 2}, "the same dimension name twice"),
        ({"AlarmActions": ["notices"]}, "Invalid arn syntax: notices"),
        ({"AlarmActions": [f"arn:aws:sns:us-east-1:{ACCOUNT}:notices"]}, "Invalid region us-east-1 specified"),
    ],
)
def test_what_cloudwatch_refuses_is_a_validation_error(
    sandbox: Any, name: str, changes: dict[str, Any], message: str
) -> None:
    with pytest.raises(ClientError, match=message) as error:
        put(sandbox, name, **changes)
    assert error.value.response["Error"]["Code"] == "ValidationError"
    assert not described(sandbox, AlarmNames=[name])


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"AlarmActions": [f"arn:aws:automate:{REGION}:ec2:stop"]}, "Invalid arn syntax|alarm action arn:aws:automate"),
        ({"AlarmActions": [f"arn:aws:ssm:{REGION}:{ACCOUNT}:opsitem:1"]}, "does not have the alarm action arn:aws:ssm"),
        ({"EvaluationWindow": {"WallClockWindow": {}}}, "does not have PutMetricAlarm with EvaluationWindow"),
        ({"Statistic": None, "ExtendedStatistic": "tm90"}, "does not have statistic tm90"),
        ({"ComparisonOperator": "GreaterThanUpperThreshold"}, "with ComparisonOperator GreaterThanUpperThreshold"),
    ],
)
def test_what_the_sandbox_lacks_is_refused_by_name(
    sandbox: Any, name: str, changes: dict[str, Any], named: str
) -> None:
    with pytest.raises(ClientError, match=named):
        put(sandbox, name, **changes)
    assert not described(sandbox, AlarmNames=[name])


def test_composite_alarms_are_refused_by_name(sandbox: Any, name: str) -> None:
    with pytest.raises(ClientError, match="The sandbox does not have cloudwatch:PutCompositeAlarm"):
        sandbox.client("cloudwatch").put_composite_alarm(AlarmName=name, AlarmRule="ALARM(a)")


def test_the_state_of_an_alarm_that_is_not_there_cannot_be_set(sandbox: Any, name: str) -> None:
    with pytest.raises(ClientError) as error:
        sandbox.client("cloudwatch").set_alarm_state(AlarmName=name, StateValue="OK", StateReason="a test")
    assert error.value.response["Error"]["Code"] == "ResourceNotFound"


def test_an_alarms_tags_are_changed_and_read(sandbox: Any, name: str) -> None:
    put(sandbox, name, Tags=[{"Key": "a", "Value": "1"}, {"Key": "b", "Value": "2"}])
    client, arn = sandbox.client("cloudwatch"), f"arn:aws:cloudwatch:{REGION}:{ACCOUNT}:alarm:{name}"
    client.untag_resource(ResourceARN=arn, TagKeys=["a"])
    client.tag_resource(ResourceARN=arn, Tags=[{"Key": "c", "Value": "3"}])
    tags = {tag["Key"]: tag["Value"] for tag in client.list_tags_for_resource(ResourceARN=arn)["Tags"]}
    assert tags == {"b": "2", "c": "3"}


def test_a_deleted_alarm_is_gone_and_its_history_stays(sandbox: Any, name: str) -> None:
    put(sandbox, name)
    client = sandbox.client("cloudwatch")
    client.delete_alarms(AlarmNames=[name])
    assert not described(sandbox, AlarmNames=[name])
    items = client.describe_alarm_history(AlarmName=name)["AlarmHistoryItems"]
    assert [item["HistorySummary"] for item in items] == [f'Alarm "{name}" deleted', f'Alarm "{name}" created']
