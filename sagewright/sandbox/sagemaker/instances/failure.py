"""Why: what goes wrong on an instance ends the job or the deployment with a reason, in the words of its Describe."""

INTERNAL = "InternalServerError: We encountered an internal error. Please try again."


class InstanceError(Exception):
    """Its message is the FailureReason."""
