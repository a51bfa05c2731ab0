"""How an endpoint is watched: what compares its requests with what the model was trained on, and how often."""

from collections.abc import Iterator
from typing import Literal

from pydantic import Field

from sagewright.project.finding import Finding
from sagewright.project.section import Section

Engine = Literal["builtin", "model_monitor", "none"]
ScheduleName = Literal["hourly", "daily"]

# Where CloudFormation knows Model Monitor's types and AWS has its image; of AWS's regions for the public.
MODEL_MONITOR_REGIONS = (
    *("ap-east-1", "ap-northeast-1", "ap-northeast-2", "ap-northeast-3", "ap-south-1", "ap-southeast-1"),
    *("ap-southeast-2", "ca-central-1", "eu-central-1", "eu-north-1", "eu-west-1", "eu-west-2", "eu-west-3"),
    *("me-south-1", "sa-east-1", "us-east-1", "us-east-2", "us-west-1", "us-west-2"),
)

# What every run has to itself, for some minutes.
INSTANCE_TYPE = "ml.m5.xlarge"

_HOURS: dict[ScheduleName, int] = {"hourly": 1, "daily": 24}
_ENGINE = ("monitoring", "engine")
_CAPTURE = ("serving", "capture_percent")


class Monitoring(Section):
    """What watches the endpoint after a release."""

    engine: Engine = Field(
        "builtin",
        description="`builtin` compares with a job of Sagewright's own, in every account; `model_monitor` with "
        "SageMaker Model Monitor, which only accounts have that used it before 2026-07-30; `none` does not compare. "
        "The first two start from the same baseline and end in the same files, metrics, alarms and messages.",
    )
    schedule: ScheduleName = Field(
        "hourly",
        description="How often, and the requests of how long: `hourly` looks at each full hour, `daily` at each day "
        "(UTC). An alarm is raised when two runs of three find drift.",
    )

    @property
    def window_hours(self) -> int:
        """The requests of how many hours a run looks at, which is also how far its runs are apart."""
        return _HOURS[self.schedule]

    @property
    def period_s(self) -> int:
        """How far runs are apart, in seconds."""
        return 3600 * self.window_hours


def check(monitoring: Monitoring, capture_percent: int) -> Iterator[Finding]:
    """Hold the engine to what is captured: without requests there is nothing to compare."""
    if capture_percent == 0 and monitoring.engine != "none":
        message = (
            f"0 captures no request, and {monitoring.engine} compares captured ones; "
            "write at least 1, or monitoring.engine: none"
        )
        yield Finding(_CAPTURE, message, (_ENGINE,))


def fault_of_region(monitoring: Monitoring, region: str) -> str | None:
    """Say why the engine cannot run in a region; None where it can."""
    if monitoring.engine != "model_monitor" or region in MODEL_MONITOR_REGIONS:
        return None
    return f"'model_monitor' cannot be deployed in {region}: CloudFormation does not know it there; write builtin"
