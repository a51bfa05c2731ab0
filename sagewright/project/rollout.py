"""How an endpoint moves from one version to the next, within the limits of SageMaker's deployment guardrails.

https://docs.aws.amazon.com/sagemaker/latest/dg/deployment-guardrails.html
"""

from collections.abc import Iterator
from math import ceil
from typing import Literal

from pydantic import Field

from sagewright.project.finding import Finding
from sagewright.project.section import Section

Strategy = Literal["all_at_once", "canary", "linear", "rolling"]

DEFAULT_PERCENT = 10
DEFAULT_BAKE_MINUTES = 10
# https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_BlueGreenUpdatePolicy.html: WaitIntervalInSeconds is at
# most an hour, MaximumExecutionTimeoutInSeconds eight. Of these one is for starting and stopping instances.
_LONGEST_BAKE_MINUTES = 60
LONGEST_UPDATE_S = 28800
STARTING_S = 3600
# https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_TrafficRoutingConfig.html (CanarySize, LinearStepSize)
# https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_RollingUpdatePolicy.html (MaximumBatchSize)
_LEAST_PERCENT: dict[Strategy, int] = {"canary": 1, "linear": 10, "rolling": 5}
_MOST_PERCENT = 50
_WHOLE = 100

_HERE = ("serving", "rollout")
_STRATEGY = (*_HERE, "strategy")
_INSTANCES = ("serving", "instances", "min")


class Rollout(Section):
    """How traffic moves to a new version, and when it goes back by itself."""

    strategy: Strategy = Field(
        "all_at_once",
        description="`all_at_once` moves all traffic to a second fleet when every instance of it answers; `canary` "
        "moves a first part, then the rest; `linear` moves part after part; `rolling` replaces the instances batch by "
        "batch and needs no second fleet.",
    )
    percent: int | None = Field(
        None,
        ge=1,
        le=_MOST_PERCENT,
        description="The part of the instances that is the canary, a step or a batch: at most 50, at least 10 for "
        "`linear` and 5 for `rolling`, and never less than one whole instance, so `serving.instances.min` is at least "
        "2. Left out, it is 10, or what one instance is of fewer than ten. Not for `all_at_once`.",
        examples=[50],
    )
    bake_minutes: int | None = Field(
        None,
        ge=0,
        le=_LONGEST_BAKE_MINUTES,
        description="How long each part is watched before the next one, and the whole at the end before the fleet of "
        "the version before goes. Errors of the new version in that time take everything back. Left out, it is 10, "
        "and nothing for `all_at_once`.",
        examples=[15],
    )
    latency_ms: int | None = Field(
        None,
        ge=1,
        description="Takes a new version back, too, when its mean time to answer in a minute is longer. Left out, "
        "only its errors do.",
        examples=[200],
    )

    def part_percent(self, instances: int) -> int:
        """Give the size of a part of so many instances."""
        return max(DEFAULT_PERCENT, ceil(_WHOLE / instances)) if self.percent is None else self.percent

    @property
    def bake_s(self) -> int:
        """How long each part is watched, in seconds."""
        left_out = 0 if self.strategy == "all_at_once" else DEFAULT_BAKE_MINUTES
        return 60 * (left_out if self.bake_minutes is None else self.bake_minutes)

    def longest_s(self, instances: int) -> int:
        """Count how long an update may take: what starts and stops, and each time that it is watched."""
        return STARTING_S + self._watches(instances) * self.bake_s

    def _watches(self, instances: int) -> int:
        parts = ceil(_WHOLE / self.part_percent(instances))
        # The last one is before the fleet of the version before goes; a rolling update has no such fleet.
        watches: dict[Strategy, int] = {"all_at_once": 1, "canary": 2 + 1, "linear": parts + 1, "rolling": parts}
        return watches[self.strategy]


def check(rollout: Rollout, instances: int) -> Iterator[Finding]:
    """Hold the keys to what the strategy takes, and the parts to whole instances."""
    if rollout.strategy == "all_at_once":
        if rollout.percent is not None:
            message = "does not go with all_at_once, which has no parts; remove it or choose another strategy"
            yield Finding((*_HERE, "percent"), message, (_STRATEGY,))
        return
    yield from _part(rollout, instances)
    if rollout.bake_s == 0:
        message = f"0 leaves no time to watch the parts of a {rollout.strategy} rollout; write at least 1"
        yield Finding((*_HERE, "bake_minutes"), message, (_STRATEGY,))
    longest = rollout.longest_s(instances)
    if longest > LONGEST_UPDATE_S:
        parts = (longest - STARTING_S) // rollout.bake_s
        message = (
            f"{rollout.bake_s // 60}, {parts} times, takes longer than SageMaker lets an update take; "
            f"write at most {(LONGEST_UPDATE_S - STARTING_S) // parts // 60}, or greater parts"
        )
        yield Finding((*_HERE, "bake_minutes"), message, ((*_HERE, "percent"), _STRATEGY))


def _part(rollout: Rollout, instances: int) -> Iterator[Finding]:
    percent, least = rollout.part_percent(instances), _LEAST_PERCENT[rollout.strategy]
    if instances == 1:
        message = (
            f"'{rollout.strategy}' moves a part of the instances, and there is one; write serving.instances.min: 2"
        )
        yield Finding(_STRATEGY, message, (_INSTANCES,))
    elif percent < least:
        message = f"{percent} is less than SageMaker allows for {rollout.strategy} (at least {least})"
        yield Finding((*_HERE, "percent"), message, (_STRATEGY,))
    elif percent * instances < _WHOLE:
        message = (
            f"{percent} % of {instances} instances is less than a whole one; "
            f"write at least {ceil(_WHOLE / instances)}, or serving.instances.min: {ceil(_WHOLE / percent)}"
        )
        yield Finding((*_HERE, "percent"), message, (_INSTANCES, _STRATEGY))
