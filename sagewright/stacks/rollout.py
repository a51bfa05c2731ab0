"""How an endpoint's traffic moves to a new version, as SageMaker takes it.

https://docs.aws.amazon.com/sagemaker/latest/dg/deployment-guardrails.html
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sagewright.project.model import Serving
from sagewright.project.rollout import STARTING_S, Strategy

DeploymentConfig = dict[str, Any]


@dataclass(frozen=True)
class Rollout(ABC):
    """One way of moving traffic: each part is watched before the next, and an alarm takes all of it back."""

    percent: int
    bake_s: int
    longest_s: int

    @abstractmethod
    def _policy(self) -> DeploymentConfig:
        """Say how the fleets change."""

    def deployment_config(self, alarms: Sequence[str]) -> DeploymentConfig:
        """Write the endpoint's DeploymentConfig, which these alarms interrupt."""
        rollback = {"Alarms": [{"AlarmName": name} for name in alarms]}
        return {**self._policy(), "AutoRollbackConfiguration": rollback}

    @property
    def _part(self) -> dict[str, Any]:
        return {"Type": "CAPACITY_PERCENT", "Value": self.percent}

    def _blue_green(self, routing: dict[str, Any]) -> DeploymentConfig:
        """Change by a second fleet beside the first, which goes when the new one was watched with all the traffic."""
        policy = {"TrafficRoutingConfiguration": routing, "MaximumExecutionTimeoutInSeconds": self.longest_s}
        if self.bake_s > 0:
            policy["TerminationWaitInSeconds"] = self.bake_s
        return {"BlueGreenUpdatePolicy": policy}


class AllAtOnce(Rollout):
    """Traffic moves when every new instance answers."""

    def _policy(self) -> DeploymentConfig:
        return self._blue_green({"Type": "ALL_AT_ONCE", "WaitIntervalInSeconds": 0})


class Canary(Rollout):
    """A part of the new fleet takes traffic first, then all of it."""

    def _policy(self) -> DeploymentConfig:
        return self._blue_green(
            {"Type": "CANARY", "CanarySize": self._part, "WaitIntervalInSeconds": self.bake_s},
        )


class Linear(Rollout):
    """Part after part of the new fleet takes traffic."""

    def _policy(self) -> DeploymentConfig:
        return self._blue_green(
            {"Type": "LINEAR", "LinearStepSize": self._part, "WaitIntervalInSeconds": self.bake_s},
        )


class Rolling(Rollout):
    """Instances are replaced batch by batch, without a whole second fleet."""

    def _policy(self) -> DeploymentConfig:
        policy = {
            "MaximumBatchSize": self._part,
            "WaitIntervalInSeconds": self.bake_s,
            "MaximumExecutionTimeoutInSeconds": self.longest_s,
        }
        return {"RollingUpdatePolicy": policy}


_STRATEGIES: dict[Strategy, type[Rollout]] = {
    "all_at_once": AllAtOnce,
    "canary": Canary,
    "linear": Linear,
    "rolling": Rolling,
}


def of(serving: Serving) -> Rollout:
    """Make what the project file asks for."""
    asked, instances = serving.rollout, serving.instances.min
    return _STRATEGIES[asked.strategy](asked.part_percent(instances), asked.bake_s, asked.longest_s(instances))


def at_once() -> Rollout:
    """Make what takes a release back: nobody wants to wait for it."""
    return AllAtOnce(percent=100, bake_s=0, longest_s=STARTING_S)
