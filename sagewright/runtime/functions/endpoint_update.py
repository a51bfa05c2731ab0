"""Whether an endpoint really runs what was deployed: an update that SageMaker took back ends `InService`, too."""

import time
from typing import Any

from . import live
from .client import Client
from .refusal import Refused

_ENDS = {"InService", "Failed", "OutOfService", "UpdateRollbackFailed"}
# The longest that SageMaker lets a deployment take (MaximumExecutionTimeoutInSeconds), with its start and end.
LONGEST_S = 8 * 3600 + 1800


class RolledBack(Refused):
    """SageMaker took the update back: the endpoint serves on what it ran before."""


def settled(sagemaker: Client, endpoint: str, *, poll_s: float) -> dict[str, Any]:
    """Wait until nothing is in progress on the endpoint; returns its description."""
    until = time.monotonic() + LONGEST_S
    while True:
        described = live.describe(sagemaker, endpoint)
        if described is None:
            raise Refused(f"Endpoint {endpoint} is gone: somebody has deleted it. Release again to bring it up anew.")
        status = described["EndpointStatus"]
        if status in _ENDS:
            return described
        if time.monotonic() > until:
            raise Refused(f"Endpoint {endpoint} has been {status} for hours: look at it in SageMaker before going on.")
        time.sleep(poll_s)


def verify(sagemaker: Client, endpoint: str, endpoint_config: str, *, poll_s: float) -> None:
    """Make sure that the endpoint is in service *on the new config*, once nothing is in progress any more."""
    described = settled(sagemaker, endpoint, poll_s=poll_s)
    status, running = described["EndpointStatus"], described["EndpointConfigName"]
    reason = described.get("FailureReason", "SageMaker gives no reason").rstrip(".")
    if status != "InService":
        raise Refused(f"Endpoint {endpoint} is {status}, not InService: {reason}.")
    if running != endpoint_config:
        raise RolledBack(
            f"Endpoint {endpoint} is InService, but on {running} instead of {endpoint_config}: "
            f"SageMaker has rolled the update back: {reason}."
        )


def apply(sagemaker: Client, endpoint: str, endpoint_config: str, *, poll_s: float) -> None:
    """Move the endpoint to a config that its stack holds already, so that CloudFormation sees nothing to do.

    It goes the way that the last deployment went, where that was one to this config; else all at once. A config that
    is under way there already is waited for.
    """
    described = settled(sagemaker, endpoint, poll_s=poll_s)
    if described["EndpointConfigName"] != endpoint_config:
        how = {"RetainDeploymentConfig": True} if _was_to(endpoint_config, described) else {}
        sagemaker.update_endpoint(EndpointName=endpoint, EndpointConfigName=endpoint_config, **how)
    verify(sagemaker, endpoint, endpoint_config, poll_s=poll_s)


def _was_to(endpoint_config: str, described: dict[str, Any]) -> bool:
    """Tell whether the last deployment was one to that config, by its alarms: each watches one config alone."""
    rollback = described.get("LastDeploymentConfig", {}).get("AutoRollbackConfiguration", {})
    alarms = [each["AlarmName"] for each in rollback.get("Alarms", [])]
    return bool(alarms) and all(endpoint_config in name for name in alarms)
