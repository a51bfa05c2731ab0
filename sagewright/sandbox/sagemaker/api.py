"""Why: the SageMaker control plane has one door; behind it, each unit answers for the operations it has methods for."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from botocore import xform_name

from ..clients import Clients
from ..clock import Clock
from ..cloudwatch.api import CloudWatch
from ..images.catalogue import SCIKIT_LEARN
from ..images.containers import Containers
from ..protocol import ApiError, Caller
from .endpoints import Endpoints
from .events import Bus, Events
from .jobs import Jobs
from .monitors import Definitions, Schedules
from .pipelines import Executions, Pipelines
from .pipelines.kinds import MODEL
from .registry import Registry
from .store import Store
from .tagging import Tagging

Operation = Callable[[dict[str, Any], Caller], dict[str, Any]]


class SageMaker:
    """The sandbox's service "sagemaker": a unit's method `create_model` is the operation CreateModel."""

    service_name = "sagemaker"

    def __init__(self, clients: Clients, data: Path, cloudwatch: CloudWatch, clock: Clock, bus: Bus) -> None:
        store = self.store = Store(clock, Events(bus, clock).changed)
        self._containers = Containers(SCIKIT_LEARN, data / "images.log")
        self.jobs = Jobs(store, clients, data, self._containers)
        self.endpoints = Endpoints(store, clients, data, self._containers, cloudwatch)
        self._executions = Executions(store, clients, self.jobs)
        self.registry = Registry(store, clients)
        self.operations = operations(
            self.registry,
            Pipelines(store, clients, self._executions),
            self._executions,
            self.jobs,
            self.endpoints,
            Definitions(store, clients),
            Schedules(store, clients, self.jobs),
            Tagging(store),
        )

    def extend(self, *units: object) -> None:
        """Answer the operations of units, too, that stand beside this package and share its store."""
        self.operations |= operations(*units)

    def call(self, operation: str, params: dict[str, Any], caller: Caller) -> dict[str, Any]:
        """Answer one request whose parameters are already validated against botocore's model."""
        if operation not in self.operations:
            raise ApiError("UnsupportedOperation", f"The sandbox does not have sagemaker:{operation}.", 501)
        if operation.startswith("Create"):  # whoever makes a pipeline or a model will want a container before long
            self._containers.warm_up()
        return self.operations[operation](params, caller)

    def tags_of(self, arn: str) -> dict[str, str]:
        """Return the tags of a resource; one that is not there has none."""
        try:
            return {tag["Key"]: tag["Value"] for tag in self.store.tags(arn)}
        except ApiError:
            return {}

    def close(self) -> None:
        """Stop executions first, so that none of them starts another job, then jobs and endpoints."""
        self._executions.close()
        self.jobs.close()
        self.endpoints.close()
        self._containers.close()


def operations(*units: object) -> dict[str, Operation]:
    """Return the table of SageMaker's operations that the units have a method for."""
    return {
        name: getattr(unit, xform_name(name))
        for name in MODEL.operation_names
        for unit in units
        if hasattr(unit, xform_name(name))
    }
