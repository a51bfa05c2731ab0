"""Rows that an ingestion has set aside: how many, where they lie, and why, so that nobody has to search."""

import codecs
import csv
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from itertools import islice
from typing import Any

from botocore.exceptions import ClientError

from sagewright.cli import uploading
from sagewright.cli.target import Target
from sagewright.project import Project, names
from sagewright.runtime.functions.client import Client
from sagewright.runtime.functions.objects import Location, listing, read_json

FOLDER = "quarantine"
SHOWN = 3
# The whole row stands in one field, and may be longer than Python allows for by itself.
_LONGEST = 2**30


@dataclass(frozen=True)
class Reason:
    """Why one row was set aside; rows are numbered from 1 below the header."""

    row: int
    reason: str


@dataclass(frozen=True)
class SetAside:
    """The rows of one group that one run has set aside; the reasons are the first ones of its newest file."""

    group: str
    rows: int
    place: str
    file: str
    reasons: tuple[Reason, ...]

    def document(self) -> dict[str, Any]:
        """Write it for programs."""
        return {**asdict(self), "reasons": [asdict(each) for each in self.reasons]}

    def lines(self) -> Iterator[str]:
        """Write it for people."""
        rows = "1 row was" if self.rows == 1 else f"{self.rows:,} rows were"
        yield f"{self.group}: {rows} set aside, with the reasons: {self.place}"
        for each in self.reasons:
            yield f"  {self.file}, row {each.row}: {each.reason}"


@dataclass(frozen=True)
class Before:
    """What was set aside before a run: what is there besides when it has ended is the run's.

    Names and times of the bucket are compared with themselves, so that no clock of another machine has a say.
    """

    s3: Client
    places: Mapping[str, Location]
    known: Mapping[str, Mapping[str, datetime]]

    @classmethod
    def of(cls, project: Project, target: Target, groups: Sequence[str]) -> "Before":
        """Look at the groups' places as they are now."""
        s3, bucket = target.client("s3", project.first), uploading.data_bucket(project, target)
        places = {
            name: Location(bucket, f"{names.INGESTION}/{name}/v{project.features[name].version}/") for name in groups
        }
        return cls(s3, places, {name: _files(s3, place) for name, place in places.items()})

    def since(self) -> list[SetAside]:
        """Return what has come since, by group."""
        found = (self._since(name, place) for name, place in self.places.items())
        return [each for each in found if each is not None]

    def _since(self, group: str, place: Location) -> SetAside | None:
        known = self.known[group]
        new = {key: at for key, at in _files(self.s3, place).items() if known.get(key) != at}
        ends = {key: self._end(place, key) for key in sorted(new, key=lambda key: new[key], reverse=True)}
        ended = {key: end for key, end in ends.items() if end is not None}
        if not ended:
            return None
        newest = next(iter(ended))
        return SetAside(
            group=group,
            rows=sum(end["quarantined"] for end in ended.values()),
            place=str(place / FOLDER) + "/",
            file=ended[newest]["file"],
            reasons=tuple(self._reasons(Location(place.bucket, newest))),
        )

    def _end(self, place: Location, key: str) -> dict[str, Any] | None:
        """Read the counts of the file that the rows are of; None where another run is still at it."""
        content = key.rpartition("/")[2].removesuffix(".csv")
        try:
            return read_json(self.s3, place / f"ledger/{content}.end.json")
        except ClientError as error:
            if error.response["Error"]["Code"] == "NoSuchKey":
                return None
            raise

    def _reasons(self, file: Location) -> Iterator[Reason]:
        """Read the first reasons, and no more of a file that may be large."""
        csv.field_size_limit(_LONGEST)
        body = self.s3.get_object(Bucket=file.bucket, Key=file.key)["Body"]
        try:
            rows = csv.reader(codecs.getreader("utf-8")(body, "replace"))
            for row, reason, *_ in islice(rows, 1, 1 + SHOWN):
                yield Reason(int(row), reason)
        finally:
            body.close()


def _files(s3: Client, place: Location) -> dict[str, datetime]:
    """Return when each file of rows that were set aside was written; none where there is no bucket yet."""
    try:
        return {
            each["Key"]: each["LastModified"] for each in listing(s3, Location(place.bucket, f"{place.key}{FOLDER}/"))
        }
    except ClientError as error:
        if error.response["Error"]["Code"] == "NoSuchBucket":
            return {}
        raise
