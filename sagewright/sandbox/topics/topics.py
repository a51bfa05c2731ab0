"""Why: SNS takes a message from who may publish, and hands it to every confirmed subscriber."""

import json
from collections.abc import Callable, Mapping
from typing import Any

from ..as_service import ServiceActor, complain, key_arn
from ..clients import Clients
from ..clock import Clock
from ..errands import begin
from ..functions import Functions
from ..protocol import ApiError, Caller
from .inbox import Inbox
from .message import Message, read
from .subscriptions import Subscriptions, pending, topic_at

PRINCIPAL = "sns.amazonaws.com"
_ALARMS = "cloudwatch.amazonaws.com"
_BATCH_LIMIT = 10

Operation = Callable[[dict[str, Any], Caller], dict[str, Any]]


class Topics:
    """Publishes to topics; `publish` is for services, the operations are for clients."""

    service_name = "sns"

    def __init__(self, clients: Clients, clock: Clock, functions: Functions) -> None:
        self._clients = clients
        self._clock = clock
        self._functions = functions
        self.inbox = Inbox(clock)
        self.subscriptions = Subscriptions(clock, self.inbox, clients.endpoint)
        self.operations: dict[str, Operation] = {
            "Publish": self._publish,
            "PublishBatch": self._publish_batch,
            "Subscribe": self.subscriptions.subscribe,
            "ConfirmSubscription": self.subscriptions.confirm,
            "ListSubscriptions": self.subscriptions.listed,
            "ListSubscriptionsByTopic": self.subscriptions.listed,
        }

    def call(self, operation: str, params: dict[str, Any], caller: Caller) -> dict[str, Any]:
        """Answer one request of a client."""
        return self.operations[operation](params, caller)

    def publish(self, topic_arn: str, *, subject: str, message: str, service: str, source_arn: str) -> None:
        """Publish for a service and return at once.

        Refused where the topic is not there, or where its policy or its key's policy does not let the service in (an
        ApiError).
        """
        _, topic = topic_at(topic_arn)
        account, region = topic_arn.split(":")[4], topic_arn.split(":")[3]
        actor = ServiceActor(self._clients, service, source_arn)
        # A topic's first policy admits its owner, which is how alarms of the account reach it; no other service does.
        owner = {"aws:SourceOwner": source_arn.split(":")[4]} if service == _ALARMS else {}
        actor.require("sns:Publish", topic_arn, owner)
        if topic.kms_master_key_id:
            try:
                actor.require_key(topic.kms_master_key_id, account, region, {"aws:sns:topicArn": topic_arn})
            except ApiError as refused:
                raise ApiError("KMSAccessDenied", refused.message) from refused
        given = {"Message": message, **({"Subject": subject} if subject else {})}
        self._accept(topic, read(topic_arn, given, self._clock.now()))

    def _publish(self, params: dict[str, Any], caller: Caller) -> dict[str, Any]:
        if "PhoneNumber" in params:
            raise ApiError("UnsupportedOperation", "The sandbox's SNS does not send text messages.", 501)
        arn = params.get("TopicArn") or params.get("TargetArn") or ""
        return {"MessageId": self._published(arn, params, caller)}

    def _publish_batch(self, params: dict[str, Any], caller: Caller) -> dict[str, Any]:
        entries = params.get("PublishBatchRequestEntries") or []
        if not 0 < len(entries) <= _BATCH_LIMIT:
            raise ApiError("TooManyEntriesInBatchRequest", "The batch request contains more entries than permissible.")
        if len({entry["Id"] for entry in entries}) < len(entries):
            problem = "Two or more batch entries in the request have the same Id."
            raise ApiError("BatchEntryIdsNotDistinct", problem)
        done: list[dict[str, Any]] = []
        failed: list[dict[str, Any]] = []
        for entry in entries:
            try:
                done.append({"Id": entry["Id"], "MessageId": self._published(params["TopicArn"], entry, caller)})
            except ApiError as refused:
                failed.append(
                    {"Id": entry["Id"], "Code": refused.code, "Message": refused.message, "SenderFault": True}
                )
        return {"Successful": done, "Failed": failed}

    def _published(self, arn: str, params: Mapping[str, Any], caller: Caller) -> str:
        _, topic = topic_at(arn)
        message = read(arn, params, self._clock.now())
        if topic.kms_master_key_id:
            self._require_key(topic, caller)
        self._accept(topic, message)
        return message.id

    def _require_key(self, topic: Any, caller: Caller) -> None:
        """Refuse whoever may publish but not use the topic's key."""
        _, _, _, region, account, _ = topic.arn.split(":", 5)
        who = self._clients.authorizer.principal_of(caller.access_key)
        key = key_arn(self._clients, topic.kms_master_key_id, account, region)
        if ":alias/aws/" in key and caller.account == account:
            return
        context = {
            "kms:ViaService": f"sns.{region}.amazonaws.com",
            "kms:CallerAccount": caller.account,
            "kms:EncryptionContext:aws:sns:topicArn": topic.arn,
        }
        try:
            for action in ("kms:GenerateDataKey", "kms:Decrypt"):
                self._clients.authorizer.authorize(
                    who, action, key, region=region, account=key.split(":")[4], context=context
                )
        except ApiError as refused:
            raise ApiError("KMSAccessDenied", refused.message) from refused

    def _accept(self, topic: Any, message: Message) -> None:
        if topic.fifo_topic:
            raise ApiError("UnsupportedOperation", "The sandbox's SNS does not deliver messages of FIFO topics.", 501)
        backend, _ = topic_at(message.topic)
        subscribers = [each for each in list(backend.subscriptions.values()) if each.topic.arn == message.topic]
        begin(self._clock, f"topic {topic.name}", lambda: self._deliver(message, subscribers))

    def _deliver(self, message: Message, subscribers: list[Any]) -> None:
        for subscription in subscribers:
            wanted = subscription._filter_policy_matcher  # noqa: SLF001 - moto keeps the policy's reading there
            if pending(subscription) or (wanted and not wanted.matches(_matchable(message), message.text)):
                continue
            try:
                self._hand_over(message, subscription)
            except ApiError as refused:
                complain(f"A message of {message.topic} did not reach {subscription.endpoint}: {refused}")

    def _hand_over(self, message: Message, subscription: Any) -> None:
        protocol, endpoint = subscription.protocol, subscription.endpoint
        if protocol == "email":
            text = message.text_for(protocol)
            self.inbox.take(to=endpoint, subject=message.title, text=text, topic=message.topic)
        elif protocol == "email-json":
            text = json.dumps(message.document(protocol), indent=2)
            self.inbox.take(to=endpoint, subject=message.title, text=text, topic=message.topic)
        elif protocol == "sqs":
            raw = str(subscription.attributes.get("RawMessageDelivery")).lower() == "true"
            body = message.text_for(protocol) if raw else json.dumps(message.document(protocol))
            ServiceActor(self._clients, PRINCIPAL, message.topic).send(endpoint, body)
        else:
            record = {"EventSource": "aws:sns", "EventVersion": "1.0", "EventSubscriptionArn": subscription.arn}
            told = {"Subject": None, "MessageAttributes": {}, **message.document(protocol)}
            event = {"Records": [{**record, "Sns": told}]}
            self._functions.invoke_async(endpoint, event, service=PRINCIPAL, source_arn=message.topic)


def _matchable(message: Message) -> dict[str, Any]:
    """Return the attributes in the form in which moto matches them."""
    return {
        name: {"Type": value.get("DataType", "String"), "Value": value.get("StringValue", "")}
        for name, value in message.attributes.items()
    }
