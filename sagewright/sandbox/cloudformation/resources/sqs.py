"""Why: SQS answers CreateQueue for an equal queue with that very queue, which a stack must not take over."""

from typing import Any

from typing_extensions import override

from ..resource import Context, Properties
from .api_call import already_exists, as_text, call, discard, found, text_attributes
from .api_resource import ApiResource, Attributes, changed, readable
from .policy_document import PolicyKind
from .tags import Tagging, create_parameter, tags_of
from .unidentified import AttachedPolicy

# Attribute and the value that it has when a template says nothing.
_DEFAULTS: dict[str, Any] = {
    "ContentBasedDeduplication": False,
    "DeduplicationScope": "queue",
    "DelaySeconds": 0,
    "FifoThroughputLimit": "perQueue",
    "KmsDataKeyReusePeriodSeconds": 300,
    "KmsMasterKeyId": "",
    "MaximumMessageSize": 1048576,
    "MessageRetentionPeriod": 345600,
    "ReceiveMessageWaitTimeSeconds": 0,
    "RedriveAllowPolicy": "",
    "RedrivePolicy": "",
    "SqsManagedSseEnabled": True,
    "VisibilityTimeout": 30,
}
_QUEUE_POLICY = PolicyKind("SetQueueAttributes", "InvalidAttributeValue", "Invalid value for the parameter Policy.")


class Queue(ApiResource):
    """A queue; Ref is its URL."""

    @override
    def create(self, context: Context, properties: Properties) -> str:
        """Create the queue, unless its name is taken."""
        client = self.client(context)
        fifo = ".fifo" if properties.get("FifoQueue") else ""
        name = properties.get("QueueName") or context.generated_name(self.name_limit - len(fifo)) + fifo
        attributes = text_attributes(properties, ("FifoQueue", *_DEFAULTS))
        tags = create_parameter(client, "create_queue", tags_of(context, self.type_name, properties))
        with self._one_at_a_time:
            if found(client, "get_queue_url", QueueName=name):
                raise already_exists(self.type_name, name)
            return str(call(client, "create_queue", QueueName=name, Attributes=attributes, **tags)["QueueUrl"])

    @override
    def attributes(self, context: Context, physical_id: str, properties: Properties) -> Attributes:
        """Return the queue's ARN, name and URL beside its properties."""
        name = physical_id.rpartition("/")[2]
        arn = f"arn:aws:sqs:{context.region}:{context.account}:{name}"
        return readable(context, self.type_name, {**properties, "Arn": arn, "QueueName": name, "QueueUrl": physical_id})

    @override
    def update(self, context: Context, physical_id: str, old: Properties, new: Properties) -> None:
        """Set changed attributes; one that is gone from the template goes back to its default."""
        different = {
            name: as_text(new.get(name, default)) for name, default in _DEFAULTS.items() if changed(old, new, name)
        }
        if different:
            call(self.client(context), "set_queue_attributes", QueueUrl=physical_id, Attributes=different)
        self.retag(context, physical_id, new)


class QueuePolicy(AttachedPolicy):
    """The policy of one queue or several."""

    @override
    def put_on(self, context: Context, target: str, policy: str) -> None:
        call(context.client("sqs"), "set_queue_attributes", QueueUrl=target, Attributes={"Policy": policy})

    @override
    def take_off(self, context: Context, target: str) -> None:
        discard(context.client("sqs"), "set_queue_attributes", QueueUrl=target, Attributes={"Policy": ""})


TYPES = {
    "AWS::SQS::Queue": Queue(
        type_name="AWS::SQS::Queue",
        service="sqs",
        create_operation="create_queue",
        delete_operation="delete_queue",
        name="QueueName",
        name_limit=80,
        identifier="QueueUrl",
        tagging=Tagging("QueueUrl", add="tag_queue", remove="untag_queue", read="list_queue_tags"),
    ),
    "AWS::SQS::QueuePolicy": QueuePolicy("Queues", _QUEUE_POLICY),
}
