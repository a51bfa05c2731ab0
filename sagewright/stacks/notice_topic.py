"""Where messages for people go."""

from typing import cast

from aws_cdk import aws_kms as kms
from aws_cdk import aws_sns as sns
from constructs import Construct

from sagewright.project import names
from sagewright.stacks.place import Place


class NoticeTopic(Construct):
    """A topic under the environment's key, to which the project's owner is subscribed.

    Only a function of ours publishes, as its own role, so no service has to be let into the key.
    """

    def __init__(self, scope: Construct, construct_id: str, *, place: Place, key: kms.IKey, owner: str | None) -> None:
        """Leave the owner out to subscribe nobody: AWS asks each address to confirm, whoever subscribes it."""
        super().__init__(scope, construct_id)
        topic = sns.Topic(
            self,
            "Topic",
            topic_name=names.notice_topic(place.project, place.environment),
            master_key=key,
            enforce_ssl=True,
        )
        # The CDK's classes name some parameters differently from the interfaces that they implement.
        self.topic = cast("sns.ITopic", topic)
        if owner is not None:
            sns.CfnSubscription(self, "Owner", topic_arn=topic.topic_arn, protocol="email", endpoint=owner)
