"""Why: all commands of a build run in one shell, one after the other, and a dead shell is a failed command.

Folder, variables and functions live on from command to command. A command that ends the shell (`exit`, a signal) has
failed or succeeded by how it ended, and the next one gets a new shell with the folder and the environment as they were.
"""

import contextlib
import os
import selectors
import signal
import subprocess
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

ATTEND_EVERY_S = 0.25
_LOOP = """
trap 'pwd >"{folder}"; export -p >"{state}"' EXIT
while IFS= read -r CODEBUILD_COMMAND <&3; do
  unset CODEBUILD_STATUS
  . "$CODEBUILD_COMMAND" 3<&- 4>&-
  CODEBUILD_STATUS=$?
  pwd >"{folder}"; export -p >"{state}"
  echo "$CODEBUILD_STATUS" >&4
done
"""
_ENVIRONMENT = 'env -0 >"{file}"'


@dataclass(frozen=True)
class Ended:
    """How a command ended: its status, or the signal by which it died; with neither it was cut off."""

    status: int | None
    signal: int = 0

    @property
    def well(self) -> bool:
        """Whether it succeeded."""
        return self.status == 0

    @property
    def reason(self) -> str:
        """Return it in CodeBuild's words."""
        if self.signal:
            return f"signal: {signal.strsignal(self.signal) or self.signal}".lower()
        return f"exit status {self.status}"


class Shell:
    """The shell of one build, in a process group of its own; what it prints goes to the log."""

    def __init__(self, kind: str, folder: Path, source: Path, log: Path) -> None:
        self._kind = kind
        self._folder = folder
        self._log = log
        self._process: subprocess.Popen[bytes] | None = None
        self._groups: list[int] = []
        self._commands = self._answers = -1
        self._count = 0
        self._where, self._state = folder / "folder", folder / "state"
        self._where.write_text(f"{source}\n")
        self._environment: Mapping[str, str] = {}

    def begin(self, environment: Mapping[str, str]) -> None:
        """Give the environment with which the first shell starts."""
        self._environment = environment

    @property
    def pid(self) -> int | None:
        """Return the shell's process, while there is one."""
        process = self._process
        return process.pid if process is not None and process.poll() is None else None

    def run(self, command: str, attend: Callable[[], bool]) -> Ended:
        """Run a command to its end, or kill it as soon as `attend`, which is called all the time, says so."""
        if self.pid is None:
            self._start()
        process = self._process
        if process is None:
            raise RuntimeError("There is no shell to run a command in.")
        self._count += 1
        script = self._folder / f"script{self._count}.sh"
        script.write_text(f"{command}\n")
        with contextlib.suppress(BrokenPipeError):  # it died between two commands; the answer tells
            os.write(self._commands, f"{script}\n".encode())
        while True:
            if _readable(self._answers):
                answer = os.read(self._answers, 64)
                return Ended(int(answer)) if answer else self._died(process)
            if process.poll() is not None:  # what it left running keeps the pipe open
                return self._died(process)
            if attend():
                self.kill()
                return Ended(None)

    def set(self, name: str, value: str) -> None:
        """Set a variable for the commands that come."""
        self.run(f"export {name}={value}", lambda: False)

    def variables(self) -> dict[str, str]:
        """Return the environment as it is now."""
        if self._process is None:
            return dict(self._environment)
        file = self._folder / "environment"
        self.run(_ENVIRONMENT.format(file=file), lambda: False)
        if not file.exists():
            return {}
        pairs = (pair.partition("=") for pair in file.read_bytes().decode(errors="replace").split("\0") if pair)
        return {name: value for name, _, value in pairs}

    def kill(self) -> None:
        """Kill the shell with all that it started in its group."""
        for group in self._groups:
            with contextlib.suppress(ProcessLookupError, PermissionError):  # it has ended; macOS says so by EPERM
                os.killpg(group, signal.SIGKILL)
        self._close()

    def _start(self) -> None:
        self._close()
        read_commands, self._commands = os.pipe()
        self._answers, write_answers = os.pipe()
        loop = self._folder / "loop.sh"
        restored = f'cd "$(cat "{self._where}")"\n'
        if self._state.exists():
            restored = f'. "{self._state}"\n{restored}'
        loop.write_text(restored + _LOOP.format(folder=self._where, state=self._state))
        # Not every shell knows descriptors of two digits: its own two are moved to the third and the fourth.
        moved = f'exec 3<&0 4>&1 </dev/null >>"{self._log}" 2>&1; . "{loop}"'
        self._process = subprocess.Popen(  # noqa: S603 - the build's own commands
            [self._kind, "-c", moved],
            env=dict(self._environment),
            cwd=self._folder,
            stdin=read_commands,
            stdout=write_answers,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        os.close(read_commands)
        os.close(write_answers)
        self._groups.append(self._process.pid)

    def _died(self, process: subprocess.Popen[bytes]) -> Ended:
        code = process.wait()
        self._close()
        return Ended(code) if code >= 0 else Ended(None, -code)

    def _close(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            process.wait()
        for end in (self._commands, self._answers):
            if end >= 0:
                os.close(end)
        self._commands = self._answers = -1


def _readable(descriptor: int) -> bool:
    """Wait a little for something to read."""
    with selectors.DefaultSelector() as selector:
        selector.register(descriptor, selectors.EVENT_READ)
        return bool(selector.select(ATTEND_EVERY_S))


def kill_all(mark: str, grace_s: float = 2.0) -> None:
    """Kill whatever carries a build's mark in its environment: a container takes all that it started along.

    Only Linux tells other processes' environments; elsewhere a build's group is all that ends.
    """
    over, wanted = time.monotonic() + grace_s, mark.encode()
    while time.monotonic() < over and (found := _marked(wanted)):
        for pid in found:
            with contextlib.suppress(ProcessLookupError, PermissionError):  # it has ended
                os.kill(pid, signal.SIGKILL)


def _marked(mark: bytes) -> list[int]:
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):  # it has ended, or is somebody else's
            if mark in (process / "environ").read_bytes() and int(process.name) != os.getpid():
                found.append(int(process.name))
    return found
