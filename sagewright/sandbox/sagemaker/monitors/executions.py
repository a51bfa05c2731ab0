"""Why: every run of a schedule leaves a record, also one that found nothing to look at or was not permitted to."""

import threading
from collections import defaultdict
from datetime import UTC, datetime
from typing import Any

from botocore.exceptions import ClientError

from ...clients import Clients
from ...protocol import ApiError, Caller
from ..artifacts import split_s3_uri
from ..instances.role import require_role
from ..jobs import Jobs
from ..listing import matching, only, ordered, page
from ..store import DATA_QUALITY_JOB_DEFINITION, ENDPOINT, PROCESSING_JOB, Record, Store
from .monitored import captures, folder_of
from .run import STAND_IN, MonitoringRun, job_request
from .timing import HOUR_S, Timing

NO_DATA = "Job inputs had no data"
"""AWS's own words for a window without captured requests; no job runs then."""
MAX_REASON = 1024
_VIOLATED = "CompletedWithViolations"


class Executions:
    """The runs of every schedule, which outlive it."""

    def __init__(self, store: Store, clients: Clients, jobs: Jobs) -> None:
        self._store = store
        self._clients = clients
        self._jobs = jobs
        self._lock = threading.Lock()
        self._records: dict[tuple[str, str], list[Record]] = defaultdict(list)

    def run(self, schedule: Record, timing: Timing, scheduled_s: int, caller: Caller) -> None:
        """Run a schedule once; whatever comes of it, a record tells."""
        now = self._store.now()
        record: Record = {
            "MonitoringScheduleName": schedule["MonitoringScheduleName"],
            "ScheduledTime": datetime.fromtimestamp(scheduled_s, UTC),
            "CreationTime": now,
            "LastModifiedTime": now,
            "MonitoringExecutionStatus": "Pending",
            "EndpointName": schedule["EndpointName"],
            "MonitoringJobDefinitionName": schedule["MonitoringScheduleConfig"]["MonitoringJobDefinitionName"],
            "MonitoringType": schedule["MonitoringType"],
        }
        with self._lock:
            self._records[caller.account, caller.region].append(record)
        try:
            arn = self._start(schedule, timing, scheduled_s, caller)
            change: Record = {"ProcessingJobArn": arn, "MonitoringExecutionStatus": "InProgress"}
        except ApiError as refusal:
            change = _failed(refusal.message)
        except ClientError as refusal:
            change = _failed(f"ClientError: {refusal.response['Error']['Message']}")
        with self._lock:
            record.update(change, LastModifiedTime=self._store.now())

    def list_monitoring_executions(self, params: dict[str, Any], caller: Caller) -> dict[str, Any]:
        """Return the runs of the account and region."""
        found = matching(self._all(caller), params, name="MonitoringScheduleName", status="MonitoringExecutionStatus")
        if "ScheduledTimeBefore" in params:
            found = [each for each in found if each["ScheduledTime"] < _aware(params["ScheduledTimeBefore"])]
        if "ScheduledTimeAfter" in params:
            found = [each for each in found if each["ScheduledTime"] > _aware(params["ScheduledTimeAfter"])]
        others = {"MonitoringTypeEquals": "MonitoringType"} | {
            name: name for name in ("MonitoringScheduleName", "EndpointName", "MonitoringJobDefinitionName")
        }
        for given, member in others.items():
            found = [each for each in found if params.get(given, each[member]) == each[member]]
        by = {name: name for name in ("CreationTime", "ScheduledTime")} | {"Status": "MonitoringExecutionStatus"}
        found = ordered(found, params, by, ("ScheduledTime", "Descending"))
        return page("MonitoringExecutionSummaries", found, params)

    def last(self, schedule: str, caller: Caller) -> Record | None:
        """Return the latest run of a schedule."""
        found = [each for each in self._all(caller) if each["MonitoringScheduleName"] == schedule]
        return found[-1] if found else None

    def _all(self, caller: Caller) -> list[Record]:
        """Return every run as it stands: its job goes on by itself."""
        with self._lock:
            records = [dict(each) for each in self._records[caller.account, caller.region]]
        return [self._current(each, caller) for each in records]

    def _current(self, record: Record, caller: Caller) -> Record:
        if "ProcessingJobArn" not in record:
            return record
        job = self._store.get(PROCESSING_JOB, caller, record["ProcessingJobArn"].rpartition("/")[2])
        status = job["ProcessingJobStatus"]
        if status == "Completed" and job.get("ExitMessage", "").startswith(_VIOLATED):
            status = _VIOLATED
        reason = f"{job['FailureReason']} ({STAND_IN})" if "FailureReason" in job else STAND_IN
        return (
            record
            | only(job, ["LastModifiedTime"])
            | {
                "MonitoringExecutionStatus": status,
                "FailureReason": reason[:MAX_REASON],
            }
        )

    def _start(self, schedule: Record, timing: Timing, scheduled_s: int, caller: Caller) -> str:
        config = schedule["MonitoringScheduleConfig"]
        name, endpoint_name = schedule["MonitoringScheduleName"], schedule["EndpointName"]
        definition = self._store.get(DATA_QUALITY_JOB_DEFINITION, caller, config["MonitoringJobDefinitionName"])
        endpoint = self._store.get(ENDPOINT, caller, endpoint_name)
        window = timing.window(scheduled_s)
        folders = self._hours(endpoint, definition["RoleArn"], schedule["MonitoringScheduleArn"], window, caller)
        if not folders:
            raise ApiError("NoData", NO_DATA)
        request = job_request(
            definition, schedule=name, endpoint=endpoint_name, scheduled_s=scheduled_s, window=window, folders=folders
        )
        run = MonitoringRun(request["ProcessingJobName"], request, caller, self._jobs.where)
        self._jobs.start(run, {"MonitoringScheduleArn": schedule["MonitoringScheduleArn"]})
        return run.arn

    def _hours(
        self, endpoint: Record, role: str, schedule_arn: str, window: tuple[int, int], caller: Caller
    ) -> list[str]:
        """Return the folders of the window's hours that hold something, as the monitor's role sees them."""
        if not captures(endpoint):
            return []
        acting = require_role(self._clients, caller, role, schedule_arn)
        s3 = acting.get("s3", caller.account, caller.region)
        begins_s, ends_s = window
        found = []
        for hour_s in range(begins_s // HOUR_S * HOUR_S, ends_s, HOUR_S):
            uri = f"{folder_of(endpoint)}/{datetime.fromtimestamp(hour_s, UTC):%Y/%m/%d/%H}"
            bucket, prefix = split_s3_uri(uri)
            if s3.list_objects_v2(Bucket=bucket, Prefix=f"{prefix}/", MaxKeys=1).get("Contents"):
                found.append(uri)
        return found


def _failed(reason: str) -> Record:
    return {"MonitoringExecutionStatus": "Failed", "FailureReason": reason[:MAX_REASON]}


def _aware(time: datetime) -> datetime:
    return time if time.tzinfo else time.replace(tzinfo=UTC)
