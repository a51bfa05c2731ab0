"""Why: what ran, in which stage and with which result is what people and rules ask a pipeline about for months."""

import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from .artifacts import Artifact

IN_PROGRESS, SUCCEEDED, FAILED, ABANDONED = "InProgress", "Succeeded", "Failed", "Abandoned"
STOPPING, STOPPED, SKIPPED, SUPERSEDED, CANCELLED = "Stopping", "Stopped", "Skipped", "Superseded", "Cancelled"
STANDARD, ROLLBACK = "STANDARD", "ROLLBACK"
STARTED_BY_PUSH = "WebhookV2"
ERRORED = "Errored"

Kind = Literal["beforeEntry", "onSuccess", "onFailure"]
Declaration = Mapping[str, Any]


@dataclass(frozen=True)
class Failure:
    """Why an action failed: CodePipeline's code, and a sentence."""

    code: str
    message: str


@dataclass(frozen=True)
class Trigger:
    """What started an execution; `told` is how events describe a push over a connection."""

    type: str
    detail: str = ""
    told: Mapping[str, Any] = field(default_factory=dict)

    def document(self) -> dict[str, Any]:
        """Return the trigger as the API shows it."""
        return {"triggerType": self.type, **({"triggerDetail": self.detail} if self.detail else {})}


@dataclass(eq=False)
class ActionRun:
    """One run of an action."""

    stage: str
    declaration: Declaration
    version: int
    started_s: float
    status: str = IN_PROGRESS
    changed_s: float = 0.0
    id: str = field(default_factory=lambda: str(uuid.uuid4()))
    configuration: dict[str, str] = field(default_factory=dict)
    inputs: list[Artifact] = field(default_factory=list)
    outputs: list[Artifact] = field(default_factory=list)
    variables: dict[str, str] = field(default_factory=dict)
    summary: str = ""
    external_id: str = ""
    external_url: str = ""
    failure: Failure | None = None
    updated_by: str = ""
    token: str = ""
    deadline_s: float | None = None

    @property
    def name(self) -> str:
        """Return the action's name."""
        return str(self.declaration["name"])

    @property
    def order(self) -> int:
        """Return which actions of the stage it runs together with."""
        return run_order(self.declaration)


@dataclass(eq=False)
class RuleRun:
    """One check of a rule."""

    stage: str
    declaration: Declaration
    version: int
    at_s: float
    status: str
    summary: str
    configuration: dict[str, str]
    failure: Failure | None = None
    id: str = field(default_factory=lambda: str(uuid.uuid4()))


@dataclass(eq=False)
class ConditionRun:
    """One check of a stage's condition, with all of its rules."""

    status: str
    summary: str
    at_s: float
    rules: list[RuleRun]


@dataclass(eq=False)
class StageRun:
    """An execution in a stage; `actions` holds the newest run of each action."""

    name: str
    started_s: float
    status: str = IN_PROGRESS
    actions: dict[str, ActionRun] = field(default_factory=dict)
    conditions: dict[Kind, ConditionRun] = field(default_factory=dict)
    overridden: set[Kind] = field(default_factory=set)
    entered: bool = False
    automatic_retries: int = 0
    manual_retries: int = 0
    last_retry: str = ""
    last_retry_s: float | None = None

    def in_progress(self) -> list[ActionRun]:
        """Return the actions that run or wait."""
        return [run for run in self.actions.values() if run.status == IN_PROGRESS]

    def failed(self) -> list[ActionRun]:
        """Return the actions that did not come to a good end."""
        return [run for run in self.actions.values() if run.status in {FAILED, ABANDONED}]


@dataclass(eq=False)
class Execution:
    """One way through a pipeline."""

    number: int
    version: int
    declaration: Declaration
    mode: str
    trigger: Trigger
    started_s: float
    variables: dict[str, str] = field(default_factory=dict)
    overrides: dict[str, tuple[str, str]] = field(default_factory=dict)
    """By source action: the type and the value of the revision that the start asked for."""
    id: str = field(default_factory=lambda: str(uuid.uuid4()))
    status: str = IN_PROGRESS
    summary: str = ""
    changed_s: float = 0.0
    type: str = STANDARD
    target: str = ""
    attempt: int = 1
    last_retry_s: float | None = None
    stop_reason: str = ""
    stage: int = 0
    runs: dict[str, StageRun] = field(default_factory=dict)
    actions: list[ActionRun] = field(default_factory=list)
    rules: list[RuleRun] = field(default_factory=list)
    artifacts: dict[str, Artifact] = field(default_factory=dict)
    outputs: dict[str, dict[str, str]] = field(default_factory=dict)
    """By namespace: the variables that actions produced."""
    revisions: dict[str, dict[str, Any]] = field(default_factory=dict)
    """By source action."""

    @property
    def stages(self) -> list[Declaration]:
        """Return the declarations of the stages."""
        return list(self.declaration["stages"])

    @property
    def active(self) -> bool:
        """Whether it goes on, or is about to stop."""
        return self.status in {IN_PROGRESS, STOPPING}

    @property
    def run(self) -> StageRun | None:
        """Return the stage that it is in, or was in last."""
        return self.runs.get(str(self.stages[self.stage]["name"]))


def run_order(action: Declaration) -> int:
    """Return an action's place in its stage."""
    return int(action.get("runOrder") or 1)


def stage_named(declaration: Declaration, name: str) -> Declaration | None:
    """Return a stage of a pipeline."""
    return next((stage for stage in declaration["stages"] if stage["name"] == name), None)


def actions_of(declaration: Declaration) -> Iterator[tuple[int, Declaration, Declaration]]:
    """Yield every action with its stage and the stage's place."""
    for place, stage in enumerate(declaration["stages"]):
        for action in stage["actions"]:
            yield place, stage, action
