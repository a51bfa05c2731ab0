"""Why: Athena has one door; behind it, each unit answers for the operations it has methods for."""

from collections.abc import Callable
from pathlib import Path

from botocore import xform_name
from moto.core.utils import get_service_model

from ..clients import Clients
from ..clock import Clock
from ..event_sink import Bus
from ..protocol import Caller
from .failures import lacking
from .queries import Queries, Record
from .workgroups import WorkGroups

Operation = Callable[[Record, Caller], Record]


class Athena:
    """The sandbox's service "athena": a unit's method `get_work_group` is the operation GetWorkGroup."""

    service_name = "athena"

    def __init__(self, clients: Clients, clock: Clock, bus: Bus, data: Path) -> None:
        self.groups = WorkGroups(clock)
        self.queries = Queries(clients, clock, bus, self.groups, data)
        self.operations: dict[str, Operation] = {
            name: getattr(unit, xform_name(name))
            for name in get_service_model(self.service_name).operation_names
            for unit in (self.groups, self.queries)
            if hasattr(unit, xform_name(name))
        }
        clients.authorizer.tags.provide("athena", self.groups.tags_of)

    def call(self, operation: str, params: Record, caller: Caller) -> Record:
        """Answer one request whose parameters are already validated against botocore's model."""
        if operation not in self.operations:
            raise lacking(f"athena:{operation}")
        return self.operations[operation](params, caller)

    def close(self) -> None:
        """Stop the queries."""
        self.queries.close()
