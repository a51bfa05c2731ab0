"""Why: an endpoint's state lives longer than a request: fleets come up, take over and go in the background."""

import shutil
import threading
import traceback
from collections.abc import Callable
from typing import Any

from ...cloudwatch.watch import AlarmWatch
from ...protocol import ApiError, Caller
from ..instances.failure import INTERNAL, InstanceError
from ..instances.where import Where
from ..store import ENDPOINT, Record
from .capture import Captures, described
from .fleet import Fleet, deployed
from .guard import Guard, StoppedError
from .instance import Deployment
from .plan import Plan
from .shifting import BlueGreen, Rolling, Shifting
from .traffic import Traffic

MAX_REASON = 1024
ROLLED_BACK = "The endpoint was rolled back to its previous configuration."


class Rollout:
    """One endpoint's fleets: those that serve, and the one that is to take over."""

    def __init__(self, name: str, caller: Caller, where: Where, captures: Captures) -> None:
        self.traffic = Traffic()
        self._captures = captures
        self._name = name
        self._caller = caller
        self._where = where
        self._store = where.store
        self._lock = threading.Lock()
        self._closing = False
        self._coming: Fleet | None = None
        self._guard: Guard | None = None
        self._thread: threading.Thread | None = None

    @property
    def is_busy(self) -> bool:
        """Tell whether something is in progress in the background."""
        return self._thread is not None and self._thread.is_alive()

    def create(self, deployment: Deployment) -> None:
        """Bring the first fleet up in the background."""
        folder = self._where.folder / self._caller.account / self._caller.region / self._name
        shutil.rmtree(folder, ignore_errors=True)  # of an endpoint of this name in an earlier sandbox
        self._in_background(self._create, deployment)

    def update(self, deployment: Deployment, plan: Plan, watch: AlarmWatch | None, pace: float) -> None:
        """Move to a new fleet as planned, or back to the old one if that does not go well."""
        self._in_background(self._update, deployment, plan, watch, pace)

    def delete(self) -> None:
        """Stop everything and forget the endpoint, in the background."""
        self._in_background(self._delete)

    def close(self) -> None:
        """Kill everything because the sandbox stops."""
        with self._lock:
            self._closing = True
            fleets = {*self.traffic.fleets, *([self._coming] if self._coming else [])}
            guard = self._guard
        if guard is not None:
            guard.end("The sandbox is stopping.")
        for fleet in fleets:
            fleet.stop()
        if self._thread is not None:
            self._thread.join()

    def _create(self, deployment: Deployment) -> None:
        fleet = self._new_fleet(deployment)
        try:
            fleet.grow(deployment.instance_count)
        except Exception as fault:  # noqa: BLE001 - whatever it was ends the deployment visibly: someone waits for it
            fleet.stop()
            self._change(EndpointStatus="Failed", FailureReason=_reason(fault))
            return
        self.traffic.route((fleet, 1))
        self._change(EndpointStatus="InService", **_serving(fleet, self._store.now()))

    def _update(self, deployment: Deployment, plan: Plan, watch: AlarmWatch | None, pace: float) -> None:
        fleet = self._new_fleet(deployment)
        way = Rolling if plan.rolling else BlueGreen
        shifting = way(plan, self.traffic, self.traffic.fleets, fleet, self._tell)
        reason = None
        try:
            with Guard(watch, plan.limit_s, pace, fleet.cancel) as guard:
                self._guard = guard
                _run(shifting, guard)
        except Exception as fault:  # noqa: BLE001 - likewise
            reason = _reason(fault)
        finally:
            self._guard = None
        if self._closing:
            fleet.stop()
        elif reason is None:
            shifting.finish()
            self._change(
                EndpointStatus="InService",
                EndpointConfigName=deployment.config["EndpointConfigName"],
                **_serving(fleet, self._store.now()),
                FailureReason=None,
                PendingDeploymentSummary=None,
            )
        else:
            self._roll_back(shifting, reason)

    def _roll_back(self, shifting: Shifting, reason: str) -> None:
        # The endpoint says InService again: only the reason and the old configuration tell.
        status = "InService"
        try:
            shifting.roll_back()
        except Exception as fault:  # noqa: BLE001 - likewise
            status = "UpdateRollbackFailed"
            reason = f"{reason} The rollback failed, too: {_reason(fault)}"
        fleets = self.traffic.fleets
        self._change(
            EndpointStatus=status,
            FailureReason=reason[:MAX_REASON],
            PendingDeploymentSummary=None,
            **({"ProductionVariants": deployed(fleets[-1], self._store.now())} if fleets else {}),
        )

    def _delete(self) -> None:
        fleets = self.traffic.fleets
        self.traffic.route()
        try:
            for fleet in fleets:
                fleet.stop()
        finally:
            self._store.delete(ENDPOINT, self._caller, self._name)

    def _new_fleet(self, deployment: Deployment) -> Fleet:
        fleet = Fleet(deployment, self._caller, self._where, self._captures)
        with self._lock:
            self._coming = fleet
            if self._closing:
                fleet.stop()
        return fleet

    def _tell(self, stage: str, fleet: Fleet) -> None:
        """Show how far the deployment is."""
        now = self._store.now()
        variant = fleet.deployment.variant
        pending: Record = deployed(fleet, now)[0] | {
            "InstanceType": variant["InstanceType"],
            "VariantStatus": [{"Status": stage, "StartTime": now}],
        }
        summary = self._store.get(ENDPOINT, self._caller, self._name)["PendingDeploymentSummary"]
        self._change(PendingDeploymentSummary=summary | {"ProductionVariants": [pending]})

    def _change(self, **members: Any) -> None:
        self._store.update(ENDPOINT, self._caller, self._name, LastModifiedTime=self._store.now(), **members)

    def _in_background(self, work: Callable[..., None], *arguments: Any) -> None:
        self._thread = threading.Thread(target=work, args=arguments, name=f"endpoint {self._name}", daemon=True)
        self._thread.start()


def _serving(fleet: Fleet, now: Any) -> Record:
    """Return what DescribeEndpoint says of the fleet that serves."""
    settings = fleet.deployment.capture
    return {
        "ProductionVariants": deployed(fleet, now),
        "DataCaptureConfig": described(settings) if settings else None,
    }


def _run(shifting: Shifting, guard: Guard) -> None:
    try:
        shifting.run(guard)
    except InstanceError:
        guard.check()  # instances that come up are given up when something else stops the deployment
        raise


def _reason(fault: Exception) -> str:
    if isinstance(fault, StoppedError):
        return f"{fault} {ROLLED_BACK}"[:MAX_REASON]
    if isinstance(fault, InstanceError):
        return str(fault)[:MAX_REASON]
    if isinstance(fault, ApiError):
        return fault.message[:MAX_REASON]
    traceback.print_exception(fault)
    return f"{INTERNAL} ({type(fault).__name__}: {fault})"[:MAX_REASON]
