"""Asks `warm.py` for a command; as a program, `ask.py ADDRESS ARGUMENTS…`, it stands for the console script."""

import json
import os
import socket
import sys
from collections.abc import Mapping, Sequence


def ask(
    address: str, folder: str, arguments: Sequence[str], environment: Mapping[str, str], output: tuple[int, int]
) -> int:
    """Have a command run in a folder, with its stdout and stderr going to two files; its exit code."""
    request = {"folder": folder, "arguments": arguments, "environment": dict(environment)}
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(address)
        socket.send_fds(connection, [b"!"], output)
        connection.sendall(json.dumps(request).encode() + b"\n")
        code = connection.recv(16)
    if not code:
        raise ChildProcessError(f"{arguments} was killed")
    return int(code)


if __name__ == "__main__":
    sys.exit(ask(sys.argv[1], str(os.getcwd()), sys.argv[2:], os.environ, (1, 2)))  # noqa: PTH109 - pathlib takes longer to load than this to run
