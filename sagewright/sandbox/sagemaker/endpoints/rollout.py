"""Why: an endpoint's state lives longer than a request: fleets come up, take over and go in the background."""

import shutil
import threading
import traceback
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from ...protocol import Caller
from ..instances.failure import INTERNAL, InstanceError
from ..instances.where import Where
from ..store import ENDPOINT, Record
from .fleet import Deployment, Fleet, deployed

MAX_REASON = 1024


class Rollout:
    """One endpoint's fleets: the one that serves, and the one that is to take over."""

    def __init__(self, name: str, caller: Caller, where: Where) -> None:
        self._name = name
        self._caller = caller
        self._where = where
        self._store = where.store
        self._folder = where.folder / caller.account / caller.region / name
        self._lock = threading.Lock()
        self._closing = threading.Event()
        self._serving: Fleet | None = None
        self._coming: Fleet | None = None
        self._thread: threading.Thread | None = None

    @contextmanager
    def serving(self) -> Iterator[Fleet | None]:
        """Lend the fleet that gets the requests, which is not stopped before the request is answered."""
        with self._lock:
            fleet = self._serving
            if fleet is not None:
                fleet.enter()
        try:
            yield fleet
        finally:
            if fleet is not None:
                fleet.leave()

    def create(self, deployment: Deployment) -> None:
        """Bring the first fleet up in the background."""
        shutil.rmtree(self._folder, ignore_errors=True)  # of an endpoint of this name in an earlier sandbox
        self._in_background(self._create, deployment)

    def update(self, deployment: Deployment, policy: Record) -> None:
        """Bring a new fleet up beside the old one, move the traffic, then retire the old one."""
        self._in_background(self._update, deployment, policy)

    def delete(self) -> None:
        """Stop everything and forget the endpoint, in the background."""
        self._in_background(self._delete)

    def close(self) -> None:
        """Kill everything because the sandbox stops."""
        self._closing.set()
        with self._lock:
            fleets = [fleet for fleet in (self._serving, self._coming) if fleet is not None]
        for fleet in fleets:
            fleet.stop()
        if self._thread is not None:
            self._thread.join()

    def _create(self, deployment: Deployment) -> None:
        fleet, reason = self._bring_up(deployment)
        if fleet is None:
            self._change(EndpointStatus="Failed", FailureReason=reason)
            return
        self._switch_to(fleet)
        self._change(EndpointStatus="InService", ProductionVariants=deployed(fleet, self._store.now()))

    def _update(self, deployment: Deployment, policy: Record) -> None:
        fleet, reason = self._bring_up(deployment)
        if fleet is None:
            # The old fleet goes on, and the endpoint says InService: only the reason and the old config tell.
            self._change(EndpointStatus="InService", FailureReason=reason, PendingDeploymentSummary=None)
            return
        old = self._switch_to(fleet)
        self._closing.wait(policy.get("TrafficRoutingConfiguration", {}).get("WaitIntervalInSeconds", 0))
        self._closing.wait(policy.get("TerminationWaitInSeconds", 0))
        try:
            if old is not None:
                old.retire()
        finally:
            self._change(
                EndpointStatus="InService",
                EndpointConfigName=deployment.config["EndpointConfigName"],
                ProductionVariants=deployed(fleet, self._store.now()),
                FailureReason=None,
                PendingDeploymentSummary=None,
            )

    def _delete(self) -> None:
        fleet = self._switch_to(None)
        try:
            if fleet is not None:
                fleet.stop()
        finally:
            self._store.delete(ENDPOINT, self._caller, self._name)

    def _switch_to(self, fleet: Fleet | None) -> Fleet | None:
        """Let requests go to this fleet from now on and return the one they went to before."""
        with self._lock:
            old, self._serving = self._serving, fleet
        return old

    def _bring_up(self, deployment: Deployment) -> tuple[Fleet | None, str | None]:
        """Return a fleet whose instances all answer /ping, or the reason why there is none."""
        folder = self._folder / f"i-{uuid.uuid4().hex[:17]}"
        fleet = Fleet(deployment, self._caller, self._where, folder)
        with self._lock:
            self._coming = fleet
        try:
            fleet.start()
            if self._closing.is_set():
                fleet.stop()
                raise InstanceError("The sandbox is stopping.")
        except InstanceError as failure:
            return None, str(failure)[:MAX_REASON]
        except Exception as fault:  # noqa: BLE001 - a fault of ours ends the deployment visibly: someone waits for it
            traceback.print_exc()
            return None, f"{INTERNAL} ({type(fault).__name__}: {fault})"[:MAX_REASON]
        finally:
            with self._lock:
                self._coming = None
        return fleet, None

    def _change(self, **members: Any) -> None:
        self._store.update(ENDPOINT, self._caller, self._name, LastModifiedTime=self._store.now(), **members)

    def _in_background(self, work: Callable[..., None], *arguments: Any) -> None:
        self._thread = threading.Thread(target=work, args=arguments, name=f"endpoint {self._name}", daemon=True)
        self._thread.start()
