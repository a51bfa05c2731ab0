"""Why: jobs and endpoints start processes as AWS starts containers: clean environment, own folder and log."""

import itertools
import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .catalogue import Image

_ML = re.compile(r"/opt/ml(?![\w.-])")


@dataclass(frozen=True)
class Process:
    """What to start in a container.

    There is no file system of its own here: `folder/ml` stands for /opt/ml, and every occurrence of that prefix in the
    command and in the environment's values is replaced by it. A path that a program spells out itself is not.
    """

    command: list[str]
    environment: dict[str, str]
    folder: Path
    log: Path
    isolated: bool
    serves: bool = False

    @property
    def ml(self) -> Path:
        """Return the folder that stands for /opt/ml."""
        return self.folder / "ml"

    def program(self) -> dict[str, Any]:
        """Return the request to the warm process, with the folders that it needs made."""
        home, temporary = self.folder / "home", self.folder / "tmp"
        for folder in (self.ml, home, temporary, self.log.parent):
            folder.mkdir(parents=True, exist_ok=True)
        ml = str(self.ml).replace("\\", "\\\\")
        given = {name: _ML.sub(ml, value) for name, value in self.environment.items()}
        image = {
            "PATH": f"{Path(sys.executable).parent}:/usr/local/bin:/usr/bin:/bin",
            "LANG": "C.UTF-8",
            "PYTHONUNBUFFERED": "1",
            "PYTHONDONTWRITEBYTECODE": "1",
        }
        return {
            "command": [_ML.sub(ml, part) for part in self.command],
            "environment": image | given | {"HOME": str(home), "TMPDIR": str(temporary)},
            "folder": str(self.folder),
            "log": str(self.log),
            "isolated": self.isolated,
            "serves": self.serves,
        }


@dataclass(frozen=True)
class Exit:
    """How a container ended: its exit code, or `lost` when the machine under it went away, and what it had used."""

    code: int
    lost: bool = False
    cpu_s: float = 0
    most_memory_bytes: int = 0


class Container:
    """A started process; `pid` and `port` (of one that serves) are known once `start` has returned it."""

    def __init__(self, send: Callable[[int], None], ended: Callable[[], None]) -> None:
        self.pid = 0
        self.port = 0
        self._send = send
        self._ended = ended
        self._started = threading.Event()
        self._exit: Exit | None = None
        self._done = threading.Event()

    def wait(self, timeout_s: float | None = None) -> Exit | None:
        """Block until the process has ended, and say how; None when the time is over first."""
        self._done.wait(timeout_s)
        return self._exit

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to the process and all that it started; one that has ended gets none."""
        if not self._done.is_set():
            self._send(number)

    def stop(self, grace_s: float = 0) -> None:
        """End the process: SIGTERM and time to finish, if any is granted, then SIGKILL."""
        if grace_s:
            self.signal(signal.SIGTERM)
            self.wait(grace_s)
        self.signal(signal.SIGKILL)
        self.wait()

    def _begin(self, pid: int, port: int) -> None:
        self.pid, self.port = pid, port
        self._started.set()

    def _end(self, how: Exit) -> None:
        self._exit = how
        self._done.set()
        self._started.set()
        self._ended()


class Containers:
    """The warm process of one image, and the containers forked from it.

    It loads the image's packages in the background from `warm_up` on, or else from the first container on, which waits
    for that. When it dies, its containers are lost and the next `start` brings up a new one.
    """

    def __init__(self, image: Image, log: Path) -> None:
        self._image = image
        self._log = log
        self._lock = threading.Lock()
        self._ids = itertools.count(1)
        self._running: dict[int, Container] = {}
        self._closed = False
        self._warm: subprocess.Popen[bytes] | None = None
        self._socket: socket.socket | None = None

    def warm_up(self) -> None:
        """Begin to load the image's packages, because a container will be asked for before long."""
        with self._lock:
            if self._socket is None and not self._closed:
                self._load()

    @property
    def pid(self) -> int | None:
        """Return the warm process's id while there is one."""
        warm = self._warm
        return warm.pid if warm is not None and warm.poll() is None else None

    def start(self, process: Process, ended: Callable[[], None] = lambda: None) -> Container:
        """Start a process and return it once it exists; `ended` is called when it is over.

        A container that could not be started has ended already, as lost.
        """
        program = process.program()
        with self._lock:
            if self._closed:
                raise RuntimeError("The sandbox is stopping: no container starts any more.")
            if self._socket is None:
                self._load()
            number = next(self._ids)
            container = Container(lambda signum: self._request({"do": "signal", "id": number, "signal": signum}), ended)
            self._running[number] = container
        self._request({"do": "start", "id": number, "program": program})
        container._started.wait()  # noqa: SLF001 - both classes are this module's
        return container

    def close(self) -> None:
        """Kill every container and the warm process."""
        with self._lock:
            self._closed = True
            warm, connection = self._warm, self._socket
        if connection is not None:
            with suppress(OSError):  # it may have died just now
                connection.shutdown(socket.SHUT_WR)
        if warm is not None:
            try:
                warm.wait(5)
            except subprocess.TimeoutExpired:
                warm.kill()
                warm.wait()

    def _load(self) -> None:
        ours, theirs = socket.socketpair()
        self._log.parent.mkdir(parents=True, exist_ok=True)
        with theirs, self._log.open("ab") as log:
            self._warm = subprocess.Popen(  # noqa: S603 - our own program
                [
                    *(sys.executable, "-m", "container", "--socket", str(theirs.fileno())),
                    *("--distributions", *self._image.distributions, "--preload", *self._image.preload),
                ],
                cwd=Path(__file__).parent,
                env={
                    "PATH": os.environ.get("PATH", ""),
                    "LANG": "C.UTF-8",
                    # Containers share the machine's cores: threads of OpenMP that spin while they wait for one another
                    # make a fit of 2 s last 30 s as soon as anything else runs. It is read when the library is loaded.
                    "OMP_WAIT_POLICY": "PASSIVE",
                },
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                pass_fds=(theirs.fileno(),),
                start_new_session=True,
            )
        self._socket = ours
        threading.Thread(target=self._listen, args=(ours, self._warm), name="containers", daemon=True).start()

    def _request(self, request: dict[str, Any]) -> None:
        with self._lock:
            if self._socket is not None:
                with suppress(OSError):  # the warm process died: `_listen` sees the same and ends its containers
                    self._socket.sendall(json.dumps(request).encode() + b"\n")

    def _listen(self, connection: socket.socket, warm: subprocess.Popen[bytes]) -> None:
        with connection, connection.makefile("rb") as reports:
            with suppress(ConnectionResetError):  # it died with requests unread
                for line in reports:
                    self._note(json.loads(line))
            warm.wait()
            with self._lock:
                lost = list(self._running.values())
                self._running.clear()
                self._socket = None
            for container in lost:
                if container.pid:
                    with suppress(ProcessLookupError, PermissionError):  # it ended by itself
                        os.killpg(container.pid, signal.SIGKILL)
                container._end(Exit(128 + signal.SIGKILL, lost=True))  # noqa: SLF001 - both classes are this module's

    def _note(self, report: dict[str, Any]) -> None:
        with self._lock:
            container = self._running.get(report["id"])
            if container is not None and "exit" in report:
                del self._running[report["id"]]
        if container is None:
            return
        if "exit" in report:
            used = {"cpu_s": report["cpu_s"], "most_memory_bytes": report["most_memory_bytes"]}
            container._end(Exit(report["exit"], **used))  # noqa: SLF001 - both classes are this module's
        else:
            container._begin(report["pid"], report.get("port", 0))  # noqa: SLF001 - likewise
