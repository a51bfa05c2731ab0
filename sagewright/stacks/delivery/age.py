"""When somebody must look at a version again, although nothing is wrong with it: it has served for long."""

from collections.abc import Sequence

from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_sns as sns
from constructs import Construct

from sagewright.project import names
from sagewright.stacks.place import Place

METRIC = "DaysLive"
_EVERY_S = 3600


class AgeAlarms(Construct):
    """One alarm for each environment that serves, all in the first one's account: there it is known what is live."""

    def __init__(  # noqa: PLR0913 (whose age, how much of it, and who is told)
        self,
        scope: Construct,
        construct_id: str,
        *,
        place: Place,
        environments: Sequence[str],
        review_days: int,
        topic: sns.ITopic,
    ) -> None:
        super().__init__(scope, construct_id)
        for environment in environments:
            endpoint = names.endpoint(place.project, environment)
            cloudwatch.CfnAlarm(
                self,
                environment.capitalize(),
                alarm_name=names.age_alarm(place.project, environment),
                alarm_description=(
                    f"What {endpoint} serves has been live for more than {review_days} days (delivery.review_days). "
                    "Look at its drift and at what has been trained since; then approve a newer version, or raise "
                    "review_days if this one is to stay."
                ),
                namespace=names.metric_namespace(place.project, environment),
                metric_name=METRIC,
                statistic="Maximum",
                period=_EVERY_S,
                evaluation_periods=1,
                comparison_operator="GreaterThanThreshold",
                threshold=review_days,
                # An hour without a number, because the function failed, makes nothing younger.
                treat_missing_data="ignore",
                alarm_actions=[topic.topic_arn],
            )
