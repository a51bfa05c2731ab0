"""Why: how traffic moves to a new fleet is decided before anything starts, so that a wrong policy is refused at once.

https://docs.aws.amazon.com/sagemaker/latest/dg/deployment-guardrails.html
"""

from dataclasses import dataclass

from ...protocol import ApiError
from ..instances.available import refuse_others
from ..store import Record

LONGEST_S = 28800
"""What MaximumExecutionTimeoutInSeconds may be at most, taken where none is given."""
WHOLE = 100
_SIZES = {"CANARY": ("CanarySize", 1, 50), "LINEAR": ("LinearStepSize", 10, 50)}
_BATCH = ("MaximumBatchSize", 5, 50)
_ROLLBACK_BATCH = ("RollbackMaximumBatchSize", 1, 100)


@dataclass(frozen=True)
class Plan:
    """A deployment, step by step; times are the policy's own seconds."""

    steps: tuple[int, ...]
    """How many instances of the new fleet get requests after each step."""
    bake_s: int = 0
    """How long the alarms are watched between two steps, of a rolling deployment after the last one, too."""
    rolling: bool = False
    """Whether instances are replaced batch by batch, without a second whole fleet."""
    rollback_batch: int = 0
    termination_wait_s: int = 0
    """How long the alarms are watched after the last step, while the old fleet is still there."""
    limit_s: int = LONGEST_S
    alarms: tuple[str, ...] = ()


def plan(operation: str, config: Record, count: int) -> Plan:
    """Return the plan that a DeploymentConfig makes for a fleet of this many instances; refuse what AWS refuses."""
    where = f"{operation}.DeploymentConfig"
    refuse_others(where, config, {"BlueGreenUpdatePolicy", "RollingUpdatePolicy", "AutoRollbackConfiguration"})
    names = tuple(each["AlarmName"] for each in config.get("AutoRollbackConfiguration", {}).get("Alarms", ()))
    if "BlueGreenUpdatePolicy" in config and "RollingUpdatePolicy" in config:
        raise _refusal(f"{where}: specify either BlueGreenUpdatePolicy or RollingUpdatePolicy, not both.")
    if "RollingUpdatePolicy" in config:
        return _rolling(f"{where}.RollingUpdatePolicy", config["RollingUpdatePolicy"], count, names)
    if "BlueGreenUpdatePolicy" in config:
        return _blue_green(f"{where}.BlueGreenUpdatePolicy", config["BlueGreenUpdatePolicy"], count, names)
    return Plan((count,), alarms=names)


def _blue_green(where: str, policy: Record, count: int, alarms: tuple[str, ...]) -> Plan:
    routing = policy["TrafficRoutingConfiguration"]
    kind = routing["Type"]
    place = f"{where}.TrafficRoutingConfiguration"
    for other, (member, _, _) in _SIZES.items():
        if member in routing and other != kind:
            raise _refusal(f"{place}.{member} cannot be specified when Type is {kind}; it belongs to {other}.")
    steps: tuple[int, ...] = (count,)
    if kind in _SIZES:
        size = _size(place, routing, _SIZES[kind], count)
        steps = (size, count) if kind == "CANARY" else (*range(size, count, size), count)
    made = Plan(
        steps=steps,
        bake_s=routing["WaitIntervalInSeconds"],
        termination_wait_s=policy.get("TerminationWaitInSeconds", 0),
        limit_s=policy.get("MaximumExecutionTimeoutInSeconds", LONGEST_S),
        alarms=alarms,
    )
    return _within_limit(where, made)


def _rolling(where: str, policy: Record, count: int, alarms: tuple[str, ...]) -> Plan:
    size = _size(where, policy, _BATCH, count)
    back = _size(where, policy, _ROLLBACK_BATCH, count) if "RollbackMaximumBatchSize" in policy else count
    made = Plan(
        steps=(*range(size, count, size), count),
        bake_s=policy["WaitIntervalInSeconds"],
        rolling=True,
        rollback_batch=back,
        limit_s=policy.get("MaximumExecutionTimeoutInSeconds", LONGEST_S),
        alarms=alarms,
    )
    return _within_limit(where, made)


def _size(where: str, policy: Record, limits: tuple[str, int, int], count: int) -> int:
    """Return a part of the fleet in whole instances, at least one."""
    member, least, most = limits
    if member not in policy:
        raise _refusal(f"{where}.{member} is required.")
    kind, value = policy[member]["Type"], policy[member]["Value"]
    by_count = kind == "INSTANCE_COUNT"
    percent = WHOLE * value / count if by_count else value
    given = f"{where}.{member}: {value} {'of ' + str(count) + ' instances' if by_count else 'percent'}"
    if not least <= percent <= most:
        raise _refusal(f"{given} is not within {least} to {most} percent of the variant's instances.")
    size: int = value if by_count else max(1, count * value // WHOLE)
    if WHOLE * size > most * count:
        raise _refusal(
            f"{given} is less than one instance, and one of {count} is more than {most} percent. Have at least 2."
        )
    return size


def _within_limit(where: str, made: Plan) -> Plan:
    intervals = len(made.steps) - (0 if made.rolling else 1)
    waiting = intervals * made.bake_s + made.termination_wait_s
    if waiting >= made.limit_s:
        raise _refusal(
            f"{where}.MaximumExecutionTimeoutInSeconds: {made.limit_s} is not larger than the total waiting time of"
            f" {waiting} seconds ({intervals} intervals of {made.bake_s}, and {made.termination_wait_s} before"
            " the termination)."
        )
    return made


def _refusal(message: str) -> ApiError:
    return ApiError("ValidationException", message)
