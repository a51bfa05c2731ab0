"""The gate: a version is registered only when the metric that decides is on the right side of its threshold.

Where the project compares, it must not be worse than the champion either.
"""

from sagewright.pipelines import steps
from sagewright.pipelines.comparison import Comparison
from sagewright.pipelines.expressions import Expression, Parameter, PropertyFile, compare, join
from sagewright.project import Environment

GATE, NOT_GOOD_ENOUGH = "Gate", "NotGoodEnough"
COMPARED, NOT_COMPARED = "Compared", "NotCompared"

_ADVICE = "nothing was registered; look at evaluation.json, then change the code, the data or the threshold"


class Gate:
    """Reads the metric from the evaluation's report, and says all numbers when they do not suffice."""

    def __init__(self, environment: Environment, report: PropertyFile, comparison: Comparison | None = None) -> None:
        """Leave `comparison` out for a gate that knows the threshold only."""
        evaluation = environment.evaluation
        self._metric = evaluation.metric
        self._greater_is_better = evaluation.judge.greater_is_better
        self._value = report.get(f"{environment.data.problem}_metrics.{evaluation.metric}.value")
        self._comparison = comparison
        self.threshold = Parameter("MetricThreshold", "Float", evaluation.threshold)

    def step(self, then: list[steps.Step]) -> steps.Step:
        """Compare, and go on with `then` or fail."""
        return steps.condition(GATE, self._good_enough, then=then, otherwise=[self._not_good_enough()])

    def approving(self, *, waiting: steps.Step, approved: steps.Step) -> list[steps.Step]:
        """Compare, and go on with `approved`, or with `waiting` where there was nothing to compare with, or fail.

        Three conditions beside each other, because Pipelines has none within another one. Each asks for everything that
        it is about: a condition that does not hold has ended as well as one that does.
        """
        if self._comparison is None:
            raise ValueError("nothing is approved without a comparison")
        made, not_made = self._comparison.was_made, self._comparison.was_not_made
        return [
            self.step(then=[]),
            steps.condition(COMPARED, [*self._good_enough, made], then=[approved], otherwise=[]),
            steps.condition(NOT_COMPARED, [*self._good_enough, not_made], then=[waiting], otherwise=[]),
        ]

    @property
    def _good_enough(self) -> list[Expression]:
        kind = "GreaterThanOrEqualTo" if self._greater_is_better else "LessThanOrEqualTo"
        reached = compare(kind, self._value, self.threshold.value)
        return [reached] if self._comparison is None else [reached, self._comparison.not_worse]

    def _not_good_enough(self) -> steps.Step:
        # JsonGet may stand inside Join: the SDK's own `JsonGet(…).to_string()` is exactly that.
        if self._comparison is None:
            expected = "less than the minimum" if self._greater_is_better else "more than the maximum"
            numbers = (self._value, f", {expected} of ", self.threshold.value)
        else:
            bound = "least" if self._greater_is_better else "most"
            numbers = (
                *(self._value, f" and must be at {bound} ", self.threshold.value),
                *("; its advantage over the champion is ", self._comparison.advantage),
                *(f" and must be at least {self._comparison.least} (", self._comparison.reason, ")"),
            )
        return steps.fail(NOT_GOOD_ENOUGH, join("", f"{self._metric} is ", *numbers, f": {_ADVICE}"))
