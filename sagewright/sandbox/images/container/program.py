"""Why: after the fork, the child becomes the container's program, with its files, environment and network."""

import os
import runpy
import socket
import sys
import tempfile
import traceback
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import NoReturn

from .network import isolate

LISTENER = "SANDBOX_LISTENER"  # the descriptor on which a serving program accepts connections


@dataclass
class Program:
    """What one container runs."""

    command: list[str]
    environment: dict[str, str]
    folder: str
    log: str
    isolated: bool
    serves: bool
    listener: socket.socket | None = field(default=None, compare=False)


def run(program: Program) -> NoReturn:
    """Become the program: a Python file within this warm process, any other command in place of it."""
    _take_over(program)
    if program.isolated:
        reason = isolate()
        if reason is not None:
            print(f"[sandbox] network isolation is not enforced on this machine: {reason}", flush=True)  # noqa: T201 - the container's log is its standard output
    command = program.command
    if _is_python(command):
        _run_file(command[1], command[2:])
    try:
        os.execvpe(command[0], command, program.environment)  # noqa: S606 - the job's own command, as a container's entrypoint
    except OSError as error:
        print(f'exec: "{command[0]}": {error.strerror}', flush=True)  # noqa: T201 - likewise
    sys.exit(127)


def _take_over(program: Program) -> None:
    with Path(os.devnull).open("rb") as nothing, Path(program.log).open("ab") as log:
        os.dup2(nothing.fileno(), 0)
        os.dup2(log.fileno(), 1)
        os.dup2(log.fileno(), 2)
    sys.stdout = open(1, "w", buffering=1, encoding="utf-8", closefd=False)  # noqa: SIM115 - standard output stays open
    sys.stderr = open(2, "w", buffering=1, encoding="utf-8", errors="backslashreplace", closefd=False)  # noqa: SIM115 - likewise
    os.environ.clear()
    os.environ.update(program.environment)
    if program.listener is not None:
        os.environ[LISTENER] = str(program.listener.detach())
    os.chdir(program.folder)
    sys.dont_write_bytecode = True  # the image sets PYTHONDONTWRITEBYTECODE
    tempfile.tempdir = None
    if "numpy" in sys.modules:  # siblings of one warm process would draw the same numbers
        sys.modules["numpy"].random.seed()


def _is_python(command: list[str]) -> bool:
    return len(command) > 1 and Path(command[0]).name in {"python", "python3"} and not command[1].startswith("-")


def _run_file(file: str, arguments: list[str]) -> NoReturn:
    """Do what `python3 FILE …` does, with its traceback and exit code."""
    if not Path(file).exists():
        print(f"python3: can't open file '{file}': [Errno 2] No such file or directory", file=sys.stderr)  # noqa: T201 - as Python says it
        sys.exit(2)
    sys.argv = [file, *arguments]
    added = [entry for entry in os.environ.get("PYTHONPATH", "").split(os.pathsep) if entry]
    if Path(file).suffix == ".py":
        added.insert(0, str(Path(file).resolve().parent))  # runpy does this only for archives and folders
    sys.path[:0] = added
    try:
        runpy.run_path(file, run_name="__main__")
    except Exception as error:  # noqa: BLE001 - the interpreter's own last resort: show it and exit with 1
        traceback.print_exception(error.with_traceback(_frames_of_the_program(error.__traceback__)))
        sys.exit(1)
    sys.exit(0)


def _frames_of_the_program(frames: TracebackType | None) -> TracebackType | None:
    """Leave out this file's frame and runpy's, which no one sees in AWS."""
    while frames is not None and frames.tb_frame.f_code.co_filename in {__file__, runpy.__file__, "<frozen runpy>"}:
        frames = frames.tb_next
    return frames
