"""Why: pipelines are written as a whole, each version checked before it is one, and the first runs at once."""

import copy
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

from ..clients import Clients
from ..clock import Clock
from ..cloudwatch.metrics import Place
from ..protocol import ApiError, Caller
from .engine import Engine
from .executions import Trigger
from .paging import page
from .pipeline import Pipeline
from .refusals import invalid
from .roles import require_role
from .structure import check

_MOST_PIPELINES, _MOST_TAGS = 1000, 50

Begin = Callable[[Pipeline, Trigger], object]


class Pipelines:
    """CreatePipeline, UpdatePipeline, DeletePipeline, GetPipeline, ListPipelines, and tags."""

    def __init__(self, clients: Clients, clock: Clock, engine: Engine, begin: Begin) -> None:
        self._clients = clients
        self._clock = clock
        self._engine = engine
        self._begin = begin
        self._kept: dict[Place, dict[str, Pipeline]] = {}

    def of(self, caller: Caller, name: str) -> Pipeline:
        """Return a pipeline; an absent one is refused."""
        return self.at(Place(caller.account, caller.region), name)

    def at(self, place: Place, name: str) -> Pipeline:
        """Return a pipeline of an account and region; an absent one is refused."""
        found = self._kept.get(place, {}).get(name)
        if found is None:
            message = f"Account '{place.account}' does not have a pipeline with name '{name}'"
            raise ApiError("PipelineNotFoundException", message)
        return found

    def all(self) -> Iterator[Pipeline]:
        """Yield every pipeline."""
        for kept in list(self._kept.values()):
            yield from list(kept.values())

    def create(self, params: dict[str, Any], caller: Caller) -> dict[str, Any]:
        """Create a pipeline, which runs once because it is new."""
        place, declaration = Place(caller.account, caller.region), _completed(params["pipeline"])
        name, tags = declaration["name"], _merged({}, params.get("tags") or [])
        with self._engine.lock:
            kept = self._kept.setdefault(place, {})
            if name in kept:
                raise ApiError("PipelineNameInUseException", f"A pipeline with the name '{name}' already exists")
            if len(kept) >= _MOST_PIPELINES:
                raise ApiError(
                    "LimitExceededException", f"There are {_MOST_PIPELINES} pipelines in this region already"
                )
            now_s = self._clock.now()
            pipeline = Pipeline(place, name, now_s, now_s, {1: {**declaration, "version": 1}}, tags)
            self._check(pipeline, declaration)
            kept[name] = pipeline
            self._begin(pipeline, Trigger("CreatePipeline", self._who(caller)))
        return {"pipeline": pipeline.declaration, "tags": _listed(tags)}

    def update(self, params: dict[str, Any], caller: Caller) -> dict[str, Any]:
        """Write a pipeline anew; it does not run because of that."""
        declaration = _completed(params["pipeline"])
        with self._engine.lock:
            pipeline = self.of(caller, declaration["name"])
            self._check(pipeline, declaration)
            version = pipeline.version + 1
            declaration["version"] = version
            self._engine.restructure(pipeline, declaration)
            pipeline.versions[version] = declaration
            pipeline.changed_s = self._clock.now()
            for stage in declaration["stages"]:
                self._engine.admit(pipeline, stage["name"])
        return {"pipeline": declaration}

    def delete(self, params: dict[str, Any], caller: Caller) -> dict[str, Any]:
        """Delete a pipeline; absent already is a success."""
        with self._engine.lock:
            pipeline = self._kept.get(Place(caller.account, caller.region), {}).pop(params["name"], None)
            if pipeline is not None:
                self._engine.drop(pipeline)
        return {}

    def get(self, params: dict[str, Any], caller: Caller) -> dict[str, Any]:
        """Return a version of a pipeline."""
        pipeline = self.of(caller, params["name"])
        version = params.get("version", pipeline.version)
        if version not in pipeline.versions:
            message = f"Pipeline '{pipeline.name}' does not have a version {version}"
            raise ApiError("PipelineVersionNotFoundException", message)
        metadata = {"pipelineArn": pipeline.arn, **_times(pipeline)}
        return {"pipeline": pipeline.versions[version], "metadata": metadata}

    def list(self, params: dict[str, Any], caller: Caller) -> dict[str, Any]:
        """Return every pipeline of the account and region."""
        kept = self._kept.get(Place(caller.account, caller.region), {})
        shown = [
            {
                "name": each.name,
                "version": each.version,
                "pipelineType": each.declaration["pipelineType"],
                "executionMode": each.mode,
                **_times(each),
            }
            for each in sorted(kept.values(), key=lambda one: one.name)
        ]
        return page("pipelines", shown, params)

    def tag(self, params: dict[str, Any], caller: Caller) -> dict[str, Any]:
        """Add tags, or change their values."""
        pipeline = self._tagged(params["resourceArn"], caller)
        with self._engine.lock:
            pipeline.tags = _merged(pipeline.tags, params["tags"])
        return {}

    def untag(self, params: dict[str, Any], caller: Caller) -> dict[str, Any]:
        """Remove tags."""
        pipeline = self._tagged(params["resourceArn"], caller)
        with self._engine.lock:
            pipeline.tags = {key: value for key, value in pipeline.tags.items() if key not in params["tagKeys"]}
        return {}

    def tags(self, params: dict[str, Any], caller: Caller) -> dict[str, Any]:
        """Return a pipeline's tags."""
        return page("tags", _listed(self._tagged(params["resourceArn"], caller).tags), params)

    def tags_of(self, arn: str) -> dict[str, str]:
        """Return the tags of a resource, for whoever decides about access; stages and actions have their pipeline's."""
        parts = arn.split(":")
        name = parts[5].partition("/")[0] if len(parts) == 6 else ""  # noqa: PLR2004 - an ARN's six parts
        found = self._kept.get(Place(parts[4], parts[3]), {}).get(name) if name else None
        return dict(found.tags) if found is not None else {}

    def _check(self, pipeline: Pipeline, declaration: dict[str, Any]) -> None:
        check(declaration, pipeline.place.region)
        role, account = declaration["roleArn"], pipeline.place.account
        if role.split(":")[4] != account:
            raise invalid(f"The pipeline's role {role} is not of the pipeline's account {account}")
        require_role(self._clients, declaration, pipeline.place.region)

    def _tagged(self, arn: str, caller: Caller) -> Pipeline:
        parts = arn.split(":")
        if len(parts) != 6 or parts[2] != "codepipeline":  # noqa: PLR2004 - an ARN's six parts
            raise ApiError("InvalidArnException", f"The specified resource ARN is invalid: {arn}")
        found = self._kept.get(Place(parts[4], parts[3]), {}).get(parts[5]) if parts[4] == caller.account else None
        if found is None:
            raise ApiError("ResourceNotFoundException", f"The resource {arn} was not found")
        return found

    def _who(self, caller: Caller) -> str:
        return self._clients.authorizer.principal_of(caller.access_key).arn


def _completed(given: dict[str, Any]) -> dict[str, Any]:
    """Return a declaration with the defaults that AWS shows, too."""
    declaration = copy.deepcopy(given)
    declaration.setdefault("executionMode", "SUPERSEDED")
    declaration.setdefault("pipelineType", "V1")
    for action in [each for stage in declaration["stages"] for each in stage["actions"]]:
        for member in ("inputArtifacts", "outputArtifacts"):
            action.setdefault(member, [])
        action.setdefault("configuration", {})
        action.setdefault("runOrder", 1)
    return declaration


def _merged(present: dict[str, str], tags: list[dict[str, str]]) -> dict[str, str]:
    for tag in tags:
        if tag["key"].lower().startswith("aws:"):
            raise ApiError("InvalidTagsException", f"The tag key {tag['key']} is reserved: it begins with aws:")
    merged = present | {tag["key"]: tag["value"] for tag in tags}
    if len(merged) > _MOST_TAGS:
        raise ApiError("TooManyTagsException", f"A pipeline has at most {_MOST_TAGS} tags")
    return merged


def _listed(tags: dict[str, str]) -> list[dict[str, str]]:
    return [{"key": key, "value": value} for key, value in sorted(tags.items())]


def _times(pipeline: Pipeline) -> dict[str, datetime]:
    return {
        "created": datetime.fromtimestamp(pipeline.created_s, UTC),
        "updated": datetime.fromtimestamp(pipeline.changed_s, UTC),
    }
