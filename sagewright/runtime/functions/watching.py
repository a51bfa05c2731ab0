"""What watches an endpoint: the monitor's last runs, what they found, and the alarms, whichever engine runs.

Both engines end in the same files. What differs is where a run is listed: as an execution of a pipeline, or of a
monitoring schedule.
"""

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any

from botocore.exceptions import ClientError

from . import training_progress
from .client import Client
from .drift_report import Report
from .objects import Location

BUILTIN = "builtin"
_WITH_FILES = {"Succeeded", "Completed", "CompletedWithViolations"}
_FINISHED = {*_WITH_FILES, "Failed", "Stopped", "CompletedWithFailures"}
_ABSENT = {"ResourceNotFoundException", "ResourceNotFound"}
_WINDOW_END = "WindowEnd"
# One minute of every hour, or of one hour of every day.
_HOURLY_OR_DAILY = re.compile(r"cron\((?P<minute>\d+) (?P<hour>\*|\d+) [*?] \* [*?] \*\)")


@dataclass(frozen=True)
class Run:
    """One run of the monitor; `report` is None of one that did not succeed.

    `said` is the job's own last word: a job that ran in the place of somebody else's says so there.
    """

    name: str
    status: str
    scheduled: datetime
    window: tuple[datetime, datetime]
    finished: datetime | None
    failure: str | None
    files: Location | None
    said: str | None
    report: Report | None

    @property
    def ended(self) -> bool:
        """Whether nothing more will come of it."""
        return self.status in _FINISHED

    @property
    def drifted(self) -> tuple[str, ...]:
        """The columns that it found drifted."""
        return self.report.drifted if self.report is not None else ()


@dataclass(frozen=True)
class Alarm:
    """An alarm as it is now: its state, since when, and why."""

    name: str
    state: str
    since: datetime
    reason: str


@dataclass(frozen=True)
class Transition:
    """A change of an alarm's state, as its history has it."""

    alarm: str
    time: datetime
    before: str
    after: str
    reason: str


@dataclass(frozen=True)
class Schedule:
    """What starts the runs: an expression in the form of EventBridge, and its state in the words of its service."""

    expression: str
    state: str

    @property
    def is_on(self) -> bool:
        """Whether it starts runs."""
        return self.state in {"ENABLED", "Scheduled"}

    def next_run(self, now: datetime) -> datetime | None:
        """Say when it starts the next run; None where it is switched off, or goes by another calendar than ours."""
        found = _HOURLY_OR_DAILY.fullmatch(self.expression)
        if not self.is_on or found is None:
            return None
        daily = found["hour"] != "*"
        moment = now.astimezone(UTC).replace(minute=int(found["minute"]), second=0, microsecond=0)
        moment = moment.replace(hour=int(found["hour"])) if daily else moment
        return moment if moment > now else moment + timedelta(hours=24 if daily else 1)


@dataclass(frozen=True)
class Monitor:
    """The monitor of one environment: its engine and the names that it goes by there."""

    engine: str
    pipeline: str
    schedule: str
    window_hours: int

    def scheduled(self, sagemaker: Client, scheduler: Client) -> Schedule | None:
        """Read what starts the runs; None where there is nothing, because no release has put it there."""
        try:
            if self.engine == BUILTIN:
                found = scheduler.get_schedule(Name=self.schedule)
                return Schedule(found["ScheduleExpression"], found["State"])
            found = sagemaker.describe_monitoring_schedule(MonitoringScheduleName=self.schedule)
        except ClientError as error:
            if error.response["Error"]["Code"] in _ABSENT:
                return None
            raise
        expression = found["MonitoringScheduleConfig"]["ScheduleConfig"]["ScheduleExpression"]
        return Schedule(expression, found["MonitoringScheduleStatus"])

    def runs(self, sagemaker: Client, s3: Client, count: int) -> list[Run]:
        """Read the last `count` runs, the newest first."""
        read = self._executions if self.engine == BUILTIN else self._native
        return list(islice(read(sagemaker, s3), count))

    def _executions(self, sagemaker: Client, s3: Client) -> Iterator[Run]:
        pages = sagemaker.get_paginator("list_pipeline_executions").paginate(
            PipelineName=self.pipeline, SortBy="CreationTime", SortOrder="Descending"
        )
        for each in (each for page in pages for each in page["PipelineExecutionSummaries"]):
            execution = training_progress.read(sagemaker, each["PipelineExecutionArn"])
            jobs = [step.job for step in execution.steps if step.job is not None]
            failed = execution.failed
            told = training_progress.parameters(sagemaker, execution.arn).get(_WINDOW_END)
            yield self._run(
                sagemaker,
                s3,
                name=execution.arn.rpartition("/")[2],
                status=execution.status,
                scheduled=_moment(told) if told else each["StartTime"],
                failure=(failed.failure if failed is not None else None) or execution.failure,
                job=jobs[-1] if jobs else None,
            )

    def _native(self, sagemaker: Client, s3: Client) -> Iterator[Run]:
        pages = sagemaker.get_paginator("list_monitoring_executions").paginate(
            MonitoringScheduleName=self.schedule, SortBy="ScheduledTime", SortOrder="Descending"
        )
        for each in (each for page in pages for each in page["MonitoringExecutionSummaries"]):
            job = each["ProcessingJobArn"].rpartition("/")[2] if "ProcessingJobArn" in each else None
            yield self._run(
                sagemaker,
                s3,
                name=job or f"{each['ScheduledTime']:%Y-%m-%dT%H:%M}",
                status=each["MonitoringExecutionStatus"],
                scheduled=each["ScheduledTime"],
                failure=each.get("FailureReason"),
                job=job,
            )

    def _run(  # noqa: PLR0913 - what an engine lists of a run
        self,
        sagemaker: Client,
        s3: Client,
        *,
        name: str,
        status: str,
        scheduled: datetime,
        failure: str | None,
        job: str | None,
    ) -> Run:
        """Add to what is listed of a run what its job and its files say."""
        described: dict[str, Any] = sagemaker.describe_processing_job(ProcessingJobName=job) if job is not None else {}
        outputs = described.get("ProcessingOutputConfig", {}).get("Outputs", [])
        files = Location.parse(outputs[0]["S3Output"]["S3Uri"]) if outputs else None
        return Run(
            name=name,
            status=status,
            scheduled=scheduled,
            window=self._window(scheduled),
            finished=described.get("ProcessingEndTime"),
            # What AWS says of a run that succeeded is no failure.
            failure=failure if status not in _WITH_FILES else None,
            files=files,
            said=described.get("ExitMessage"),
            report=Report.read(s3, files) if files is not None and status in _WITH_FILES else None,
        )

    def _window(self, scheduled: datetime) -> tuple[datetime, datetime]:
        """Return the full hours, or the full day, before the moment for which a run was scheduled."""
        end = scheduled.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
        if self.window_hours > 1:
            end = end.replace(hour=0)
        return end - timedelta(hours=self.window_hours), end


def alarms(cloudwatch: Client, names: Sequence[str]) -> list[Alarm]:
    """Read the alarms of these names that there are, in this order."""
    found = {each["AlarmName"]: each for each in cloudwatch.describe_alarms(AlarmNames=list(names))["MetricAlarms"]}
    return [
        Alarm(name, found[name]["StateValue"], found[name]["StateUpdatedTimestamp"], found[name].get("StateReason", ""))
        for name in names
        if name in found
    ]


def transitions(cloudwatch: Client, name: str) -> list[Transition]:
    """List the changes of an alarm's state that its history holds, the first one first."""
    pages = cloudwatch.get_paginator("describe_alarm_history").paginate(
        AlarmName=name, HistoryItemType="StateUpdate", ScanBy="TimestampAscending"
    )
    return [_transition(entry) for page in pages for entry in page["AlarmHistoryItems"]]


def _transition(entry: dict[str, Any]) -> Transition:
    # https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_AlarmHistoryItem.html
    data = json.loads(entry["HistoryData"])
    before, after = data["oldState"]["stateValue"], data["newState"]
    return Transition(entry["AlarmName"], entry["Timestamp"], before, after["stateValue"], after.get("stateReason", ""))


def begin(cloudwatch: Client, namespace: str, endpoint: str) -> None:
    """Write the first point of the count of runs: a monitor that has just begun is not silent yet."""
    point = {
        "MetricName": "RunsCompleted",
        "Dimensions": [{"Name": "Endpoint", "Value": endpoint}],
        "Value": 0,
        "Unit": "Count",
    }
    cloudwatch.put_metric_data(Namespace=namespace, MetricData=[point])


def _moment(text: str) -> datetime:
    """Read a time as Scheduler writes it; without an offset it is UTC."""
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
