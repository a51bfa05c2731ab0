"""What is published reaches who subscribed and agreed, and only from who may publish."""

import json
import re
import urllib.request
from typing import Any

import pytest
from botocore.exceptions import ClientError

from sagewright.sandbox.protocol import ApiError

ALARM = "arn:aws:cloudwatch:eu-west-1:111111111111:alarm:some"
CLOUDWATCH = "cloudwatch.amazonaws.com"
OWNER = {"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::111111111111:root"}, "Action": "kms:*", "Resource": "*"}


def allowing(**statement: Any) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", **statement}]})


def topic(bench: Any, **attributes: str) -> str:
    return bench.client("sns").create_topic(Name=bench.name, Attributes=attributes)["TopicArn"]


def messages(bench: Any, arn: str) -> list[dict[str, Any]]:
    bench.settled()
    return [each for each in bench.gateway.topics.inbox.document()["messages"] if each["topic"] == arn]


def publish(bench: Any, arn: str, service: str = CLOUDWATCH, source: str = ALARM) -> None:
    bench.gateway.topics.publish(arn, subject="Drift", message="Look.", service=service, source_arn=source)


def test_an_address_gets_nothing_before_it_agreed_and_everything_after(bench: Any) -> None:
    sns, arn = bench.client("sns"), topic(bench)
    told = sns.subscribe(TopicArn=arn, Protocol="email", Endpoint="ml@example.com")
    assert told["SubscriptionArn"] == "pending confirmation"
    sns.publish(TopicArn=arn, Message="too early")
    (asked,) = messages(bench, arn)
    assert (asked["to"], asked["subject"]) == ("ml@example.com", "AWS Notification - Subscription Confirmation")
    (listed,) = sns.list_subscriptions_by_topic(TopicArn=arn)["Subscriptions"]
    assert listed["SubscriptionArn"] == "PendingConfirmation"

    link = re.search(r"http://\S+", asked["text"])
    assert link is not None
    with urllib.request.urlopen(link[0]) as page:  # noqa: S310 - the sandbox's own address
        assert b"<SubscriptionArn>arn:aws:sns:" in page.read()
    sns.publish(TopicArn=arn, Message="Column x has drifted.", Subject="Drift in x")
    message = messages(bench, arn)[-1]
    assert (message["to"], message["subject"], message["text"]) == (
        *("ml@example.com", "Drift in x"),
        "Column x has drifted.",
    )
    (listed,) = sns.list_subscriptions_by_topic(TopicArn=arn)["Subscriptions"]
    assert sns.get_subscription_attributes(SubscriptionArn=listed["SubscriptionArn"])["Attributes"][
        "PendingConfirmation"
    ] == ("false")


def test_a_token_that_is_not_the_topics_confirms_nothing(bench: Any) -> None:
    arn = topic(bench)
    bench.client("sns").subscribe(TopicArn=arn, Protocol="email", Endpoint="ml@example.com")
    with pytest.raises(ClientError, match=r"InvalidParameter.*Token"):
        bench.client("sns").confirm_subscription(TopicArn=arn, Token="0" * 64)


def test_a_queue_gets_messages_as_its_policy_lets_the_topic(bench: Any) -> None:
    sns, arn = bench.client("sns"), topic(bench)
    admitted = {"Principal": {"Service": "sns.amazonaws.com"}, "Condition": {"ArnEquals": {"aws:SourceArn": arn}}}
    letting = bench.queue({"Effect": "Allow", "Action": "sqs:SendMessage", **admitted})
    closed = bench.queue()
    for queue in (closed, letting):
        sns.subscribe(TopicArn=arn, Protocol="sqs", Endpoint=queue)
    sns.publish(TopicArn=arn, Message="hello", Subject="Hi")
    document = json.loads(bench.received(letting)["Body"])
    assert (document["Type"], document["Message"], document["Subject"]) == ("Notification", "hello", "Hi")
    bench.settled()
    url = f"{bench.sandbox.endpoint}/111111111111/{closed.rpartition(':')[2]}"
    assert "Messages" not in bench.client("sqs").receive_message(QueueUrl=url)


def test_a_function_gets_messages_as_its_policy_lets_the_topic(bench: Any) -> None:
    sns, arn, queue = bench.client("sns"), topic(bench), bench.queue()
    send = "boto3.client('sqs').send_message(QueueUrl=URL, MessageBody=event['Records'][0]['Sns']['Message'])"
    url = f"{bench.sandbox.endpoint}/111111111111/{queue.rpartition(':')[2]}"
    code = f"import boto3\nURL = {url!r}\ndef handler(event, context):\n    {send}\n"
    function = bench.function(code, {"Effect": "Allow", "Action": "sqs:SendMessage", "Resource": queue})
    bench.admit(function, "sns.amazonaws.com", SourceArn=arn)
    sns.subscribe(TopicArn=arn, Protocol="lambda", Endpoint=function)
    sns.publish(TopicArn=arn, Message="run")
    assert bench.received(queue)["Body"] == "run"


def test_an_alarm_of_the_account_reaches_a_topic_with_its_first_policy_and_an_event_does_not(bench: Any) -> None:
    arn = topic(bench)
    publish(bench, arn)
    with pytest.raises(ApiError, match=r"events\.amazonaws\.com is not authorized to perform: sns:Publish"):
        publish(bench, arn, "events.amazonaws.com", "arn:aws:events:eu-west-1:111111111111:rule/some")
    with pytest.raises(ApiError, match="not authorized"):
        publish(bench, arn, source=ALARM.replace("111111111111", "222222222222"))


def test_a_policy_of_ones_own_decides_who_publishes(bench: Any) -> None:
    arn = topic(bench)
    policy = allowing(Principal={"Service": "events.amazonaws.com"}, Action="sns:Publish", Resource=arn)
    bench.client("sns").set_topic_attributes(TopicArn=arn, AttributeName="Policy", AttributeValue=policy)
    publish(bench, arn, "events.amazonaws.com", "arn:aws:events:eu-west-1:111111111111:rule/some")
    with pytest.raises(ApiError, match="not authorized"):
        publish(bench, arn)


def test_a_topic_under_a_key_needs_the_keys_permission_too(bench: Any) -> None:
    kms = bench.client("kms")
    key = kms.create_key(Policy=json.dumps({"Version": "2012-10-17", "Statement": [OWNER]}))["KeyMetadata"]["KeyId"]
    arn = topic(bench, KmsMasterKeyId=key)
    with pytest.raises(ApiError, match=r"KMSAccessDenied.*kms:GenerateDataKey"):
        publish(bench, arn)
    use = ["kms:GenerateDataKey*", "kms:Decrypt"]
    admitting = {"Effect": "Allow", "Principal": {"Service": CLOUDWATCH}, "Action": use, "Resource": "*"}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [OWNER, admitting]})
    kms.put_key_policy(KeyId=key, PolicyName="default", Policy=policy)
    publish(bench, arn)


def test_a_role_publishes_under_a_key_only_with_the_key(bench: Any) -> None:
    owner = json.dumps({"Version": "2012-10-17", "Statement": [OWNER]})
    key = bench.client("kms").create_key(Policy=owner)["KeyMetadata"]["Arn"]
    arn = topic(bench, KmsMasterKeyId=key)
    code = f"""
import boto3
def handler(event, context):
    boto3.client("sns").publish(TopicArn="{arn}", Message="hello")
"""
    publishes = {"Effect": "Allow", "Action": "sns:Publish", "Resource": arn}
    uses = {"Effect": "Allow", "Action": ["kms:GenerateDataKey", "kms:Decrypt"], "Resource": key}
    run = bench.client("lambda").invoke
    refused = run(FunctionName=bench.function(code, publishes))["Payload"].read().decode()
    assert "KMSAccessDenied" in refused
    assert run(FunctionName=bench.function(code, publishes, uses))["Payload"].read() == b"null"


@pytest.mark.parametrize(
    ("given", "named"),
    [
        ({"Subject": "a" * 101}, "Subject"),
        ({"Subject": "Größe"}, "Subject"),
        ({"Subject": "two\nlines"}, "Subject"),
        ({"Message": ""}, "Empty message"),
        ({"MessageStructure": "json", "Message": "{}"}, "No default entry"),
    ],
)
def test_a_message_that_sns_would_not_take_is_refused(bench: Any, given: dict[str, str], named: str) -> None:
    with pytest.raises(ClientError, match=rf"InvalidParameter.*{named}"):
        bench.client("sns").publish(TopicArn=topic(bench), **({"Message": "hello"} | given))


def test_ways_of_delivery_that_are_not_here_are_refused_by_name(bench: Any) -> None:
    for protocol, endpoint in (("https", "https://example.com"), ("sms", "+491701234567")):
        with pytest.raises(ClientError, match=f"does not deliver by {protocol}"):
            bench.client("sns").subscribe(TopicArn=topic(bench), Protocol=protocol, Endpoint=endpoint)
    with pytest.raises(ClientError, match=r"NotFound.*Topic does not exist"):
        bench.client("sns").publish(TopicArn=bench.arn("sns", f"{bench.name}-none"), Message="hello")
