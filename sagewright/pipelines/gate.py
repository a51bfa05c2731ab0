"""The gate: a version is registered only when the metric that decides is on the right side of its threshold."""

from sagewright.pipelines import steps
from sagewright.pipelines.expressions import Parameter, PropertyFile, compare, join
from sagewright.project import Environment

GATE, NOT_GOOD_ENOUGH = "Gate", "NotGoodEnough"


class Gate:
    """Reads the metric from the evaluation's report, and says both numbers when they do not suffice."""

    def __init__(self, environment: Environment, report: PropertyFile) -> None:
        evaluation = environment.evaluation
        self._metric = evaluation.metric
        self._greater_is_better = evaluation.judge.greater_is_better
        self._value = report.get(f"{environment.data.problem}_metrics.{evaluation.metric}.value")
        self.threshold = Parameter("MetricThreshold", "Float", evaluation.threshold)

    def step(self, then: steps.Step) -> steps.Step:
        """Compare, and go on with `then` or fail."""
        kind = "GreaterThanOrEqualTo" if self._greater_is_better else "LessThanOrEqualTo"
        good_enough = compare(kind, self._value, self.threshold.value)
        return steps.condition(GATE, good_enough, then=[then], otherwise=[self._not_good_enough()])

    def _not_good_enough(self) -> steps.Step:
        # JsonGet may stand inside Join: the SDK's own `JsonGet(…).to_string()` is exactly that.
        expected = "less than the minimum" if self._greater_is_better else "more than the maximum"
        advice = "nothing was registered; look at evaluation.json, then change the code, the data or the threshold"
        numbers = (self._value, f", {expected} of ", self.threshold.value)
        return steps.fail(NOT_GOOD_ENOUGH, join("", f"{self._metric} is ", *numbers, f": {advice}"))
