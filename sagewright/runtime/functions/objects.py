"""Where an object is: every evidence and artifact of a version is recorded as an `s3://` address."""

import csv
import io
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Self
from urllib.parse import urlsplit

from .client import Client
from .refusal import Refused


@dataclass(frozen=True)
class Location:
    """A bucket and a key (or a prefix) in it, so that addresses are taken apart in one place only."""

    bucket: str
    key: str

    @classmethod
    def parse(cls, uri: str) -> Self:
        """Take `s3://bucket/key` apart."""
        parts = urlsplit(uri)
        if parts.scheme != "s3" or not parts.netloc:
            raise Refused(f"{uri!r} is not an S3 address: s3://<bucket>/<key> is expected.")
        return cls(parts.netloc, parts.path.lstrip("/"))

    def __str__(self) -> str:
        return f"s3://{self.bucket}/{self.key}"

    def __truediv__(self, name: str) -> "Location":
        return Location(self.bucket, f"{self.key.rstrip('/')}/{name}" if self.key else name)


def listing(s3: Client, location: Location) -> Iterator[dict[str, Any]]:
    """Every object at or below `location`, as ListObjectsV2 describes it; S3 lists in the order of the keys."""
    for page in s3.get_paginator("list_objects_v2").paginate(Bucket=location.bucket, Prefix=location.key):
        yield from page.get("Contents", [])


def read_json(s3: Client, location: Location) -> dict[str, Any]:
    """Read one JSON document."""
    return json.loads(s3.get_object(Bucket=location.bucket, Key=location.key)["Body"].read())


def read_csv(s3: Client, location: Location) -> tuple[list[str], list[list[str]]]:
    """Read one CSV file: its header, and the texts of each row."""
    text = s3.get_object(Bucket=location.bucket, Key=location.key)["Body"].read().decode("utf-8")
    header, *rows = csv.reader(io.StringIO(text, newline=""))
    return header, rows
