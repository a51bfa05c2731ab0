import socket
import threading
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from typing import Any

import botocore.session
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError
from typing_extensions import override
from werkzeug.wrappers import Request, Response

from sagewright.sandbox import http_server
from sagewright.sandbox.http_server import HOST, HttpServer

LONG = b"x" * 3_000_000
WAIT_S = 20


@Request.application
def application(request: Request) -> Response:
    """Answer with what the path names."""
    match request.path:
        case "/read":
            return Response(request.get_data())
        case "/stream":
            return Response(iter([b"in ", b"", b"pieces"]))
        case "/short":
            return Response(iter([b"short"]), headers={"Content-Length": "50"})
        case "/long":
            return Response(LONG)
        case "/fault":
            raise ValueError("a fault of the application")
        case path:
            return Response(b"body", status=int(path[1:] or 200))


class Watched(HttpServer):
    """Tells of each connection that it has let go."""

    def __init__(self, app: Any) -> None:
        self._left = threading.Semaphore(0)
        super().__init__(app)

    @override
    def shutdown_request(self, request: Any) -> None:
        super().shutdown_request(request)
        self._left.release()

    def has_let_one_go(self) -> bool:
        """Wait for it."""
        return self._left.acquire(timeout=WAIT_S)


@contextmanager
def serving(app: Any) -> Iterator[Watched]:
    server = Watched(app)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join(WAIT_S)
        assert not thread.is_alive()


@pytest.fixture
def server() -> Iterator[Watched]:
    with serving(application) as running:
        yield running


@pytest.fixture
def connect() -> Iterator[Callable[[Watched], HTTPConnection]]:
    """Return what makes connections that are never made anew."""
    connections: list[HTTPConnection] = []

    def connected(server: Watched) -> HTTPConnection:
        connection = HTTPConnection(HOST, server.port, timeout=WAIT_S)
        connection.connect()
        connection.auto_open = 0
        connections.append(connection)
        return connection

    yield connected
    for each in connections:
        each.close()


@pytest.fixture
def connection(server: Watched, connect: Callable[[Watched], HTTPConnection]) -> HTTPConnection:
    return connect(server)


def fetched(connection: HTTPConnection, path: str = "/", method: str = "GET", **request: Any) -> tuple[int, bytes]:
    connection.request(method, path, **request)
    answer = connection.getresponse()
    return answer.status, answer.read()


def exchanged(server: Watched, *requests: bytes) -> bytes:
    """Return all that comes until the server closes the connection."""
    with socket.create_connection((HOST, server.port), timeout=WAIT_S) as own:
        for each in requests:
            own.sendall(each)
        return b"".join(iter(lambda: own.recv(1 << 16), b""))


def is_closed(connection: HTTPConnection) -> bool:
    """Wait for the server to close the connection."""
    return connection.sock.recv(1) == b""


@pytest.mark.parametrize("asked", [("GET", "/"), ("HEAD", "/"), ("GET", "/204"), ("GET", "/304"), ("GET", "/404")])
def test_answers_of_every_kind_leave_the_connection_to_the_next_request(
    connection: HTTPConnection, asked: tuple[str, str]
) -> None:
    method, path = asked
    for _ in range(3):
        status, body = fetched(connection, path, method)
        assert status == int(path[1:] or 200)
        assert body == (b"" if method == "HEAD" or status in {204, 304} else b"body")

    assert fetched(connection) == (200, b"body")


def test_an_answer_of_unknown_length_comes_in_pieces_and_has_an_end(connection: HTTPConnection) -> None:
    connection.request("GET", "/stream")
    answer = connection.getresponse()

    assert answer.headers["Transfer-Encoding"] == "chunked"
    assert answer.read() == b"in pieces"
    assert fetched(connection) == (200, b"body")


@pytest.mark.parametrize("path", ["/", "/read"])
@pytest.mark.parametrize("kind", ["of a length", "in pieces"])
def test_what_is_sent_never_becomes_the_next_request(connection: HTTPConnection, path: str, kind: str) -> None:
    in_pieces = kind == "in pieces"
    body = iter([LONG[:70_000], LONG[70_000:]]) if in_pieces else LONG

    answer = fetched(connection, path, "POST", body=body, encode_chunked=in_pieces)

    assert answer == (200, LONG if path == "/read" else b"body")
    assert fetched(connection) == (200, b"body")


def test_requests_that_come_at_once_are_answered_in_turn(server: Watched) -> None:
    first = b"POST /read HTTP/1.1\r\nContent-Length: 5\r\n\r\nfirst"
    second = b"POST /read HTTP/1.1\r\nContent-Length: 6\r\nConnection: close\r\n\r\nsecond"

    heads = exchanged(server, first + second).split(b"HTTP/1.1 200 OK")

    assert [head.partition(b"\r\n\r\n")[2] for head in heads] == [b"", b"first", b"second"]


def test_whoever_asks_before_sending_is_told_once_to_go_on(server: Watched) -> None:
    """boto3 does so for the objects of S3."""
    with socket.create_connection((HOST, server.port), timeout=WAIT_S) as own:
        own.sendall(b"PUT /read HTTP/1.1\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n")
        told = own.recv(1 << 16)
        own.sendall(b"sent")
        answer = own.recv(1 << 16)

    assert told == b"HTTP/1.1 100 Continue\r\n\r\n"
    assert answer.startswith(b"HTTP/1.1 200 OK\r\n")
    assert answer.endswith(b"\r\n\r\nsent")


@pytest.mark.parametrize("path", ["/", "/stream"])
def test_a_client_of_http_1_0_gets_the_answer_and_its_end(server: Watched, path: str) -> None:
    head, _, body = exchanged(server, b"GET %b HTTP/1.0\r\n\r\n" % path.encode()).partition(b"\r\n\r\n")

    assert b"Connection: close" in head
    assert b"chunked" not in head
    assert body == (b"in pieces" if path == "/stream" else b"body")


def test_a_length_that_is_no_number_is_refused_and_ends_the_connection(server: Watched) -> None:
    refused = exchanged(server, b"POST / HTTP/1.1\r\nContent-Length: -5\r\n\r\nGET / HTTP/1.1\r\n\r\n")

    assert refused.startswith(b"HTTP/1.1 400 ")
    assert refused.count(b"HTTP/1.1") == 1


def test_an_answer_that_is_shorter_than_it_says_ends_the_connection(server: Watched) -> None:
    assert exchanged(server, b"GET /short HTTP/1.1\r\n\r\n").endswith(b"short")


def test_a_fault_of_the_application_is_told_and_leaves_the_connection(
    connection: HTTPConnection, capsys: pytest.CaptureFixture[str]
) -> None:
    assert fetched(connection, "/fault")[0] == 500
    assert "a fault of the application" in capsys.readouterr().err
    assert fetched(connection) == (200, b"body")


@pytest.mark.parametrize(
    "request_", [b"", b"GET /", b"POST / HTTP/1.1\r\nContent-Length: 50\r\n\r\nsome", b"GET /long HTTP/1.1\r\n\r\n"]
)
def test_a_client_that_disappears_is_no_fault_and_holds_nothing(
    server: Watched, request_: bytes, capsys: pytest.CaptureFixture[str]
) -> None:
    with socket.create_connection((HOST, server.port)) as own:
        own.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")  # gone without a farewell
        own.sendall(request_)

    assert server.has_let_one_go()
    assert capsys.readouterr().err == ""


def test_a_connection_that_is_left_idle_is_closed(
    connect: Callable[[Watched], HTTPConnection], monkeypatch: pytest.MonkeyPatch
) -> None:
    @Request.application
    def impatient(request: Request) -> Response:
        monkeypatch.setattr(http_server, "IDLE_S", 0.01)
        return Response(request.path)

    with serving(impatient) as server:
        connection = connect(server)
        assert fetched(connection) == (200, b"/")

        assert is_closed(connection)
        assert server.has_let_one_go()


def test_no_more_connections_are_kept_than_there_is_room_for(
    server: Watched, connect: Callable[[Watched], HTTPConnection], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http_server, "KEPT", 1)
    first = connect(server)
    assert fetched(first) == (200, b"body")
    second = connect(server)

    second.request("GET", "/")
    answer = second.getresponse()

    assert (answer.headers["Connection"], answer.read()) == ("close", b"body")
    assert server.has_let_one_go()
    assert fetched(first) == (200, b"body")


def test_stopping_lets_go_of_those_who_ask_for_nothing(connect: Callable[[Watched], HTTPConnection]) -> None:
    with serving(application) as server:
        connections = [connect(server) for _ in range(3)]
        for each in connections:
            fetched(each)

    assert all(is_closed(each) for each in connections)
    assert all(server.has_let_one_go() for _ in connections)


def test_stopping_lets_an_answer_be_finished(connect: Callable[[Watched], HTTPConnection]) -> None:
    asked, stopped = threading.Event(), threading.Event()

    @Request.application
    def slow(_: Request) -> Response:
        asked.set()
        stopped.wait(WAIT_S)
        return Response(LONG)

    with serving(slow) as server:
        connection = connect(server)
        connection.request("GET", "/")
        asked.wait(WAIT_S)
    stopped.set()

    assert connection.getresponse().read() == LONG
    assert server.has_let_one_go()


def test_a_client_of_aws_needs_one_connection(sandbox: Any) -> None:
    client: Any = botocore.session.Session().create_client(
        "s3",
        region_name="eu-west-1",
        endpoint_url=sandbox.endpoint,
        aws_access_key_id="AKIASBOX111111111111",
        aws_secret_access_key="sandbox",
        config=Config(proxies={}),
    )
    bucket = {"Bucket": f"kept-{uuid.uuid4().hex}"}
    client.create_bucket(**bucket, CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    for _ in range(3):
        client.put_object(**bucket, Key="long", Body=LONG)
        assert client.head_object(**bucket, Key="long")["ContentLength"] == len(LONG)
        assert client.get_object(**bucket, Key="long")["Body"].read() == LONG
        client.delete_object(**bucket, Key="long")
        with pytest.raises(ClientError):
            client.head_object(**bucket, Key="long")
    client.delete_bucket(**bucket)

    connections = client._endpoint.http_session._manager.connection_from_url(sandbox.endpoint)
    assert connections.num_connections == 1
