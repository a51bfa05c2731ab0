"""Why: what goes wrong in a build is told by the phase's status and its context, never by an exception of a service."""

from botocore.exceptions import ClientError


class PhaseError(Exception):
    """Ends a phase as failed; code and message are its context."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message


class CutOffError(Exception):
    """Ends a build in the middle of a phase; the status is the phase's and the build's."""

    def __init__(self, status: str, code: str = "", message: str = "") -> None:
        super().__init__(status)
        self.status = status
        self.code = code
        self.message = message


def refused(error: ClientError) -> str:
    """Return a service's refusal as CodeBuild's log and contexts have it."""
    details = error.response["Error"]
    status = error.response["ResponseMetadata"]["HTTPStatusCode"]
    return f"{details['Code']}: {details['Message']} status code: {status}"
