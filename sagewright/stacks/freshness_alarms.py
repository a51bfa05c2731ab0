"""When somebody must look at a feature group: nothing has been brought into it for longer than its owner wants."""

from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_kms as kms
from constructs import Construct

from sagewright.project import Project, names
from sagewright.stacks.delivery.notices import Notices
from sagewright.stacks.place import Place

# What the ingestion counts: rows that are new in the store, by group.
METRIC, DIMENSION = "RowsIngested", "Group"
_HOUR_S = 3600


class FreshnessAlarms(Construct):
    """An alarm for each group that says `fresh_hours`: every hour of so many without a row, or without a run."""

    def __init__(self, scope: Construct, construct_id: str, *, project: Project, place: Place, key: kms.IKey) -> None:
        super().__init__(scope, construct_id)
        topic = names.ingestion_topic(place.project)
        notices = Notices(self, "Notices", place=place, key=key, owner=project.owner, name=topic)
        for name, each in project.own_features.items():
            if each.fresh_hours is not None:
                cloudwatch.CfnAlarm(
                    self,
                    name.capitalize(),
                    alarm_name=names.freshness_alarm(place.project, name, each.version),
                    alarm_description=f"No row has come into the feature group {name} for {each.fresh_hours} hours",
                    namespace=names.metric_namespace(place.project, place.environment),
                    metric_name=METRIC,
                    dimensions=[cloudwatch.CfnAlarm.DimensionProperty(name=DIMENSION, value=name)],
                    statistic="Sum",
                    period=_HOUR_S,
                    evaluation_periods=each.fresh_hours,
                    comparison_operator="LessThanThreshold",
                    threshold=1,
                    treat_missing_data="breaching",
                    alarm_actions=[notices.topic.topic_arn],
                )


def wanted(project: Project) -> bool:
    """Say whether any group is watched so."""
    return any(each.fresh_hours for each in project.own_features.values())
