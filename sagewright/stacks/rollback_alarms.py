"""What takes a new version back while it rolls out."""

from collections.abc import Mapping

from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_sagemaker as sagemaker
from constructs import Construct

from sagewright.project import names
from sagewright.stacks.place import Place

_NAMESPACE = "AWS/SageMaker"
_PERIOD_S = 60
# Of the requests in a minute; SageMaker counts each as 0 or 1, so the mean is the share.
_MOST_SERVER_ERRORS = 0.01
# https://docs.aws.amazon.com/sagemaker/latest/dg/monitoring-cloudwatch.html: ModelLatency is in microseconds.
_US = 1000


class RollbackAlarms(Construct):
    """Alarms on one endpoint config and no other: SageMaker goes back when one is in alarm.

    They look at the new config alone, because an alarm of the fleet that is to be replaced would stop the very release
    that mends it. And they have its name, so that each release begins with new ones, which are in no state yet. What is
    not there is no fault: a version without requests is not taken back.
    """

    def __init__(  # noqa: PLR0913 (what is watched, and for what)
        self,
        scope: Construct,
        construct_id: str,
        *,
        place: Place,
        config: sagemaker.CfnEndpointConfig,
        variant: str,
        latency_ms: int | None,
    ) -> None:
        super().__init__(scope, construct_id)
        self._place, self._config = place, config.attr_endpoint_config_name
        self._dimensions = {
            "EndpointName": names.endpoint(place.project, place.environment),
            "VariantName": variant,
            "EndpointConfigName": self._config,
        }
        alarms = [self._errors()] if latency_ms is None else [self._errors(), self._latency(latency_ms)]
        self.names = [alarm.ref for alarm in alarms]

    def _errors(self) -> cloudwatch.CfnAlarm:
        what = f"More than {_MOST_SERVER_ERRORS:.0%} of the requests in a minute failed in the new version"
        return self._alarm("Errors", "Invocation5XXErrors", _MOST_SERVER_ERRORS, what)

    def _latency(self, most_ms: int) -> cloudwatch.CfnAlarm:
        what = f"The new version took more than {most_ms} ms to answer, in the mean of a minute"
        return self._alarm("Latency", "ModelLatency", most_ms * _US, what)

    def _alarm(self, construct_id: str, metric: str, threshold: float, what: str) -> cloudwatch.CfnAlarm:
        name = names.rollback_alarm(self._place.project, self._place.environment, self._config, construct_id.lower())
        return cloudwatch.CfnAlarm(
            self,
            construct_id,
            alarm_name=name,
            alarm_description=what,
            namespace=_NAMESPACE,
            metric_name=metric,
            dimensions=_dimensions(self._dimensions),
            statistic="Average",
            period=_PERIOD_S,
            evaluation_periods=1,
            comparison_operator="GreaterThanThreshold",
            threshold=threshold,
            treat_missing_data="notBreaching",
        )


def _dimensions(values: Mapping[str, str]) -> list[cloudwatch.CfnAlarm.DimensionProperty]:
    return [cloudwatch.CfnAlarm.DimensionProperty(name=name, value=value) for name, value in values.items()]
