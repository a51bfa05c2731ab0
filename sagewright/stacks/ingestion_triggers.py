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


class Arrival(Construct):
    """A rule that starts the pipeline when S3 says that a file has arrived where a group's files are.

    Every file starts a run: a run that finds its file read already by another one ends at once. Buckets that are not
    the project's say so only where their owners send events to EventBridge.
    https://docs.aws.amazon.com/AmazonS3/latest/userguide/EventBridge.html
    """

    def __init__(
        self, scope: Construct, construct_id: str, *, project: Project, place: Place, pipeline: sagemaker.CfnPipeline
    ) -> None:
        super().__init__(scope, construct_id)
        prefixes = _watched(project, place)
        if not prefixes:
            return
        name = names.arrival_rule(place.project)
        role = _starter(self, place, permissions.service_of(place, "events", place.arn("events", f"rule/{name}")))
        watched = [
            {"bucket": {"name": [bucket]}, "object": {"key": [{"prefix": prefix} for prefix in those]}}
            for bucket, those in prefixes.items()
        ]
        rule = events.CfnRule(
            self,
            "Rule",
            name=name,
            description=f"Files that have arrived for feature groups of {place.project}",
            event_pattern={
                "source": ["aws.s3"],
                "detail-type": ["Object Created"],
                "detail": watched[0] if len(watched) == 1 else {"$or": watched},
            },
            targets=[
                events.CfnRule.TargetProperty(
                    id="Ingestion",
                    arn=place.arn("sagemaker", f"pipeline/{pipeline.pipeline_name}"),
                    role_arn=role.role_arn,
                    retry_policy=events.CfnRule.RetryPolicyProperty(
                        maximum_event_age_in_seconds=_TRIED_FOR_S, maximum_retry_attempts=_TRIED_AGAIN
                    ),
                    sage_maker_pipeline_parameters=events.CfnRule.SageMakerPipelineParametersProperty(
                        pipeline_parameter_list=[
                            events.CfnRule.SageMakerPipelineParameterProperty(
                                name=ingestion.GROUPS.name, value=ingestion.ALL
                            )
                        ]
                    ),
                )
            ],
        )
        for each in (pipeline, role.node.find_child("DefaultPolicy")):
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


def _watched(project: Project, place: Place) -> dict[str, list[str]]:
    """List the prefixes of every bucket in which files of groups arrive."""
    prefixes: dict[str, list[str]] = {}
    for name, each in project.own_features.items():
        if each.source and each.ingest.on_arrival:
            bucket, prefix = each.s3_place or (place.data_bucket, f"{names.SOURCES}/{name}/")
            prefixes.setdefault(bucket, []).append(prefix)
    return prefixes


def _starter(scope: Construct, place: Place, trusted: iam.IPrincipal) -> iam.Role:
    pipeline = names.ingestion_pipeline(place.project)
    role = iam.Role(scope, "Role", description=f"Starts the pipeline {pipeline}", assumed_by=trusted)
    arn = place.arn("sagemaker", f"pipeline/{pipeline}")
    permissions.allow(role, "StartIngestion", ["sagemaker:StartPipelineExecution"], [arn])
    return role
