"""Why: a step whose code, inputs and environment are those of an earlier success need not run again."""

import json
import threading
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from .definition import Step
from .kinds import CALLS


@dataclass(frozen=True)
class Success:
    """A step that ran and succeeded: where, when, and what its Describe response was."""

    execution_arn: str
    ended: datetime
    metadata: dict[str, Any]
    response: dict[str, Any]


class StepCache:
    """The successes of every pipeline's steps, found again by the attributes that AWS documents for their type."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._successes: dict[tuple[str, str, str], Success] = {}

    def find(self, pipeline_arn: str, step: Step, arguments: dict[str, Any], now: datetime) -> Success | None:
        """Return the latest success of the same step with the same attributes, unless it is too old or not wanted."""
        if step.cache is None:
            return None
        with self._lock:
            success = self._successes.get(self._key(pipeline_arn, step, arguments))
        return success if success and now - success.ended <= step.cache.max_age else None

    def add(self, pipeline_arn: str, step: Step, arguments: dict[str, Any], success: Success) -> None:
        """Remember a success; the step may ask for the cache only in a later version of its pipeline."""
        with self._lock:
            self._successes[self._key(pipeline_arn, step, arguments)] = success

    def forget(self, pipeline_arn: str) -> None:
        """Drop what a deleted pipeline left."""
        with self._lock:
            for key in [key for key in self._successes if key[0] == pipeline_arn]:
                del self._successes[key]

    @staticmethod
    def _key(pipeline_arn: str, step: Step, arguments: dict[str, Any]) -> tuple[str, str, str]:
        attributes = {key: arguments.get(key) for key in CALLS[step.type].cache_keys}
        return pipeline_arn, step.name, json.dumps([step.type, attributes], sort_keys=True)
