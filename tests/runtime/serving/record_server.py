"""An online store of a test's own, behind HTTP: what the endpoint's client says to AWS, it says to this."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from typing_extensions import override

Records = dict[tuple[str, str], dict[str, str]]
# What stands in the way of an answer: it gets the request and returns (status, error code), or None to let it through.
Fault = Callable[[dict[str, Any]], tuple[int, str] | None]


class RecordServer:
    """Records by group and id; `unprocessed` calls give back half of what was asked for, as a busy store does."""

    def __init__(self) -> None:
        self.records: Records = {}
        self.calls: list[dict[str, Any]] = []
        self.fault: Fault | None = None
        self.unprocessed = 0
        self.errors: list[dict[str, str]] = []
        # Closed while nobody is to be answered.
        self.gate = threading.Event()
        self.gate.set()
        self._lock = threading.Lock()

    def put(self, group: str, record_id: str, **features: str) -> None:
        self.records[group, record_id] = features

    def answer(self, request: dict[str, Any]) -> tuple[int, dict[str, Any], str]:
        with self._lock:
            self.calls.append(request)
            refused = self.fault(request) if self.fault else None
            if refused is not None:
                return refused[0], {"message": "as the test wants it"}, refused[1]
            left = self.unprocessed
            self.unprocessed = max(0, left - 1)
            errors = [*self.errors]
            self.errors.clear()
        found: list[dict[str, Any]] = []
        unread: list[dict[str, Any]] = []
        for wanted in request["Identifiers"]:
            group, ids = wanted["FeatureGroupName"], wanted["RecordIdentifiersValueAsString"]
            read = ids[: len(ids) // 2] if left else ids
            if read != ids:
                unread.append({**wanted, "RecordIdentifiersValueAsString": ids[len(read) :]})
            for record_id in read:
                record = self.records.get((group, record_id))
                if record is not None:
                    values = [
                        {"FeatureName": name, "ValueAsString": record[name]}
                        for name in wanted["FeatureNames"]
                        if name in record
                    ]
                    found.append(
                        {"FeatureGroupName": group, "RecordIdentifierValueAsString": record_id, "Record": values}
                    )
        return 200, {"Records": found, "Errors": errors, "UnprocessedIdentifiers": unread}, ""


@contextmanager
def serving(server: RecordServer) -> Iterator[str]:
    """Serve on a free port; yields the address."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            assert self.path == "/BatchGetRecord"
            assert "/sagemaker/aws4_request" in self.headers["Authorization"]
            server.gate.wait(30)
            status, answer, error = server.answer(json.loads(body))
            text = json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(text)))
            if error:
                self.send_header("x-amzn-ErrorType", error)
            self.end_headers()
            self.wfile.write(text)

        @override
        def log_message(self, format: str, *args: object) -> None:
            """Say nothing: what was asked is in `calls`."""

    http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    http.daemon_threads = True
    thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield f"http://127.0.0.1:{http.server_port}"
    finally:
        server.gate.set()
        http.shutdown()
        thread.join()
        http.server_close()
