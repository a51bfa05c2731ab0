"""Events reach the targets of the rules that match, shaped as the target asks, and through the target's own door."""

import json
from datetime import datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from sagewright.sandbox.cloudwatch.metrics import Place
from sagewright.sandbox.events.shaping import shaped

EVENTS = "events.amazonaws.com"
PLACE = Place("111111111111", "eu-west-1")


def rule(bench: Any, pattern: dict[str, Any], *targets: dict[str, Any], **settings: Any) -> str:
    client = bench.client("events")
    arn = client.put_rule(Name=bench.name, EventPattern=json.dumps(pattern), **settings)["RuleArn"]
    bus = {"EventBusName": settings["EventBusName"]} if "EventBusName" in settings else {}
    listed = [{"Id": str(number), **target} for number, target in enumerate(targets)]
    assert client.put_targets(Rule=bench.name, Targets=listed, **bus)["FailedEntryCount"] == 0
    return arn


def open_queue(bench: Any) -> str:
    return bench.queue({"Effect": "Allow", "Principal": {"Service": EVENTS}, "Action": "sqs:SendMessage"})


def emit(bench: Any, **detail: Any) -> None:
    bench.gateway.bus.emit(
        PLACE,
        source="aws.sagemaker",
        detail_type="SageMaker Processing Job State Change",
        detail={"Test": bench.name, **detail},
        resources=[bench.arn("sagemaker", "processing-job/a")],
        time_s=1_800_000_000.9,
    )


def test_a_matching_event_arrives_whole_and_others_do_not(bench: Any) -> None:
    queue = open_queue(bench)
    pattern = {"source": ["aws.sagemaker"], "detail": {"Test": [bench.name], "Out": [{"prefix": "s3://a/"}]}}
    rule(bench, pattern, {"Arn": queue})
    emit(bench, Out="s3://b/x")
    emit(bench, Out="s3://a/x")
    event = json.loads(bench.received(queue)["Body"])
    assert event.pop("id")
    assert event == {
        "version": "0",
        "detail-type": "SageMaker Processing Job State Change",
        "source": "aws.sagemaker",
        "account": "111111111111",
        "time": "2027-01-15T08:00:00Z",
        "region": "eu-west-1",
        "resources": [bench.arn("sagemaker", "processing-job/a")],
        "detail": {"Test": bench.name, "Out": "s3://a/x"},
    }


def test_a_rule_that_is_switched_off_does_nothing(bench: Any) -> None:
    queue = open_queue(bench)
    rule(bench, {"detail": {"Test": [bench.name]}}, {"Arn": queue}, State="DISABLED")
    emit(bench)
    bench.settled()
    bench.client("events").enable_rule(Name=bench.name)
    emit(bench, second=True)
    assert json.loads(bench.received(queue)["Body"])["detail"]["second"]


def test_a_rule_with_a_timetable_is_due_by_the_sandboxs_clock(bench: Any) -> None:
    client, queue = bench.client("events"), open_queue(bench)
    arn = client.put_rule(Name=bench.name, ScheduleExpression="rate(1 hour)")["RuleArn"]
    client.put_targets(Rule=bench.name, Targets=[{"Id": "queue", "Arn": queue}])
    bench.forward(2 * 3600 + 60)
    client.remove_targets(Rule=bench.name, Ids=["queue"])
    client.delete_rule(Name=bench.name)
    first, second = (json.loads(bench.received(queue)["Body"]) for _ in range(2))
    assert (first["detail-type"], first["source"], first["resources"]) == ("Scheduled Event", "aws.events", [arn])
    times = [datetime.fromisoformat(each["time"]) for each in (first, second)]
    assert abs(times[1] - times[0]) == timedelta(hours=1)


def test_what_a_target_does_not_let_in_goes_to_its_dead_letter_queue(bench: Any) -> None:
    closed, dead = bench.queue(), open_queue(bench)
    arn = rule(bench, {"detail": {"Test": [bench.name]}}, {"Arn": closed, "DeadLetterConfig": {"Arn": dead}})
    emit(bench)
    message = bench.received(dead)
    attributes = {name: value["StringValue"] for name, value in message["MessageAttributes"].items()}
    assert (attributes["RULE_ARN"], attributes["TARGET_ARN"]) == (arn, closed)
    assert "sqs:SendMessage" in attributes["ERROR_MESSAGE"]
    assert json.loads(message["Body"])["detail"] == {"Test": bench.name}


def test_a_function_gets_the_event_only_from_a_rule_that_its_policy_names(bench: Any) -> None:
    queue, dead = bench.queue(), open_queue(bench)
    url = f"{bench.sandbox.endpoint}/111111111111/{queue.rpartition(':')[2]}"
    send = f"boto3.client('sqs').send_message(QueueUrl={url!r}, MessageBody=event['detail-type'])"
    code = f"import boto3\ndef handler(event, context):\n    {send}\n"
    function = bench.function(code, {"Effect": "Allow", "Action": "sqs:SendMessage", "Resource": queue})
    target = {"Arn": function, "DeadLetterConfig": {"Arn": dead}}
    arn = rule(bench, {"detail": {"Test": [bench.name]}}, target)
    bench.admit(function, EVENTS, SourceArn=f"{arn}-other")
    emit(bench)
    assert bench.received(dead)
    bench.admit(function, EVENTS, SourceArn=arn)
    emit(bench)
    assert bench.received(queue)["Body"] == "SageMaker Processing Job State Change"


def test_an_event_passes_to_another_bus_with_a_role_that_may_put_it_there(bench: Any) -> None:
    client, queue = bench.client("events"), open_queue(bench)
    bus = client.create_event_bus(Name=bench.name)["EventBusArn"]
    role = bench.role(EVENTS, {"Effect": "Allow", "Action": "events:PutEvents", "Resource": bus})
    rule(bench, {"detail": {"Test": [bench.name]}}, {"Arn": queue}, EventBusName=bench.name)
    rule(bench, {"detail": {"Test": [bench.name]}}, {"Arn": bus, "RoleArn": role})
    emit(bench)
    assert json.loads(bench.received(queue)["Body"])["source"] == "aws.sagemaker"


def test_a_client_puts_its_own_events_and_none_of_awss(bench: Any) -> None:
    queue = open_queue(bench)
    rule(bench, {"source": [bench.name]}, {"Arn": queue, "InputPath": "$.detail"})
    entry = {"Source": bench.name, "DetailType": "something", "Detail": '{"n": 1}'}
    answer = bench.client("events").put_events(
        Entries=[entry, {**entry, "Source": "aws.s3"}, {**entry, "Detail": "no JSON"}]
    )
    assert answer["FailedEntryCount"] == 2
    codes = [each.get("ErrorCode") for each in answer["Entries"]]
    assert codes == [None, "NotAuthorizedForSourceException", "MalformedDetail"]
    assert json.loads(bench.received(queue)["Body"]) == {"n": 1}


def test_targets_and_rules_that_are_not_here_are_refused_by_name(bench: Any) -> None:
    client = bench.client("events")
    with pytest.raises(ClientError, match="does not reach arn:aws:states") as refused:
        rule(bench, {"source": ["a"]}, {"Arn": bench.arn("states", "stateMachine:a")})
    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 501
    with pytest.raises(ClientError, match="Parameter ScheduleExpression is not valid"):
        client.put_rule(Name=bench.name, ScheduleExpression="rate(1 hours)")
    with pytest.raises(ClientError, match="RoleArn is required"):
        rule(bench, {"source": ["a"]}, {"Arn": bench.arn("sagemaker", "pipeline/a")})
    with pytest.raises(ClientError, match=r"InvalidEventPatternException.*Empty arrays are not allowed"):
        rule(bench, {"source": []})


EVENT = {
    "time": "2027-01-15T08:00:00Z",
    "detail-type": "x",
    "detail": {"name": 'say "a"', "n": 3, "list": [1, {"b": 2}]},
}


@pytest.mark.parametrize(
    ("target", "text"),
    [
        ({"Input": '{"fixed": 1}'}, '{"fixed": 1}'),
        ({"InputPath": "$.detail.list[1].b"}, "2"),
        ({"InputPath": "$.detail.none"}, "null"),
        (
            {
                "InputTransformer": {
                    "InputPathsMap": {"n": "$.detail.n", "name": "$.detail.name", "none": "$.none"},
                    "InputTemplate": '{"n": <n>, "name": <name>, "text": "<name> and <n>", "none": <none>}',
                }
            },
            json.dumps({"n": 3, "name": 'say "a"', "text": 'say "a" and 3', "none": None}),
        ),
        (
            {"InputTransformer": {"InputTemplate": '"<aws.events.rule-name> at <aws.events.event.ingestion-time>"'}},
            '"some at 2027-01-15T08:00:00Z"',
        ),
    ],
)
def test_a_target_gets_the_text_that_it_asks_for(target: dict[str, Any], text: str) -> None:
    assert shaped(target, EVENT, "arn:aws:events:eu-west-1:111111111111:rule/some") == text
