"""Where people are told what goes wrong on the way, and what waits for them."""

from typing import cast

from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_sns as sns
from constructs import Construct

from sagewright.stacks import permissions
from sagewright.stacks.place import Place

_ALARMS = "cloudwatch.amazonaws.com"


class Notices(Construct):
    """A topic under a key, to which the project's owner is subscribed.

    That of delivery is written to by its function, and by CodePipeline when an approval waits. Alarms write as well, of
    all services the only one that does so in its own name: they must not depend on the function whose failure they
    tell.
    """

    def __init__(  # noqa: PLR0913 (what a topic is, and for whom)
        self, scope: Construct, construct_id: str, *, place: Place, key: kms.IKey, owner: str | None, name: str
    ) -> None:
        """Leave the owner out to subscribe nobody: AWS asks each address to confirm, whoever subscribes it."""
        super().__init__(scope, construct_id)
        self._key = key
        topic = sns.Topic(
            self,
            "Topic",
            topic_name=name,
            master_key=key,
            enforce_ssl=True,
        )
        # The CDK's classes name some parameters differently from the interfaces that they implement.
        self.topic = cast("sns.ITopic", topic)
        # A policy of one's own takes the place of the topic's first, which let in alarms of the account.
        topic.add_to_resource_policy(
            iam.PolicyStatement(
                sid="TellAlarms",
                principals=[_service(_ALARMS)],
                actions=["sns:Publish"],
                resources=[topic.topic_arn],
                conditions={
                    "StringEquals": {"aws:SourceAccount": place.account},
                    "ArnLike": {"aws:SourceArn": place.arn("cloudwatch", f"alarm:{place.project}-*")},
                },
            )
        )
        if owner is not None:
            sns.CfnSubscription(self, "Owner", topic_arn=topic.topic_arn, protocol="email", endpoint=owner)

    def grant_publish(self, role: iam.Role) -> None:
        """Let a role publish; SNS encrypts on behalf of who does, so the key is asked for it, too.

        https://docs.aws.amazon.com/sns/latest/dg/sns-key-management.html
        """
        permissions.allow(role, "Publish", ["sns:Publish"], [self.topic.topic_arn])
        permissions.allow(role, "EncryptNotices", ["kms:Decrypt", "kms:GenerateDataKey"], [self._key.key_arn])


def admit_alarms(key: kms.IKey, place: Place, name: str) -> None:
    """Let alarms write to a topic under its key, and use the key for nothing else.

    What SNS encrypts names its topic; who may publish to that, the topic's policy says.
    https://docs.aws.amazon.com/sns/latest/dg/sns-key-management.html
    """
    topic = place.arn("sns", name)
    key.add_to_resource_policy(
        iam.PolicyStatement(
            sid="TellAlarms",
            principals=[_service(_ALARMS)],
            actions=["kms:Decrypt", "kms:GenerateDataKey"],
            resources=["*"],
            conditions={"StringEquals": {"kms:EncryptionContext:aws:sns:topicArn": topic}},
        )
    )


def _service(name: str) -> iam.IPrincipal:
    return cast("iam.IPrincipal", iam.ServicePrincipal(name))
