"""Why: AWS answers for connections by two names, the second of which older policies and templates still have."""

from pathlib import Path
from typing import Any

from ..clients import Clients
from ..clock import Clock
from ..protocol import ApiError, Caller
from .connections import SERVICES, Connections
from .person import Desk
from .provider import Provider, RemotePullRequest, RemotePush
from .source import RemoteSource

__all__ = ["CodeConnections", "RemotePullRequest", "RemotePush"]


class CodeConnections:
    """CodeConnections: `provider` serves git clients, `source` serves pipelines, `desk` is for the person."""

    def __init__(self, clients: Clients, clock: Clock, data: Path) -> None:
        folder = data / "connections"
        folder.mkdir(parents=True, exist_ok=True)
        connections = Connections()
        self.provider = Provider(clock, connections, folder)
        self.source = RemoteSource(connections, self.provider)
        self.desk = Desk(connections, self.provider, clients.endpoint)
        self.services = [Named(name, connections) for name in SERVICES]
        for name in SERVICES:
            clients.authorizer.tags.provide(name, connections.tags_of)


class Named:
    """The operations by one of the two names; what they make has the name in its ARN."""

    def __init__(self, service_name: str, connections: Connections) -> None:
        self.service_name = service_name
        self.operations = connections.operations(service_name)

    def call(self, operation: str, params: dict[str, Any], caller: Caller) -> dict[str, Any]:
        """Answer one request of a client."""
        if operation not in self.operations:
            problem = f"The sandbox's CodeConnections does not have {operation}."
            raise ApiError("UnsupportedOperation", problem, 501)
        return self.operations[operation](params, caller)
