"""How long a version has been live: what was right for last year's requests may not be for this year's."""

import json
from datetime import datetime
from typing import Any

from botocore.exceptions import ClientError

from .client import Client

METRIC = "DaysLive"
_DAY_S = 86400


def live_since(ssm: Client, parameter: str) -> tuple[str, datetime] | None:
    """Read which version an environment's record names, and since when; None before the first release.

    The record changes with every new config, too: only a change of the version begins anew.
    """
    history = _history(ssm, parameter)
    if not history:
        return None
    arn, since = history[-1]
    for before, moment in reversed(history):
        if before != arn:
            break
        since = moment
    return arn, since


def before(ssm: Client, parameter: str) -> str | None:
    """Read which version an environment's record named before the one that it names now; None where none did."""
    history = _history(ssm, parameter)
    return next((arn for arn, _ in reversed(history) if arn != history[-1][0]), None)


def _history(ssm: Client, parameter: str) -> list[tuple[str, datetime]]:
    pages = ssm.get_paginator("get_parameter_history").paginate(Name=parameter)
    try:
        entries: list[dict[str, Any]] = [each for page in pages for each in page["Parameters"]]
    except ClientError as error:
        if error.response["Error"]["Code"] == "ParameterNotFound":
            return []
        raise
    entries.sort(key=lambda each: each["Version"])
    return [(json.loads(each["Value"])["version"], each["LastModifiedDate"]) for each in entries]


def publish(cloudwatch: Client, namespace: str, since: datetime, now: datetime) -> float:
    """Write the metric that the alarm on age looks at; returns the days."""
    days = (now - since).total_seconds() / _DAY_S
    point = {"MetricName": METRIC, "Value": days, "Unit": "None"}
    cloudwatch.put_metric_data(Namespace=namespace, MetricData=[point])
    return days
