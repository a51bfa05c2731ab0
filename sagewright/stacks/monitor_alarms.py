"""When somebody must look: drift that lasts, and a monitor that does not run."""

from collections.abc import Mapping

from aws_cdk import aws_cloudwatch as cloudwatch
from constructs import Construct

from sagewright.project import names
from sagewright.project.monitoring import Monitoring
from sagewright.stacks.place import Place
from sagewright.stacks.released_version import WatchedVersion

# More than one noisy run.
_OF_RUNS, _DRIFTED_RUNS = 3, 2


class MonitorAlarms(Construct):
    """Both look at the last three runs. What is missing is no drift, but it is silence.

    A monitor that runs without traffic says that nothing drifted. So the first alarm takes what is missing for good,
    and only a run that did not happen fires the second: its threshold is never crossed by a number.
    """

    def __init__(
        self, scope: Construct, construct_id: str, *, place: Place, monitoring: Monitoring, version: WatchedVersion
    ) -> None:
        super().__init__(scope, construct_id)
        here = (place.project, place.environment)
        self._place = place
        self._endpoint, self._namespace = names.endpoint(*here), names.metric_namespace(*here)
        self._period_s = monitoring.period_s
        # Drift is that of one version, seen in one way: what the one before was asked does not count.
        watched = {"Monitor": names.monitor(monitoring.engine, monitoring.schedule), "Version": version.number}
        self.drift = self._alarm(
            "Drift",
            name=names.drift_alarm(*here),
            what=f"Requests to {self._endpoint} differ from what its model was trained on in {_DRIFTED_RUNS} runs of "
            f"{_OF_RUNS}",
            metric="DriftedColumns",
            of=watched,
            statistic="Maximum",
            crossed=("GreaterThanOrEqualToThreshold", 1),
            runs=_DRIFTED_RUNS,
            missing="notBreaching",
        )
        self.silence = self._alarm(
            "Silence",
            name=names.silence_alarm(*here),
            what=f"Nothing has compared requests to {self._endpoint} for {_OF_RUNS} runs",
            metric="RunsCompleted",
            of={},
            statistic="Sum",
            crossed=("LessThanThreshold", 0),
            runs=_OF_RUNS,
            missing="breaching",
        )
        self.by_id = {"Drift": self.drift, "Silence": self.silence}

    def arn(self, alarm: cloudwatch.CfnAlarm) -> str:
        """Name an alarm without referring to it: it refers to what is to know this."""
        return self._place.arn("cloudwatch", f"alarm:{alarm.alarm_name}")

    def _alarm(  # noqa: PLR0913 (what an alarm is made of)
        self,
        construct_id: str,
        *,
        name: str,
        what: str,
        metric: str,
        of: Mapping[str, str],
        statistic: str,
        crossed: tuple[str, float],
        runs: int,
        missing: str,
    ) -> cloudwatch.CfnAlarm:
        comparison, threshold = crossed
        return cloudwatch.CfnAlarm(
            self,
            construct_id,
            alarm_name=name,
            alarm_description=what,
            namespace=self._namespace,
            metric_name=metric,
            dimensions=[
                cloudwatch.CfnAlarm.DimensionProperty(name=name, value=value)
                for name, value in {"Endpoint": self._endpoint, **of}.items()
            ],
            statistic=statistic,
            period=self._period_s,
            evaluation_periods=_OF_RUNS,
            datapoints_to_alarm=runs,
            comparison_operator=comparison,
            threshold=threshold,
            treat_missing_data=missing,
        )
