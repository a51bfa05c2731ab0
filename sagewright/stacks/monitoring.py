"""What watches an endpoint: deployed only by a release, after what it watches."""

from aws_cdk import CfnOutput
from constructs import Construct

from sagewright.project import Environment, Project, names
from sagewright.stacks import encryption_key
from sagewright.stacks.builtin_monitor import BuiltinMonitor
from sagewright.stacks.dashboard import Dashboard
from sagewright.stacks.environment_stack import EnvironmentStack
from sagewright.stacks.findings import Findings
from sagewright.stacks.model_monitor import ModelMonitor
from sagewright.stacks.monitor_alarms import MonitorAlarms
from sagewright.stacks.notice_topic import NoticeTopic
from sagewright.stacks.place import Place
from sagewright.stacks.released_version import WatchedVersion

_MONITORS = {"builtin": BuiltinMonitor, "model_monitor": ModelMonitor}


class MonitoringStack(EnvironmentStack):
    """From captured requests to a message: the monitor writes files, a function makes metrics of them and tells people.

    The template is the same for every release. Nothing in it but the monitor knows which engine compares.
    """

    def __init__(self, scope: Construct, *, project: Project, place: Place, environment: Environment) -> None:
        super().__init__(
            scope,
            names.monitoring_stack(place.project, place.environment),
            place=place,
            description=f"Monitoring of {place.project} in {place.environment}",
            static=True,
        )
        key = encryption_key.imported(self, "Key", place=place)
        version = WatchedVersion(self, "Version", place=place)
        monitor = _MONITORS[environment.monitoring.engine]
        monitor(self, "Monitoring", project=project, place=place, environment=environment, key=key, version=version)
        notices = NoticeTopic(self, "Notices", place=place, key=key, owner=project.owner)
        findings = Findings(
            self,
            "Findings",
            place=place,
            environment=environment,
            key=key,
            version=version,
            topic=notices.topic,
        )
        alarms = MonitorAlarms(self, "Alarms", place=place, monitoring=environment.monitoring, version=version)
        findings.tell(alarms)
        dashboard = Dashboard(
            self, "Dashboard", place=place, period_s=environment.monitoring.period_s, version=version, alarms=alarms
        )
        CfnOutput(self, "TopicArn", value=notices.topic.topic_arn)
        CfnOutput(self, "DashboardName", value=dashboard.name)
