"""Why: CloudWatch's metrics and alarms follow the sandbox's clock, which moto's do not; dashboards moto only holds."""

from typing import Any

from ..clock import Clock
from ..protocol import ApiError, Caller
from .alarm_actions import AlarmActions, Bus, Functions, Topics
from .alarm_api import AlarmApi
from .alarm_store import AlarmStore
from .dashboards import put_dashboard
from .metric_api import MetricApi
from .metrics import Metrics, Place
from .standing import StandingEvaluation
from .watch import AlarmWatch

_UNAVAILABLE = ("PutCompositeAlarm", "PutInsightRule", "EnableInsightRules", "DisableInsightRules")
"""What moto takes and nobody here would look at."""


class CloudWatch:
    """The part of the service "cloudwatch" that is the sandbox's own."""

    service_name = "cloudwatch"

    def __init__(self, clock: Clock, pace: float) -> None:
        self.metrics = Metrics(clock, pace)
        self.alarms = AlarmStore(clock)
        self._alarm_api = AlarmApi(self.alarms)
        self.operations: dict[str, Any] = {
            **MetricApi(self.metrics).operations,
            **self._alarm_api.operations,
            "PutDashboard": put_dashboard,
            **dict.fromkeys(_UNAVAILABLE),
        }

    def stand(self, clock: Clock, topics: Topics, functions: Functions, bus: Bus) -> None:
        """Evaluate the alarms by the clock from now on, and do what they say."""
        self.alarms.tell(AlarmActions(self.alarms, topics, functions, bus).act)
        clock.add(StandingEvaluation(self.alarms, self.metrics))

    def watch(self, place: Place, names: tuple[str, ...], client: Any) -> AlarmWatch:
        """Return a deployment's watch on alarms, which may see what the client may."""
        return AlarmWatch(place, names, self.alarms, self.metrics, client)

    def tags_of(self, arn: str) -> dict[str, str]:
        """Return an alarm's tags; one that is not there has none."""
        return self._alarm_api.tags_of(arn)

    def call(self, operation: str, params: dict[str, Any], caller: Caller) -> dict[str, Any]:
        """Answer one request of a client."""
        answer = self.operations[operation]
        if answer is None:
            raise ApiError("UnsupportedOperation", f"The sandbox does not have cloudwatch:{operation}.", 501)
        return answer(params, Place(caller.account, caller.region))
