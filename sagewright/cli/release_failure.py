"""What a release that failed tells: why, what serves now, what to do; and the record is made to say the same."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sagewright.project import Environment
from sagewright.runtime.functions import live

from . import log_tail
from .errors import EXPECTED, explain
from .target import Target

_AT_REST = {"InService", "Failed"}


@dataclass(frozen=True)
class FailedRelease:
    """A release that failed: of which version, to which endpoint, and when it began."""

    target: Target
    environment: Environment
    endpoint: str
    number: int
    began: datetime

    def told(self, why: str, write_down: Callable[[], None]) -> str:
        """Write the whole message, in which the endpoint itself says what serves."""
        place = self.environment.name
        message = f"Version {self.number} was not released to {place}: {why}"
        try:
            sagemaker = self.target.release_client("sagemaker", self.environment)
            described = live.describe(sagemaker, self.endpoint) or {}
            now = live.read(sagemaker, self.endpoint)
        except EXPECTED as error:
            return f"{message} What serves in {place} now could not be found out: {explain(error)}"
        try:
            write_down()
        except EXPECTED as error:
            message += f" The record of it could not be written: {explain(error)}"
        reason = described.get("FailureReason", "").rstrip(".")
        if reason and reason not in why:
            message += f" SageMaker says of endpoint {self.endpoint}: {reason}."
        message += f" Now {now} serves in {place}." if now is not None else f" Now nothing serves in {place} yet."
        status = described.get("EndpointStatus", "InService")
        if status not in _AT_REST:
            message += f" Endpoint {self.endpoint} is still {status}."
        if "alarm" in f"{why} {reason}".lower():
            return f"{message} {self._after_an_alarm(described)}"
        return message + (self._log() if self._is_about_the_endpoint(why) else "")

    def _after_an_alarm(self, endpoint: dict[str, Any]) -> str:
        rollback = endpoint.get("LastDeploymentConfig", {}).get("AutoRollbackConfiguration", {})
        alarms = [each["AlarmName"] for each in rollback.get("Alarms", [])]
        watched = f" It was watched by {', '.join(alarms)}." if alarms else ""
        again = f"`sagewright release {self.environment.name} {self.number}`"
        return (
            f"An alarm has taken the release back.{watched} The requests that the new version failed, or was slow at, "
            f"are in its log, {self._log_group}. When their cause is gone, {again} tries again; else reject it with "
            f"`sagewright reject {self.number}`."
        )

    @property
    def _log_group(self) -> str:
        return f"/aws/sagemaker/Endpoints/{self.endpoint}"

    def _log(self) -> str:
        logs = self.target.reading_client("logs", self.environment)
        return log_tail.of_new_instances(logs, self._log_group, self.began)

    def _is_about_the_endpoint(self, why: str) -> bool:
        """Tell a container that does not come up from a template, a right or a file that is wrong."""
        if "model data" in why:
            return False  # no container was started, so none has written anything
        return "AWS::SageMaker::Endpoint " in why or f"Endpoint {self.endpoint} " in why
