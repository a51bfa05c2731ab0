"""What is on its way by the project's pipelines: what of, where it is, since when, and whom it waits for."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sagewright.project import Environment, Project, names
from sagewright.runtime.functions import build_log, code_pipelines, gates, promotion, rollback
from sagewright.runtime.functions.build_log import Told
from sagewright.runtime.functions.client import Client
from sagewright.runtime.functions.code_pipelines import RUNNING, Execution, Failure
from sagewright.runtime.functions.gates import Gate

from . import stack_states
from .target import Target

BUILD, PROMOTION, ROLLBACK = "build", "promotion", "rollback"
# How the command of the last stage of a build begins what it says, where it has started no training.
_SKIPPED = "Training skipped: "
_TRAIN = "Train"
_COMMIT_LENGTH = 12


@dataclass(frozen=True)
class OnTheWay:
    """One execution of a pipeline; `stage` is where it is or has ended, `waits_for` what only a person can give it."""

    kind: str
    execution: str
    what: str
    version: int | None
    status: str
    stage: str | None
    action: str | None
    since: datetime
    waits_for: str | None = None
    why: str | None = None
    """Why it failed, or did less than the others: a build that trained nothing."""
    log: str | None = None
    """The command that shows the whole log of the build that failed."""

    @property
    def is_running(self) -> bool:
        """Whether it has not ended."""
        return self.status in RUNNING

    @property
    def told(self) -> str:
        """Say in a few words how it stands."""
        place = " ".join(filter(None, [self.stage, f"({self.action})" if self.action else None]))
        if self.waits_for is not None:
            return f"waits at {self.stage}: {self.waits_for}" if self.stage else f"waits for {self.waits_for}"
        if not self.is_running:
            where = f" at {place}" if self.why and place else ""
            return f"{self.status.lower()}{where}{f': {self.why}' if self.why else ''}"
        return f"at {place}" if place else "has just begun"


def of(project: Project, target: Target) -> list[OnTheWay]:
    """List what is under way, and of each pipeline what it did last; nothing of a project without delivery of AWS's."""
    if project.repository is None or project.delivery.provider != "codepipeline":
        return []
    return [
        *_of_pipeline(project, target, BUILD, names.build_pipeline(project.name)),
        *_of_pipeline(project, target, PROMOTION, names.promotion_pipeline(project.name)),
        *_of_pipeline(project, target, ROLLBACK, names.rollback_pipeline(project.name)),
    ]


def _of_pipeline(project: Project, target: Target, kind: str, pipeline: str) -> Iterator[OnTheWay]:
    codepipeline = target.client("codepipeline", project.first)
    summaries = codepipeline.list_pipeline_executions(pipelineName=pipeline)["pipelineExecutionSummaries"]
    asked = {gate.execution: gate for gate in gates.waiting(codepipeline, pipeline)}
    states = code_pipelines.stages(codepipeline, pipeline)
    told_last = False
    for summary in summaries:
        identity = summary["pipelineExecutionId"]
        execution = code_pipelines.execution(codepipeline, pipeline, identity)
        running = summary["status"] in RUNNING
        # One that was started without a version, as when the pipeline was made, is nobody's.
        if execution is None or (kind != BUILD and _is_of_nothing(execution)) or (told_last and not running):
            continue
        told_last = told_last or not running
        what, version = _what(kind, execution, summary)
        if not running:
            yield _ended(project, target, kind, execution, summary, what, version)
            continue
        stage, action, since = _where(states, identity)
        gate = asked.get(identity)
        yield OnTheWay(
            *(kind, identity, what, version, summary["status"], stage, action),
            since or summary["startTime"],
            _decision(gate, project) if gate is not None else None,
        )


def _ended(  # noqa: PLR0913, PLR0917 - what is known of an execution
    project: Project,
    target: Target,
    kind: str,
    execution: Execution,
    summary: Mapping[str, Any],
    what: str,
    version: int | None,
) -> OnTheWay:
    failed, skipped, log = None, None, None
    codepipeline = target.client("codepipeline", project.first)
    if kind == BUILD and summary["status"] == "Succeeded":
        skipped = _skipped(project, target, execution)
    if summary["status"] == "Failed":
        failed = code_pipelines.failure(codepipeline, execution.pipeline, execution.id)
        log = _log(project, target, failed) if failed is not None else None
    return OnTheWay(
        *(kind, execution.id, what, version, summary["status"]),
        failed.stage if failed is not None else None,
        failed.action if failed is not None else None,
        summary["lastUpdateTime"],
        why=_reason(project, target, failed, log) if failed is not None else skipped,
        log=log.whole(project.first.region) if log is not None else None,
    )


def _skipped(project: Project, target: Target, execution: Execution) -> str | None:
    """Say why a build has started no training; None where it has, or its log is gone."""
    codepipeline = target.client("codepipeline", project.first)
    for each in code_pipelines.actions(codepipeline, execution.pipeline, execution.id):
        if each["actionName"] == _TRAIN:
            identity = each.get("output", {}).get("executionResult", {}).get("externalExecutionId", "")
            log = build_log.read(lambda service: target.client(service, project.first), identity)
            return next((line for line in log.lines if line.startswith(_SKIPPED)), None) if log is not None else None
    return None


def reason(project: Project, target: Target, failed: Failure) -> str:
    """Say why an action failed: in the words of its own log, or of what its stack could not do, where there are any."""
    return _reason(project, target, failed, _log(project, target, failed))


def _log(project: Project, target: Target, failed: Failure) -> Told | None:
    return build_log.read(lambda service: target.client(service, project.first), failed.external_id)


def _reason(project: Project, target: Target, failed: Failure, log: Told | None) -> str:
    told = (log.after(failed.why) if log is not None else build_log.plain(failed.why)) or "no reason is given"
    stack = _stack_of(project, failed)
    if stack is None:
        return told
    environment, name = stack
    of_stack = stack_states.failures(target.lookup_client("cloudformation", environment), name)
    return f"{told.rstrip('.')}: {'; '.join(of_stack)}" if of_stack else told


def _stack_of(project: Project, failed: Failure) -> tuple[Environment, str] | None:
    """Name the stack that an action of an environment deploys."""
    stacks = {"Serving": names.serving_stack, "Monitoring": names.monitoring_stack}
    for environment in project.serving:
        if failed.stage == environment.name and failed.action in stacks:
            return environment, stacks[failed.action](project.name, environment.name)
    return None


def _is_of_nothing(execution: Execution) -> bool:
    return execution.variable(promotion.VERSION) is None and execution.variable(rollback.ENVIRONMENT) is None


def _what(kind: str, execution: Execution, summary: Mapping[str, Any]) -> tuple[str, int | None]:
    """Say what goes through: a commit, a version, or an environment that goes back."""
    if kind == PROMOTION:
        number = int((execution.variable(promotion.VERSION) or "/0").rpartition("/")[2])
        return f"version {number}", number
    if kind == ROLLBACK:
        leaving, wanted = execution.variable(rollback.LEAVING), execution.variable(rollback.VERSION)
        words = f" to version {wanted}" if wanted else f" from version {leaving}" if leaving else ""
        return f"{execution.variable(rollback.ENVIRONMENT)}{words}", int(leaving) if leaving else None
    revisions = [each for each in summary.get("sourceRevisions", []) if each["actionName"] == "Source"]
    commit = revisions[0]["revisionId"][:_COMMIT_LENGTH] if revisions else None
    return f"commit {commit}" if commit else "a push", None


def _where(states: Mapping[str, Mapping[str, Any]], identity: str) -> tuple[str | None, str | None, datetime | None]:
    """Find the stage that an execution is in, and the action that runs there, since when."""
    for name, stage in states.items():
        if any(each["pipelineExecutionId"] == identity for each in stage.get("inboundExecutions", [])):
            return name, "waits for the one before", None
        last = code_pipelines.last_in(stage)
        if last is None or last[0] != identity or last[1] not in RUNNING:
            continue
        for action in stage.get("actionStates", []):
            latest = action.get("latestExecution", {})
            if latest.get("status") == "InProgress":
                return name, action["actionName"], latest.get("lastStatusChange")
        return name, None, None
    return None, None, None


def _decision(gate: Gate, project: Project) -> str:
    return f"sagewright approve --gate {gate.environment(project.prod.name)}"


def question(codepipeline: Client, gate: Gate) -> str:
    """Read what the approver is asked: version, metric, threshold, commit."""
    for each in code_pipelines.actions(codepipeline, gate.pipeline, gate.execution):
        if each["actionExecutionId"] == gate.identity:
            return str(each.get("input", {}).get("resolvedConfiguration", {}).get("CustomData", ""))
    return ""
