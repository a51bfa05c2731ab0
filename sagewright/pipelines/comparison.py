"""The comparison with the champion: what a run is told of it, and how it reads in the evaluation's report.

A champion is the version that is live in the last environment. Who starts a run says which that is, so that the step
cache sees it: another champion is another input of the evaluation.
"""

from dataclasses import dataclass
from typing import Self

from sagewright.pipelines.expressions import Expression, Parameter, PropertyFile, Value, compare
from sagewright.project.model import Evaluation

# Without defaults: a run that named no champion would be compared with nothing, and nobody would have said so.
CHAMPION_MODEL = Parameter("ChampionModelUri", "String")
CHAMPION_VERSION = Parameter("ChampionVersion", "String")


@dataclass(frozen=True)
class Comparison:
    """What the evaluation writes below `champion` in its report.

    `advantage` is by how much the new model is better than the champion, in the metric's unit and whichever way the
    metric reads. It is 0 where nothing was compared, and `compared` is 0 or 1.
    """

    metric: str
    direction: str
    tolerance: float
    advantage: Expression
    compared: Expression
    reason: Expression

    @classmethod
    def of(cls, evaluation: Evaluation, report: PropertyFile) -> Self | None:
        """Read what the project asks for; None where it asks for no comparison."""
        if evaluation.champion is None:
            return None
        return cls(
            metric=evaluation.metric,
            direction="maximize" if evaluation.judge.greater_is_better else "minimize",
            tolerance=evaluation.champion.tolerance,
            advantage=report.get("champion.advantage"),
            compared=report.get("champion.compared"),
            reason=report.get("champion.reason"),
        )

    def arguments(self, inputs: str) -> list[Value]:
        """Tell the evaluation where the champion and the rows are that both models answer."""
        return [
            *("--held-out", f"{inputs}/held_out"),
            *("--champion", f"{inputs}/champion"),
            *("--champion-version", CHAMPION_VERSION.value),
            *("--metric", self.metric),
            *("--direction", self.direction),
        ]

    @property
    def least(self) -> float:
        """The least advantage that is enough."""
        return 0.0 - self.tolerance

    @property
    def not_worse(self) -> Expression:
        """Hold to an advantage within the tolerance."""
        return compare("GreaterThanOrEqualTo", self.advantage, self.least)

    @property
    def was_made(self) -> Expression:
        """Hold to a champion that has really answered the rows."""
        return compare("GreaterThanOrEqualTo", self.compared, 1)

    @property
    def was_not_made(self) -> Expression:
        """The contrary of it."""
        return compare("LessThan", self.compared, 1)
