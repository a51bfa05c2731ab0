"""Why: forking is safe only in a process without threads, so one small loop does it and reports what became of each."""

import json
import os
import selectors
import signal
import socket
import sys
from contextlib import suppress
from typing import Any

from .program import Program

# The kernel's unit of the memory that a process had at most: bytes on macOS, KiB elsewhere.
_MAXRSS_UNIT = 1 if sys.platform == "darwin" else 1024


class Forks:
    """The containers that run, by the id that the sandbox gave each."""

    def __init__(self, sandbox: socket.socket) -> None:
        self._sandbox = sandbox
        self._ids: dict[int, int] = {}
        self._received = b""
        self._wake, alarm = socket.socketpair()
        self._alarm = alarm
        for end in (self._wake, alarm):
            end.setblocking(False)
        signal.signal(signal.SIGCHLD, lambda *_: None)  # its arrival wakes the loop through the socket pair
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C in a terminal reaches the sandbox, which then stops us
        signal.set_wakeup_fd(alarm.fileno(), warn_on_full_buffer=False)

    def serve(self) -> Program | None:
        """Fork and report until the sandbox is gone (None); returns in a child too, with what it is to run."""
        with selectors.DefaultSelector() as selector:
            selector.register(self._sandbox, selectors.EVENT_READ)
            selector.register(self._wake, selectors.EVENT_READ)
            while True:
                ready = {key.fileobj for key, _ in selector.select()}
                if self._wake in ready:
                    self._wake.recv(4096)
                    self._reap()
                if self._sandbox in ready:
                    chunk = self._sandbox.recv(65536)
                    if not chunk:
                        self._kill_all()
                        return None
                    *lines, self._received = (self._received + chunk).split(b"\n")
                    for line in lines:
                        child = self._obey(json.loads(line))
                        if child is not None:
                            return child

    def _obey(self, request: dict[str, Any]) -> Program | None:
        if request["do"] == "start":
            return self._fork(request["id"], Program(**request["program"]))
        for pid, container in self._ids.items():
            if container == request["id"]:
                _kill(pid, request["signal"])
        return None

    def _fork(self, container: int, program: Program) -> Program | None:
        listener = None
        if program.serves:
            listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        pid = os.fork()
        if pid == 0:
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            signal.signal(signal.SIGINT, signal.SIG_DFL)
            os.setpgid(0, 0)
            for end in (self._sandbox, self._wake, self._alarm):
                end.close()
            program.listener = listener
            return program
        with suppress(OSError):  # the child does the same; whoever is first, its group exists before a signal can come
            os.setpgid(pid, pid)
        self._ids[pid] = container
        report: dict[str, float] = {"id": container, "pid": pid}
        if listener is not None:
            report["port"] = listener.getsockname()[1]
            listener.close()
        self._report(report)
        return None

    def _reap(self) -> None:
        while self._ids:
            pid, status, used = os.wait4(-1, os.WNOHANG)
            if pid == 0:
                return
            _kill(pid, signal.SIGKILL)  # what the program left running in its group ends with the container
            code = os.waitstatus_to_exitcode(status)
            # A container killed by signal N exits with 128 + N.
            self._report(
                {
                    "id": self._ids.pop(pid),
                    "exit": code if code >= 0 else 128 - code,
                    "cpu_s": used.ru_utime + used.ru_stime,
                    "most_memory_bytes": used.ru_maxrss * _MAXRSS_UNIT,
                }
            )

    def _kill_all(self) -> None:
        for pid in self._ids:
            _kill(pid, signal.SIGKILL)

    def _report(self, report: dict[str, float]) -> None:
        with suppress(BrokenPipeError):  # the sandbox is gone; the loop sees the end of the socket next
            self._sandbox.sendall(json.dumps(report).encode() + b"\n")


def _kill(pid: int, number: int) -> None:
    with suppress(ProcessLookupError, PermissionError):  # it ended by itself; macOS answers a zombie's group with EPERM
        os.killpg(pid, number)
