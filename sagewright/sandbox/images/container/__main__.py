"""Why: the warm process itself: load what the image's programs import, then fork a container per request."""

import argparse
import gc
import importlib
import os
import socket
import sys
import warnings

from .forks import Forks
from .packages import hide_what_the_image_lacks
from .program import run


def main() -> None:
    """Serve until the sandbox closes its end of the socket; in a forked child, become the container's program."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--socket", type=int, required=True)
    parser.add_argument("--distributions", nargs="+", required=True)
    parser.add_argument("--preload", nargs="+", required=True)
    arguments = parser.parse_args()
    os.chdir("/")
    hide_what_the_image_lacks(arguments.distributions)
    # To look through what is loaded again and again, while it grows, takes a sixth of the time.
    gc.disable()
    for module in arguments.preload:
        importlib.import_module(module)
    # The libraries' own idle threads (OpenBLAS) survive a fork; Python 3.12 warns of any thread at all.
    warnings.filterwarnings("ignore", message=".*multi-threaded, use of fork", category=DeprecationWarning)
    gc.freeze()  # what is loaded stays in pages that every child shares
    gc.enable()
    child = Forks(socket.socket(fileno=arguments.socket)).serve()
    if child is not None:
        for name in [name for name in sys.modules if name.partition(".")[0] == __package__]:
            del sys.modules[name]
        run(child)


main()
