"""Why: a function is a handler between two loops, AWS's and the caller's; this is AWS's, in the function's process.

It takes one event after another, a JSON line each, from the only connection that it accepts, and answers each with the
handler's result or with its error as Lambda's own runtime words it. What the handler prints is the process's output.
"""

import importlib
import json
import os
import socket
import sys
import time
import traceback
from collections.abc import Callable
from types import TracebackType
from typing import Any

Handler = Callable[[Any, Any], Any]
Failure = dict[str, Any]


class Context:
    """What the handler is told of its invocation; the names are Lambda's."""

    def __init__(self, request_id: str, arn: str, deadline_s: float) -> None:
        self.aws_request_id = request_id
        self.invoked_function_arn = arn
        self.function_name = os.environ["AWS_LAMBDA_FUNCTION_NAME"]
        self.function_version = os.environ["AWS_LAMBDA_FUNCTION_VERSION"]
        self.memory_limit_in_mb = os.environ["AWS_LAMBDA_FUNCTION_MEMORY_SIZE"]
        self.log_group_name = os.environ["AWS_LAMBDA_LOG_GROUP_NAME"]
        self.log_stream_name = os.environ["AWS_LAMBDA_LOG_STREAM_NAME"]
        self.identity: object = None
        self.client_context: object = None
        self._deadline_s = deadline_s

    def get_remaining_time_in_millis(self) -> int:
        """Return how long the function may still run."""
        return max(0, int((self._deadline_s - time.monotonic()) * 1000))


def main() -> None:
    """Load the handler once, then answer until the connection closes."""
    listener = socket.socket(fileno=int(os.environ.pop("SANDBOX_LISTENER")))
    connection, _ = listener.accept()
    listener.close()
    with connection, connection.makefile("rwb") as events:
        handler, failure = load(os.environ["_HANDLER"], os.environ["LAMBDA_TASK_ROOT"])
        events.write(b"loaded\n")  # from here on the function's own time counts
        events.flush()
        for line in events:
            asked = json.loads(line)
            context = Context(asked["request_id"], asked["arn"], time.monotonic() + asked["timeout_s"])
            answer = answered(handler, asked["event"], context) if handler else {"failure": failure}
            sys.stdout.flush()
            sys.stderr.flush()
            events.write(json.dumps(answer).encode() + b"\n")
            events.flush()
            if not handler:
                return


def load(named: str, folder: str) -> tuple[Handler | None, Failure]:
    """Return the handler that `module.function` names, or why there is none."""
    sys.path[0] = folder  # in place of this file's own folder, which is not the function's
    module_name, dot, function = named.rpartition(".")
    if not dot:
        return None, noted("Runtime.MalformedHandlerName", f"Bad handler '{named}': not enough values to unpack", [])
    try:
        module = importlib.import_module(module_name.replace("/", "."))
    except SyntaxError as error:
        return None, noted("Runtime.UserCodeSyntaxError", f"Syntax error in module '{module_name}': {error}", [])
    except ImportError as error:
        return None, noted("Runtime.ImportModuleError", f"Unable to import module '{module_name}': {error}", [])
    except Exception as error:  # noqa: BLE001 - whatever the function's own code raises is its failure
        return None, of_handler(error)
    if not hasattr(module, function):
        problem = f"Handler '{function}' missing on module '{module_name}'"
        return None, noted("Runtime.HandlerNotFound", problem, [])
    return getattr(module, function), {}


def answered(handler: Handler, event: Any, context: Context) -> dict[str, Any]:
    """Return the handler's result as JSON text, or its failure."""
    try:
        result = handler(event, context)
    except Exception as error:  # noqa: BLE001 - whatever the handler raises is the function's failure
        return {"failure": of_handler(error) | {"requestId": context.aws_request_id}}
    try:
        return {"result": json.dumps(result, ensure_ascii=False)}
    except (TypeError, ValueError) as error:
        return {"failure": noted("Runtime.MarshalError", f"Unable to marshal response: {error}", [])}


def of_handler(error: Exception) -> Failure:
    """Return the failure that an exception of the function's own code is."""
    frames = traceback.format_list(traceback.extract_tb(own_frames(error.__traceback__)))
    return noted(type(error).__name__, str(error), frames)


def own_frames(frames: TracebackType | None) -> TracebackType | None:
    """Leave out this program's frames and the import system's, which are not the function's."""
    while frames is not None and frames.tb_frame.f_code.co_filename.startswith(
        (__file__, "<frozen", importlib.__file__)
    ):
        frames = frames.tb_next
    return frames


def noted(kind: str, message: str, frames: list[str]) -> Failure:
    """Return a failure, and leave it in the log as Lambda does."""
    trace = "Traceback (most recent call last):\n" + "".join(frames)
    print(f"[ERROR] {kind}: {message}\n{trace}".rstrip("\n"), flush=True)  # noqa: T201 - the function's log is its output
    return {"errorMessage": message, "errorType": kind, "requestId": "", "stackTrace": frames}


if __name__ == "__main__":
    main()
