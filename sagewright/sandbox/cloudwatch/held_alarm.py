"""Why: an alarm is what somebody asked for, and a state with a past of its own; clients see both together."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from .alarms import Alarm, State
from .metrics import Place

INITIAL_REASON = "Unchecked: Initial alarm creation"
_SHOWN_DEFAULTS: dict[str, Any] = {
    "ActionsEnabled": True,
    "OKActions": [],
    "AlarmActions": [],
    "InsufficientDataActions": [],
    "Dimensions": [],
}


@dataclass
class HeldAlarm:
    """One alarm of an account and region."""

    place: Place
    request: dict[str, Any]
    """The members of PutMetricAlarm, but its tags."""
    rule: Alarm
    configured_s: float
    tags: dict[str, str] = field(default_factory=dict)
    state: State = "INSUFFICIENT_DATA"
    reason: str = INITIAL_REASON
    data: str = ""
    updated_s: float = 0.0
    transitioned_s: float = 0.0
    by_hand_s: float | None = None
    """When somebody set the state; None of one that an evaluation has found."""
    watched_s: float = -1e9
    """When a deployment looked at it last, by the machine's own counter."""
    seen: tuple[int, ...] | None = None
    """What the last evaluation of the clock found: the same again cannot change the state."""

    @property
    def name(self) -> str:
        """The alarm's name."""
        return self.rule.name

    @property
    def arn(self) -> str:
        """The alarm's ARN."""
        return f"arn:aws:cloudwatch:{self.place.region}:{self.place.account}:alarm:{self.name}"

    def actions(self, state: State) -> list[str]:
        """Return what is to be done on coming into a state."""
        member = {"OK": "OKActions", "ALARM": "AlarmActions"}.get(state, "InsufficientDataActions")
        return list(self.request.get(member, ())) if self.request.get("ActionsEnabled", True) else []

    def described(self) -> dict[str, Any]:
        """Return what DescribeAlarms shows."""
        reason = {"StateReasonData": self.data} if self.data else {}
        return {
            **_SHOWN_DEFAULTS,
            **self.request,
            **reason,
            "AlarmArn": self.arn,
            "AlarmConfigurationUpdatedTimestamp": moment(self.configured_s),
            "StateValue": self.state,
            "StateReason": self.reason,
            "StateUpdatedTimestamp": moment(self.updated_s),
            "StateTransitionedTimestamp": moment(self.transitioned_s),
        }


def moment(time_s: float) -> datetime:
    """Return a time as answers hold it, in whole milliseconds."""
    return datetime.fromtimestamp(round(time_s, 3), UTC)
