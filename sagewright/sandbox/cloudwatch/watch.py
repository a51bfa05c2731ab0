"""Why: while a deployment runs somebody must look at its alarms all the time, with the rights that it was given."""

import time
from typing import Any

from botocore.exceptions import ClientError
from moto.cloudwatch.models import cloudwatch_backends

from .alarms import Alarm, evaluate, first_moment, was_evaluated
from .metrics import Metrics, Place
from .samples import AlarmError, percentile_of


class AlarmWatch:
    """Some alarms of one account and region; a state that somebody set by hand counts until it was seen once."""

    def __init__(self, place: Place, names: tuple[str, ...], metrics: Metrics, client: Any) -> None:
        self._place = place
        self._names = names
        self._metrics = metrics
        self._client = client

    def require(self) -> None:
        """Refuse names that no alarm has, alarms that cannot be evaluated, and a client that may not see them."""
        for description in self._descriptions():
            alarm = Alarm.described(description)
            if "ExtendedStatistic" in description:
                percentile_of(alarm.statistic)

    def firing(self) -> list[str]:
        """Return the names of the alarms in state ALARM, after evaluating them."""
        return [each["AlarmName"] for each in self._descriptions() if self._state(each) == "ALARM"]

    def _descriptions(self) -> list[dict[str, Any]]:
        try:
            answer = self._client.describe_alarms(AlarmNames=list(self._names), AlarmTypes=["MetricAlarm"])
        except ClientError as error:
            raise AlarmError(error.response["Error"]["Message"]) from error
        found = answer["MetricAlarms"]
        if missing := set(self._names) - {each["AlarmName"] for each in found}:
            raise AlarmError(
                f"no metric alarm of this name exists in the account and region: {', '.join(sorted(missing))}"
            )
        return found

    def _state(self, description: dict[str, Any]) -> str:
        if description["StateValue"] == "ALARM" and not was_evaluated(description):
            return "ALARM"
        alarm, now_s = Alarm.described(description), time.time()
        since_s = first_moment(alarm, now_s, self._metrics.pace)
        samples = self._metrics.samples(self._place, alarm.metric, since_s)
        verdict = evaluate(alarm, samples, now_s, self._metrics.pace, description["StateValue"])
        if verdict.state != description["StateValue"] or not was_evaluated(description):
            # CloudWatch's own doing: nobody needs a right for it, and SetAlarmState would look like somebody's hand.
            backend = cloudwatch_backends[self._place.account][self._place.region]
            if alarm.name in backend.alarms:
                backend.alarms[alarm.name].update_state(verdict.reason, verdict.data, verdict.state)
        return verdict.state
