"""Why: what a service does after it has answered still holds a move of the clock up, from its very beginning."""

import sys
import threading
import traceback
from collections.abc import Callable

from .clock import Clock
from .protocol import ApiError


def begin(clock: Clock, what: str, do: Callable[[], None]) -> None:
    """Do it in a thread of its own; it counts as work from now on, so that no move can pass in between."""
    started = threading.Event()

    def run() -> None:
        with clock.work(what):
            started.set()
            try:
                do()
            except ApiError as refused:  # nobody waits for the answer, so the sandbox's own log tells it
                sys.stderr.write(f"{what}: {refused}\n")
            except Exception:  # noqa: BLE001 - a fault of ours is logged, and the sandbox lives on
                traceback.print_exc()

    threading.Thread(target=run, name=what, daemon=True).start()
    started.wait()
