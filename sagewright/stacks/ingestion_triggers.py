"""What starts the ingestion: files that arrive, and the clock. A person does so by `sagewright features ingest`."""

import json
from collections.abc import Sequence
from typing import Any

from aws_cdk import aws_events as events
from aws_cdk import aws_iam as iam
from aws_cdk import aws_sagemaker as sagemaker
from aws_cdk import aws_scheduler as scheduler
from constructs import Construct

from sagewright.pipelines import ingestion
from sagewright.project import Project, names
from sagewright.project.feature_groups import Schedule
from sagewright.stacks import permissions
from sagewright.stacks.place import Place

# Minutes at which other schedules do not start, too.
_EXPRESSIONS: dict[Schedule, str] = {"hourly": "cron(25 * * * ? *)", "daily": "cron(40 0 * * ? *)"}
# https://docs.aws.amazon.com/scheduler/latest/UserGuide/managing-schedule-context-attributes.html
_FIRING = "<aws.scheduler.execution-id>"
# A token has at least 32 characters, which these alone are.
_TOKEN = f"sagewright-ingestion-execution--{_FIRING}"
# The next run finds what this one would have found.
_TRIED_FOR_S, _TRIED_AGAIN = 3600, 10


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
        self._role = _starter(self, place, permissions.service_of(place, "events", rules))
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
                        maximum_event_age_in_seconds=_TRIED_FOR_S, maximum_retry_attempts=_TRIED_AGAIN
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
        role = _starter(self, place, permissions.scheduler_of(place))
        for cadence, those in groups.items():
            if those:
                schedule = self._schedule(cadence, those, place, pipeline, role)
                for each in (pipeline, role.node.find_child("DefaultPolicy")):
                    schedule.node.add_dependency(each)

    def _schedule(
        self,
        cadence: Schedule,
        groups: Sequence[str],
        place: Place,
        pipeline: sagemaker.CfnPipeline,
        role: iam.Role,
    ) -> scheduler.CfnSchedule:
        request: dict[str, Any] = {
            "PipelineName": pipeline.pipeline_name,
            "PipelineParameters": [{"Name": ingestion.GROUPS.name, "Value": ",".join(groups)}],
            "ClientRequestToken": _TOKEN,
        }
        return scheduler.CfnSchedule(
            self,
            cadence.capitalize(),
            name=names.ingestion_schedule(place.project, cadence),
            description=f"Starts the pipeline {pipeline.pipeline_name}",
            schedule_expression=_EXPRESSIONS[cadence],
            schedule_expression_timezone="UTC",
            flexible_time_window=scheduler.CfnSchedule.FlexibleTimeWindowProperty(mode="OFF"),
            target=scheduler.CfnSchedule.TargetProperty(
                arn=f"arn:{place.partition}:scheduler:::aws-sdk:sagemaker:startPipelineExecution",
                role_arn=role.role_arn,
                input=json.dumps(request),
                retry_policy=scheduler.CfnSchedule.RetryPolicyProperty(
                    maximum_event_age_in_seconds=_TRIED_FOR_S, maximum_retry_attempts=_TRIED_AGAIN
                ),
            ),
        )


def _starter(scope: Construct, place: Place, trusted: iam.IPrincipal) -> iam.Role:
    pipeline = names.ingestion_pipeline(place.project)
    role = iam.Role(scope, "Role", description=f"Starts the pipeline {pipeline}", assumed_by=trusted)
    arn = place.arn("sagemaker", f"pipeline/{pipeline}")
    permissions.allow(role, "StartIngestion", ["sagemaker:StartPipelineExecution"], [arn])
    return role
