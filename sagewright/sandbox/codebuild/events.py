"""Why: what happens to a build is told on the account's bus, in the shapes that AWS documents.

https://docs.aws.amazon.com/codebuild/latest/userguide/sample-build-notifications-ref.html
"""

from datetime import datetime
from typing import Any

from ..clock import Clock
from ..cloudwatch.metrics import Place
from ..event_sink import Bus
from .shelf import Record

_NOON = 12
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


class Events:
    """Tells what became of builds."""

    def __init__(self, bus: Bus, clock: Clock) -> None:
        self._bus = bus
        self._clock = clock

    def state_changed(self, place: Place, build: Record) -> None:
        """Tell that a build began or ended."""
        detail = {
            "build-status": build["buildStatus"],
            **_common(build),
            "current-phase": build["currentPhase"],
            "current-phase-context": "[]",
            "version": "1",
        }
        self._emit(place, "CodeBuild Build State Change", build, detail)

    def phase_completed(self, place: Place, build: Record, phase: Record) -> None:
        """Tell that a phase is over."""
        detail = {
            "completed-phase": phase["phaseType"],
            **_common(build),
            "completed-phase-context": f"[{', '.join(_contexts(phase))}]",
            "completed-phase-status": phase["phaseStatus"],
            "completed-phase-duration-seconds": phase["durationInSeconds"],
            "version": "1",
            "completed-phase-start": _shown(phase["startTime"]),
            "completed-phase-end": _shown(phase["endTime"]),
        }
        self._emit(place, "CodeBuild Build Phase Change", build, detail)

    def _emit(self, place: Place, detail_type: str, build: Record, detail: dict[str, Any]) -> None:
        self._bus.emit(
            place,
            source="aws.codebuild",
            detail_type=detail_type,
            detail=detail,
            resources=[build["arn"]],
            time_s=self._clock.now(),
        )


def _common(build: Record) -> dict[str, Any]:
    return {
        "project-name": build["projectName"],
        "build-id": build["arn"],
        "additional-information": _additional(build),
    }


def _additional(build: Record) -> dict[str, Any]:
    environment, source = build["environment"], build["source"]
    artifact = {
        name: build["artifacts"][name] for name in ("md5sum", "sha256sum", "location") if name in build["artifacts"]
    }
    logs = build["logs"]
    told: dict[str, Any] = {
        "artifact": artifact,
        "environment": {
            "image": environment["image"],
            "privileged-mode": environment["privilegedMode"],
            "image-pull-credentials-type": environment["imagePullCredentialsType"],
            "compute-type": environment["computeType"],
            "type": environment["type"],
            "environment-variables": environment["environmentVariables"],
        },
        "cache": {"type": build["cache"]["type"]},
        "timeout-in-minutes": build["timeoutInMinutes"],
        "queued-timeout-in-minutes": build["queuedTimeoutInMinutes"],
        "build-complete": build["buildComplete"],
        "build-number": build["buildNumber"],
        "initiator": build["initiator"],
        "build-start-time": _shown(build["startTime"]),
        "source": {name: source[name] for name in ("buildspec", "location", "type") if name in source},
        "logs": {
            known: logs[name]
            for known, name in (("group-name", "groupName"), ("stream-name", "streamName"), ("deep-link", "deepLink"))
            if name in logs
        },
        "phases": [_phase(phase) for phase in build["phases"]],
    }
    return told | ({"source-version": build["sourceVersion"]} if build.get("sourceVersion") else {})


def _phase(phase: Record) -> dict[str, Any]:
    told = {"start-time": _shown(phase["startTime"]), "phase-type": phase["phaseType"]}
    if "endTime" not in phase:
        return told
    return told | {
        "phase-context": _contexts(phase),
        "end-time": _shown(phase["endTime"]),
        "duration-in-seconds": phase["durationInSeconds"],
        "phase-status": phase["phaseStatus"],
    }


def _contexts(phase: Record) -> list[str]:
    return [f"{each['statusCode']}: {each['message']}" for each in phase.get("contexts", ()) if each["statusCode"]]


def _shown(moment: datetime) -> str:
    """Return a time as `Sep 1, 2017 4:12:29 PM`; in no system's language."""
    month = _MONTHS[moment.month - 1]
    hour = moment.hour % _NOON or _NOON
    half = "AM" if moment.hour < _NOON else "PM"
    return f"{month} {moment.day}, {moment.year} {hour}:{moment:%M:%S} {half}"
