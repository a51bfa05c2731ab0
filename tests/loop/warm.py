"""Why: loading the console script takes longer than most of its commands, and the tests run hundreds of them.

This program loads it once and forks a process for each command: with its own folder, environment, output and exit code,
as if it had been started anew. It ends with its standard input.
"""

import gc
import json
import os
import select
import signal
import socket
import sys
import traceback
from pathlib import Path

import sagewright.cli.app
from sagewright.cli import target

SERVICES = (
    *("cloudformation", "cloudwatch", "codebuild", "codecommit", "codepipeline", "iam", "kms", "logs"),
    *("s3", "sagemaker", "sagemaker-runtime", "scheduler", "sns", "ssm", "sts"),
)


def main(address: Path) -> None:
    """Fork a process for each connection."""
    session = target._session("of", "nobody", region=target.SANDBOX_REGION)
    for service in SERVICES:
        session.client(service)  # what it is made of stays loaded
    target.partition_of(target.SANDBOX_REGION)
    gc.freeze()  # a collection in a command would else copy every page
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(address))
        server.listen()
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        while server in select.select([server, sys.stdin], [], [])[0]:
            connection, _ = server.accept()
            with connection:
                if os.fork() == 0:
                    server.close()
                    serve(connection)


def serve(connection: socket.socket) -> None:
    """Be the command that the connection asks for, and tell how it ended."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    _, (stdout, stderr), _, _ = socket.recv_fds(connection, 1, 2)
    with connection.makefile("rb") as file:
        request = json.loads(file.readline())
    for given, own in ((os.open(os.devnull, os.O_RDONLY), 0), (stdout, 1), (stderr, 2)):
        os.dup2(given, own)
        os.close(given)
    os.chdir(request["folder"])
    os.environ.clear()
    os.environ.update(request["environment"])
    sys.argv = ["sagewright", *request["arguments"]]
    code = ended()
    sys.stdout.flush()
    sys.stderr.flush()
    connection.sendall(str(code).encode())
    os._exit(code)


def ended() -> int:
    """Run the command; its exit code."""
    try:
        sagewright.cli.main()
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException:  # noqa: BLE001 - what nobody caught ends a process in this way
        traceback.print_exc()
        return 1
    return 0


if __name__ == "__main__":
    main(Path(sys.argv[1]))
