"""Why: an event that was accepted is Lambda's to deliver: it tries twice more, and then tells whom it is to tell.

https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html
"""

import json
import threading
import uuid
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from ..as_service import complain, queue_url
from ..clients import Clients
from ..clock import Clock
from ..protocol import ApiError
from .definition import Definition
from .environment import PRINCIPAL, Outcome

_WAITS_S = (60, 120)
_THROTTLED_S = 60
_MOST_RETRIES = 2
_LONGEST_S = 6 * 3600


@dataclass(frozen=True)
class Event:
    """One accepted event, and how often it was handed to its function."""

    arn: str
    payload: Any
    accepted_s: float
    attempts: int = 0
    id: str = field(default_factory=lambda: str(uuid.uuid4()))

    @property
    def name(self) -> str:
        """Return the function's name."""
        return self.arn.split(":")[6]


class Retries:
    """Events that wait for another attempt, by the sandbox's clock, and what becomes of those that had all."""

    def __init__(self, clients: Clients, clock: Clock) -> None:
        self._clients = clients
        self._clock = clock
        self._lock = threading.Lock()
        self._waiting: list[tuple[float, Event]] = []

    def due(self, after_s: float) -> float | None:
        """Return when the next one is due."""
        with self._lock:
            return min((at_s for at_s, _ in self._waiting if at_s > after_s), default=None)

    def take(self, at_s: float) -> list[Event]:
        """Return those whose moment has come; they do not wait any more."""
        with self._lock:
            ready = [event for due_s, event in self._waiting if due_s <= at_s]
            self._waiting = [(due_s, event) for due_s, event in self._waiting if due_s > at_s]
        return ready

    def failed(self, event: Event, function: Definition, outcome: Outcome | None) -> None:
        """Let an event wait for its next attempt, or give up; without an outcome it was throttled."""
        if outcome is None:
            if function.reserved == 0:  # nobody may run it: there is nothing to wait for
                self._give_up(event, function, "RetriesExhausted", None)
                return
            tried, wait_s = event, float(_THROTTLED_S)
        else:
            tried = replace(event, attempts=event.attempts + 1)
            allowed = int(function.asynchronous.get("MaximumRetryAttempts", _MOST_RETRIES))
            if tried.attempts > allowed:
                self._give_up(tried, function, "RetriesExhausted", outcome)
                return
            wait_s = float(_WAITS_S[tried.attempts - 1])
        due_s = self._clock.now() + wait_s
        if due_s - event.accepted_s > float(function.asynchronous.get("MaximumEventAgeInSeconds", _LONGEST_S)):
            self._give_up(tried, function, "EventAgeExceeded", outcome)
            return
        with self._lock:
            self._waiting.append((due_s, tried))

    def drop(self, event: Event, refused: ApiError) -> None:
        """Say that an event is lost; Lambda has nobody to tell where the function itself is gone."""
        complain(f"An event for {event.arn} is lost: {refused}")

    def _give_up(self, event: Event, function: Definition, condition: str, outcome: Outcome | None) -> None:
        target = (function.asynchronous.get("DestinationConfig") or {}).get("OnFailure", {}).get("Destination")
        if not target:
            complain(f"An event for {event.arn} is lost after {event.attempts} attempts: {condition}")
            return
        try:
            self._tell(target, _record(event, function, condition, outcome, self._clock.now()), function)
        except (ApiError, BotoCoreError, ClientError) as refused:
            complain(f"The failure of {event.arn} did not reach {target}: {refused}")

    def _tell(self, target: str, record: dict[str, Any], function: Definition) -> None:
        """Hand a record to a destination, as the function's own role."""
        acting = self._clients.as_role(
            function.role, service=PRINCIPAL, region=function.region, source_arn=function.arn
        )
        _, _, service, region, account, _ = target.split(":", 5)
        client = acting.get(service, account, region)
        text = json.dumps(record)
        if service == "sqs":
            client.send_message(QueueUrl=queue_url(self._clients.endpoint, target), MessageBody=text)
        elif service == "sns":
            client.publish(TopicArn=target, Message=text)
        elif service == "lambda":
            client.invoke(FunctionName=target, InvocationType="Event", Payload=text.encode())
        else:
            raise ApiError(
                "UnsupportedOperation", f"The sandbox's Lambda does not have destinations like {target}.", 501
            )


def _record(
    event: Event, function: Definition, condition: str, outcome: Outcome | None, now_s: float
) -> dict[str, Any]:
    """Return what a destination gets.

    https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html
    """
    record: dict[str, Any] = {
        "version": "1.0",
        "timestamp": datetime.fromtimestamp(now_s, UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z",
        "requestContext": {
            "requestId": event.id,
            "functionArn": f"{function.arn}:$LATEST" if function.version == "$LATEST" else function.arn,
            "condition": condition,
            "approximateInvokeCount": event.attempts,
        },
        "requestPayload": event.payload,
    }
    if outcome is not None:
        response = {"statusCode": 200, "executedVersion": function.version, "functionError": "Unhandled"}
        record |= {"responseContext": response, "responsePayload": json.loads(outcome.payload)}
    return record
