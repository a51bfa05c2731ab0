"""Why: SNS answers CreateTopic for a topic that exists with that very topic, which a stack must not take over."""

import re
from typing import Any

from typing_extensions import override

from ..resource import Context, Properties
from .api_call import already_exists, as_text, call, discard, found, refusal, text_attributes
from .api_resource import ApiResource, Attributes, changed, readable
from .policy_document import PolicyKind
from .tags import Tagging, create_parameter, tags_of
from .unidentified import AttachedPolicy

_TOPIC_ATTRIBUTES = (
    *("DisplayName", "KmsMasterKeyId", "FifoTopic", "ContentBasedDeduplication", "SignatureVersion"),
    *("TracingConfig", "ArchivePolicy", "FifoThroughputScope", "MaximumMessageSize"),
)
_SUBSCRIPTION_ATTRIBUTES = (
    *("DeliveryPolicy", "FilterPolicy", "FilterPolicyScope", "RawMessageDelivery", "RedrivePolicy"),
    *("SubscriptionRoleArn", "ReplayPolicy"),
)
_ENDPOINTS = {
    "email": (r"[^@\s]+@[^@\s]+", "Email address"),
    "email-json": (r"[^@\s]+@[^@\s]+", "Email address"),
    "http": (r"http://.+", "Endpoint must match the specified protocol"),
    "https": (r"https://.+", "Endpoint must match the specified protocol"),
    "sqs": (r"arn:aws:sqs:[^:]+:\d{12}:.+", "SQS endpoint ARN"),
    "lambda": (r"arn:aws:lambda:[^:]+:\d{12}:function:.+", "Lambda endpoint ARN"),
    "firehose": (r"arn:aws:firehose:[^:]+:\d{12}:.+", "Firehose endpoint ARN"),
}
_TOPIC_POLICY = PolicyKind(
    "SetTopicAttributes", "InvalidParameter", "PrincipalNotFound", "Invalid parameter: Policy Error: "
)


class Topic(ApiResource):
    """A topic with its attributes and the subscriptions written into it."""

    @override
    def create(self, context: Context, properties: Properties) -> str:
        """Create the topic, unless its name is taken."""
        _refuse_unsupported(properties)
        client, name = self.client(context), self._topic_name(context, properties)
        arn = f"arn:aws:sns:{context.region}:{context.account}:{name}"
        with self._one_at_a_time:
            if found(client, "get_topic_attributes", TopicArn=arn):
                raise already_exists(self.type_name, arn)
            tags = create_parameter(client, "create_topic", tags_of(context, self.type_name, properties))
            call(client, "create_topic", Name=name, Attributes=text_attributes(properties, _TOPIC_ATTRIBUTES), **tags)
        if "DataProtectionPolicy" in properties:
            self._protect(client, arn, properties)
        for subscription in properties.get("Subscription", []):
            _subscribe(client, {**subscription, "TopicArn": arn})
        return arn

    @override
    def attributes(self, context: Context, physical_id: str, properties: Properties) -> Attributes:
        """Return the topic's ARN and name beside its properties."""
        return readable(
            context,
            self.type_name,
            {**properties, "TopicArn": physical_id, "TopicName": physical_id.rpartition(":")[2]},
        )

    @override
    def update(self, context: Context, physical_id: str, old: Properties, new: Properties) -> None:
        """Set changed attributes; one that is gone from the template is emptied."""
        _refuse_unsupported(new)
        client = self.client(context)
        for name in _TOPIC_ATTRIBUTES:
            if changed(old, new, name):
                value = as_text(new.get(name, ""))
                call(client, "set_topic_attributes", TopicArn=physical_id, AttributeName=name, AttributeValue=value)
        if changed(old, new, "DataProtectionPolicy"):
            self._protect(client, physical_id, new)
        self._resubscribe(client, physical_id, old, new)
        self.retag(context, physical_id, new)

    def _topic_name(self, context: Context, properties: Properties) -> str:
        fifo = ".fifo" if properties.get("FifoTopic") else ""
        return properties.get("TopicName") or context.generated_name(self.name_limit - len(fifo)) + fifo

    def _protect(self, client: Any, arn: str, properties: Properties) -> None:
        policy = as_text(properties.get("DataProtectionPolicy", ""))
        call(client, "put_data_protection_policy", ResourceArn=arn, DataProtectionPolicy=policy)

    def _resubscribe(self, client: Any, arn: str, old: Properties, new: Properties) -> None:
        before, after = old.get("Subscription", []), new.get("Subscription", [])
        present = call(client, "list_subscriptions_by_topic", TopicArn=arn)["Subscriptions"]
        for subscription in before:
            if subscription not in after:
                for match in present:
                    # Who has not agreed yet has no ARN to unsubscribe by, and is forgotten unless he agrees.
                    if match["SubscriptionArn"].startswith("arn:") and (match["Protocol"], match["Endpoint"]) == (
                        subscription["Protocol"],
                        subscription["Endpoint"],
                    ):
                        call(client, "unsubscribe", SubscriptionArn=match["SubscriptionArn"])
        for subscription in after:
            if subscription not in before:
                _subscribe(client, {**subscription, "TopicArn": arn})


class Subscription(ApiResource):
    """A subscription to a topic, which may be another account's."""

    @override
    def create(self, context: Context, properties: Properties) -> str:
        """Subscribe."""
        client = self.client(context)
        if "Region" in properties:
            client = context.acting.get("sns", context.account, properties["Region"])
        return _subscribe(client, properties)

    @override
    def attributes(self, context: Context, physical_id: str, properties: Properties) -> Attributes:
        """Return the subscription's ARN."""
        return {"Arn": physical_id}

    @override
    def update(self, context: Context, physical_id: str, old: Properties, new: Properties) -> None:
        """Set changed attributes."""
        client, attributes = self.client(context), text_attributes(new, _SUBSCRIPTION_ATTRIBUTES)
        for name in _SUBSCRIPTION_ATTRIBUTES:
            if changed(old, new, name):
                call(
                    client,
                    "set_subscription_attributes",
                    SubscriptionArn=physical_id,
                    AttributeName=name,
                    AttributeValue=attributes.get(name, ""),
                )


class TopicPolicy(AttachedPolicy):
    """The policy of one topic or several."""

    @override
    def put_on(self, context: Context, target: str, policy: str) -> None:
        call(_sns(context, target), "set_topic_attributes", **_policy_of(target, policy))

    @override
    def take_off(self, context: Context, target: str) -> None:
        """Give the topic the policy back that a topic has from the start."""
        policy = as_text(_owner_policy(context.account, target))
        discard(_sns(context, target), "set_topic_attributes", **_policy_of(target, policy))


def _sns(context: Context, topic: str) -> Any:
    """Return a client of the topic's region."""
    parts = topic.split(":")
    return context.clients.get("sns", context.account, parts[3] if len(parts) > 4 else context.region)  # noqa: PLR2004 - an ARN's fourth part


def _policy_of(topic: str, policy: str) -> dict[str, str]:
    return {"TopicArn": topic, "AttributeName": "Policy", "AttributeValue": policy}


def _owner_policy(account: str, topic: str) -> dict[str, Any]:
    actions = ("GetTopicAttributes", "SetTopicAttributes", "AddPermission", "RemovePermission", "DeleteTopic")
    statement = {
        "Sid": "__default_statement_ID",
        "Effect": "Allow",
        "Principal": {"AWS": "*"},
        "Action": [f"SNS:{action}" for action in (*actions, "Subscribe", "ListSubscriptionsByTopic", "Publish")],
        "Resource": topic,
        "Condition": {"StringEquals": {"AWS:SourceOwner": account}},
    }
    return {"Version": "2008-10-17", "Id": "__default_policy_ID", "Statement": [statement]}


def _subscribe(client: Any, properties: Properties) -> str:
    protocol, endpoint = properties["Protocol"], properties.get("Endpoint", "")
    pattern, message = _ENDPOINTS.get(protocol, (".+", "Endpoint"))
    if not re.fullmatch(pattern, endpoint):
        raise refusal("InvalidParameter", f"Invalid parameter: {message}", "Subscribe")
    answer = call(
        client,
        "subscribe",
        TopicArn=properties["TopicArn"],
        Protocol=protocol,
        Endpoint=endpoint,
        Attributes=text_attributes(properties, _SUBSCRIPTION_ATTRIBUTES),
        ReturnSubscriptionArn=True,
    )
    return str(answer["SubscriptionArn"])


def _refuse_unsupported(properties: Properties) -> None:
    if "DeliveryStatusLogging" in properties:
        message = "The sandbox does not have DeliveryStatusLogging of AWS::SNS::Topic."
        raise refusal("UnsupportedOperation", message, "CreateTopic")


TYPES = {
    "AWS::SNS::Topic": Topic(
        type_name="AWS::SNS::Topic",
        service="sns",
        create_operation="create_topic",
        delete_operation="delete_topic",
        name="TopicName",
        name_limit=256,
        identifier="TopicArn",
        tagging=Tagging("ResourceArn"),
    ),
    "AWS::SNS::TopicPolicy": TopicPolicy("Topics", _TOPIC_POLICY),
    "AWS::SNS::Subscription": Subscription(
        type_name="AWS::SNS::Subscription",
        service="sns",
        create_operation="subscribe",
        delete_operation="unsubscribe",
        identifier="SubscriptionArn",
    ),
}
