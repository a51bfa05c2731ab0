"""From a number to a letter: a metric raises an alarm, the alarm calls a function, and that publishes one message."""

import re
import urllib.request
from typing import Any


def test_an_alarm_that_lasts_brings_one_message(bench: Any) -> None:
    sns, cloudwatch = bench.client("sns"), bench.client("cloudwatch")
    topic = sns.create_topic(Name=bench.name)["TopicArn"]
    sns.subscribe(TopicArn=topic, Protocol="email", Endpoint="ml@example.com")
    inbox = bench.gateway.topics.inbox
    asked = next(each for each in inbox.document()["messages"] if each["topic"] == topic)
    link = re.search(r"http://\S+", asked["text"])
    assert link is not None
    urllib.request.urlopen(link[0]).close()  # noqa: S310 - the sandbox's own address

    code = f"""
import boto3
def handler(event, context):
    alarm = event["alarmData"]
    text = alarm["alarmName"] + " " + alarm["state"]["value"]
    boto3.client("sns").publish(TopicArn="{topic}", Subject="Alarm", Message=text)
"""
    function = bench.function(code, {"Effect": "Allow", "Action": "sns:Publish", "Resource": topic})
    alarm = bench.arn("cloudwatch", f"alarm:{bench.name}")
    bench.admit(function, "lambda.alarms.cloudwatch.amazonaws.com", SourceArn=alarm)
    cloudwatch.put_metric_alarm(
        AlarmName=bench.name,
        Namespace=bench.name,
        MetricName="Drifted",
        Statistic="Maximum",
        Period=60,
        EvaluationPeriods=3,
        DatapointsToAlarm=2,
        Threshold=1,
        ComparisonOperator="GreaterThanOrEqualToThreshold",
        TreatMissingData="notBreaching",
        AlarmActions=[function],
    )
    for _ in range(5):
        cloudwatch.put_metric_data(Namespace=bench.name, MetricData=[{"MetricName": "Drifted", "Value": 2}])
        bench.forward(60)
    messages = [each for each in inbox.document()["messages"] if each["topic"] == topic]
    letters = [(each["to"], each["subject"], each["text"]) for each in messages if each["id"] != asked["id"]]
    assert letters == [("ml@example.com", "Alarm", f"{bench.name} ALARM")]
    cloudwatch.delete_alarms(AlarmNames=[bench.name])
