"""An event that a service hands over is the function's to take: let in by its policy, tried again, and told of."""

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from sagewright.sandbox.protocol import ApiError

SOURCE = "arn:aws:events:eu-west-1:111111111111:rule/some"
EVENTS = "events.amazonaws.com"
SENDS = {"Effect": "Allow", "Action": "sqs:SendMessage", "Resource": "*"}
# Tells a queue of every attempt, and fails as often as the event says.
FAILING = """
import boto3, json, os
def handler(event, context):
    boto3.client("sqs").send_message(QueueUrl=event["queue"], MessageBody=json.dumps(event))
    if event["fails"]:
        raise RuntimeError("again")
"""


def hand_over(bench: Any, function: str, event: dict[str, Any], service: str = EVENTS, source: str = SOURCE) -> None:
    bench.gateway.functions.invoke_async(function, event, service=service, source_arn=source)


def url(bench: Any, queue: str) -> str:
    return f"{bench.sandbox.endpoint}/111111111111/{queue.rpartition(':')[2]}"


def waiting(bench: Any, queue: str) -> int:
    asked = {"QueueUrl": url(bench, queue), "AttributeNames": ["ApproximateNumberOfMessages"]}
    return int(bench.client("sqs").get_queue_attributes(**asked)["Attributes"]["ApproximateNumberOfMessages"])


def test_a_service_gets_in_by_the_functions_policy_alone(bench: Any) -> None:
    function, queue = bench.function(FAILING, SENDS), bench.queue()
    event = {"queue": url(bench, queue), "fails": False}
    with pytest.raises(ApiError, match="not authorized to perform: lambda:InvokeFunction"):
        hand_over(bench, function, event)

    bench.admit(function, EVENTS, SourceArn=SOURCE)
    hand_over(bench, function, event)
    assert json.loads(bench.received(queue)["Body"]) == event
    for service, source in ((EVENTS, f"{SOURCE}-other"), ("sns.amazonaws.com", SOURCE)):
        with pytest.raises(ApiError, match="not authorized"):
            hand_over(bench, function, event, service, source)


def test_a_permission_for_nobody_or_under_a_name_that_is_taken_is_refused(bench: Any) -> None:
    function = bench.function(FAILING)
    asked = {"FunctionName": function, "Action": "lambda:InvokeFunction"}
    for principal in ("somebody", f"arn:aws:iam::111111111111:role/{bench.name}-none"):
        with pytest.raises(ClientError, match="The provided principal was invalid"):
            bench.client("lambda").add_permission(StatementId="one", Principal=principal, **asked)
    bench.client("lambda").add_permission(StatementId="one", Principal="111111111111", **asked)
    with pytest.raises(ClientError, match=r"ResourceConflictException.*statement id \(one\)"):
        bench.client("lambda").add_permission(StatementId="one", Principal=EVENTS, **asked)


def test_a_failed_event_is_tried_twice_more_and_then_told_of(bench: Any) -> None:
    function, queue, failures = bench.function(FAILING, SENDS), bench.queue(), bench.queue()
    bench.admit(function, EVENTS)
    bench.client("lambda").put_function_event_invoke_config(
        FunctionName=function, DestinationConfig={"OnFailure": {"Destination": failures}}
    )
    hand_over(bench, function, {"queue": url(bench, queue), "fails": True})
    bench.settled()
    assert waiting(bench, queue) == 1
    bench.forward(61)
    assert waiting(bench, queue) == 2
    bench.forward(60)
    assert waiting(bench, queue) == 2
    bench.forward(61)
    assert (waiting(bench, queue), waiting(bench, failures)) == (3, 1)

    told = json.loads(bench.received(failures)["Body"])
    assert told["requestContext"]["condition"] == "RetriesExhausted"
    assert told["requestContext"]["approximateInvokeCount"] == 3
    assert told["responsePayload"]["errorMessage"] == "again"
    bench.forward(3600)
    assert waiting(bench, queue) == 3


def test_without_retries_the_first_failure_is_the_last(bench: Any) -> None:
    function, queue, failures = bench.function(FAILING, SENDS), bench.queue(), bench.queue()
    bench.client("lambda").put_function_event_invoke_config(
        FunctionName=function, MaximumRetryAttempts=0, DestinationConfig={"OnFailure": {"Destination": failures}}
    )
    event = json.dumps({"queue": url(bench, queue), "fails": True}).encode()
    told = bench.client("lambda").invoke(FunctionName=function, InvocationType="Event", Payload=event)
    assert told["StatusCode"] == 202
    assert json.loads(bench.received(failures)["Body"])["requestContext"]["approximateInvokeCount"] == 1
