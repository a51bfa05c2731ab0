"""Why: whether a failed step is tried again depends on what kind of fault it was; AWS's kinds are told apart here."""

from dataclasses import dataclass

from botocore.exceptions import BotoCoreError, ClientError, ConnectionError, HTTPClientError  # noqa: A004 - its name

from ...protocol import ApiError
from .definition import Step
from .policies import CAPACITY_ERROR, INTERNAL_ERROR, RESOURCE_LIMIT, SERVICE_FAULT, THROTTLING, Retry

THROTTLING_CODES = ("ThrottlingException", "Throttling", "TooManyRequestsException", "RequestLimitExceeded")
FIRST_SERVER_ERROR = 500
# How a failed job's FailureReason begins.
JOB_FAULTS = {
    "InternalServerError": INTERNAL_ERROR,
    "InternalError": INTERNAL_ERROR,
    "CapacityError": CAPACITY_ERROR,
    "InsufficientCapacityError": CAPACITY_ERROR,
    "ResourceLimitExceeded": RESOURCE_LIMIT,
}
# Tried again without being told to: https://docs.aws.amazon.com/sagemaker/latest/dg/pipelines-retry-policy.html
UNASKED = (Retry((SERVICE_FAULT,)), Retry((THROTTLING,)))


@dataclass(frozen=True)
class Fault:
    """Why an attempt failed; `exception` is the type that a retry policy may name, or None where none may."""

    reason: str
    exception: str | None

    def policy(self, step: Step) -> Retry | None:
        """Return the step's retry policy for this fault, or what AWS does unasked."""
        policies = (*step.retries, *UNASKED)
        return next((policy for policy in policies if self.exception in policy.exceptions), None)


def call_fault(operation: str, error: ClientError | BotoCoreError | ApiError) -> Fault:
    """Return the fault of a request that was refused or did not arrive."""
    details = error.message if isinstance(error, ApiError) else str(error)
    exception = SERVICE_FAULT if isinstance(error, ConnectionError | HTTPClientError) else None
    if isinstance(error, ClientError):
        details, code = error.response["Error"]["Message"], error.response["Error"]["Code"]
        if code in THROTTLING_CODES:
            exception = THROTTLING
        elif code == "ResourceLimitExceeded":
            exception = RESOURCE_LIMIT
        elif error.response["ResponseMetadata"].get("HTTPStatusCode", 0) >= FIRST_SERVER_ERROR:
            exception = SERVICE_FAULT
    return Fault(f"ClientError: Failed to invoke sagemaker:{operation}. Error Details: {details}", exception)


def job_fault(reason: str) -> Fault:
    """Return the fault of a job that ran and failed."""
    exception = next((kind for start, kind in JOB_FAULTS.items() if reason.startswith(start)), None)
    return Fault(f"ClientError: {reason}", exception)
