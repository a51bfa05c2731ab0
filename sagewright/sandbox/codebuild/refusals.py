"""Why: CodeBuild has few error codes, and the sandbox one more: for what it does not have."""

from ..protocol import ApiError


def invalid(message: str) -> ApiError:
    """Return the refusal of a request that could never be right."""
    return ApiError("InvalidInputException", message)


def absent(message: str) -> ApiError:
    """Return the refusal of a request about what is not there."""
    return ApiError("ResourceNotFoundException", message)


def taken(message: str) -> ApiError:
    """Return the refusal of a name that is in use."""
    return ApiError("ResourceAlreadyExistsException", message)


def lacking(what: str, instead: str = "") -> ApiError:
    """Return the refusal, by its name, of what AWS has and the sandbox has not."""
    problem = f"The sandbox's CodeBuild does not have {what}."
    return ApiError("UnsupportedOperation", f"{problem} {instead}".strip(), 501)
