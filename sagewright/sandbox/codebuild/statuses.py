"""Why: a provider shows beside a commit what became of its build; here the person at this machine can read it."""

import threading
from typing import Any

from .origins import name_of
from .shelf import Record

_STATES = {"SUCCEEDED": "success", "FAILED": "failure", "TIMED_OUT": "failure", "STOPPED": "error", "FAULT": "error"}


class Statuses:
    """The statuses that builds reported to providers, the newest last."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._told: list[dict[str, Any]] = []

    def report(self, build: Record) -> None:
        """Tell the provider how a build ended, if its source asks for it."""
        source = build["source"]
        if not source.get("reportBuildStatus"):
            return
        config = source.get("buildStatusConfig", {})
        told = {
            "connection": source["auth"]["resource"],
            "repository": name_of(source),
            "version": build.get("sourceVersion", ""),
            "commit": build.get("resolvedSourceVersion", ""),
            "context": config.get("context") or f"AWS CodeBuild {build['projectName']}",
            "state": _STATES[build["buildStatus"]],
            "build": build["arn"],
        }
        with self._lock:
            self._told.append(told)

    def document(self) -> dict[str, Any]:
        """Return what /_sandbox/build-statuses shows."""
        with self._lock:
            return {"statuses": list(self._told)}
