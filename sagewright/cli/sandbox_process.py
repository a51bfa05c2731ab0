"""The sandbox as a process: started detached, remembered in a file, found again, and stopped only if it is ours."""

import json
import os
import selectors
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from . import environ, state
from .errors import CommandError

START_TIMEOUT_S = 60
STOP_TIMEOUT_S = 20
MODULE = "sagewright.sandbox"
# The log of a sandbox that ended unexpectedly: it may say why.
ENDED_LOG = "sandbox-ended.log"


@dataclass(frozen=True)
class RunningSandbox:
    """What sandbox.json remembers: where it listens, which process it is, where its jobs and logs are."""

    endpoint: str
    pid: int
    data: str
    started: str
    file: Path

    @property
    def is_up(self) -> bool:
        """Whether the process is there."""
        return _is_sandbox(self.pid, self.data)

    @property
    def log(self) -> Path:
        """What it wrote."""
        return self.file.parent / "sandbox.log"

    def stop(self) -> None:
        """End the process and everything it started, then forget it."""
        os.kill(self.pid, signal.SIGTERM)
        deadline = time.monotonic() + STOP_TIMEOUT_S
        while self.is_up:
            if time.monotonic() > deadline:
                raise CommandError(
                    f"The sandbox (process {self.pid}) has not stopped within {STOP_TIMEOUT_S} s; its log is "
                    f"{self.log}. End it with `kill -9 {self.pid}`."
                )
            time.sleep(0.05)
        self.forget()

    def forget(self) -> None:
        """Remember it no more."""
        self.file.unlink(missing_ok=True)

    def epitaph(self) -> str:
        """Say of one that is gone although nobody stopped it what is lost, and how to go on."""
        return (
            f"The sandbox of {self.file.parent.parent} (process {self.pid}, up since {self.started}) has ended "
            "unexpectedly: it was killed, or crashed, or the machine was restarted. What was deployed to it is lost, "
            "because its state was in its memory: stacks, data, versions, endpoints. The project's own files are "
            "untouched. Go on with `sagewright sandbox up`, then `sagewright deploy` and what follows. Its log is "
            f"{self.log}, kept as {ENDED_LOG} when the next one starts"
        )


def find(project: Path) -> RunningSandbox | None:
    """Find the sandbox that is up for this folder."""
    return next((found for folder in state.around(project) if (found := of_folder(folder))), None)


def find_ended(project: Path) -> RunningSandbox | None:
    """Find the sandbox that was up for this folder and has ended although nobody stopped it.

    It is remembered until another one is started, or `sagewright sandbox down` has told it.
    """
    for folder in state.around(project):
        found = _remembered(folder)
        if found is not None:
            return None if found.is_up else found
    return None


def of_folder(folder: Path) -> RunningSandbox | None:
    """Find the sandbox that was started for exactly this folder, where it is up."""
    found = _remembered(folder)
    return found if found is not None and found.is_up else None


def _remembered(folder: Path) -> RunningSandbox | None:
    file = folder / state.FOLDER / "sandbox.json"
    return _read(file) if file.is_file() else None


def start(project: Path, *, port: int = 0, parent: int | None = None) -> RunningSandbox:
    """Start a sandbox for this folder and wait until it answers; with `parent`, it ends when that process does."""
    if not project.is_dir():
        raise CommandError(f"There is no folder {project}. A sandbox belongs to the folder of a project.")
    home = state.folder_of(project)
    data, log = home / "sandbox", home / "sandbox.log"
    if _remembered(project) is not None and log.exists():
        log.replace(home / ENDED_LOG)
    shutil.rmtree(data, ignore_errors=True)  # its state was in the memory of a process that is gone
    data.mkdir()
    arguments = [sys.executable, "-m", MODULE, "--port", str(port), "--data", str(data)]
    if parent is not None:
        arguments += ["--parent-pid", str(parent)]
    with log.open("wb") as stderr:
        process = subprocess.Popen(  # noqa: S603 - our own module, arguments of ours
            arguments,
            stdout=subprocess.PIPE,
            stderr=stderr,
            stdin=subprocess.DEVNULL,
            start_new_session=True,
            cwd=home,
            env=environ.without_aws(),
        )
    try:
        ready = _readiness(process, log)
    except BaseException:
        process.kill()
        process.wait()
        raise
    running = RunningSandbox(
        ready["endpoint"],
        process.pid,
        str(data),
        datetime.now(UTC).isoformat(timespec="seconds"),
        home / "sandbox.json",
    )
    record = {name: value for name, value in asdict(running).items() if name != "file"}
    running.file.write_text(json.dumps(record, indent=2) + "\n")
    return running


def _readiness(process: subprocess.Popen[bytes], log: Path) -> dict[str, Any]:
    """Wait for the one line that says where the sandbox listens."""
    stdout = process.stdout
    if stdout is None:
        raise AssertionError("the process was started with a pipe")
    with selectors.DefaultSelector() as selector, stdout:
        selector.register(stdout, selectors.EVENT_READ)
        line = stdout.readline() if selector.select(START_TIMEOUT_S) else b""
    if line:
        return json.loads(line)
    told = log.read_text(errors="replace").strip().splitlines()
    reason = told[-1] if told else f"it said nothing within {START_TIMEOUT_S} s"
    raise CommandError(f"The sandbox did not start: {reason}. Its whole output is in {log}.")


def _read(file: Path) -> RunningSandbox | None:
    try:
        record = json.loads(file.read_text())
        return RunningSandbox(record["endpoint"], record["pid"], record["data"], record["started"], file)
    except (ValueError, KeyError, TypeError):
        return None  # written half-way by a process that was killed: as good as no file


def _is_sandbox(pid: int, data: str) -> bool:
    """Tell whether that process is the very sandbox we started: numbers of dead processes are given out again."""
    _reap(pid)
    command = _command_line(pid)
    return MODULE in command and data in command


def _reap(pid: int) -> None:
    """Collect our own child once it has ended, which would else look alive; another's child is not ours to collect."""
    try:
        os.waitpid(pid, os.WNOHANG)
    except ChildProcessError:
        return


def _command_line(pid: int) -> str:
    listed = Path(f"/proc/{pid}/cmdline")
    if Path("/proc/self/cmdline").exists():
        return listed.read_bytes().replace(b"\0", b" ").decode(errors="replace") if listed.exists() else ""
    shown = subprocess.run(["ps", "-p", str(pid), "-o", "command="], capture_output=True, text=True, check=False)  # noqa: S603, S607 - where there is no /proc, `ps` is the system's
    return shown.stdout
