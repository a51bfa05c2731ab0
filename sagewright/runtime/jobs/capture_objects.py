"""The captured records of a window, read from S3 one after the other.

A record's time decides where it belongs: the folders are named by the hour, but a record from the end of an hour may
stand in the next one's.
https://docs.aws.amazon.com/sagemaker/latest/dg/model-monitor-data-capture-endpoint.html
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from sagewright.runtime.serving.errors import UserError

Record = dict[str, Any]

HOUR = timedelta(hours=1)


@dataclass(frozen=True)
class Period:
    """Whole hours: the first moment in it, and the first one after it."""

    start: datetime
    end: datetime

    @classmethod
    def ending(cls, moment: str, hours: int) -> "Period":
        """Return the last whole hours before a moment; a day of them is one of the calendar, in UTC."""
        try:
            end = datetime.fromisoformat(moment)
        except ValueError:
            raise UserError(
                f"--window-end {moment!r} is not a time: give one in ISO 8601, such as 2026-11-21T10:00:00Z"
            ) from None
        end = (end if end.tzinfo else end.replace(tzinfo=UTC)).astimezone(UTC)
        end = end.replace(minute=0, second=0, microsecond=0)
        if hours == 24:  # noqa: PLR2004 - a day
            end = end.replace(hour=0)
        return cls(end - hours * HOUR, end)

    def holds(self, moment: datetime) -> bool:
        """Return whether the moment is in it."""
        return self.start <= moment < self.end

    def document(self) -> dict[str, str]:
        """Return it as drift.json has it."""
        return {name: f"{moment:%Y-%m-%dT%H:%M:%SZ}" for name, moment in (("start", self.start), ("end", self.end))}


class CaptureObjects:
    """The capture of one variant of an endpoint: `s3://bucket/prefix/yyyy/mm/dd/hh/….jsonl`."""

    def __init__(self, uri: str, region: str) -> None:
        import boto3  # noqa: PLC0415 - it takes long, and the other programs of the bundle need none

        address = urlsplit(uri)
        if address.scheme != "s3" or not address.netloc:
            raise UserError(f"--capture {uri!r} is no place in S3: give s3://bucket/prefix")
        self._bucket, self._prefix = address.netloc, address.path.strip("/")
        # Said, because nothing documents under which name a job is told its region.
        self._client = boto3.client("s3", region_name=region)

    def records(self, period: Period) -> Iterator[Record | None]:
        """Yield each record of the period, and None for each line that is none."""
        hour = period.start
        while hour <= period.end:
            for key in self._keys(f"{self._prefix}/{hour:%Y/%m/%d/%H}/"):
                for line in self._client.get_object(Bucket=self._bucket, Key=key)["Body"].iter_lines():
                    if line.strip():
                        yield from _in(period, line, hour)
            hour += HOUR

    def _keys(self, prefix: str) -> Iterator[str]:
        pages = self._client.get_paginator("list_objects_v2").paginate(Bucket=self._bucket, Prefix=prefix)
        for page in pages:
            yield from (listed["Key"] for listed in page.get("Contents", []) if listed["Key"].endswith(".jsonl"))


def _in(period: Period, line: bytes, hour: datetime) -> Iterator[Record | None]:
    """Yield the record of a line if it belongs to the period; one without a time belongs to its folder's hour."""
    try:
        record: Any = json.loads(line)
    except (ValueError, RecursionError):
        record = None
    moment = _time(record)
    if period.holds(moment or hour):
        yield record if isinstance(record, dict) else None


def _time(record: Any) -> datetime | None:
    try:
        moment = datetime.fromisoformat(record["eventMetadata"]["inferenceTime"])
    except (KeyError, TypeError, ValueError):
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
