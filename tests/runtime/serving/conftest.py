"""An online store for endpoints' tests."""

from collections.abc import Iterator

import pytest

from tests.runtime.serving.record_server import RecordServer, serving


@pytest.fixture(scope="session")
def record_server() -> Iterator[tuple[RecordServer, str]]:
    server = RecordServer()
    with serving(server) as address:
        yield server, address


@pytest.fixture
def store(record_server: tuple[RecordServer, str], monkeypatch: pytest.MonkeyPatch) -> RecordServer:
    """An online store without a record, which every client of this test's process reaches."""
    server, address = record_server
    vars(server).update(records={}, calls=[], fault=None, unprocessed=0, errors=[])
    monkeypatch.setenv("AWS_ENDPOINT_URL", address)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    return server
