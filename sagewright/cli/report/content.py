"""What the page shows, as plain data: whoever collects it needs no page, and whoever draws it needs no AWS.

Files that jobs have written come as the parsed documents they are, so that both monitoring engines look alike here.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sagewright.runtime.functions.drift_report import Report as DriftReport

Fact = tuple[str, str]
"""A line of a list of facts: what it is, and how it reads."""


@dataclass(frozen=True)
class StepRun:
    """How one step of an execution went; a step that the definition has and no run of is shown as not reached."""

    name: str
    status: str  # SageMaker's own: Succeeded, Failed, …
    seconds: float | None = None
    cached: bool = False


@dataclass(frozen=True)
class Pipeline:
    """One execution: its definition says how steps depend on one another, its runs how long each took."""

    name: str
    definition: Mapping[str, Any]  # the document that the execution ran, as DescribePipeline gives it
    runs: Sequence[StepRun]


@dataclass(frozen=True)
class Version:
    """The registered version that the page is about."""

    number: int
    status: str
    facts: Sequence[Fact] = ()  # data version, Git commit, image, …


@dataclass(frozen=True)
class Evaluation:
    """What the evaluation job wrote, and by which metric the gate decided."""

    report: Mapping[str, Any]  # evaluation.json
    predictions: Sequence[Sequence[str]]  # rows of predictions.csv without its header: record, truth, prediction, score
    metric: str
    threshold: float | None  # the gate's minimum or maximum of that metric; None where it is not known


@dataclass(frozen=True)
class Answer:
    """One answer of the endpoint to a row whose truth is known."""

    record: str
    prediction: str
    truth: str
    probability: float | None = None


@dataclass(frozen=True)
class Serving:
    """What the endpoint answered to held-out rows."""

    endpoint: str
    facts: Sequence[Fact] = ()
    answers: Sequence[Answer] = ()


@dataclass(frozen=True)
class StoredGroup:
    """One group of the feature store, as its ingestion left it."""

    name: str
    description: str
    features: int
    rows: int
    quarantined: int
    newest: str  # event time


@dataclass(frozen=True)
class Store:
    """The feature store: what is in it, and what the endpoint answered to ids alone."""

    groups: Sequence[StoredGroup]
    facts: Sequence[Fact] = ()
    answers: Sequence[Answer] = ()


@dataclass(frozen=True)
class MonitoringRun:
    """One run of the monitor; its report is None where it wrote none, because it failed or has not ended."""

    window_start: datetime
    window_end: datetime
    finished: datetime | None  # None: it has not ended
    status: str  # Succeeded, Completed, CompletedWithViolations, Failed, …
    report: DriftReport | None
    uri: str = ""  # where its files are
    note: str = ""  # why it failed; or that another program ran in the place of AWS's


@dataclass(frozen=True)
class AlarmChange:
    """A change of an alarm's state, as its history has it."""

    time: datetime
    alarm: str
    before: str  # OK, ALARM, INSUFFICIENT_DATA
    after: str
    reason: str = ""


@dataclass(frozen=True)
class Message:
    """A message that somebody got."""

    time: datetime
    to: str
    subject: str
    text: str


@dataclass(frozen=True)
class Monitoring:
    """Everything that was watched: the baseline, the runs since the release, what changed state, and who was told."""

    engine: str  # builtin, model_monitor
    baseline: Mapping[str, Any]  # the baseline's statistics.json
    runs: Sequence[MonitoringRun] = ()
    alarms: Sequence[AlarmChange] = ()
    messages: Sequence[Message] = ()
    facts: Sequence[Fact] = ()  # schedule, next run, where to look
    until: datetime | None = None  # now, by the clock that the times above are of; the end of the timeline
    # What was done to the traffic, and when, as marks on the timeline.
    marks: Sequence[tuple[datetime, str]] = ()


@dataclass(frozen=True)
class Report:
    """The page: leaving a part out leaves its section out."""

    project: str
    environment: str
    made: datetime
    where: str  # "a sandbox on this machine", "account 111111111111 in eu-west-1"
    description: str = ""
    version: Version | None = None
    pipeline: Pipeline | None = None
    evaluation: Evaluation | None = None
    serving: Serving | None = None
    monitoring: Monitoring | None = None
    store: Store | None = None
    durations: Sequence[tuple[str, float]] = field(default_factory=tuple)  # of the demo's own steps, in seconds
