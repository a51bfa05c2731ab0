"""Why: one firing of a schedule may take several attempts; in the end it happened, or a queue of the dead has it."""

import json
import uuid
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from ..as_service import complain, queue_url
from ..clients import ActingClients, Clients
from ..protocol import ApiError
from .targets import PRINCIPAL, filled, invoke

_SERVER_SIDE = 500
_THROTTLED = ("Throttling", "TooManyRequests", "LimitExceeded", "RequestLimit")
_FIRST_WAIT_S, _LONGEST_WAIT_S = 60.0, 3600.0


@dataclass(frozen=True)
class Firing:
    """One due time of a schedule, with the target that the schedule had then."""

    account: str
    region: str
    schedule_arn: str
    group: str
    target: dict[str, Any]
    scheduled_s: float
    attempt: int = 1
    id: str = field(default_factory=lambda: str(uuid.uuid4()))

    @property
    def scheduled(self) -> str:
        """Return the time for which the schedule asked, as the target is told it."""
        return datetime.fromtimestamp(self.scheduled_s, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")

    @property
    def wait_s(self) -> float:
        """Return how long to wait for the next attempt: twice as long as for the last one."""
        return min(_FIRST_WAIT_S * 2 ** (self.attempt - 1), _LONGEST_WAIT_S)

    def again(self, now_s: float) -> "Firing | None":
        """Return the next attempt, or None where the retry policy allows no more."""
        policy = self.target["RetryPolicy"]
        aged_s = now_s + self.wait_s - self.scheduled_s
        over = self.attempt > policy["MaximumRetryAttempts"] or aged_s > policy["MaximumEventAgeInSeconds"]
        return None if over else replace(self, attempt=self.attempt + 1)

    def payload(self) -> str:
        """Return what the target gets."""
        attributes = {
            "schedule-arn": self.schedule_arn,
            "scheduled-time": self.scheduled,
            "execution-id": self.id,
            "attempt-number": str(self.attempt),
        }
        if "Input" in self.target:
            return filled(self.target["Input"], attributes)
        return json.dumps(
            {
                "version": "0",
                "id": self.id,
                "detail-type": "Scheduled Event",
                "source": "aws.scheduler",
                "account": self.account,
                "time": self.scheduled,
                "region": self.region,
                "resources": [self.schedule_arn],
                "detail": "{}",
            }
        )


@dataclass(frozen=True)
class Failure:
    """Why an attempt did not succeed, and whether another one may."""

    code: str
    message: str
    final: bool


def attempt(clients: Clients, firing: Firing) -> Failure | None:
    """Call the target once with the schedule's role."""
    try:
        acting = _acting(clients, firing)
        invoke(firing.target, firing.payload(), acting, firing.account, firing.region)
    except ApiError as refused:
        return Failure(refused.code, refused.message, final=True)
    except ClientError as error:
        details: Any = error.response
        code, status = details["Error"]["Code"], details["ResponseMetadata"]["HTTPStatusCode"]
        retried = status >= _SERVER_SIDE or any(part in code for part in _THROTTLED)
        return Failure(code, details["Error"]["Message"], final=not retried)
    except (BotoCoreError, ValueError) as error:  # what the client itself finds wrong with the request
        return Failure("ValidationException", str(error), final=True)
    return None


def bury(clients: Clients, firing: Firing, failure: Failure) -> None:
    """Put what could not be delivered into the dead-letter queue, as the schedule's role.

    https://docs.aws.amazon.com/scheduler/latest/UserGuide/configuring-schedule-dlq.html
    """
    queue = (firing.target.get("DeadLetterConfig") or {}).get("Arn")
    if not queue:
        return
    told = {
        "ERROR_CODE": failure.code,
        "ERROR_MESSAGE": failure.message[:1024] or failure.code,
        "EXECUTION_ID": firing.id,
        "EXHAUSTED_RETRY_CONDITION": "" if failure.final else "MaximumRetryAttempts",
        "IS_PAYLOAD_TRUNCATED": "false",
        "RETRY_ATTEMPTS": str(firing.attempt - 1),
        "SCHEDULED_TIME": firing.scheduled,
        "SCHEDULE_ARN": firing.schedule_arn,
        "TARGET_ARN": firing.target["Arn"],
    }
    try:
        acting = _acting(clients, firing)
        acting.get("sqs", queue.split(":")[4], queue.split(":")[3]).send_message(
            QueueUrl=queue_url(acting.endpoint, queue),
            MessageBody=firing.payload(),
            MessageAttributes={
                name: {"DataType": "String", "StringValue": value} for name, value in told.items() if value
            },
        )
    except (ApiError, ClientError) as refused:
        complain(f"The dead-letter queue {queue} of {firing.schedule_arn} took no message: {refused}")


def _acting(clients: Clients, firing: Firing) -> ActingClients:
    """Take the schedule's role, on behalf of its group.

    https://docs.aws.amazon.com/scheduler/latest/UserGuide/cross-service-confused-deputy-prevention.html
    """
    group = f"arn:aws:scheduler:{firing.region}:{firing.account}:schedule-group/{firing.group}"
    return clients.as_role(firing.target["RoleArn"], service=PRINCIPAL, region=firing.region, source_arn=group)
