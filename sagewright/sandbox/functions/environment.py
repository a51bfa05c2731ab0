"""Why: Lambda keeps a function's process for the next event and starts another where it is busy; so does this."""

import contextlib
import io
import json
import secrets
import shutil
import socket
import threading
import time
import uuid
import zipfile
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ..clients import Clients
from ..clock import Clock
from ..images.catalogue import Image
from ..images.containers import Container, Containers, Process
from ..protocol import Caller
from ..sagemaker.instances.log_stream import LogStream
from .definition import Definition

PRINCIPAL = "lambda.amazonaws.com"
SERVER = Path(__file__).parents[1] / "images" / "python_function" / "serve.py"
IMAGE = Image(
    repository="lambda/python",
    tag="3",
    distributions=("boto3",),
    preload=("boto3",),
    server=SERVER,
)
"""What every Python runtime of Lambda holds besides the standard library; the Python is this machine's own."""
_TAIL = 4096
_LOADING_S = 10


@dataclass(frozen=True)
class Outcome:
    """How an invocation ended: the JSON text of its result or of its failure."""

    payload: str
    failed: bool
    tail: bytes
    version: str


class _Environment:
    """One process of a function; it serves one event at a time."""

    def __init__(self, function: Definition, process: Process, container: Container, log: LogStream) -> None:
        self.digest = function.digest
        self._process = process
        self._container = container
        self._log = log
        self._loaded = False
        self._connection: socket.socket | None = None
        with contextlib.suppress(OSError):  # it died at once: the first event says so
            self._connection = socket.create_connection(("127.0.0.1", container.port), 10)
        self._stream = self._connection.makefile("rwb") if self._connection else None

    @property
    def alive(self) -> bool:
        """Whether it can take another event."""
        return self._stream is not None

    def invoke(self, function: Definition, payload: Any, request_id: str) -> Outcome:
        """Hand an event over and wait for the result, for as long as the function may take."""
        began, start_of_log = time.monotonic(), self._size()
        self._log.note(f"START RequestId: {request_id} Version: {function.version}")
        answer = self._asked(function, payload, request_id)
        took_ms = (time.monotonic() - began) * 1000
        self._log.note(f"END RequestId: {request_id}")
        self._log.note(
            f"REPORT RequestId: {request_id}\tDuration: {took_ms:.2f} ms\tBilled Duration: {int(took_ms) + 1} ms"
            f"\tMemory Size: {function.memory_mb} MB"
        )
        self._log.ship(last=True)
        tail = self._process.log.read_bytes()[start_of_log:][-_TAIL:]
        if "result" in answer:
            return Outcome(answer["result"], failed=False, tail=tail, version=function.version)
        return Outcome(json.dumps(answer["failure"]), failed=True, tail=tail, version=function.version)

    def close(self) -> None:
        """End the process and forget its files; its log stays."""
        if self._connection is not None:
            self._connection.close()
        self._stream = None
        self._container.stop()
        shutil.rmtree(self._process.folder, ignore_errors=True)

    def _asked(self, function: Definition, payload: Any, request_id: str) -> dict[str, Any]:
        asked = {"request_id": request_id, "arn": function.arn, "timeout_s": function.timeout_s, "event": payload}
        line = b""
        try:
            if self._connection is not None and self._stream is not None:
                self._await_loaded(self._connection, self._stream)
                self._connection.settimeout(function.timeout_s)
                self._stream.write(json.dumps(asked).encode() + b"\n")
                self._stream.flush()
                line = self._stream.readline()
        except TimeoutError:
            return self._over("Sandbox.Timedout", f"Task timed out after {function.timeout_s}.00 seconds", request_id)
        except OSError:  # it ended in the middle of something
            line = b""
        if not line:
            self._container.stop(1)
            ended = self._container.wait()
            code = ended.code if ended else 0
            problem = (
                f"Runtime exited with error: exit status {code}"
                if code
                else "Runtime exited without providing a reason"
            )
            return self._over("Runtime.ExitError", problem, request_id)
        answer: dict[str, Any] = json.loads(line)
        if (
            answer.get("failure", {})
            .get("errorType", "")
            .startswith(("Runtime.Import", "Runtime.Handler", "Runtime.User"))
        ):
            self.close()
        return answer

    def _await_loaded(self, connection: socket.socket, stream: io.BufferedRWPair) -> None:
        """Wait for the code outside of the handler, once; it has time of its own.

        https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html
        """
        if not self._loaded:
            connection.settimeout(_LOADING_S)
            with contextlib.suppress(TimeoutError):  # then the function's own time counts, as in Lambda
                self._loaded = bool(stream.readline())

    def _over(self, kind: str, problem: str, request_id: str) -> dict[str, Any]:
        self._log.note(f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%S.%fZ} {request_id} {problem}")
        self.close()
        return {"failure": {"errorType": kind, "errorMessage": f"RequestId: {request_id} Error: {problem}"}}

    def _size(self) -> int:
        return self._process.log.stat().st_size if self._process.log.exists() else 0


class Environments:
    """The processes of all functions, made when they are needed and kept until their function changes."""

    def __init__(self, clients: Clients, clock: Clock, data: Path) -> None:
        self._clients = clients
        self._clock = clock
        self._data = data
        self._lock = threading.Lock()
        self._containers: Containers | None = None
        self._idle: dict[str, list[_Environment]] = {}
        self._busy: set[_Environment] = set()
        self._closed = False

    def run(self, function: Definition, payload: Any) -> Outcome:
        """Run the function once, in a process that is free or in a new one."""
        acting = self._clients.as_role(
            function.role, service=PRINCIPAL, region=function.region, source_arn=function.arn
        )
        keys = acting.environment()
        # Whoever the role is now, and whatever the function is now: a process of another state takes no more events.
        kept = f"{function.arn} {function.digest} {keys['AWS_ACCESS_KEY_ID']}"
        environment = self._free(function.arn, kept) or self._started(function, acting, keys)
        with self._lock:
            self._busy.add(environment)
        try:
            return environment.invoke(function, payload, str(uuid.uuid4()))
        finally:
            with self._lock:
                self._busy.discard(environment)
                closing = self._closed
                if environment.alive and not closing:
                    self._idle.setdefault(kept, []).append(environment)
            if closing:
                environment.close()

    def close(self) -> None:
        """End every process."""
        with self._lock:
            self._closed = True
            idle = [each for environments in self._idle.values() for each in environments]
            self._idle.clear()
            containers = self._containers
        for each in idle:
            each.close()
        if containers is not None:
            containers.close()

    def _free(self, arn: str, kept: str) -> _Environment | None:
        with self._lock:
            stale = [key for key in self._idle if key.startswith(f"{arn} ") and key != kept]
            gone = [each for key in stale for each in self._idle.pop(key)]
            waiting = self._idle.get(kept)
            found = waiting.pop() if waiting else None
        for each in gone:
            each.close()
        return found

    def _started(self, function: Definition, acting: Any, keys: dict[str, str]) -> _Environment:
        identity = secrets.token_hex(16)
        home = self._data / "functions" / function.account / function.region / function.name
        folder, log = home / identity, home / f"{identity}.log"
        task = folder / "task"
        with zipfile.ZipFile(io.BytesIO(function.code)) as archive:
            archive.extractall(task)
        day = datetime.fromtimestamp(self._clock.now(), UTC)
        stream = f"{day:%Y/%m/%d}/[{function.version}]{identity}"
        process = Process(
            command=["python3", str(SERVER)],
            environment=_variables(function, stream, task) | keys,
            folder=folder,
            log=log,
            isolated=False,
            serves=True,
        )
        caller = Caller(function.account, function.region, "")
        logs = LogStream(acting, caller, self._clock, group=function.log_group, stream=stream, file=process.log)
        return _Environment(function, process, self._warm().start(process), logs)

    def _warm(self) -> Containers:
        with self._lock:
            if self._containers is None:  # most sandboxes never run a function
                self._containers = Containers(IMAGE, self._data / "functions.log")
            return self._containers


def _variables(function: Definition, stream: str, task: Path) -> dict[str, str]:
    """Return what Lambda adds to a function's environment.

    https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html
    """
    return {
        "TZ": ":UTC",
        **function.variables,
        "_HANDLER": function.handler,
        "AWS_REGION": function.region,
        "AWS_DEFAULT_REGION": function.region,
        "AWS_EXECUTION_ENV": f"AWS_Lambda_{function.runtime}",
        "AWS_LAMBDA_FUNCTION_NAME": function.name,
        "AWS_LAMBDA_FUNCTION_VERSION": function.version,
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(function.memory_mb),
        "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
        "AWS_LAMBDA_LOG_GROUP_NAME": function.log_group,
        "AWS_LAMBDA_LOG_STREAM_NAME": stream,
        "LAMBDA_TASK_ROOT": str(task),
    }
