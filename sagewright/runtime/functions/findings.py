"""Tells what the monitor found: as metrics when a run has finished, as one message when an alarm fires.

It stands in a template as it is, so it is one file that imports the standard library and boto3 alone. Both engines
end in the same files, which are all that it knows of either. Events of SageMaker may come twice: the alarms look at the
greatest value of a run and at none that is counted. An alarm calls once, when it goes into alarm.
"""

import json
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import boto3
from botocore.exceptions import ClientError

# What all of it is about: the template fills this in, behind the last line.
SETTINGS: dict[str, str] = {}

# Model Monitor writes violations where it found some, and only the built-in engine measures every column.
_VIOLATIONS, _DRIFT, _STATISTICS = "constraint_violations.json", "drift.json", "statistics.json"
_ABSENT = {"NoSuchKey", "404"}
# https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricData.html
_AT_ONCE = 500
# https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_Dimension.html: printable ASCII, not empty, no
# colon at the start.
_DIMENSION_LENGTH = 1024
# How many runs are looked back at: a day of hourly ones.
_RUNS = 24
# What Model Monitor says of a window without a captured request: it starts no job then, and calls that failed.
_NATIVE, _NO_TRAFFIC = "model_monitor", "no data"
_COLUMNS = 40
# https://docs.aws.amazon.com/sns/latest/api/API_Publish.html
_SUBJECT_LENGTH = 100
# Model Monitor tells numbers in words alone: "Baseline drift distance: 0.23 exceeds threshold: 0.1".
_NUMBER = r"([0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?)"
_DISTANCE, _THRESHOLD = re.compile(rf"distance: {_NUMBER}"), re.compile(rf"threshold: {_NUMBER}")
# The folders of Model Monitor's runs: …/yyyy/mm/dd/hh, the hour for which a run was scheduled.
_HOUR = re.compile(r"(\d{4})/(\d{2})/(\d{2})/(\d{2})/?$")
# Below this, a share has not changed for a reader.
_SHARE = 0.01

Document = dict[str, Any]


@dataclass(frozen=True)
class Run:
    """What one run of the monitor wrote; `at` sorts runs, and both times are as the files have them."""

    folder: str
    at: str
    since: str
    violations: list[Document]
    drift: Document | None


class Files:
    """The findings of one endpoint in S3, read with as few requests as can be."""

    def __init__(self, s3: Any, findings: str) -> None:
        self._s3 = s3
        self._findings = findings

    def runs(self) -> list[Run]:
        """Read the last runs, the newest first: by the time that each is about, not by when it was written."""
        written: dict[str, Any] = {}
        place = urlsplit(self._findings)
        pages = self._s3.get_paginator("list_objects_v2").paginate(Bucket=place.netloc, Prefix=place.path.lstrip("/"))
        for each in (each for page in pages for each in page.get("Contents", [])):
            folder, _, name = each["Key"].rpartition("/")
            if name in {_STATISTICS, _VIOLATIONS, _DRIFT}:
                written[folder] = max(each["LastModified"], written.get(folder, each["LastModified"]))
        newest = sorted(written, key=lambda folder: written[folder], reverse=True)[:_RUNS]
        runs = [self._run(f"s3://{place.netloc}/{folder}/", written[folder]) for folder in newest]
        return sorted(runs, key=lambda run: run.at, reverse=True)

    def read(self, folder: str, name: str) -> Document | None:
        """Read one file of a folder; None where it is not there."""
        place = urlsplit(folder)
        try:
            body = self._s3.get_object(Bucket=place.netloc, Key=f"{place.path.strip('/')}/{name}")["Body"]
        except ClientError as error:
            if error.response["Error"]["Code"] in _ABSENT:
                return None
            raise
        document: Document = json.load(body)
        return document

    def _run(self, folder: str, written: Any) -> Run:
        violations, drift = self.read(folder, _VIOLATIONS), self.read(folder, _DRIFT)
        if drift is not None:
            since, until = drift["window"]["start"], drift["window"]["end"]
        elif (hour := _HOUR.search(folder)) is not None:
            end = datetime(*(int(each) for each in hour.groups()), tzinfo=UTC)
            window = timedelta(hours=int(SETTINGS["WINDOW_HOURS"]))
            since, until = (f"{each:%Y-%m-%dT%H:%M:%SZ}" for each in (end - window, end))
        else:
            since = until = f"{written:%Y-%m-%dT%H:%M:%SZ}"
        return Run(folder, until, since, violations["violations"] if violations is not None else [], drift)


def handler(event: Document, _context: object) -> Document:
    """Answer an alarm with a message, and a finished job with metrics."""
    files = Files(boto3.client("s3"), SETTINGS["FINDINGS"])
    return _message(event["alarmData"], files) if "alarmData" in event else _publish(event["detail"], files)


def _publish(detail: Document, files: Files) -> Document:
    """Publish the metrics of each folder of findings that the job has written."""
    cloudwatch, published = boto3.client("cloudwatch"), 0
    for folder in _folders(detail):
        points = metrics(SETTINGS["ENDPOINT"], files.read(folder, _VIOLATIONS), files.read(folder, _DRIFT))
        for start in range(0, len(points), _AT_ONCE):
            cloudwatch.put_metric_data(Namespace=SETTINGS["NAMESPACE"], MetricData=points[start : start + _AT_ONCE])
        published += len(points)
        sys.stdout.write(f"{len(points)} metrics of {folder}\n")
    return {"published": published}


def metrics(endpoint: str, violations: Document | None, drift: Document | None) -> list[Document]:
    """Say in numbers what a run found; a run without violations has found no drift, which is a number too."""
    found = violations["violations"] if violations is not None else []
    points = [
        _point("RunsCompleted", 1, "Count", Endpoint=endpoint),
        # Of this version and this monitor alone: a new one is not to answer for what the one before was asked.
        _point(
            "DriftedColumns",
            len({each["feature_name"] for each in found}),
            "Count",
            Endpoint=endpoint,
            Monitor=SETTINGS["MONITOR"],
            Version=SETTINGS["VERSION"],
        ),
    ]
    if drift is not None:
        points.append(_point("Rows", drift["rows"], "Count", Endpoint=endpoint))
    distances = _measured(drift) if drift is not None else _told(found)
    return points + [
        _point("ColumnDrift", distance, "None", Endpoint=endpoint, Column=_dimension(column))
        for column, distance in distances.items()
    ]


def _folders(detail: Document) -> Iterator[str]:
    """Name where the job wrote below the folder of findings; it may have other outputs."""
    for output in detail["ProcessingOutputConfig"]["Outputs"]:
        uri = output.get("S3Output", {}).get("S3Uri", "")
        if uri.startswith(SETTINGS["FINDINGS"]):
            yield uri


def _measured(drift: Document) -> dict[str, float]:
    return {each["name"]: each["distance"] for each in drift["columns"] if each["distance"] is not None}


def _told(violations: list[Document]) -> dict[str, float]:
    found = {each["feature_name"]: _DISTANCE.search(each.get("description", "")) for each in violations}
    return {column: float(match[1]) for column, match in found.items() if match is not None}


def _point(name: str, value: float, unit: str, **dimensions: str) -> Document:
    listed = [{"Name": key, "Value": each} for key, each in dimensions.items()]
    return {"MetricName": name, "Dimensions": listed, "Value": value, "Unit": unit}


def _dimension(column: str) -> str:
    """Write a column's name as CloudWatch takes it; another alphabet is written in escapes."""
    text = "".join(each if each.isprintable() else repr(each)[1:-1] for each in column)
    text = text.encode("ascii", "backslashreplace").decode()[:_DIMENSION_LENGTH]
    return f"\\{text}" if text.startswith(":") else text if text.strip() else repr(column)


def _message(alarm: Document, files: Files) -> Document:
    """Publish one message about the alarm that calls."""
    if alarm["alarmName"] == SETTINGS["SILENCE_ALARM"] and _had_no_traffic():
        sys.stdout.write("Model Monitor ran no job, because there were no requests: nothing is wrong.\n")
        return {"message": None}
    runs = files.runs()
    if alarm["alarmName"] == SETTINGS["SILENCE_ALARM"]:
        subject, text = _silence(alarm, runs)
    else:
        subject, text = _drifted(alarm, runs, files)
    sent = boto3.client("sns").publish(TopicArn=SETTINGS["TOPIC_ARN"], Subject=subject, Message=text)
    sys.stdout.write(f"{subject}: {sent['MessageId']}\n")
    return {"message": sent["MessageId"]}


def _had_no_traffic() -> bool:
    """Tell whether Model Monitor's last scheduled run found no request, and would have run otherwise."""
    if SETTINGS["ENGINE"] != _NATIVE:
        return False
    listed = boto3.client("sagemaker").list_monitoring_executions(
        MonitoringScheduleName=SETTINGS["SCHEDULE"], SortBy="ScheduledTime", SortOrder="Descending", MaxResults=1
    )
    last = listed["MonitoringExecutionSummaries"][:1]
    return any(
        each["MonitoringExecutionStatus"] == "Failed" and _NO_TRAFFIC in each.get("FailureReason", "") for each in last
    )


def _silence(alarm: Document, runs: list[Run]) -> tuple[str, str]:
    last = f"The last run looked at requests until {runs[0].at}: {runs[0].folder}" if runs else "No run has ever ended."
    lines = [
        *_heading("Nothing watches this endpoint", alarm),
        "No run of the monitor has completed for at least three periods. Whether requests drift is not known.",
        last,
        "",
        *_where(),
        "See why with the first command: a schedule that is off, a run that failed, a permission that is missing.",
    ]
    return _subject("the monitor does not run"), "\n".join(lines)


def _drifted(alarm: Document, runs: list[Run], files: Files) -> tuple[str, str]:
    """Tell the newest run that found something, and how long the runs before it have."""
    position = next((at for at, run in enumerate(runs) if run.violations), None)
    if position is None:
        lines = [*_heading("Drift", alarm), "But no run among the last has left a violation behind.", "", *_where()]
        return _subject("drift"), "\n".join(lines)
    run = runs[position]
    clean = next((at for at in range(position, len(runs)) if not runs[at].violations), len(runs))
    first = runs[clean - 1]
    columns = list(dict.fromkeys(each["feature_name"] for each in run.violations))
    baseline, now = files.read(SETTINGS["BASELINE"], _STATISTICS), files.read(run.folder, _STATISTICS)
    before = "at least " if clean == len(runs) == _RUNS else ""
    lines = [
        *_heading(f"Requests differ from what the model was trained on in {_count(len(columns))}", alarm),
        f"Since: {before}{first.since} ({_count(clean - position, 'run')} in a row)",
        f"Requests: {run.since} to {run.at}" + (f", {run.drift['rows']} rows" if run.drift is not None else ""),
        "",
        *(line for column in columns[:_COLUMNS] for line in _column(column, run, _features(baseline), _features(now))),
        *([f"and {len(columns) - _COLUMNS} more"] if len(columns) > _COLUMNS else []),
        "",
        f"Files of the run: {run.folder}",
        *_where(),
    ]
    return _subject(f"drift in {', '.join(columns)}"), "\n".join(lines)


def _heading(what: str, alarm: Document) -> list[str]:
    project, environment, endpoint = (SETTINGS[name] for name in ("PROJECT", "ENVIRONMENT", "ENDPOINT"))
    return [
        f"{what}.",
        "",
        f"Project: {project}, environment: {environment}, endpoint: {endpoint}",
        f"Version: {SETTINGS['VERSION']}, monitor: {SETTINGS['ENGINE']}",
        f"Alarm: {alarm['alarmName']}, since {alarm['state']['timestamp']}",
    ]


def _where() -> list[str]:
    return [
        f"Look: sagewright drift {SETTINGS['ENVIRONMENT']}",
        f"Dashboard: {SETTINGS['DASHBOARD']}",
    ]


def _column(name: str, run: Run, baseline: dict[str, Document], now: dict[str, Document]) -> Iterator[str]:
    """Tell of one column how far it is, and what changed as a person would say it."""
    violations = [each for each in run.violations if each["feature_name"] == name]
    changes = list(_changes(baseline[name], now[name])) if name in baseline and name in now else []
    measured = _distance(name, run, violations)
    parts = [*([f"distance {measured[0]:.2f}, allowed {measured[1]:.2f}"] if measured else []), *changes]
    yield f"- {name}: {'; '.join(parts)}" if parts else f"- {name}"
    for each in violations:
        if measured is None or each["constraint_check_type"] != "baseline_drift_check":
            yield f"    {each['constraint_check_type']}: {each['description']}"


def _distance(name: str, run: Run, violations: list[Document]) -> tuple[float, float] | None:
    """Return distance and threshold of a column that is too far away; None where another check failed."""
    if not any(each["constraint_check_type"] == "baseline_drift_check" for each in violations):
        return None
    for each in run.drift["columns"] if run.drift is not None else []:
        if each["name"] == name and each["distance"] is not None:
            return each["distance"], each["threshold"]
    for each in violations:
        distance, threshold = (found.search(each["description"]) for found in (_DISTANCE, _THRESHOLD))
        if distance is not None and threshold is not None:
            return float(distance[1]), float(threshold[1])
    return None


def _features(statistics: Document | None) -> dict[str, Document]:
    return {each["name"]: each for each in statistics["features"]} if statistics is not None else {}


def _changes(before: Document, now: Document) -> Iterator[str]:
    """Say what of a column changed, if one can see it: mean, the value whose share changed most, what is missing."""
    means = [each.get("numerical_statistics", {}).get("mean") for each in (before, now)]
    if None not in means:
        before_text, now_text = (f"{mean:.4g}" for mean in means)
        if before_text != now_text:
            yield f"mean {before_text} -> {now_text}"
    shares = [_shares(each) for each in (before, now)]
    if all(shares):
        values = dict.fromkeys((*shares[0], *shares[1]))
        value = max(values, key=lambda each: abs(shares[1].get(each, 0) - shares[0].get(each, 0)))
        if abs(shares[1].get(value, 0) - shares[0].get(value, 0)) > _SHARE:
            yield f'share of "{value}" {shares[0].get(value, 0):.2f} -> {shares[1].get(value, 0):.2f}'
    missing = [_missing(each) for each in (before, now)]
    if abs(missing[1] - missing[0]) > _SHARE:
        yield f"missing {missing[0]:.2f} -> {missing[1]:.2f}"


def _shares(feature: Document) -> dict[str, float]:
    """Read the share of each value of a column of text, where the file has it."""
    distribution = feature.get("string_statistics", {}).get("distribution", {})
    buckets = distribution.get("categorical", {}).get("buckets", [])
    counts = {str(each["value"]): each["count"] for each in buckets}
    total = sum(counts.values())
    return {value: count / total for value, count in counts.items()} if total else {}


def _missing(feature: Document) -> float:
    kinds = ("numerical_statistics", "string_statistics")
    common: Document = next((feature[kind].get("common", {}) for kind in kinds if kind in feature), {})
    absent, present = common.get("num_missing", 0), common.get("num_present", 0)
    return absent / (absent + present) if absent + present else 0.0


def _count(number: int, what: str = "column") -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"


def _subject(what: str) -> str:
    """Write a subject as SNS takes it: printable ASCII and short; another alphabet is written in escapes."""
    text = f"{SETTINGS['PROJECT']} {SETTINGS['ENVIRONMENT']}: {what}"
    text = "".join(each if each.isprintable() else " " for each in text).encode("ascii", "backslashreplace").decode()
    return text if len(text) <= _SUBJECT_LENGTH else f"{text[: _SUBJECT_LENGTH - 3]}..."
