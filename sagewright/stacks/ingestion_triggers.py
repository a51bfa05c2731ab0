"""What starts the ingestion: files that arrive, and the clock. A person does so by `sagewright features ingest`."""

from aws_cdk import aws_events as events
from aws_cdk import aws_sagemaker as sagemaker
from constructs import Construct

from sagewright.pipelines import ingestion
from sagewright.project import Project, names
from sagewright.project.feature_groups import Schedule
from sagewright.stacks import job_pipeline, permissions
from sagewright.stacks.job_pipeline import Timetable
from sagewright.stacks.place import Place

# Minutes at which other schedules do not start, too.
_EXPRESSIONS: dict[Schedule, str] = {"hourly": "cron(25 * * * ? *)", "daily": "cron(40 0 * * ? *)"}
# A token has at least 32 characters, which these alone are.
_TOKEN = f"sagewright-ingestion-execution--{job_pipeline.FIRING}"
_START = "StartIngestion"


class Arrivals(Construct):
    """A rule for each group, which starts the pipeline for it when S3 says that a file of its own has arrived.

    Every file starts a run: one that finds its file read already by another ends at once. Buckets that are not the
    project's say so only where their owners send events to EventBridge.
    https://docs.aws.amazon.com/AmazonS3/latest/userguide/EventBridge.html
    """

    def __init__(
        self, scope: Construct, construct_id: str, *, project: Project, place: Place, pipeline: sagemaker.CfnPipeline
    ) -> None:
        super().__init__(scope, construct_id)
        self._place, self._pipeline = place, pipeline
        watched = {
            name: each.s3_place or (place.data_bucket, f"{names.SOURCES}/{name}/")
            for name, each in project.own_features.items()
            if each.source and each.ingest.on_arrival
        }
        if not watched:
            return
        rules = place.arn("events", f"rule/{names.arrival_rule(place.project, '*')}")
        self._role = job_pipeline.starter(
            self,
            place,
            names.ingestion_pipeline(place.project),
            sid=_START,
            trusted=permissions.service_of(place, "events", rules),
        )
        for group, (bucket, prefix) in watched.items():
            self._rule(group, bucket, prefix)

    def _rule(self, group: str, bucket: str, prefix: str) -> None:
        parameter = events.CfnRule.SageMakerPipelineParameterProperty(name=ingestion.GROUPS.name, value=group)
        rule = events.CfnRule(
            self,
            group.capitalize(),
            name=names.arrival_rule(self._place.project, group),
            description=f"Files that have arrived for the feature group {group} of {self._place.project}",
            event_pattern={
                "source": ["aws.s3"],
                "detail-type": ["Object Created"],
                "detail": {"bucket": {"name": [bucket]}, "object": {"key": [{"prefix": prefix}]}},
            },
            targets=[
                events.CfnRule.TargetProperty(
                    id="Ingestion",
                    arn=self._place.arn("sagemaker", f"pipeline/{self._pipeline.pipeline_name}"),
                    role_arn=self._role.role_arn,
                    retry_policy=events.CfnRule.RetryPolicyProperty(
                        maximum_event_age_in_seconds=job_pipeline.TRIED_FOR_S,
                        maximum_retry_attempts=job_pipeline.TRIED_AGAIN,
                    ),
                    sage_maker_pipeline_parameters=events.CfnRule.SageMakerPipelineParametersProperty(
                        pipeline_parameter_list=[parameter]
                    ),
                )
            ],
        )
        for each in (self._pipeline, self._role.node.find_child("DefaultPolicy")):
            rule.node.add_dependency(each)


class Schedules(Construct):
    """A schedule for each cadence that groups ask for, which starts the pipeline for these groups."""

    def __init__(
        self, scope: Construct, construct_id: str, *, project: Project, place: Place, pipeline: sagemaker.CfnPipeline
    ) -> None:
        super().__init__(scope, construct_id)
        own = project.own_features.items()
        groups = {
            cadence: [name for name, each in own if each.source and each.ingest.schedule == cadence]
            for cadence in _EXPRESSIONS
        }
        if not any(groups.values()):
            return
        role = job_pipeline.starter(
            self,
            place,
            names.ingestion_pipeline(place.project),
            sid=_START,
            trusted=permissions.scheduler_of(place),
        )
        for cadence, those in groups.items():
            if those:
                timetable = Timetable(
                    name=names.ingestion_schedule(place.project, cadence),
                    expression=_EXPRESSIONS[cadence],
                    parameter=ingestion.GROUPS.name,
                    value=",".join(those),
                    token=_TOKEN,
                )
                made = cadence.capitalize()
                job_pipeline.schedule(self, made, place=place, started=pipeline, role=role, timetable=timetable)
