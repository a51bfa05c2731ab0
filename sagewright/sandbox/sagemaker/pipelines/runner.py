"""Why: one step's run, from its arguments to its end, with the cache before it and its retries around it."""

import re
import secrets
import string
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from botocore import xform_name
from botocore.exceptions import BotoCoreError, ClientError

from ...clients import Clients
from ...protocol import Caller
from ..artifacts import split_s3_uri
from .cache import StepCache, Success
from .conditions import holds
from .definition import Step
from .faults import Fault, call_fault, job_fault
from .kinds import CALLS, Kind
from .policies import Retry
from .values import StepFailedError, Values

MAX_JOB_NAME = 63
SUFFIX_LENGTH = 10
MAX_REASON = 1024
EXECUTION_TAG = "sagemaker:pipeline-execution-arn"


class WaitsForJobs(Protocol):
    """What the executor needs of the jobs."""

    def wait(self, arn: str) -> dict[str, Any]:
        """Block until the job is over and return its Describe response."""
        ...


@dataclass
class StepRun:
    """What ListPipelineExecutionSteps shows of a step, and the response that others refer to."""

    step: Step
    started: datetime
    status: str = "Starting"
    ended: datetime | None = None
    metadata: dict[str, Any] = field(default_factory=dict)
    failure_reason: str | None = None
    attempts: int = 0
    cache_source: str | None = None
    job_arn: str | None = None
    response: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Surroundings:
    """What every step of one execution shares."""

    caller: Caller
    pipeline_arn: str
    execution_arn: str
    values: Values
    clients: Clients
    jobs: WaitsForJobs
    cache: StepCache
    now: Callable[[], datetime]
    stopping: threading.Event
    pause: Callable[[threading.Event, float], object]

    @property
    def execution_id(self) -> str:
        """The last part of the ARN."""
        return self.execution_arn.rpartition("/")[2]

    def sagemaker(self, operation: str, **params: Any) -> dict[str, Any]:
        """Call SageMaker as any client would, so that the request is checked like any other."""
        client = self.clients.get("sagemaker", self.caller.account, self.caller.region)
        return getattr(client, xform_name(operation))(**params)


class Runner:
    """Runs one step; a StepFailedError is its failure."""

    def __init__(self, here: Surroundings, run: StepRun) -> None:
        self._here = here
        self._run = run
        self._step = run.step

    def run(self) -> None:
        """Run the step to its end."""
        arguments = self._here.values.resolve(self._step.own_arguments)
        if self._step.type == "Condition":
            self._decide(arguments["Conditions"])
        elif self._step.type == "Fail":
            self._fail(arguments.get("ErrorMessage", ""))
        else:
            self._call(CALLS[self._step.type], arguments)

    def stop(self) -> None:
        """Stop the step's job, where one is running."""
        kind, arn = CALLS.get(self._step.type), self._run.job_arn
        if kind is None or arn is None:
            return
        try:
            self._here.sagemaker(kind.stop, **{kind.name_member: arn.rpartition("/")[2]})
        except ClientError as error:
            # The job has ended by itself meanwhile, which is as good.
            if error.response["Error"]["Code"] != "ValidationException":
                raise

    def _decide(self, conditions: list[dict[str, Any]]) -> None:
        try:
            outcome = all(holds(condition) for condition in conditions)
        except TypeError as error:
            raise StepFailedError(f"Unable to evaluate the condition: {error}.") from error
        self._run.response = {"Outcome": outcome}
        self._run.metadata = {"Condition": {"Outcome": str(outcome)}}

    def _fail(self, message: Any) -> None:
        self._run.metadata = {"Fail": {"ErrorMessage": str(message)}}
        raise StepFailedError(str(message))

    def _call(self, kind: Kind, arguments: dict[str, Any]) -> None:
        here = self._here
        hit = here.cache.find(here.pipeline_arn, self._step, arguments, here.now()) if kind.cache_keys else None
        if hit:
            self._run.cache_source = hit.execution_arn
            self._run.metadata, self._run.response = hit.metadata, hit.response
            return
        begun, retries = here.now(), 0
        while fault := self._attempt(kind, arguments):
            policy = self._policy(fault, retries, begun)
            here.pause(here.stopping, policy.interval_s * policy.backoff_rate**retries)
            if here.stopping.is_set():
                raise StepFailedError(fault.reason)
            retries += 1
        if kind.cache_keys:
            success = Success(here.execution_arn, here.now(), self._run.metadata, self._run.response)
            here.cache.add(here.pipeline_arn, self._step, arguments, success)

    def _policy(self, fault: Fault, retries: int, begun: datetime) -> Retry:
        """Return the policy by which the step is tried again; where none allows it, the step has failed."""
        if fault.exception is None:
            raise StepFailedError(fault.reason)
        policy = fault.policy(self._step)
        if policy is None:
            exception = fault.exception.upper().replace(".", "_")
            raise StepFailedError(
                f"{fault.reason}\nRetry not appropriate on execution of step with PipelineExecutionArn"
                f" {self._here.execution_arn} and StepId {self._step.name}."
                f" No retry policy configured for the exception type {exception}."
            )
        spent = policy.max_attempts is not None and retries >= policy.max_attempts
        expired = policy.expire_after is not None and self._here.now() - begun >= policy.expire_after
        if spent or expired:
            raise StepFailedError(fault.reason)
        return policy

    def _attempt(self, kind: Kind, arguments: dict[str, Any]) -> Fault | None:
        self._run.attempts += 1
        self._run.job_arn = None
        try:
            arn = self._here.sagemaker(kind.create, **self._request(kind, arguments))[kind.arn_member]
        except (ClientError, BotoCoreError) as error:
            return call_fault(kind.create, error)
        self._run.metadata = {kind.metadata: {"Arn": arn}}
        if not kind.stop:
            self._run.response = self._here.sagemaker(kind.describe, **{kind.name_member: arn})
            return None
        self._run.job_arn = arn
        if self._here.stopping.is_set():  # the stop may have come between the two, and found no job
            self.stop()
        self._run.response = self._here.jobs.wait(arn)
        self._run.job_arn = None
        status = self._run.response[kind.status_member]
        if status == "Completed":
            return None
        return job_fault(self._run.response.get("FailureReason") or f"The job {arn} ended as {status}.")

    def _request(self, kind: Kind, arguments: dict[str, Any]) -> dict[str, Any]:
        if not kind.stop:
            origin = {"GeneratedBy": self._here.execution_arn} | arguments.get("MetadataProperties", {})
            return arguments | {"MetadataProperties": origin}
        tags = [*arguments.get("Tags", ()), {"Key": EXECUTION_TAG, "Value": self._here.execution_arn}]
        return arguments | {kind.name_member: self._job_name(), "Tags": tags}

    def _job_name(self) -> str:
        suffix = "".join(secrets.choice(string.ascii_letters + string.digits) for _ in range(SUFFIX_LENGTH))
        start = f"pipelines-{self._here.execution_id}-"
        step = re.sub("[^A-Za-z0-9-]", "-", self._step.name)[: MAX_JOB_NAME - len(start) - len(suffix) - 1]
        return f"{start}{step}-{suffix}"


def read_object(clients: Clients, caller: Caller, uri: str) -> str:
    """Return the text of an S3 object that a step left."""
    bucket, key = split_s3_uri(uri)
    try:
        answer = clients.get("s3", caller.account, caller.region).get_object(Bucket=bucket, Key=key)
    except ClientError as error:
        reason = error.response["Error"]["Message"]
        raise StepFailedError(f"Unable to read the property file {uri}: {reason}") from error
    return answer["Body"].read().decode()
