"""Why: a pipeline is what was written, in all of its versions, and the lane in which its executions come one by one."""

from dataclasses import dataclass, field

from ..cloudwatch.metrics import Place
from .executions import Declaration, Execution, stage_named
from .refusals import no_execution, no_stage
from .structure import mode_of


@dataclass
class Transition:
    """Whether executions may enter a stage, and who said so."""

    enabled: bool = True
    reason: str = ""
    changed_by: str = ""
    changed_s: float | None = None


@dataclass(eq=False)
class Pipeline:
    """A pipeline of an account and region, with everything that ran in it."""

    place: Place
    name: str
    created_s: float
    changed_s: float
    versions: dict[int, Declaration] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)
    transitions: dict[str, Transition] = field(default_factory=dict)
    executions: list[Execution] = field(default_factory=list)
    """In the order in which they started."""
    inside: dict[str, Execution] = field(default_factory=dict)
    """By stage: the execution that holds its lock."""
    waiting: dict[str, list[Execution]] = field(default_factory=dict)
    """By stage: the executions in front of it, the longest waiting first."""
    entered: dict[str, Execution] = field(default_factory=dict)
    """By stage: the execution that came into it last."""
    tokens: dict[str, tuple[str, object]] = field(default_factory=dict)
    """By client token: the execution that it started, and what was asked for."""
    deleted: bool = False

    @property
    def arn(self) -> str:
        """Return the pipeline's ARN."""
        return f"arn:aws:codepipeline:{self.place.region}:{self.place.account}:{self.name}"

    @property
    def version(self) -> int:
        """Return the number of the newest version."""
        return max(self.versions)

    @property
    def declaration(self) -> Declaration:
        """Return the newest version."""
        return self.versions[self.version]

    @property
    def mode(self) -> str:
        """Return how several executions are treated."""
        return mode_of(self.declaration)

    def stage(self, name: str) -> Declaration:
        """Return a stage of the newest version; an absent one is refused."""
        found = stage_named(self.declaration, name)
        if found is None:
            raise no_stage(self.name, name)
        return found

    def execution(self, identity: str) -> Execution:
        """Return an execution; an absent one is refused."""
        found = next((each for each in self.executions if each.id == identity), None)
        if found is None:
            raise no_execution(self.name, identity)
        return found

    def transition(self, stage: str) -> Transition:
        """Return the transition into a stage."""
        return self.transitions.setdefault(stage, Transition())

    def queue(self, stage: str) -> list[Execution]:
        """Return the executions in front of a stage."""
        return self.waiting.setdefault(stage, [])
