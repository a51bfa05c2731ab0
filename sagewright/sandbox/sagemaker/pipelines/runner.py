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

from ...clients import ActingClients, Clients
from ...protocol import ApiError, Caller
from ..artifacts import split_s3_uri
from ..instances.role import require_role
from .cache import StepCache, Success
from .conditions import holds
from .definition import Step
from .faults import Fault, call_fault, job_fault
from .kinds import CALLS, Kind
from .policies import Retry
from .values import NotStoppedError, StepFailedError, Values

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
    role_arn: str
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

    def take_role(self) -> ActingClients:
        """Act as the pipeline's role, which may have gone since the execution started."""
        return require_role(self.clients, self.caller, self.role_arn, self.pipeline_arn)


class Runner:
    """Runs one step; a StepFailedError is its failure."""

    def __init__(self, here: Surroundings, run: StepRun) -> None:
        self._here = here
        self._run = run
        self._step = run.step
        self._role: ActingClients | None = None
        self._not_stopped: str | None = None

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
            self._sagemaker(kind.stop, **{kind.name_member: arn.rpartition("/")[2]})
        except ClientError as error:
            # A job that has ended by itself meanwhile is as good; one that may not be stopped runs to its end.
            if error.response["Error"]["Code"] != "ValidationException":
                self._not_stopped = call_fault(kind.stop, error).reason
        except ApiError as error:
            self._not_stopped = f"ClientError: Failed to invoke sagemaker:{kind.stop}. Error Details: {error.message}"

    def _sagemaker(self, operation: str, **params: Any) -> dict[str, Any]:
        """Call SageMaker as the pipeline's role, taken once a step, so that the request is judged like any other."""
        self._role = self._role or self._here.take_role()
        client = self._role.get("sagemaker", self._here.caller.account, self._here.caller.region)
        return getattr(client, xform_name(operation))(**params)

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
        request = self._request(kind, arguments)
        operation = kind.create
        try:
            group = request.get(kind.group_member, "arn:")
            if not group.startswith("arn:"):  # another account's group is there, or the version is refused
                operation = kind.create_group
                self._create_group(kind, group)
            operation = kind.create
            arn = self._sagemaker(operation, **request)[kind.arn_member]
            self._run.metadata = {kind.metadata: {"Arn": arn}}
            if kind.stop:
                self._await(arn)
            operation = kind.describe
            name = arn.rpartition("/")[2] if kind.stop else arn
            self._run.response = self._sagemaker(operation, **{kind.name_member: name})
        except (ClientError, BotoCoreError, ApiError) as error:
            return call_fault(operation, error)
        if self._not_stopped:
            raise NotStoppedError(self._not_stopped)
        status = self._run.response.get(kind.status_member, "Completed")
        if status == "Completed":
            return None
        return job_fault(self._run.response.get("FailureReason") or f"The job {arn} ended as {status}.")

    def _create_group(self, kind: Kind, name: str) -> None:
        """Create the group that a version is for, as Pipelines does before each: mostly it is there already."""
        tags = [{"Key": EXECUTION_TAG, "Value": self._here.execution_arn}]
        try:
            self._sagemaker(kind.create_group, **{kind.group_member: name, "Tags": tags})
        except ClientError as error:
            if "already exists" not in error.response["Error"]["Message"]:
                raise

    def _await(self, arn: str) -> None:
        """Wait for the job's end."""
        self._run.job_arn = arn
        if self._here.stopping.is_set():  # the stop may have come between the two, and found no job
            self.stop()
        self._here.jobs.wait(arn)
        self._run.job_arn = None

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


def read_object(here: Surroundings, uri: str) -> str:
    """Return the text of an S3 object that a step left, as the pipeline's role."""
    bucket, key = split_s3_uri(uri)
    try:
        answer = here.take_role().get("s3", here.caller.account, here.caller.region).get_object(Bucket=bucket, Key=key)
    except (ClientError, ApiError) as error:
        reason = error.message if isinstance(error, ApiError) else error.response["Error"]["Message"]
        raise StepFailedError(f"Unable to read the property file {uri}: {reason}") from error
    return answer["Body"].read().decode()
