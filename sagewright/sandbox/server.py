"""Why: clients need a real port, and services call one another through it while a request is still being answered."""

import socket
import threading
from pathlib import Path

from .clients import Clients
from .clock import Clock
from .gateway import Gateway
from .http_server import HOST, HttpServer
from .iam.access_log import AccessLog
from .iam.authorizer import Authorizer

PACE = 60.0
"""A minute in a second: ten minutes of baking are too long to try a release out, and none would prove nothing."""


class Sandbox:
    """A running sandbox. What moto keeps is kept once per process, so a process runs one sandbox."""

    def __init__(self, server: HttpServer, plain: HttpServer, gateway: Gateway, clients: Clients, data: Path) -> None:
        self.endpoint = clients.endpoint
        self.plain_endpoint = f"http://localhost:{plain.port}"
        self.clients = clients
        self.data = data
        self.clock = gateway.clock
        self._server = server
        self._gateway = gateway
        self._plain = plain
        self._threads = [
            threading.Thread(target=each.serve_forever, name="sandbox", daemon=True) for each in (server, plain)
        ]
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Stop the clock, then jobs and endpoints, because they still call the server while they end."""
        self.clock.close()
        self._gateway.close()
        self._server.shutdown()
        self._plain.shutdown()
        for thread in self._threads:
            thread.join()
        self._server.server_close()
        self._plain.server_close()
        self.clients.authorizer.close()


def start(data: Path, port: int = 0, pace: float = PACE) -> Sandbox:
    """Bind a local port, any free one by default, and serve; jobs, endpoints and logs go to the folder `data`.

    What AWS only waits for (baking, alarm periods) passes `pace` times as fast.
    """
    data.mkdir(parents=True, exist_ok=True)
    folder = data.resolve()
    with socket.create_server((HOST, port)) as listening:
        # By name: with an address, moto and the CDK take its first part for a bucket.
        endpoint = f"http://localhost:{listening.getsockname()[1]}"
        clients = Clients(endpoint, Authorizer(AccessLog(folder / "access.jsonl")))
        clock = Clock()
        gateway = Gateway(clients, folder, pace, clock)
        server = HttpServer(gateway, fd=listening.fileno())
    # AWS's port 80: what comes in here came without TLS. The main port stands for 443.
    plain = HttpServer(gateway.plain)
    return Sandbox(server, plain, gateway, clients, folder)
