"""Why: one place remembers what exists, so that every unit answers an absent or a taken name in AWS's own words."""

import copy
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from ..clock import Clock
from ..protocol import ApiError, Caller

Record = dict[str, Any]

MAX_TAGS = 50


@dataclass(frozen=True)
class Kind:
    """What AWS says about a kind of resource: its place in an ARN, and the errors for an absent or a taken name."""

    segment: str
    not_found: tuple[str, str]
    taken: tuple[str, str]


# Codes and wording as the service answers them; they differ from one kind to the next.
PROCESSING_JOB = Kind(
    "processing-job",
    ("ValidationException", "Could not find requested job with name: {name}"),
    (
        "ResourceInUse",
        "Job name must be unique within an AWS account and region, and a job with this name already exists ({arn})",
    ),
)
TRAINING_JOB = Kind(
    "training-job",
    ("ValidationException", "Requested resource not found."),
    (
        "ResourceInUse",
        (
            "Training job names must be unique within an AWS account and region, and a training job with this name"
            " already exists ({arn})"
        ),
    ),
)
MODEL = Kind(
    "model",
    ("ValidationException", 'Could not find model "{arn}".'),
    ("ValidationException", 'Cannot create already existing model "{arn}".'),
)
ENDPOINT_CONFIG = Kind(
    "endpoint-config",
    ("ValidationException", 'Could not find endpoint configuration "{arn}".'),
    ("ValidationException", 'Cannot create already existing endpoint configuration "{arn}".'),
)
ENDPOINT = Kind(
    "endpoint",
    ("ValidationException", 'Could not find endpoint "{arn}".'),
    ("ValidationException", 'Cannot create already existing endpoint "{arn}".'),
)
MODEL_PACKAGE_GROUP = Kind(
    "model-package-group",
    ("ValidationException", "ModelPackageGroup {arn} does not exist."),
    ("ValidationException", "Model Package Group already exists: {arn}"),
)
MODEL_PACKAGE = Kind(
    "model-package",
    ("ValidationException", "ModelPackage {arn} does not exist."),
    ("ValidationException", "Model Package already exists: {arn}"),
)
PIPELINE = Kind(
    "pipeline",
    ("ResourceNotFound", "Pipeline '{arn}' does not exist."),
    (
        "ValidationException",
        "Pipeline names must be unique within an AWS account and region. Pipeline with name ({name}) already exists.",
    ),
)
PIPELINE_EXECUTION = Kind(
    "pipeline",
    ("ResourceNotFound", "Pipeline execution '{arn}' does not exist."),
    ("ConflictException", "Pipeline execution '{arn}' already exists."),
)


DATA_QUALITY_JOB_DEFINITION = Kind(
    "data-quality-job-definition",
    ("ResourceNotFound", "Could not find data quality job definition with name: {name}"),
    (
        "ResourceInUse",
        (
            "Data quality job definition names must be unique within an AWS account and region, and one with this name"
            " already exists ({arn})"
        ),
    ),
)
MONITORING_SCHEDULE = Kind(
    "monitoring-schedule",
    ("ResourceNotFound", "Monitoring Schedule {arn} not found"),
    ("ResourceInUse", "Monitoring Schedule {arn} already exists"),
)

Changed = Callable[[Kind, Caller, Record | None, Record], None]
"""Told of a record before (None: there was none) and after a change."""


def _tell_nobody(kind: Kind, caller: Caller, before: Record | None, after: Record) -> None:
    del kind, caller, before, after


class Store:
    """Records of every account and region, safe to use from any thread.

    A record holds the members of the kind's Describe response. What comes out is a copy: change a record through
    `update`, which wakes everyone in `wait`.
    """

    def __init__(self, clock: Clock, changed: Changed = _tell_nobody) -> None:
        self.clock = clock
        self._tell = changed
        self._changed = threading.Condition()
        self._records: dict[tuple[str, str, Kind], dict[str, Record]] = {}
        self._tags: dict[str, dict[str, str]] = {}

    def now(self) -> datetime:
        """Return the time in UTC, in whole milliseconds as SageMaker's timestamps are."""
        now = datetime.fromtimestamp(self.clock.now(), UTC)
        return now.replace(microsecond=now.microsecond // 1000 * 1000)

    def arn(self, kind: Kind, caller: Caller, name: str) -> str:
        """Return the ARN that a resource of this name has in the caller's account and region."""
        return f"arn:aws:sagemaker:{caller.region}:{caller.account}:{kind.segment}/{name}"

    def put(self, kind: Kind, caller: Caller, name: str, record: Record, tags: Iterable[dict[str, str]] = ()) -> str:
        """Keep a new record and return its ARN; a taken name is refused."""
        arn = self.arn(kind, caller, name)
        with self._changed:
            records = self._of(kind, caller)
            if name in records:
                code, message = kind.taken
                raise ApiError(code, message.format(name=name, arn=arn))
            records[name] = copy.deepcopy(record)
            self._tags[arn] = _merged_tags({}, tags)
            self._changed.notify_all()
        self._tell(kind, caller, None, copy.deepcopy(record))
        return arn

    def find(self, kind: Kind, caller: Caller, name: str) -> Record | None:
        """Return the record, or None where there is none."""
        with self._changed:
            return copy.deepcopy(self._of(kind, caller).get(name))

    def get(self, kind: Kind, caller: Caller, name: str) -> Record:
        """Return the record; an absent one is refused."""
        with self._changed:
            return copy.deepcopy(self._existing(kind, caller, name))

    def all(self, kind: Kind, caller: Caller) -> list[Record]:
        """Return every record of the kind, in the order of creation."""
        with self._changed:
            return copy.deepcopy(list(self._of(kind, caller).values()))

    def update(self, kind: Kind, caller: Caller, name: str, /, **changes: Any) -> Record:
        """Change members of a record and return it; a member set to None disappears."""
        with self._changed:
            record = self._existing(kind, caller, name)
            before = dict(record)
            record.update(copy.deepcopy(changes))
            for member in [key for key, value in record.items() if value is None]:
                del record[member]
            after = copy.deepcopy(record)
        self._tell(kind, caller, before, after)  # before anybody who waits sees it, and goes on to something else
        with self._changed:
            self._changed.notify_all()
        return after

    def delete(self, kind: Kind, caller: Caller, name: str) -> Record:
        """Forget the record and its tags, and return it; an absent one is refused."""
        with self._changed:
            record = self._existing(kind, caller, name)
            del self._of(kind, caller)[name]
            self._tags.pop(self.arn(kind, caller, name), None)
            self._changed.notify_all()
            return record

    def wait(
        self, kind: Kind, caller: Caller, name: str, until: Callable[[Record], bool], timeout_s: float | None = None
    ) -> Record:
        """Block until the record satisfies `until` or the time is over, and return it as it then is."""
        with self._changed:
            self._changed.wait_for(lambda: until(self._existing(kind, caller, name)), timeout_s)
            return copy.deepcopy(self._existing(kind, caller, name))

    def add_tags(self, arn: str, tags: Iterable[dict[str, str]]) -> list[dict[str, str]]:
        """Add or overwrite tags of an existing resource and return all of them."""
        with self._changed:
            self._tags[arn] = _merged_tags(self._tags_of(arn), tags)
            return _tag_list(self._tags[arn])

    def tags(self, arn: str) -> list[dict[str, str]]:
        """Return the tags of an existing resource."""
        with self._changed:
            return _tag_list(self._tags_of(arn))

    def delete_tags(self, arn: str, keys: Iterable[str]) -> None:
        """Remove tags of an existing resource; absent keys are passed over, as AWS does."""
        with self._changed:
            tags = self._tags_of(arn)
            for key in keys:
                tags.pop(key, None)

    def _of(self, kind: Kind, caller: Caller) -> dict[str, Record]:
        return self._records.setdefault((caller.account, caller.region, kind), {})

    def _existing(self, kind: Kind, caller: Caller, name: str) -> Record:
        record = self._of(kind, caller).get(name)
        if record is None:
            code, message = kind.not_found
            raise ApiError(code, message.format(name=name, arn=self.arn(kind, caller, name)))
        return record

    def _tags_of(self, arn: str) -> dict[str, str]:
        if arn not in self._tags:
            raise ApiError("ValidationException", f"Could not find resource with arn {arn}")
        return self._tags[arn]


def _merged_tags(present: dict[str, str], added: Iterable[dict[str, str]]) -> dict[str, str]:
    new: dict[str, str] = {}
    for tag in added:
        key, value = tag["Key"], tag["Value"]
        if key.lower().startswith("aws:"):
            raise ApiError("ValidationException", f"Tag key {key!r} is not valid: the prefix 'aws:' is reserved.")
        if key in new:
            raise ApiError("ValidationException", f"Tag keys must be unique: {key!r} was given more than once.")
        new[key] = value
    merged = present | new
    if len(merged) > MAX_TAGS:
        raise ApiError(
            "ResourceLimitExceeded", f"A resource has at most {MAX_TAGS} tags; this one would have {len(merged)}."
        )
    return merged


def _tag_list(tags: dict[str, str]) -> list[dict[str, str]]:
    return [{"Key": key, "Value": value} for key, value in sorted(tags.items())]
