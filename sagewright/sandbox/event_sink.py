"""Why: services say what happened without knowing the bus, which knows functions and topics, and so them."""

from typing import Any, Protocol

from .cloudwatch.metrics import Place


class Bus(Protocol):
    """Where the events of services go: the default bus of an account and region."""

    def emit(  # noqa: PLR0913 - the parts of an event
        self,
        place: Place,
        *,
        source: str,
        detail_type: str,
        detail: dict[str, Any],
        resources: list[str],
        time_s: float,
    ) -> None:
        """Take an event, and return at once."""
        ...
