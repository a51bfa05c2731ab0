"""Why: executions come into a stage one at a time, wait before it, overtake one another or not, and leave it in order.

https://docs.aws.amazon.com/codepipeline/latest/userguide/concepts-how-it-works.html
"""

import threading

from ..clock import Clock
from .actions import Done
from .artifacts import Store
from .conditions import assess
from .events import STARTED, Announcer
from .executions import (
    ABANDONED,
    CANCELLED,
    FAILED,
    IN_PROGRESS,
    ROLLBACK,
    SKIPPED,
    STANDARD,
    STOPPED,
    STOPPING,
    SUCCEEDED,
    SUPERSEDED,
    ActionRun,
    Declaration,
    Execution,
    Failure,
    StageRun,
    Trigger,
    run_order,
    stage_named,
)
from .failures import ActionError
from .pipeline import Pipeline
from .runner import Runner

AUTOMATIC, MANUAL = "AutomatedStageRetry", "ManualStageRetry"
ALL_ACTIONS = "ALL_ACTIONS"


class Engine:
    """Walks executions through their stages; whoever reads or changes a pipeline holds `lock`."""

    def __init__(self, clock: Clock, announcer: Announcer, runner: Runner) -> None:
        self.lock = threading.RLock()
        self._clock = clock
        self._tell = announcer
        self._runner = runner

    def launch(self, pipeline: Pipeline, execution: Execution) -> None:
        """Let an execution start, at its stage."""
        execution.changed_s = self._clock.now()
        pipeline.executions.append(execution)
        self._tell.execution(pipeline, execution, STARTED)
        self._knock(pipeline, execution)

    def admit(self, pipeline: Pipeline, stage: str) -> None:
        """Let those in front of a stage in, as far as its transition and its lock allow."""
        queue = pipeline.queue(stage)
        while queue and pipeline.transition(stage).enabled:
            if queue[0].mode != "PARALLEL":
                if stage in pipeline.inside:
                    return
                pipeline.inside[stage] = queue[0]
            execution = queue.pop(0)
            run = StageRun(stage, self._clock.now())
            execution.runs[stage] = run
            pipeline.entered[stage] = execution
            self._enter(pipeline, execution, run)

    def settle(self, pipeline: Pipeline, execution: Execution, run: ActionRun, outcome: Done | ActionError) -> bool:
        """Take an action's end; tell whether anybody still waited for it."""
        with self.lock:
            if run.status != IN_PROGRESS:
                return False
            run.changed_s = execution.changed_s = self._clock.now()
            if isinstance(outcome, ActionError):
                run.status, run.failure = FAILED, Failure(outcome.code, outcome.message)
                run.external_id, run.external_url = outcome.external_id, outcome.external_url or run.external_url
                run.summary = outcome.message
            else:
                run.status = SUCCEEDED
                self._take(execution, run, outcome)
            self._tell.action(pipeline, execution, run, run.status.upper())
            self._advance(pipeline, execution, execution.runs[run.stage])
            return True

    def retry(self, pipeline: Pipeline, execution: Execution, run: StageRun, mode: str, trigger: str) -> None:
        """Do a stage's actions again: those that failed, or all."""
        now_s = self._clock.now()
        execution.attempt += 1
        execution.last_retry_s = run.last_retry_s = execution.changed_s = now_s
        run.last_retry = trigger
        if trigger == AUTOMATIC:
            run.automatic_retries += 1
        else:
            run.manual_retries += 1
        kept = {name: each for name, each in run.actions.items() if each.status == SUCCEEDED}
        run.actions = {} if mode == ALL_ACTIONS else kept
        self._resume(pipeline, execution, run)

    def proceed(self, pipeline: Pipeline, execution: Execution, run: StageRun) -> None:
        """Go on with a stage whose condition is overridden."""
        self._resume(pipeline, execution, run)

    def roll_back(self, pipeline: Pipeline, stage: str, target: Execution, trigger: Trigger) -> Execution:
        """Start an execution that does one stage as an earlier one did it."""
        place = [each["name"] for each in target.stages].index(stage)
        execution = Execution(
            number=len(pipeline.executions),
            version=target.version,
            declaration=target.declaration,
            mode=target.mode,
            trigger=trigger,
            started_s=self._clock.now(),
            variables=dict(target.variables),
            type=ROLLBACK,
            target=target.id,
            stage=place,
            artifacts=dict(target.artifacts),
            outputs={name: dict(values) for name, values in target.outputs.items()},
            revisions=dict(target.revisions),
        )
        self.launch(pipeline, execution)
        return execution

    def stop(self, pipeline: Pipeline, execution: Execution, *, abandon: bool) -> None:
        """Let an execution end: after what runs, or without it."""
        run, stage = execution.run, str(execution.stages[execution.stage]["name"])
        is_inside = run is not None and run.status in {IN_PROGRESS, STOPPING}
        if execution.status != STOPPING:
            execution.status = STOPPING
            self._tell.execution(pipeline, execution, "STOPPING")
            if run is not None and is_inside:
                run.status = STOPPING
                self._tell.stage(pipeline, execution, run, "STOPPING")
        if abandon and run is not None:
            self._abandon(pipeline, execution, run)
        if run is None or not is_inside or not run.in_progress():
            if execution in pipeline.queue(stage):
                pipeline.queue(stage).remove(execution)
            self._stopped(pipeline, execution)

    def restructure(self, pipeline: Pipeline, declaration: Declaration) -> None:
        """Let what is under way go on by a new structure, or be cancelled where its own stage has changed."""
        for execution in [each for each in pipeline.executions if each.active and each.mode != "PARALLEL"]:
            stage = execution.stages[execution.stage]
            new = stage_named(declaration, stage["name"])
            is_inside = pipeline.inside.get(stage["name"]) is execution
            if new is None or (is_inside and new != stage):
                self._cancel(pipeline, execution, "The pipeline structure was updated.")
            else:
                execution.stage = [each["name"] for each in declaration["stages"]].index(stage["name"])
                execution.declaration = declaration

    def drop(self, pipeline: Pipeline) -> None:
        """Forget a pipeline; what its actions began elsewhere goes on there."""
        pipeline.deleted = True
        for execution in [each for each in pipeline.executions if each.active]:
            execution.status = CANCELLED
            for run in execution.runs.values():
                for action in run.in_progress():
                    action.status = ABANDONED
        pipeline.waiting.clear()

    def _knock(self, pipeline: Pipeline, execution: Execution) -> None:
        """Let an execution wait in front of its stage; in SUPERSEDED mode only the newest one does."""
        if execution.status == STOPPING:
            self._stopped(pipeline, execution)
            return
        stage = str(execution.stages[execution.stage]["name"])
        queue = pipeline.queue(stage)
        if execution.type == ROLLBACK:
            queue.insert(0, execution)
        else:
            queue.append(execution)
        if execution.mode == "SUPERSEDED":
            waiting = [each for each in queue if each.type == STANDARD]
            for older in sorted(waiting, key=lambda each: each.number)[:-1]:
                queue.remove(older)
                self._end(pipeline, older, SUPERSEDED)
        self.admit(pipeline, stage)

    def _enter(self, pipeline: Pipeline, execution: Execution, run: StageRun) -> None:
        stage = execution.stages[execution.stage]
        execution.changed_s = self._clock.now()
        if "beforeEntry" not in run.overridden:
            found = assess(stage, "beforeEntry", execution, self._clock.now())
            if found is not None:
                result, run.conditions["beforeEntry"] = found
                status = found[1].status
                if status == FAILED and result == "SKIP":
                    run.status = SKIPPED
                    self._leave(pipeline, execution, run)
                    return
                if status != SUCCEEDED:
                    self._fail(pipeline, execution, run, rollback=False)
                    return
        if not run.entered:
            run.entered = True
            self._tell.stage(pipeline, execution, run, STARTED)
        self._advance(pipeline, execution, run)

    def _resume(self, pipeline: Pipeline, execution: Execution, run: StageRun) -> None:
        run.status = execution.status = IN_PROGRESS
        execution.summary = ""
        self._tell.execution(pipeline, execution, "RESUMED")
        self._tell.stage(pipeline, execution, run, "RESUMED")
        if run.entered:
            self._advance(pipeline, execution, run)
        else:
            self._enter(pipeline, execution, run)

    def _advance(self, pipeline: Pipeline, execution: Execution, run: StageRun) -> None:
        """Start the actions that are next, once those before them have ended."""
        if run.in_progress():
            return
        if execution.status == STOPPING:
            self._stopped(pipeline, execution)
            return
        if run.failed():
            self._failed(pipeline, execution, run)
            return
        stage = execution.stages[execution.stage]
        left = [action for action in stage["actions"] if action["name"] not in run.actions]
        if not left:
            self._succeeded(pipeline, execution, run)
            return
        order = min(run_order(action) for action in left)
        runs = [self._prepare(pipeline, execution, run, each) for each in left if run_order(each) == order]
        for action in runs:
            self._tell.action(pipeline, execution, action, STARTED)
        for action in runs:
            self._runner.run(
                pipeline, execution, action, lambda outcome, run=action: self.settle(pipeline, execution, run, outcome)
            )

    def _prepare(self, pipeline: Pipeline, execution: Execution, run: StageRun, action: Declaration) -> ActionRun:
        store, now_s = Store.of(execution.declaration, pipeline.place.region), self._clock.now()
        made = ActionRun(run.name, action, execution.version, now_s, changed_s=now_s)
        made.inputs = [execution.artifacts[each["name"]] for each in action.get("inputArtifacts") or ()]
        made.outputs = [store.place(pipeline.name, each["name"]) for each in action.get("outputArtifacts") or ()]
        run.actions[made.name] = made
        execution.actions.append(made)
        return made

    @staticmethod
    def _take(execution: Execution, run: ActionRun, done: Done) -> None:
        run.summary, run.variables = done.summary, dict(done.variables)
        run.external_id, run.external_url = done.external_id, done.external_url or run.external_url
        execution.artifacts |= {each.name: each for each in run.outputs}
        if namespace := run.declaration.get("namespace"):
            execution.outputs[namespace] = dict(done.variables)
        if done.revision:
            execution.revisions[run.name] = done.revision

    def _succeeded(self, pipeline: Pipeline, execution: Execution, run: StageRun) -> None:
        stage = execution.stages[execution.stage]
        if "onSuccess" not in run.overridden:
            found = assess(stage, "onSuccess", execution, self._clock.now())
            if found is not None:
                result, run.conditions["onSuccess"] = found
                if found[1].status != SUCCEEDED:
                    self._fail(pipeline, execution, run, rollback=result == ROLLBACK)
                    return
        run.status = SUCCEEDED
        self._tell.stage(pipeline, execution, run, "SUCCEEDED")
        self._leave(pipeline, execution, run)

    def _failed(self, pipeline: Pipeline, execution: Execution, run: StageRun) -> None:
        stage = execution.stages[execution.stage]
        failing = stage.get("onFailure") or {}
        if failing.get("result") == "RETRY" and not run.automatic_retries:
            mode = (failing.get("retryConfiguration") or {}).get("retryMode", "FAILED_ACTIONS")
            self.retry(pipeline, execution, run, mode, AUTOMATIC)
            return
        rollback = failing.get("result") == ROLLBACK
        found = assess(stage, "onFailure", execution, self._clock.now())
        if found is not None:
            run.conditions["onFailure"] = found[1]
            rollback = found[1].status == FAILED
        self._fail(pipeline, execution, run, rollback=rollback)

    def _fail(self, pipeline: Pipeline, execution: Execution, run: StageRun, *, rollback: bool) -> None:
        run.status = FAILED
        self._tell.stage(pipeline, execution, run, "FAILED")
        self._end(pipeline, execution, FAILED)
        self._unlock(pipeline, execution, run.name)
        if rollback and execution.type == STANDARD:
            target = self._good(pipeline, execution, run.name)
            if target is not None:
                self.roll_back(pipeline, run.name, target, Trigger("AutomatedRollback", execution.id))
        self.admit(pipeline, run.name)

    def _leave(self, pipeline: Pipeline, execution: Execution, run: StageRun) -> None:
        self._unlock(pipeline, execution, run.name)
        if execution.type == ROLLBACK or execution.stage + 1 == len(execution.stages):
            self._end(pipeline, execution, SUCCEEDED)
        else:
            execution.stage += 1
            self._knock(pipeline, execution)
        self.admit(pipeline, run.name)

    def _stopped(self, pipeline: Pipeline, execution: Execution) -> None:
        run = execution.run
        if run is not None and run.status in {IN_PROGRESS, STOPPING}:
            run.status = STOPPED
            self._tell.stage(pipeline, execution, run, "STOPPED")
        self._end(pipeline, execution, STOPPED)
        if run is not None:
            self._unlock(pipeline, execution, run.name)
            self.admit(pipeline, run.name)

    def _cancel(self, pipeline: Pipeline, execution: Execution, summary: str) -> None:
        run, stage = execution.run, str(execution.stages[execution.stage]["name"])
        execution.summary = summary
        if run is not None and run.status in {IN_PROGRESS, STOPPING}:
            self._abandon(pipeline, execution, run)
            run.status = CANCELLED
            self._tell.stage(pipeline, execution, run, "CANCELED")
        if execution in pipeline.queue(stage):
            pipeline.queue(stage).remove(execution)
        self._end(pipeline, execution, CANCELLED)
        self._unlock(pipeline, execution, stage)

    def _abandon(self, pipeline: Pipeline, execution: Execution, run: StageRun) -> None:
        for action in run.in_progress():
            action.status, action.changed_s = ABANDONED, self._clock.now()
            self._tell.action(pipeline, execution, action, "ABANDONED")

    def _end(self, pipeline: Pipeline, execution: Execution, status: str) -> None:
        execution.status, execution.changed_s = status, self._clock.now()
        self._tell.execution(pipeline, execution, "CANCELED" if status == CANCELLED else status.upper())

    @staticmethod
    def _unlock(pipeline: Pipeline, execution: Execution, stage: str) -> None:
        if pipeline.inside.get(stage) is execution:
            del pipeline.inside[stage]

    @staticmethod
    def _good(pipeline: Pipeline, failed: Execution, stage: str) -> Execution | None:
        """Return the last execution that the stage succeeded with, under the structure that it has now."""
        return next(
            (
                each
                for each in reversed(pipeline.executions)
                if each is not failed and each.type == STANDARD and each.version == pipeline.version
                if (run := each.runs.get(stage)) is not None and run.status == SUCCEEDED
            ),
            None,
        )
