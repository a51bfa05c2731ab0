"""Why: Athena refuses some queries at once and others while they run, and says of each whose fault it was."""

from ..protocol import ApiError

SYSTEM, USER = 1, 2
_EXHAUSTED, _INTERNAL, _SYNTAX, _PERMISSION, _OTHER_USER = 1, 201, 1006, 1003, 1301


class QueryError(Exception):
    """Why a query failed: what GetQueryExecution shows as StateChangeReason and AthenaError.

    https://docs.aws.amazon.com/athena/latest/ug/error-reference.html
    """

    def __init__(self, reason: str, *, category: int = USER, kind: int = _OTHER_USER, retryable: bool = False) -> None:
        super().__init__(reason)
        self.reason = reason
        self.category = category
        self.kind = kind
        self.retryable = retryable


class CancelledError(Exception):
    """The query was stopped: by a person, or by the limit of its workgroup."""


def exhausted(detail: str) -> QueryError:
    """Return the failure of a query that needs more memory than it gets."""
    reason = f"Query exhausted resources at this scale factor. {detail}"
    return QueryError(reason, category=USER, kind=_EXHAUSTED)


def internal(detail: str) -> QueryError:
    """Return the failure that is nobody's fault but the engine's."""
    return QueryError(f"GENERIC_INTERNAL_ERROR: {detail}", category=SYSTEM, kind=_INTERNAL, retryable=True)


def semantic(code: str, position: tuple[int, int], problem: str) -> QueryError:
    """Return the failure of a query that is well-formed and means nothing."""
    line, column = position
    return QueryError(f"{code}: line {line}:{column}: {problem}", kind=_SYNTAX)


def denied(where: str, detail: str) -> QueryError:
    """Return the failure of a query whose caller lacks a permission."""
    return QueryError(f"{where}. {detail}", kind=_PERMISSION)


def invalid(message: str) -> ApiError:
    """Return the refusal of a request that Athena does not take."""
    return ApiError("InvalidRequestException", message, 400, {"AthenaErrorCode": "INVALID_INPUT"})


def malformed(line: int, column: int, problem: str) -> ApiError:
    """Return the refusal of a text that is no query."""
    message = f"line {line}:{column}: {problem}"
    return ApiError("InvalidRequestException", message, 400, {"AthenaErrorCode": "MALFORMED_QUERY"})


def lacking(what: str) -> ApiError:
    """Return the refusal of what AWS has and the sandbox has not."""
    return ApiError("UnsupportedOperation", f"The sandbox's Athena does not have {what}.", 501)
