"""A pipeline of one processing job and what starts it by the clock: our own monitor is one, the ingestion another.

Functions and no construct, because the ids of what they make are those that deployed stacks have.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from aws_cdk import aws_iam as iam
from aws_cdk import aws_sagemaker as sagemaker
from aws_cdk import aws_scheduler as scheduler
from constructs import Construct

from sagewright.stacks import permissions
from sagewright.stacks.place import Place

# https://docs.aws.amazon.com/scheduler/latest/UserGuide/managing-schedule-context-attributes.html
SCHEDULED, FIRING = "<aws.scheduler.scheduled-time>", "<aws.scheduler.execution-id>"
# The next run comes anyway, and finds what this one would have found.
TRIED_FOR_S, TRIED_AGAIN = 3600, 10


def pipeline(  # noqa: PLR0913 (what the pipeline is, and where)
    scope: Construct, place: Place, *, name: str, description: str, definition: Mapping[str, Any], job: iam.Role
) -> sagemaker.CfnPipeline:
    """Provision the pipeline with a role of its own, which may run the job and hand its role on."""
    role = iam.Role(
        Construct(scope, "Execution"),
        "Role",
        description=f"Runs the pipeline {name}",
        assumed_by=permissions.sagemaker_of(place.account),
    )
    permissions.run_jobs(role, place, "Processing")
    permissions.pass_job_roles(role, [job])
    made = sagemaker.CfnPipeline(
        scope,
        "Pipeline",
        pipeline_name=name,
        pipeline_description=description,
        pipeline_definition={"PipelineDefinitionBody": json.dumps(definition)},
        role_arn=role.role_arn,
    )
    # A run may start as soon as the pipeline is there, so what its roles may do must be there before.
    for each in (job, role):
        made.node.add_dependency(each.node.find_child("DefaultPolicy"))
    return made


def starter(scope: Construct, place: Place, pipeline_name: str, *, sid: str, trusted: iam.IPrincipal) -> iam.Role:
    """Provision the role with which another service starts the pipeline and does nothing else."""
    role = iam.Role(scope, "Role", description=f"Starts the pipeline {pipeline_name}", assumed_by=trusted)
    arn = place.arn("sagemaker", f"pipeline/{pipeline_name}")
    permissions.allow(role, sid, ["sagemaker:StartPipelineExecution"], [arn])
    return role


@dataclass(frozen=True)
class Timetable:
    """When a pipeline starts by itself, and the one parameter that it is started with."""

    name: str
    expression: str
    parameter: str
    value: str
    # One start for each firing: https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_StartPipelineExecution.html
    token: str


def schedule(  # noqa: PLR0913 (what is started, when, and as whom)
    scope: Construct,
    construct_id: str,
    *,
    place: Place,
    started: sagemaker.CfnPipeline,
    role: iam.Role,
    timetable: Timetable,
) -> None:
    """Provision the schedule, once the pipeline and the right to start it are there."""
    request = {
        "PipelineName": started.pipeline_name,
        "PipelineParameters": [{"Name": timetable.parameter, "Value": timetable.value}],
        "ClientRequestToken": timetable.token,
    }
    made = scheduler.CfnSchedule(
        scope,
        construct_id,
        name=timetable.name,
        description=f"Starts the pipeline {started.pipeline_name}",
        schedule_expression=timetable.expression,
        schedule_expression_timezone="UTC",
        flexible_time_window=scheduler.CfnSchedule.FlexibleTimeWindowProperty(mode="OFF"),
        target=scheduler.CfnSchedule.TargetProperty(
            arn=f"arn:{place.partition}:scheduler:::aws-sdk:sagemaker:startPipelineExecution",
            role_arn=role.role_arn,
            input=json.dumps(request),
            retry_policy=scheduler.CfnSchedule.RetryPolicyProperty(
                maximum_event_age_in_seconds=TRIED_FOR_S, maximum_retry_attempts=TRIED_AGAIN
            ),
        ),
    )
    for each in (started, role.node.find_child("DefaultPolicy")):
        made.node.add_dependency(each)
