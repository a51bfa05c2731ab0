"""The monitor of our own: a pipeline of one job, and the schedule that starts it."""

import json

from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_sagemaker as sagemaker
from aws_cdk import aws_scheduler as scheduler
from constructs import Construct

from sagewright.pipelines import MonitoringBindings, monitoring
from sagewright.project import Environment, Project, names
from sagewright.project.monitoring import ScheduleName
from sagewright.stacks import permissions
from sagewright.stacks.monitor_role import MonitorRole
from sagewright.stacks.place import Place
from sagewright.stacks.released_version import WatchedVersion

# Minutes after the hour that is looked at, so that what SageMaker captured last has been written by then.
_EXPRESSIONS: dict[ScheduleName, str] = {"hourly": "cron(10 * * * ? *)", "daily": "cron(20 0 * * ? *)"}
# https://docs.aws.amazon.com/scheduler/latest/UserGuide/managing-schedule-context-attributes.html
_SCHEDULED, _FIRING = "<aws.scheduler.scheduled-time>", "<aws.scheduler.execution-id>"
# A token has at least 32 characters, which these alone are.
_TOKEN = f"sagewright-monitoring-execution-{_FIRING}"
# The next run comes anyway.
_TRIED_FOR_S, _TRIED_AGAIN = 3600, 10


class BuiltinMonitor(Construct):
    """Compares in every account: SageMaker Model Monitor is closed to accounts that have not used it before."""

    def __init__(  # noqa: PLR0913 (what is watched, where, how, against what)
        self,
        scope: Construct,
        construct_id: str,
        *,
        project: Project,
        place: Place,
        environment: Environment,
        key: kms.IKey,
        version: WatchedVersion,
    ) -> None:
        super().__init__(scope, construct_id)
        self._place = place
        job = MonitorRole(self, "Job", place=place, environment=environment, key=key)
        permissions.pull_image(job.role, place)
        bindings = MonitoringBindings(
            data_bucket=place.data_bucket,
            key_arn=key.key_arn,
            bundle_uri=f"{version.baseline_uri}/{monitoring.BUNDLE}",
            bundle_name=monitoring.BUNDLE,
            monitor_role_arn=job.role.role_arn,
            baseline_uri=version.baseline_uri,
            subnets=job.network.subnets,
            security_groups=job.network.security_groups,
        )
        pipeline = self._pipeline(monitoring.definition(project, environment, bindings), job.role)
        self._schedule(_EXPRESSIONS[environment.monitoring.schedule], pipeline)

    def _pipeline(self, definition: dict[str, object], job: iam.Role) -> sagemaker.CfnPipeline:
        place = self._place
        name = names.monitoring_pipeline(place.project, place.environment)
        role = iam.Role(
            Construct(self, "Execution"),
            "Role",
            description=f"Runs the pipeline {name}",
            assumed_by=permissions.sagemaker_of(place.account),
        )
        permissions.run_jobs(role, place, "Processing")
        permissions.pass_job_roles(role, [job])
        pipeline = sagemaker.CfnPipeline(
            self,
            "Pipeline",
            pipeline_name=name,
            pipeline_description=f"Compares requests of {names.endpoint(place.project, place.environment)}",
            pipeline_definition={"PipelineDefinitionBody": json.dumps(definition)},
            role_arn=role.role_arn,
        )
        # A run may start as soon as the pipeline is there, so what its roles may do must be there before.
        for each in (job, role):
            pipeline.node.add_dependency(each.node.find_child("DefaultPolicy"))
        return pipeline

    def _schedule(self, expression: str, pipeline: sagemaker.CfnPipeline) -> None:
        place = self._place
        role = iam.Role(
            Construct(self, "Schedule"),
            "Role",
            description=f"Starts the pipeline {pipeline.pipeline_name}",
            assumed_by=permissions.scheduler_of(place),
        )
        arn = place.arn("sagemaker", f"pipeline/{pipeline.pipeline_name}")
        permissions.allow(role, "StartMonitoring", ["sagemaker:StartPipelineExecution"], [arn])
        request = {
            "PipelineName": pipeline.pipeline_name,
            "PipelineParameters": [{"Name": monitoring.WINDOW_END.name, "Value": _SCHEDULED}],
            "ClientRequestToken": _TOKEN,
        }
        schedule = scheduler.CfnSchedule(
            self,
            "Runs",
            name=names.monitoring_schedule(place.project, place.environment),
            description=f"Starts the pipeline {pipeline.pipeline_name}",
            schedule_expression=expression,
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
        for each in (pipeline, role.node.find_child("DefaultPolicy")):
            schedule.node.add_dependency(each)
