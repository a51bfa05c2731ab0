"""What becomes of an event that nobody could handle: it is kept, and its owner is told."""

from typing import cast

from aws_cdk import Acknowledgment, Duration, Validations
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from sagewright.project import names
from sagewright.stacks.called_function import EVENTS
from sagewright.stacks.place import Place

_KEPT_DAYS = 14


class Undelivered(Construct):
    """A queue of last resort, and the alarm that something is in it.

    An event comes here from the rule that could not call the function, or from Lambda after its last attempt.
    """

    def __init__(self, scope: Construct, construct_id: str, *, place: Place, key: kms.IKey, topic: sns.ITopic) -> None:
        super().__init__(scope, construct_id)
        name = names.delivery_queue(place.project)
        self.queue = sqs.Queue(
            self,
            "Queue",
            queue_name=name,
            encryption=sqs.QueueEncryption.KMS,
            encryption_master_key=key,
            enforce_ssl=True,
            retention_period=Duration.days(_KEPT_DAYS),
        )
        self.queue.add_to_resource_policy(
            iam.PolicyStatement(
                sid="KeepEvents",
                principals=[_eventbridge()],
                actions=["sqs:SendMessage"],
                resources=[self.queue.queue_arn],
                conditions={
                    "ArnLike": {"aws:SourceArn": place.arn("events", f"rule/{names.delivery_rule(place.project, '*')}")}
                },
            )
        )
        last = "It is the queue of last resort itself: what nobody takes out of it is told by an alarm."
        Validations.of(self.queue).acknowledge(Acknowledgment(id="AwsSolutions-SQS3", reason=last))
        cloudwatch.CfnAlarm(
            self,
            "Lost",
            alarm_name=names.lost_alarm(place.project),
            alarm_description=(
                f"An event of {place.project}'s delivery could not be handled, so that a version may wait for its "
                f"release, or a release for its end. The queue {name} keeps it for {_KEPT_DAYS} days, and the log "
                f"{names.function_log(names.delivery_function(place.project))} says why. Mend that, and hand the "
                "event to the function again, or start the pipeline by hand."
            ),
            namespace="AWS/SQS",
            metric_name="ApproximateNumberOfMessagesVisible",
            dimensions=[cloudwatch.CfnAlarm.DimensionProperty(name="QueueName", value=self.queue.queue_name)],
            statistic="Maximum",
            period=300,
            evaluation_periods=1,
            comparison_operator="GreaterThanOrEqualToThreshold",
            threshold=1,
            # SQS says nothing of a queue that nobody has touched for hours, with or without messages in it.
            treat_missing_data="ignore",
            alarm_actions=[topic.topic_arn],
        )


def admit_events(key: kms.IKey, place: Place) -> None:
    """Let EventBridge put events into the queue under its key, and use the key for nothing else.

    What SQS encrypts names its queue; which rules may send to that, the queue's policy says.
    https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-key-management.html
    """
    queue = place.arn("sqs", names.delivery_queue(place.project))
    key.add_to_resource_policy(
        iam.PolicyStatement(
            sid="KeepEvents",
            principals=[_eventbridge()],
            actions=["kms:Decrypt", "kms:GenerateDataKey"],
            resources=["*"],
            conditions={"StringEquals": {"kms:EncryptionContext:aws:sqs:arn": queue}},
        )
    )


def _eventbridge() -> iam.IPrincipal:
    # The CDK's classes name some parameters differently from the interfaces that they implement.
    return cast("iam.IPrincipal", iam.ServicePrincipal(EVENTS))
