"""Why: an execution starts each step as soon as what it waits for is over, and ends when nothing more can start."""

import threading
from collections.abc import Callable
from typing import Any

from ...clock import Clock
from ...errands import begin
from .definition import Definition, Step
from .runner import MAX_REASON, Runner, StepRun, Surroundings
from .values import NotStoppedError, StepFailedError

OVER = ("Succeeded", "Failed", "Stopped")
FAILED_STEPS = "Step failure: One or multiple steps failed."


class Executor:
    """One execution's schedule: its own thread decides, a thread per running step works.

    Once a step has failed no other starts; those that run are let finish. `ended` is told the final status and the
    failure reason.
    """

    def __init__(
        self,
        definition: Definition,
        here: Surroundings,
        max_parallel: int | None,
        ended: Callable[[str, str | None], None],
        clock: Clock,
    ) -> None:
        self._clock = clock
        self._definition = definition
        self._here = here
        self._max_parallel = max_parallel or len(definition.steps)
        self._ended = ended
        self._changed = threading.Condition()
        self._runs: dict[str, StepRun] = {}
        self._runners: dict[str, Runner] = {}
        self._closed = False

    def start(self) -> None:
        """Begin, or begin again after `reset`."""
        begin(self._clock, f"pipeline execution {self._here.execution_id}", self._schedule)

    def stop(self) -> None:
        """Stop every running job and start nothing more."""
        with self._changed:
            self._here.stopping.set()
            running = [runner for name, runner in self._runners.items() if self._runs[name].status not in OVER]
            for run in self._runs.values():
                if run.status not in OVER:
                    run.status = "Stopping"
            self._changed.notify_all()
        for runner in running:
            runner.stop()

    def close(self) -> None:
        """Let the sandbox go down: nothing more starts, and nobody is told."""
        with self._changed:
            self._closed = True
            self._here.stopping.set()
            self._changed.notify_all()

    def limit(self, max_parallel: int) -> None:
        """Change how many steps may run at once."""
        with self._changed:
            self._max_parallel = max_parallel
            self._changed.notify_all()

    def reset(self) -> None:
        """Forget the steps that did not succeed, so that they run again."""
        with self._changed:
            self._here.stopping.clear()
            self._runs = {name: run for name, run in self._runs.items() if run.status == "Succeeded"}

    def steps(self) -> list[dict[str, Any]]:
        """Return the steps that have started, in that order, as ListPipelineExecutionSteps has them."""
        with self._changed:
            return [_shown(run) for run in self._runs.values()]

    def _schedule(self) -> None:
        with self._changed:
            while not self._closed:
                self._start_ready()
                if not any(run.status not in OVER for run in self._runs.values()):
                    break
                self._changed.wait()
            if self._closed:
                return
            failed = any(run.status == "Failed" for run in self._runs.values())
            stopped = self._here.stopping.is_set()
        if stopped:
            self._ended("Stopped", None)
        else:
            self._ended("Failed" if failed else "Succeeded", FAILED_STEPS if failed else None)

    def _start_ready(self) -> None:
        for step in self._definition.steps.values():
            running = sum(run.status not in OVER for run in self._runs.values())
            halted = self._here.stopping.is_set() or any(run.status == "Failed" for run in self._runs.values())
            if halted or running >= self._max_parallel:
                return
            if step.name not in self._runs and self._is_ready(step):
                run = StepRun(step, self._here.now())
                self._runs[step.name] = run
                self._runners[step.name] = Runner(self._here, run)
                name = f"step-{self._here.execution_id}-{step.name}"
                threading.Thread(target=self._run_step, args=(run,), name=name, daemon=True).start()

    def _is_ready(self, step: Step) -> bool:
        waited_for = [self._runs.get(name) for name in step.dependencies]
        if any(run is None or run.status != "Succeeded" for run in waited_for):
            return False
        if step.branch is None:
            return True
        condition, outcome = step.branch
        return self._runs[condition].response["Outcome"] == outcome

    def _run_step(self, run: StepRun) -> None:
        with self._changed:
            if run.status == "Starting":
                run.status = "Executing"
        # Any other exception is a fault of the sandbox: it goes to the log, and the step must not run for ever.
        status, reason = "Failed", "InternalServerError: the sandbox failed; see its log."
        try:
            self._runners[run.step.name].run()
            status, reason = "Succeeded", ""
        except StepFailedError as failure:
            stopped = self._here.stopping.is_set() and not isinstance(failure, NotStoppedError)
            status, reason = ("Stopped" if stopped else "Failed"), str(failure)
        finally:
            with self._changed:
                if status == "Succeeded":
                    self._here.values.responses[run.step.name] = run.response
                run.status, run.ended = status, self._here.now()
                run.failure_reason = reason[:MAX_REASON] if status == "Failed" and reason else None
                self._changed.notify_all()


def _shown(run: StepRun) -> dict[str, Any]:
    members = {
        "StepName": run.step.name,
        "StepDisplayName": run.step.display_name,
        "StepDescription": run.step.description,
        "StartTime": run.started,
        "EndTime": run.ended,
        "StepStatus": run.status,
        "CacheHitResult": {"SourcePipelineExecutionArn": run.cache_source} if run.cache_source else None,
        "FailureReason": run.failure_reason,
        "Metadata": dict(run.metadata),
        "AttemptCount": run.attempts,
    }
    return {member: value for member, value in members.items() if value is not None}
