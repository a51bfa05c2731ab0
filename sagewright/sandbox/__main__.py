"""Why: the sandbox is a process of its own, which says where it listens and leaves nothing behind when it ends."""

import argparse
import gc
import json
import os
import signal
import sys
import tempfile
import threading
from pathlib import Path

PARENT_POLL_S = 1.0


def main() -> None:
    """Serve until a signal comes or the parent process is gone."""
    # What is imported stays: to look through it again and again, while it grows, takes a quarter of the start.
    gc.disable()
    from .server import PACE, start  # noqa: PLC0415

    gc.freeze()
    gc.enable()
    gc.set_threshold(50_000)  # nearly all that a request makes goes with it
    parser = argparse.ArgumentParser(
        prog="python -m sagewright.sandbox", description="An embedded AWS on a local port."
    )
    parser.add_argument("--port", type=int, default=0, help="port on 127.0.0.1; any free one by default")
    parser.add_argument(
        "--data", type=Path, help="folder for jobs, endpoints and logs; by default a temporary one, removed at the end"
    )
    parser.add_argument("--parent-pid", type=int, help="stop when this process is gone")
    parser.add_argument(
        "--pace",
        type=_pace,
        default=PACE,
        help="how fast passes what AWS only waits for, such as baking; 1 is real time (default: %(default)g)",
    )
    arguments = parser.parse_args()
    done = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: done.set())
    with tempfile.TemporaryDirectory(prefix="sagewright-sandbox-", ignore_cleanup_errors=True) as temporary:
        sandbox = start(arguments.data or Path(temporary), arguments.port, arguments.pace)
        ready = {
            "endpoint": sandbox.endpoint,
            "plain_endpoint": sandbox.plain_endpoint,
            "pid": os.getpid(),
            "data": str(sandbox.data),
        }
        sys.stdout.write(json.dumps(ready) + "\n")
        sys.stdout.flush()
        _wait(done, arguments.parent_pid)
        sandbox.stop()


def _pace(text: str) -> float:
    value = float(text)
    if not 1 <= value < float("inf"):
        raise argparse.ArgumentTypeError(f"{text} is not a number from 1 (real time) on")
    return value


def _wait(done: threading.Event, parent: int | None) -> None:
    if parent is None:
        done.wait()
        return
    # A parent that died stays in the process table until somebody reaps it; being given another one tells at once.
    is_ours = os.getppid() == parent
    while not done.wait(PARENT_POLL_S):
        if (os.getppid() != parent) if is_ours else not _exists(parent):
            return


def _exists(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


if __name__ == "__main__":
    main()
