"""Why: a monitoring schedule runs its job definition at the hours it names, as long as nobody stops it."""

import threading
from dataclasses import dataclass
from functools import partial
from typing import Any

from ...clients import Clients
from ...errands import begin
from ...protocol import ApiError, Caller
from ..instances.available import refuse_others, unavailable
from ..jobs import Jobs
from ..listing import matching, only, ordered, page
from ..store import DATA_QUALITY_JOB_DEFINITION, MONITORING_SCHEDULE, Record, Store
from .definitions import endpoint_of
from .executions import Executions
from .monitored import require_capture
from .run import STAND_IN
from .timing import DELAY_S, Timing, timing

PENDING, SCHEDULED, STOPPED = "Pending", "Scheduled", "Stopped"
SUMMARY = (
    *("MonitoringScheduleName", "MonitoringScheduleArn", "CreationTime", "LastModifiedTime"),
    *("MonitoringScheduleStatus", "EndpointName", "MonitoringJobDefinitionName", "MonitoringType"),
)


@dataclass(frozen=True)
class _Live:
    """A schedule that runs: whose, which, when, and since when."""

    caller: Caller
    name: str
    timing: Timing
    since_s: float

    def due(self, after_s: float) -> float:
        """Return when a run starts next, strictly after this moment."""
        return float(self.timing.next(max(self.since_s, after_s - DELAY_S)) + DELAY_S)


class Schedules:
    """The monitoring schedules of every account and region; for the clock, an agenda."""

    def __init__(self, store: Store, clients: Clients, jobs: Jobs) -> None:
        self._store = store
        self._lock = threading.Lock()
        self._live: dict[str, _Live] = {}
        self.executions = Executions(store, clients, jobs)
        store.clock.add(self)

    def create_monitoring_schedule(self, params: dict[str, Any], caller: Caller) -> dict[str, Any]:
        """Keep a schedule and let it run."""
        name = params["MonitoringScheduleName"]
        arn = self._store.arn(MONITORING_SCHEDULE, caller, name)
        now = self._store.now()
        record: Record = {
            "MonitoringScheduleArn": arn,
            "MonitoringScheduleName": name,
            "CreationTime": now,
            "LastModifiedTime": now,
            "MonitoringScheduleStatus": PENDING,
        }
        config = params["MonitoringScheduleConfig"]
        when, members = self._configured(config, caller)
        self._store.put(MONITORING_SCHEDULE, caller, name, record | members, params.get("Tags", ()))
        self._settle(caller, name, SCHEDULED, when)
        return {"MonitoringScheduleArn": arn}

    def describe_monitoring_schedule(self, params: dict[str, Any], caller: Caller) -> dict[str, Any]:
        """Return one schedule with its last run."""
        record = self._store.get(MONITORING_SCHEDULE, caller, params["MonitoringScheduleName"])
        last = self.executions.last(record["MonitoringScheduleName"], caller)
        return record | {"FailureReason": STAND_IN} | ({"LastMonitoringExecutionSummary": last} if last else {})

    def update_monitoring_schedule(self, params: dict[str, Any], caller: Caller) -> dict[str, Any]:
        """Run another definition, or at other times; one that is stopped stays so."""
        name = params["MonitoringScheduleName"]
        schedule = self._changeable(name, caller)
        when, members = self._configured(params["MonitoringScheduleConfig"], caller)
        self._change(caller, name, **members, MonitoringScheduleStatus=PENDING)
        self._settle(caller, name, schedule["MonitoringScheduleStatus"], when)
        return {"MonitoringScheduleArn": schedule["MonitoringScheduleArn"]}

    def start_monitoring_schedule(self, params: dict[str, Any], caller: Caller) -> dict[str, Any]:
        """Let a stopped schedule run again."""
        return self._turn(params["MonitoringScheduleName"], SCHEDULED, caller)

    def stop_monitoring_schedule(self, params: dict[str, Any], caller: Caller) -> dict[str, Any]:
        """Start no more runs; one that is in progress goes on."""
        return self._turn(params["MonitoringScheduleName"], STOPPED, caller)

    def delete_monitoring_schedule(self, params: dict[str, Any], caller: Caller) -> dict[str, Any]:
        """Forget a schedule; its runs stay on record."""
        name = params["MonitoringScheduleName"]
        schedule = self._store.delete(MONITORING_SCHEDULE, caller, name)
        with self._lock:
            self._live.pop(schedule["MonitoringScheduleArn"], None)
        return {}

    def list_monitoring_schedules(self, params: dict[str, Any], caller: Caller) -> dict[str, Any]:
        """Return the schedules of the account and region."""
        records = [
            each | only(each["MonitoringScheduleConfig"], ["MonitoringJobDefinitionName"])
            for each in self._store.all(MONITORING_SCHEDULE, caller)
        ]
        found = matching(records, params, name="MonitoringScheduleName", status="MonitoringScheduleStatus")
        wanted = {"MonitoringTypeEquals": "MonitoringType"} | {
            name: name for name in ("EndpointName", "MonitoringJobDefinitionName")
        }
        for given, member in wanted.items():
            found = [each for each in found if params.get(given, each[member]) == each[member]]
        keys = {"Name": "MonitoringScheduleName", "CreationTime": "CreationTime", "Status": "MonitoringScheduleStatus"}
        found = ordered(found, params, keys, ("CreationTime", "Descending"))
        return page("MonitoringScheduleSummaries", [only(each, SUMMARY) for each in found], params)

    def list_monitoring_executions(self, params: dict[str, Any], caller: Caller) -> dict[str, Any]:
        """Return the runs of the account and region."""
        return self.executions.list_monitoring_executions(params, caller)

    def due(self, after_s: float) -> float | None:
        """Return when a run starts next."""
        with self._lock:
            return min((each.due(after_s) for each in self._live.values()), default=None)

    def happen(self, at_s: float) -> None:
        """Start the runs that are due."""
        with self._lock:
            ready = [each for each in self._live.values() if each.due(at_s - 1) == at_s]
        for each in ready:
            schedule = self._store.find(MONITORING_SCHEDULE, each.caller, each.name)
            if schedule is not None:
                scheduled_s = int(at_s) - DELAY_S
                run = partial(self.executions.run, schedule, each.timing, scheduled_s, each.caller)
                begin(self._store.clock, f"monitoring schedule {each.name}", run)

    def _configured(self, config: dict[str, Any], caller: Caller) -> tuple[Timing, Record]:
        """Check a configuration, and return when it runs and what the schedule's record holds of it."""
        where = "MonitoringScheduleConfig"
        refuse_others(where, config, {"ScheduleConfig", "MonitoringJobDefinitionName", "MonitoringType"})
        for member in ("MonitoringJobDefinitionName", "ScheduleConfig"):
            if member not in config:
                raise unavailable(f"{where} without {member}")
        kind = config.get("MonitoringType", "DataQuality")
        if kind != "DataQuality":
            raise unavailable(f"{where}.MonitoringType {kind}")
        name = config["MonitoringJobDefinitionName"]
        endpoint = endpoint_of(self._store.get(DATA_QUALITY_JOB_DEFINITION, caller, name))
        require_capture(self._store, caller, endpoint)
        members = {"MonitoringScheduleConfig": config, "MonitoringType": kind, "EndpointName": endpoint}
        return timing(config["ScheduleConfig"]), members

    def _turn(self, name: str, status: str, caller: Caller) -> dict[str, Any]:
        schedule = self._changeable(name, caller)
        self._change(caller, name, MonitoringScheduleStatus=PENDING)
        self._settle(caller, name, status, timing(schedule["MonitoringScheduleConfig"]["ScheduleConfig"]))
        return {}

    def _changeable(self, name: str, caller: Caller) -> Record:
        schedule = self._store.get(MONITORING_SCHEDULE, caller, name)
        if schedule["MonitoringScheduleStatus"] == PENDING:
            raise ApiError(
                "ValidationException",
                f"Monitoring schedule {schedule['MonitoringScheduleArn']} cannot be changed while it is {PENDING}.",
            )
        return schedule

    def _settle(self, caller: Caller, name: str, status: str, when: Timing) -> None:
        """Bring the change about in the background, as AWS does: until then the schedule is pending."""
        arn = self._store.arn(MONITORING_SCHEDULE, caller, name)
        live = _Live(caller, name, when, self._store.clock.now())

        def settle() -> None:
            if self._store.find(MONITORING_SCHEDULE, caller, name) is None:
                return
            with self._lock:
                self._live.pop(arn, None)
                if status == SCHEDULED:
                    self._live[arn] = live
            self._change(caller, name, MonitoringScheduleStatus=status)

        begin(self._store.clock, f"monitoring schedule {name}", settle)

    def _change(self, caller: Caller, name: str, **members: Any) -> None:
        now = self._store.now()
        self._store.update(MONITORING_SCHEDULE, caller, name, LastModifiedTime=now, **members)
