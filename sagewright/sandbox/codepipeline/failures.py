"""Why: an action fails with one of few codes and a sentence, whatever it was that went wrong."""

from botocore.exceptions import ClientError

from ..protocol import ApiError

_DENIALS = ("AccessDenied", "Unauthorized", "AuthorizationError", "Forbidden")


class ActionError(Exception):
    """Why an action failed, and what it had begun elsewhere."""

    def __init__(self, code: str, message: str, external_id: str = "", external_url: str = "") -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.external_id = external_id
        self.external_url = external_url


def refused(error: ClientError | ApiError, what: str, otherwise: str = "ConfigurationError") -> ActionError:
    """Return what another service refused a role as the failure of an action."""
    if isinstance(error, ApiError):
        code, told = error.code, error.message
    else:
        details = error.response.get("Error", {})
        code, told = details.get("Code", ""), details.get("Message", str(error))
    if any(part in code for part in _DENIALS):
        begin = f"The provided role does not have permissions to perform this action ({what})."
        return ActionError("PermissionError", f"{begin} Underlying error: {told} ({code})")
    return ActionError(otherwise, f"Could not {what}: {told} ({code})")
