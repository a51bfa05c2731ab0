"""Why: a client calls hundreds of times, and a connection of its own for each call costs as much as many an answer."""

import socket
import threading
import traceback
from contextlib import closing, suppress
from http import HTTPStatus
from typing import Any

from moto.server import MotoRequestHandler
from typing_extensions import override
from werkzeug.exceptions import ClientDisconnected, InternalServerError
from werkzeug.serving import ThreadedWSGIServer
from werkzeug.wrappers import Response
from werkzeug.wsgi import LimitedStream

HOST = "127.0.0.1"
KEPT = 64
"""As many connections stay open between requests, each with a thread that waits; macOS gives a shell 256 files."""
IDLE_S = 50.0
"""For so long a connection waits for the next request: no round number, at which what repeats itself would call."""

_PIECE = 1 << 20
_BODILESS = {HTTPStatus.NO_CONTENT, HTTPStatus.NOT_MODIFIED}


class HttpServer(ThreadedWSGIServer):
    """Serves each connection in a thread, and keeps it for the requests that follow."""

    def __init__(self, app: Any, fd: int | None = None) -> None:
        """Take a free port, or the listening socket `fd`."""
        self._open: set[socket.socket] = set()
        self._changing = threading.Lock()
        super().__init__(HOST, 0, app, _Handler, fd=fd)

    @property
    def is_full(self) -> bool:
        """Whether no more connections are to be kept."""
        return len(self._open) > KEPT

    @override
    def process_request(self, request: Any, client_address: Any) -> None:
        with self._changing:
            self._open.add(request)
        super().process_request(request, client_address)

    @override
    def shutdown_request(self, request: Any) -> None:
        with self._changing:
            self._open.discard(request)
        super().shutdown_request(request)

    @override
    def shutdown(self) -> None:
        """Serve nobody who comes from now on."""
        with suppress(OSError):  # where it cannot be shut down, the loop below ends when it next looks
            self.socket.shutdown(socket.SHUT_RDWR)  # wakes the loop, which looks twice a second
        super().shutdown()

    @override
    def server_close(self) -> None:
        """Take no more requests; whoever is being answered still gets the answer."""
        super().server_close()
        with self._changing:
            for each in self._open:
                with suppress(OSError):  # the client was faster
                    each.shutdown(socket.SHUT_RD)


class _Handler(MotoRequestHandler):
    """Answers request after request; moto's own handler keeps the spelling of S3 metadata keys.

    werkzeug's closes every connection, because it does not know where a request ends that was not read to its end:
    here its body ends by itself, and what nobody asked for is read after the answer.
    """

    # A long answer leaves in several writes: Nagle's algorithm would hold the second back by 40 ms.
    disable_nagle_algorithm = True
    protocol_version = "HTTP/1.1"
    server: HttpServer  # pyrefly: ignore[bad-override-mutable-attribute] - no other server has this handler

    @override
    def handle(self) -> None:
        self.close_connection = False
        with suppress(ConnectionError):  # the client went away
            while not self.close_connection and self._is_asked():
                self.handle_one_request()

    @override
    def run_wsgi(self) -> None:
        self.environ = environ = self.make_environ()
        if not environ.get("wsgi.input_terminated"):
            length = environ.get("CONTENT_LENGTH") or "0"
            if not (length.isascii() and length.isdecimal()):
                self.send_error(HTTPStatus.BAD_REQUEST, f"Content-Length is no number: {length}")
                return
            environ["wsgi.input"] = LimitedStream(self.rfile, int(length))  # pyrefly: ignore[bad-argument-type]
            environ["wsgi.input_terminated"] = True
        body = environ["wsgi.input"]
        try:
            answer = Response.from_app(self.server.app, environ)
        except Exception:  # noqa: BLE001 - a fault of ours is the client's 500, and the server lives on
            traceback.print_exc()
            answer = Response.from_app(InternalServerError(), environ)
        with closing(answer):
            self._send(answer)
        try:
            while body.read(_PIECE):
                pass
        except (OSError, ClientDisconnected):  # it ends otherwise than it said, and where the next begins is unknown
            self.close_connection = True

    # typing.override is there from Python 3.12 on.
    # pyrefly: ignore[missing-override-decorator]
    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Leave requests out of the log: it is for faults."""

    def _is_asked(self) -> bool:
        """Wait for the next request; none comes when the client closes the connection, or leaves it idle."""
        self.connection.settimeout(IDLE_S)
        try:
            return bool(self.rfile.peek(1))  # pyrefly: ignore[missing-attribute] - it is a BufferedReader
        except TimeoutError:
            return False
        finally:
            self.connection.settimeout(None)

    def _send(self, answer: Response) -> None:
        """Write an answer so that the client knows where it ends, even if the connection stays open."""
        is_recent = self.request_version >= "HTTP/1.1"
        has_body = self.command != "HEAD" and answer.status_code not in _BODILESS
        promised = answer.content_length
        is_chunked = has_body and promised is None and is_recent
        if self.server.is_full or not is_recent:
            self.close_connection = True
        headers = answer.headers
        headers.setdefault("Server", self.version_string())
        headers.setdefault("Date", self.date_time_string())
        if is_chunked:
            headers["Transfer-Encoding"] = "chunked"
        if self.close_connection:
            headers["Connection"] = "close"
        head = f"{self.protocol_version} {answer.status}\r\n{headers}".encode("latin-1")
        written = 0
        for piece in filter(None, answer.get_app_iter(self.environ)):
            written += len(piece)
            self.wfile.write(head + (b"%x\r\n%b\r\n" % (len(piece), piece) if is_chunked else piece))
            head = b""
        if end := head + (b"0\r\n\r\n" if is_chunked else b""):
            self.wfile.write(end)
        if has_body and not is_chunked and written != promised:
            self.close_connection = True  # or the client would wait for the rest, or take it for the next answer
