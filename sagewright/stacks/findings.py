"""What becomes of the monitor's findings: metrics of every run, and one message when an alarm fires."""

from aws_cdk import aws_events as events
from aws_cdk import aws_kms as kms
from aws_cdk import aws_sns as sns
from constructs import Construct

from sagewright.project import Environment, names
from sagewright.stacks import permissions
from sagewright.stacks.called_function import EVENTS
from sagewright.stacks.inline_function import InlineFunction
from sagewright.stacks.monitor_alarms import MonitorAlarms
from sagewright.stacks.place import Place
from sagewright.stacks.released_version import WatchedVersion

_ALARMS = "lambda.alarms.cloudwatch.amazonaws.com"
_LATER = "Each run has a folder of its own, which has no name before it starts."


class Findings(Construct):
    """Hears of every finished job that wrote findings, and is called by the alarms.

    The job itself could not tell: a network of ours has no way to CloudWatch, and Model Monitor's container is AWS's.
    And an alarm's own message names a number and a threshold.
    """

    def __init__(  # noqa: PLR0913 (what the findings are of, and where they go)
        self,
        scope: Construct,
        construct_id: str,
        *,
        place: Place,
        environment: Environment,
        key: kms.IKey,
        version: WatchedVersion,
        topic: sns.ITopic,
    ) -> None:
        super().__init__(scope, construct_id)
        here = (place.project, place.environment)
        endpoint, namespace = names.endpoint(*here), names.metric_namespace(*here)
        folder = f"{names.MONITORING}/{endpoint}"
        findings = f"s3://{place.data_bucket}/{folder}/"
        self._function = InlineFunction(
            self,
            "Told",
            place=place,
            name=names.findings_function(*here),
            program="findings",
            settings={
                "PROJECT": place.project,
                "ENVIRONMENT": place.environment,
                "ENDPOINT": endpoint,
                "NAMESPACE": namespace,
                "VERSION": version.number,
                "ENGINE": environment.monitoring.engine,
                "MONITOR": names.monitor(environment.monitoring.engine, environment.monitoring.schedule),
                "WINDOW_HOURS": str(environment.monitoring.window_hours),
                "FINDINGS": findings,
                "BASELINE": f"{version.baseline_uri}/",
                "SILENCE_ALARM": names.silence_alarm(*here),
                "DASHBOARD": place.console(f"cloudwatch/home#dashboards/dashboard/{names.dashboard(*here)}"),
                "TOPIC_ARN": topic.topic_arn,
                "SCHEDULE": names.monitoring_schedule(*here),
            },
            key=key,
            log_days=environment.security.log_retention_days,
        )
        self._allow(place, key, folder, namespace, topic)
        if environment.monitoring.engine == "model_monitor":
            permissions.allow(
                self._function.role,
                "ListRuns",
                ["sagemaker:ListMonitoringExecutions"],
                ["*"],
                because="What lists runs of schedules knows no resources.",
            )
        self._listen(place, findings)

    def tell(self, alarms: MonitorAlarms) -> None:
        """Let the alarms call the function, and have them call it."""
        for construct_id, alarm in alarms.by_id.items():
            self._function.admit(f"From{construct_id}", _ALARMS, alarms.arn(alarm))
            alarm.alarm_actions = [self._function.function.attr_arn]

    def _allow(self, place: Place, key: kms.IKey, folder: str, namespace: str, topic: sns.ITopic) -> None:
        role = self._function.role
        permissions.read_objects(role, "Findings", place, [folder], because=_LATER)
        permissions.allow(
            role,
            "ReadBaseline",
            ["s3:GetObject"],
            [place.objects(f"{names.RELEASES}/*/baseline/*")],
            because="Each release has a folder of its own, named after a version that does not exist yet.",
        )
        # SNS encrypts on behalf of who publishes: https://docs.aws.amazon.com/sns/latest/dg/sns-key-management.html
        permissions.use_key(role, key, "Decrypt", "GenerateDataKey")
        permissions.write_metrics(role, namespace)
        permissions.allow(role, "Publish", ["sns:Publish"], [topic.topic_arn])

    def _listen(self, place: Place, findings: str) -> None:
        """Listen for finished jobs by where they write: names of jobs are Pipelines' and Model Monitor's to give."""
        rule = events.CfnRule(
            self,
            "Rule",
            name=names.findings_rule(place.project, place.environment),
            description=f"Runs of the monitor of {names.endpoint(place.project, place.environment)} that have finished",
            event_pattern={
                "source": ["aws.sagemaker"],
                "detail-type": ["SageMaker Processing Job State Change"],
                "detail": {
                    "ProcessingJobStatus": ["Completed"],
                    "ProcessingOutputConfig": {"Outputs": {"S3Output": {"S3Uri": [{"prefix": findings}]}}},
                },
            },
            targets=[events.CfnRule.TargetProperty(id="Findings", arn=self._function.function.attr_arn)],
        )
        self._function.admit("FromRule", EVENTS, rule.attr_arn)
