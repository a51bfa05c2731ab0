"""Why: a build is started, followed and stopped by its id, while it runs in the background with its project's role."""

import os
import threading
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType
from typing import Any

from ..clients import Clients
from ..clock import Clock
from ..cloudwatch.metrics import Place
from ..protocol import ApiError, Caller
from ..sagemaker.identity import user_context
from ..sagemaker.listing import page
from .container import Site
from .events import Events
from .orders import Order, PipelineWork, ordered
from .origins import Origins
from .progress import Progress
from .projects import Projects
from .refusals import absent, invalid
from .reports import Reports
from .run import Run
from .shelf import Record, Shelf
from .statuses import Statuses

_PAGE = 100
_TOKEN_S = 300
_STOPPED_IN_S = 20
_LEAST_AT_ONCE = 4

_NO_VARIABLES: Mapping[str, str] = MappingProxyType({})

Done = Callable[[Record], None]


def _nobody(build: Record) -> None:
    del build


class Builds:
    """The builds of every account and region. More than twice the machine's cores at once wait in the queue."""

    def __init__(  # noqa: PLR0913 - what builds act on
        self,
        clients: Clients,
        clock: Clock,
        *,
        projects: Projects,
        reports: Reports,
        events: Events,
        origins: Origins,
        statuses: Statuses,
        data: Path,
    ) -> None:
        self._clock = clock
        self._projects = projects
        self._events = events
        self._statuses = statuses
        slots = threading.BoundedSemaphore(max(_LEAST_AT_ONCE, 2 * (os.cpu_count() or 1)))
        self._site = Site(clients, clock, reports, origins, data / "codebuild", slots)
        self._builds = Shelf()
        self._numbers: Counter[tuple[Place, str]] = Counter()
        self._orders: dict[str, tuple[Record, PipelineWork | None, Mapping[str, str]]] = {}
        self._tokens: dict[tuple[Place, str], tuple[float, Record, str]] = {}
        self._lock = threading.Lock()
        self._running: dict[str, tuple[Run, threading.Thread]] = {}
        self._closed = False

    def start_build(self, params: Record, caller: Caller) -> Record:
        """Start a build of a project; the same token within five minutes means the same build."""
        place = Place(caller.account, caller.region)
        project = self._projects.named(params["projectName"], caller)
        asked = {name: value for name, value in params.items() if name != "idempotencyToken"}
        token = (place, params.get("idempotencyToken", ""))
        known = self._tokens.get(token)
        if token[1] and known and known[0] > self._clock.now():
            if known[1] != asked:
                raise invalid("Idempotency token is already used with other parameters")
            return {"build": self._found(place, known[2])}
        if role := params.get("serviceRoleOverride"):
            self._projects.require_role(role, project["name"], caller)
        build = self._start(project, asked, place, initiator=_initiator(caller))
        if token[1]:
            self._tokens[token] = (self._clock.now() + _TOKEN_S, asked, build["id"])
        return {"build": build}

    def start_for_pipeline(self, project: str, place: Place, work: PipelineWork, done: Done = _nobody) -> Record:
        """Start a build for a pipeline's action; `done` is called with the build as it has ended.

        Whether the action's role may start it is for the pipeline to ask.
        """
        found = self._projects.named(project, Caller(place.account, place.region, ""))
        return self._start(found, {}, place, initiator=f"codepipeline/{work.pipeline}", work=work, done=done)

    def start_by_webhook(
        self, project: Record, place: Place, version: str, variables: Mapping[str, str], initiator: str
    ) -> Record:
        """Start a build because of what happened at the source's provider."""
        asked = {"sourceVersion": version}
        return self._start(project, asked, place, initiator=initiator, variables=variables)

    def retry_build(self, params: Record, caller: Caller) -> Record:
        """Start a build that has ended once more, as it was asked for then."""
        place = Place(caller.account, caller.region)
        before = self._found(place, params["id"])
        if not before["buildComplete"]:
            raise invalid(f"Build {before['id']} is in progress: only a build that has ended can be retried")
        asked, work, variables = self._orders[before["id"]]
        if work is not None:
            raise invalid(f"Build {before['id']} was started by a pipeline: retry the pipeline's stage")
        project = self._projects.named(before["projectName"], caller)
        started = self._start(project, asked, place, initiator=_initiator(caller), variables=variables)
        return {"build": started}

    def stop_build(self, params: Record, caller: Caller) -> Record:
        """Stop a build, with all its processes; one that has ended stays as it is."""
        return {"build": self.stop(Place(caller.account, caller.region), params["id"])}

    def stop(self, place: Place, identity: str) -> Record:
        """Stop a build and return it."""
        build = self._found(place, identity)
        with self._lock:
            running = self._running.get(build["id"])
        if running is not None:
            running[0].stop()
        return self.wait(place, identity, _STOPPED_IN_S)

    def batch_get_builds(self, params: Record, caller: Caller) -> Record:
        """Return builds by id or ARN."""
        place = Place(caller.account, caller.region)
        found = {identity: self._builds.find(place, _id_of(identity)) for identity in params["ids"]}
        return {
            "builds": [build for build in found.values() if build],
            "buildsNotFound": [identity for identity, build in found.items() if not build],
        }

    def list_builds(self, params: Record, caller: Caller) -> Record:
        """Return the ids of all builds, the newest first."""
        return _listed(self._builds.all(Place(caller.account, caller.region)), params)

    def list_builds_for_project(self, params: Record, caller: Caller) -> Record:
        """Return the ids of a project's builds, the newest first."""
        project = self._projects.named(params["projectName"], caller)
        kept = self._builds.all(Place(caller.account, caller.region))
        return _listed([each for each in kept if each["projectName"] == project["name"]], params)

    def wait(self, place: Place, identity: str, timeout_s: float | None = None) -> Record:
        """Return a build once it has ended."""
        found = self._found(place, identity)
        return self._builds.wait(place, found["id"], lambda build: build["buildComplete"], timeout_s)

    def pid(self, identity: str) -> int | None:
        """Return the process of a running build's shell."""
        with self._lock:
            running = self._running.get(identity)
        return running[0].pid if running else None

    def close(self) -> None:
        """Stop what runs; nothing starts any more."""
        with self._lock:
            self._closed = True
            running = list(self._running.values())
        for run, _ in running:
            run.stop()
        for _, thread in running:
            thread.join()

    def _start(  # noqa: PLR0913 - who asks for what
        self,
        project: Record,
        asked: Record,
        place: Place,
        *,
        initiator: str,
        work: PipelineWork | None = None,
        variables: Mapping[str, str] = _NO_VARIABLES,
        done: Done = _nobody,
    ) -> Record:
        with self._lock:
            if self._closed:
                raise RuntimeError("The sandbox is stopping: no build starts any more.")
            self._check_limit(project, place)
            number = self._numbers[place, project["name"]] + 1
            now = datetime.fromtimestamp(self._clock.now(), UTC)
            order = ordered(
                project, asked, place, number=number, initiator=initiator, now=now, work=work, variables=variables
            )
            self._numbers[place, project["name"]] = number
            build = order.build
            self._orders[build["id"]] = (asked, work, variables)
            self._builds.add(place, build["id"], build)
            run = Run(order, Progress(self._builds, place, build["id"], self._events, self._clock), self._site)
            held = ExitStack()  # from now on, and not only once its thread runs
            held.enter_context(self._clock.work(f"build {build['id']}"))
            thread = threading.Thread(target=self._run, args=(run, order, held, done), name=build["id"], daemon=True)
            self._running[build["id"]] = (run, thread)
        thread.start()
        return self._found(place, build["id"])

    def _run(self, run: Run, order: Order, held: ExitStack, done: Done) -> None:
        with held:
            ended = run.execute()
            with self._lock:
                del self._running[order.build["id"]]
            self._statuses.report(ended)
            done(ended)

    def _check_limit(self, project: Record, place: Place) -> None:
        """Refuse more builds at once than the project allows: they do not queue.

        https://docs.aws.amazon.com/codebuild/latest/userguide/builds-working.html
        """
        limit = project.get("concurrentBuildLimit", -1)
        name = project["name"]
        running = [
            each for each in self._builds.all(place) if each["projectName"] == name and not each["buildComplete"]
        ]
        if 0 < limit <= len(running):
            raise ApiError(
                "AccountLimitExceededException", f"Cannot have more than {limit} active builds for the project {name}"
            )

    def _found(self, place: Place, identity: str) -> Record:
        build = self._builds.find(place, _id_of(identity))
        if build is None:
            raise absent(f"Build cannot be found: {identity}")
        return build


def _id_of(identity: str) -> str:
    return identity.partition(":build/")[2] or identity


def _initiator(caller: Caller) -> str:
    """Return who started a build: a user's name, or a role's and its session's."""
    arn = str(user_context(caller)["IamIdentity"]["Arn"])
    return arn.partition(":assumed-role/")[2] or arn.rpartition("/")[2]


def _listed(builds: list[Record], params: Record) -> dict[str, Any]:
    ids = [each["id"] for each in builds]
    asked = {"NextToken": params.get("nextToken")}
    answer = page("ids", ids if params.get("sortOrder") == "ASCENDING" else ids[::-1], asked, _PAGE)
    return {("nextToken" if name == "NextToken" else name): value for name, value in answer.items()}
