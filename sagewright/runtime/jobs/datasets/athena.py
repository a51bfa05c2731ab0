"""Statements that Athena runs for a job: started, watched with a line of progress now and then, and ended with it."""

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sagewright.runtime.serving.errors import UserError

logger = logging.getLogger(__name__)

ATTEMPTS = 3
_RUNNING = ("QUEUED", "RUNNING")
_FIRST_PAUSE_S, _LONGEST_PAUSE_S, _SILENCE_S = 0.25, 5.0, 30.0


class QueryFailedError(UserError):
    """A statement that Athena did not carry out; `again` says whether Athena thinks that it may work another time."""

    def __init__(self, text: str, *, again: bool) -> None:
        super().__init__(text)
        self.again = again


@dataclass(frozen=True)
class Athena:
    """One workgroup, which decides where results go and with which key."""

    client: Any
    workgroup: str
    wait: Callable[[float], None] = time.sleep

    def run(self, statement: str) -> dict[str, Any]:
        """Run a statement and return what Athena tells of it. Raises QueryFailedError."""
        started = self.client.start_query_execution(QueryString=statement, WorkGroup=self.workgroup)
        identity: str = started["QueryExecutionId"]
        logger.info("query %s is started in workgroup %s", identity, self.workgroup)
        told = None
        try:
            told = self._watched(identity)
        finally:
            if told is None:
                self.client.stop_query_execution(QueryExecutionId=identity)
        status = told["Status"]
        if status["State"] != "SUCCEEDED":
            raise _failure(identity, self.workgroup, status)
        return told

    def _watched(self, identity: str) -> dict[str, Any]:
        pause, waited, silent = _FIRST_PAUSE_S, 0.0, 0.0
        while True:
            execution: dict[str, Any] = self.client.get_query_execution(QueryExecutionId=identity)["QueryExecution"]
            if execution["Status"]["State"] not in _RUNNING:
                return execution
            self.wait(pause)
            waited, silent, pause = waited + pause, silent + pause, min(2 * pause, _LONGEST_PAUSE_S)
            if silent >= _SILENCE_S:
                silent = 0.0
                scanned = execution.get("Statistics", {}).get("DataScannedInBytes", 0)
                state = execution["Status"]["State"].lower()
                logger.info("query %s: %s for %.0f s, %.1f MB read", identity, state, waited, scanned / 1e6)


def _failure(identity: str, workgroup: str, status: dict[str, Any]) -> QueryFailedError:
    if status["State"] == "CANCELLED":
        said = f"query {identity} was cancelled in workgroup {workgroup}: start the training again"
        return QueryFailedError(said, again=False)
    reason = status.get("StateChangeReason") or status.get("AthenaError", {}).get("ErrorMessage", "no reason is given")
    return QueryFailedError(
        f"Athena failed with query {identity} in workgroup {workgroup}: {reason}",
        again=bool(status.get("AthenaError", {}).get("Retryable")),
    )
