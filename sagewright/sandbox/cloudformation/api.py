"""Why: the service as clients see it: one table of operations, each answered by the unit that knows the subject."""

from typing import Any

from botocore import xform_name

from ..clients import Clients
from ..clock import Clock
from ..events.bus import Bus
from ..protocol import ApiError, Caller
from .change_set_api import ChangeSetOperations
from .engine import Engine
from .query_api import QueryOperations
from .request_reader import RequestReader
from .stack import Stacks
from .stack_api import StackOperations
from .status_events import StatusEvents


class CloudFormation:
    """The sandbox's service "cloudformation": a unit's method `create_stack` is the operation CreateStack."""

    service_name = "cloudformation"

    def __init__(self, clients: Clients, clock: Clock, bus: Bus) -> None:
        stacks = Stacks(StatusEvents(bus, clock))
        engine, reader = Engine(stacks, clients), RequestReader(stacks, clients)
        self._units = (
            StackOperations(stacks, engine, reader, clients),
            ChangeSetOperations(stacks, engine, reader, clients),
            QueryOperations(stacks, reader),
        )

    def call(self, operation: str, params: dict[str, Any], caller: Caller) -> dict[str, Any]:
        """Answer one request whose parameters are already valid by botocore's model."""
        name = xform_name(operation)
        for unit in self._units:
            if hasattr(unit, name):
                answer: dict[str, Any] = getattr(unit, name)(params, caller)
                return answer
        raise ApiError("UnsupportedOperation", f"The sandbox does not have cloudformation:{operation}.", 501)
