"""The monitor of our own: a pipeline of one job, and the schedule that starts it."""

from aws_cdk import aws_kms as kms
from constructs import Construct

from sagewright.pipelines import MonitoringBindings, monitoring
from sagewright.project import Environment, Project, names
from sagewright.project.monitoring import ScheduleName
from sagewright.stacks import job_pipeline, permissions
from sagewright.stacks.job_pipeline import Timetable
from sagewright.stacks.monitor_role import MonitorRole
from sagewright.stacks.place import Place
from sagewright.stacks.released_version import WatchedVersion

# Minutes after the hour that is looked at, so that what SageMaker captured last has been written by then.
_EXPRESSIONS: dict[ScheduleName, str] = {"hourly": "cron(10 * * * ? *)", "daily": "cron(20 0 * * ? *)"}
# A token has at least 32 characters, which these alone are.
_TOKEN = f"sagewright-monitoring-execution-{job_pipeline.FIRING}"


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
        name = names.monitoring_pipeline(place.project, place.environment)
        pipeline = job_pipeline.pipeline(
            self,
            place,
            name=name,
            description=f"Compares requests of {names.endpoint(place.project, place.environment)}",
            definition=monitoring.definition(project, environment, bindings),
            job=job.role,
        )
        role = job_pipeline.starter(
            Construct(self, "Schedule"), place, name, sid="StartMonitoring", trusted=permissions.scheduler_of(place)
        )
        timetable = Timetable(
            name=names.monitoring_schedule(place.project, place.environment),
            expression=_EXPRESSIONS[environment.monitoring.schedule],
            parameter=monitoring.WINDOW_END.name,
            value=job_pipeline.SCHEDULED,
            token=_TOKEN,
        )
        job_pipeline.schedule(self, "Runs", place=place, started=pipeline, role=role, timetable=timetable)
