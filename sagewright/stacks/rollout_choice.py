"""Which way a release takes: the project's, or all at once when it takes another one back."""

from collections.abc import Sequence

from aws_cdk import CfnCondition, CfnParameter, Fn, ICfnConditionExpression
from constructs import Construct

from sagewright.project.model import Serving
from sagewright.stacks import rollout
from sagewright.stacks.rollout import DeploymentConfig

_AT_ONCE = "all_at_once"


class RolloutChoice(Construct):
    """A parameter that leaves the rollout to the project file, or overrules it.

    Whoever goes back to a version that served before does not want to wait for a canary of it. Where the project moves
    all at once anyway there is nothing to overrule, and no parameter.
    """

    def __init__(self, scope: Construct, construct_id: str, *, serving: Serving) -> None:
        super().__init__(scope, construct_id)
        self._asked = rollout.of(serving)
        self._overruled = self._is_overruled(serving.rollout.strategy) if serving.rollout.strategy != _AT_ONCE else None

    def _is_overruled(self, strategy: str) -> CfnCondition:
        parameter = CfnParameter(
            self,
            "Parameter",
            default=strategy,
            allowed_values=[strategy, _AT_ONCE],
            description="How traffic moves to the version; left out, as the project file says",
        )
        parameter.override_logical_id("Rollout")
        expression: ICfnConditionExpression = Fn.condition_equals(parameter.value_as_string, _AT_ONCE)
        return CfnCondition(self, "Overruled", expression=expression)

    def deployment_config(self, alarms: Sequence[str]) -> DeploymentConfig:
        """Write the endpoint's DeploymentConfig, which these alarms interrupt either way."""
        asked = self._asked.deployment_config(alarms)
        if self._overruled is None:
            return asked
        return {"Fn::If": [self._overruled.logical_id, rollout.at_once().deployment_config(alarms), asked]}
