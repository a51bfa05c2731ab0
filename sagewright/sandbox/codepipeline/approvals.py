"""Why: a gate's answer belongs to the question that was asked, is given once, and comes too late after its time.

https://docs.aws.amazon.com/codepipeline/latest/userguide/approvals.html
"""

from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from typing import Any

from ..clients import Clients
from ..clock import Clock
from ..protocol import ApiError, Caller
from .actions import Done
from .engine import Engine
from .executions import IN_PROGRESS, ActionRun, Execution
from .failures import ActionError
from .pipeline import Pipeline

Waiting = tuple[Pipeline, Execution, ActionRun]


class Approvals:
    """PutApprovalResult, and the end of the time that a question has."""

    def __init__(self, clients: Clients, clock: Clock, engine: Engine, every: Callable[[], Iterable[Pipeline]]) -> None:
        self._clients = clients
        self._clock = clock
        self._engine = engine
        self._every = every

    def put(self, pipeline: Pipeline, params: dict[str, Any], caller: Caller) -> dict[str, Any]:
        """Take an answer."""
        stage = pipeline.stage(params["stageName"])
        if params["actionName"] not in {action["name"] for action in stage["actions"]}:
            message = f"Stage '{stage['name']}' does not have an action '{params['actionName']}'"
            raise ApiError("ActionNotFoundException", message)
        result, token = params["result"], params["token"]
        with self._clock.work(f"approval {pipeline.name}"), self._engine.lock:
            execution, run = self._asked(pipeline, stage["name"], params["actionName"], token)
            run.updated_by = self._clients.authorizer.principal_of(caller.access_key).arn
            run.deadline_s = None
            if result["status"] == "Approved":
                outcome: Done | ActionError = Done(result["summary"], external_url=run.external_url)
            else:
                outcome = ActionError("JobFailed", result["summary"], external_url=run.external_url)
            self._engine.settle(pipeline, execution, run, outcome)
        return {"approvedAt": datetime.fromtimestamp(run.changed_s, UTC)}

    def due(self, after_s: float) -> float | None:
        """Return when the time of the next question is over."""
        deadlines = [run.deadline_s for _, _, run in self._waiting() if run.deadline_s is not None]
        return min((each for each in deadlines if each > after_s), default=None)

    def happen(self, at_s: float) -> None:
        """Reject what nobody has answered in time."""
        with self._engine.lock:
            for pipeline, execution, run in list(self._waiting()):
                if run.deadline_s is not None and run.deadline_s <= at_s:
                    run.deadline_s = None
                    late = ActionError("JobFailed", "The approval request has expired.", external_url=run.external_url)
                    self._engine.settle(pipeline, execution, run, late)

    @staticmethod
    def _asked(pipeline: Pipeline, stage: str, action: str, token: str) -> tuple[Execution, ActionRun]:
        for execution in pipeline.executions:
            for run in execution.actions:
                if (run.stage, run.name, run.token) == (stage, action, token):
                    if run.status != IN_PROGRESS:
                        message = "The approval action has already been approved or rejected."
                        raise ApiError("ApprovalAlreadyCompletedException", message)
                    return execution, run
        message = "The approval request already received a response or has expired."
        raise ApiError("InvalidApprovalTokenException", message)

    def _waiting(self) -> Iterator[Waiting]:
        for pipeline in self._every():
            for execution in list(pipeline.executions):
                if execution.active:
                    for run in list(execution.actions):
                        if run.token and run.status == IN_PROGRESS:
                            yield pipeline, execution, run
