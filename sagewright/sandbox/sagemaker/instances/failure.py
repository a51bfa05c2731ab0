"""Why: what goes wrong on an instance ends the job or the deployment with a reason, in the words of its Describe."""

import errno
from collections.abc import Iterator
from contextlib import contextmanager

INTERNAL = "InternalServerError: We encountered an internal error. Please try again."

# The disk's own end, a quota's, and the largest file that a process may write.
_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


class InstanceError(Exception):
    """Its message is the FailureReason."""


@contextmanager
def disk_space(what: str) -> Iterator[None]:
    """Tell a full disk as SageMaker does, `what` failed for it ("Data download"); other faults pass through."""
    try:
        yield
    except OSError as error:
        if error.errno not in _FULL:
            raise
        raise InstanceError(f"ClientError: {what} failed:Insufficient disk space ({error})") from error
