"""Why: what happens to a stack is news for rules, too, whoever has deployed it.

https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/event-detail-stack-status-change.html
"""

from typing import Any, Protocol

from ..clock import Clock
from ..cloudwatch.metrics import Place
from ..events.bus import Bus


class _Stack(Protocol):
    """What an event tells of a stack."""

    account: str
    region: str
    id: str
    status: str
    reason: str | None


class StatusEvents:
    """Puts an event on the bus of a stack's account whenever its state changes."""

    def __init__(self, bus: Bus, clock: Clock) -> None:
        self._bus = bus
        self._clock = clock

    def tell(self, stack: _Stack, token: str | None) -> None:
        """Tell of the state that the stack has now."""
        detail: dict[str, Any] = {
            "stack-id": stack.id,
            "status-details": {"status": stack.status, "status-reason": stack.reason or ""},
            "client-request-token": token or "",
        }
        self._bus.emit(
            Place(stack.account, stack.region),
            source="aws.cloudformation",
            detail_type="CloudFormation Stack Status Change",
            detail=detail,
            resources=[stack.id],
            time_s=self._clock.now(),
        )
