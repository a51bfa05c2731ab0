"""Why: a source without a rule is looked at every minute, and only a look that finds something new is an event.

https://docs.aws.amazon.com/codepipeline/latest/userguide/triggering.html
"""

import math
from collections.abc import Callable, Iterable, Iterator

from moto.s3.models import FakeKey

from ..codecommit.repository import Change, Repository
from ..iam.resource_policies import bucket_named
from .catalogue import is_true
from .executions import Declaration, Trigger
from .pipeline import Pipeline
from .starting import Starting

_EVERY_S = 60.0
Source = tuple[str, str, str]


class Polling:
    """The agenda of the sources that are polled."""

    def __init__(self, every: Callable[[], Iterable[Pipeline]], starting: Starting) -> None:
        self._every = every
        self._starting = starting
        self._seen: dict[Source, str] = {}
        self._heads: dict[tuple[str, str], str] = {}

    def look(self) -> None:
        """Take note of what is there: a pipeline that is new has seen it."""
        for _ in self._news():
            pass

    def moved(self, repository: Repository, change: Change, *_: object) -> None:
        """Take note of where a branch of a repository in CodeCommit is."""
        if change.branch:
            self._heads[repository.arn, change.branch] = change.after or ""

    def due(self, after_s: float) -> float | None:
        """Return when the next look finds something."""
        if any(True for _ in self._news()):
            return (math.floor(after_s / _EVERY_S) + 1) * _EVERY_S
        return None

    def happen(self, at_s: float) -> None:
        """Start the pipelines whose sources have changed."""
        del at_s
        for source, pipeline, found in list(self._news()):
            self._seen[source] = found
            self._starting.if_possible(pipeline, Trigger("PollForSourceChanges", source[2]))

    def _news(self) -> Iterator[tuple[Source, Pipeline, str]]:
        for pipeline in self._every():
            for action in pipeline.declaration["stages"][0]["actions"]:
                if not is_true(action["configuration"].get("PollForSourceChanges"), "true"):
                    continue
                source = (pipeline.arn, str(pipeline.created_s), action["name"])
                found = self._state(pipeline, action)
                # The pipeline's own creation has seen what was there then.
                if self._seen.setdefault(source, found) != found and found:
                    yield source, pipeline, found

    def _state(self, pipeline: Pipeline, action: Declaration) -> str:
        configuration, provider = action["configuration"], action["actionTypeId"]["provider"]
        if provider == "S3":
            return _newest_version(configuration["S3Bucket"], configuration["S3ObjectKey"])
        if provider == "CodeCommit":
            place = pipeline.place
            arn = f"arn:aws:codecommit:{place.region}:{place.account}:{configuration['RepositoryName']}"
            return self._heads.get((arn, configuration["BranchName"]), "")
        return ""


def _newest_version(bucket: str, key: str) -> str:
    kept = bucket_named(bucket)
    versions = kept.keys.getlist(key, default=[]) if kept is not None else []
    newest = versions[-1] if versions else None
    return str(newest.version_id) if isinstance(newest, FakeKey) else ""
