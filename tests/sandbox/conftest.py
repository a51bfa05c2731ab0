from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from sagewright.sandbox.server import Sandbox, start


@dataclass(frozen=True)
class RunningSandbox:
    """One sandbox for all tests of a worker: each test uses names of its own."""

    sandbox: Sandbox

    @property
    def endpoint(self) -> str:
        return self.sandbox.endpoint

    @property
    def data(self) -> Path:
        return self.sandbox.data

    def client(self, service: str, account: str = "111111111111", region: str = "eu-west-1") -> Any:
        return self.sandbox.clients.get(service, account, region)


@pytest.fixture(scope="session")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningSandbox]:
    running = start(tmp_path_factory.mktemp("sandbox"))
    yield RunningSandbox(running)
    running.stop()
