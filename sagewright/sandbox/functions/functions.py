"""Why: Lambda's two ways in: clients that wait for an answer, and services that hand over an event and go on."""

import base64
import json
import threading
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ..as_service import source_of
from ..clients import Clients
from ..clock import Clock
from ..errands import begin
from ..iam.principal import Principal
from ..protocol import ApiError, Caller
from . import definition
from .definition import Definition
from .environment import Environments, Outcome
from .events import Event, Retries
from .permissions import add_permission, policy_of

_MAX_SYNCHRONOUS = 6 * 1024 * 1024
_MAX_ASYNCHRONOUS = 256 * 1024
_ACCEPTED, _NO_CONTENT, _OK = 202, 204, 200
_ABSENT = ("ClientContext", "TenantId", "DurableExecutionName")

_ABSENT_OPERATIONS = ("CreateEventSourceMapping", "CreateFunctionUrlConfig", "PublishLayerVersion", "InvokeAsync")

Operation = Callable[[dict[str, Any], Caller], dict[str, Any]]


class Functions:
    """Runs functions; `invoke_async` is for services, the operations are for clients."""

    service_name = "lambda"

    def __init__(self, clients: Clients, clock: Clock, data: Path) -> None:
        definition.apply()
        self._clients = clients
        self._clock = clock
        self._environments = Environments(clients, clock, data)
        self._retries = Retries(clients, clock)
        self._running: Counter[str] = Counter()
        self._lock = threading.Lock()
        self.operations: dict[str, Operation] = {"Invoke": self._invoke, "AddPermission": add_permission}
        self.operations |= {name: _refuse(name) for name in _ABSENT_OPERATIONS}
        clients.authorizer.resources.provide("lambda", policy_of)

    def call(self, operation: str, params: dict[str, Any], caller: Caller) -> dict[str, Any]:
        """Answer one request of a client."""
        return self.operations[operation](params, caller)

    def invoke_async(self, function_arn: str, payload: dict[str, Any], *, service: str, source_arn: str) -> None:
        """Hand an event over for a service and return at once.

        Refused where the function is not there or its policy does not let the service in (an ApiError); what happens to
        the event later (two retries by the clock, then the on-failure destination) is Lambda's own affair.
        """
        function = definition.find(function_arn)
        account = source_arn.split(":")[4] or function.account
        self._clients.authorizer.authorize(
            Principal("service", service, ""),
            "lambda:InvokeFunction",
            function_arn,
            region=function.region,
            account=function.account,
            context=source_of(service, source_arn, account),
        )
        self._accept(function_arn, payload)

    def due(self, after_s: float) -> float | None:
        """Return when the next failed event is tried again."""
        return self._retries.due(after_s)

    def happen(self, at_s: float) -> None:
        """Try again what is due."""
        for event in self._retries.take(at_s):
            begin(self._clock, f"function {event.name}", lambda event=event: self._attempt(event))

    def close(self) -> None:
        """End what runs."""
        self._environments.close()

    def _invoke(self, params: dict[str, Any], caller: Caller) -> dict[str, Any]:
        for member in _ABSENT:
            if member in params:
                raise ApiError("UnsupportedOperation", f"The sandbox's Lambda does not have {member}.", 501)
        arn = definition.place_of(params["FunctionName"], caller, params.get("Qualifier", ""))
        function = definition.find(arn)
        kind = params.get("InvocationType", "RequestResponse")
        payload = _event(params.get("Payload") or b"{}", kind)
        if kind == "DryRun":
            return {"StatusCode": _NO_CONTENT, "Payload": b""}
        if kind == "Event":
            self._accept(arn, payload)
            return {"StatusCode": _ACCEPTED, "Payload": b""}
        with self._clock.work(f"function {function.name}"):
            outcome = self._run(function, payload)
        if outcome is None:
            raise ApiError("TooManyRequestsException", "Rate Exceeded.", 429)
        return _answer(outcome, with_log=params.get("LogType") == "Tail")

    def _accept(self, arn: str, payload: Any) -> None:
        event = Event(arn, payload, accepted_s=self._clock.now())
        begin(self._clock, f"function {event.name}", lambda: self._attempt(event))

    def _attempt(self, event: Event) -> None:
        try:
            function = definition.find(event.arn)
            outcome = self._run(function, event.payload)
        except ApiError as refused:  # the function or its role went after the event had been accepted
            self._retries.drop(event, refused)
            return
        if outcome is None or outcome.failed:
            self._retries.failed(event, function, outcome)

    def _run(self, function: Definition, payload: Any) -> Outcome | None:
        """Run a function; None where all that it may have at once is running."""
        with self._lock:
            if function.reserved is not None and self._running[function.name] >= function.reserved:
                return None
            self._running[function.name] += 1
        try:
            return self._environments.run(function, payload)
        finally:
            with self._lock:
                self._running[function.name] -= 1


def _refuse(operation: str) -> Operation:
    def refuse(params: dict[str, Any], caller: Caller) -> dict[str, Any]:
        del params, caller
        raise ApiError("UnsupportedOperation", f"The sandbox's Lambda does not have {operation}.", 501)

    return refuse


def _event(payload: bytes, kind: str) -> Any:
    limit = _MAX_ASYNCHRONOUS if kind == "Event" else _MAX_SYNCHRONOUS
    if len(payload) > limit:
        problem = f"Request must be smaller than {limit} bytes for the InvokeFunction operation"
        raise ApiError("RequestTooLargeException", problem, 413)
    try:
        return json.loads(payload)
    except ValueError as error:
        raise ApiError("InvalidRequestContentException", f"Could not parse request body into json: {error}") from None


def _answer(outcome: Outcome, *, with_log: bool) -> dict[str, Any]:
    payload = outcome.payload.encode()
    failed = outcome.failed
    if len(payload) > _MAX_SYNCHRONOUS:
        failed = True
        problem = f"Response payload size exceeded maximum allowed payload size ({_MAX_SYNCHRONOUS} bytes)."
        payload = json.dumps({"errorMessage": problem, "errorType": "Function.ResponseSizeTooLarge"}).encode()
    answer = {"StatusCode": _OK, "Payload": payload, "ExecutedVersion": outcome.version}
    if failed:
        answer["FunctionError"] = "Unhandled"
    if with_log:
        answer["LogResult"] = base64.b64encode(outcome.tail).decode()
    return answer
