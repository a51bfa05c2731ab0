"""Brings the project's own data files to where jobs read them, unless they are there as they are now."""

import hashlib
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from botocore.exceptions import ClientError

from sagewright.project import Project, names
from sagewright.runtime.functions.client import Client
from sagewright.runtime.functions.objects import Location, listing

from .errors import DENIED, CommandError
from .options import Options
from .target import Target

RECORDED = "sha256"
CHUNK_BYTES = 1 << 20


@dataclass(frozen=True)
class Upload:
    """What was found and done: `sent` is False where the same content was there already."""

    source: Path
    target: Location
    sha256: str
    size: int
    sent: bool


def source_location(project: Project, target: Target) -> Location:
    """Say where the training reads its input."""
    place = project.first.data.s3_place
    return Location(*place) if place is not None else Location(data_bucket(project, target), f"{names.RAW}/")


def is_local(project: Project) -> bool:
    """Tell whether the data is a file of the project, which has to be sent up."""
    return project.first.data.s3_place is None


def local_groups(project: Project) -> list[str]:
    """Name the feature groups whose source is a file of the project, which has to be sent up."""
    own = project.own_features.items()
    return [name for name, group in own if group.source is not None and group.s3_place is None]


def put(options: Options, project: Project, target: Target) -> Upload:
    """Send the data file up unless the same content is there; afterwards it is the only input."""
    file = project.root / project.first.data.source
    s3 = target.client("s3", project.first)
    location = Location(data_bucket(project, target), f"{names.RAW}/{file.name}")
    stale = _others(s3, location)
    upload = _send(options, s3, file, location)
    for key in stale:
        s3.delete_object(Bucket=location.bucket, Key=key)
        options.terminal.note(f"Removed {key}, an earlier data file of this project; the bucket keeps its old version.")
    return upload


def put_group(options: Options, project: Project, target: Target, group: str) -> Upload:
    """Send the source of a feature group up unless the same content is there.

    What was sent before under another name stays: another version of the group is filled from all of it.
    """
    source = project.own_features[group].source
    if source is None:
        raise CommandError(f"features.{group} has no source: it is written through SageMaker's API only.")
    file = project.root / source
    location = Location(data_bucket(project, target), f"{names.SOURCES}/{group}/{file.name}")
    return _send(options, target.client("s3", project.first), file, location)


def _send(options: Options, s3: Client, file: Path, location: Location) -> Upload:
    digest, size = _sha256(file), file.stat().st_size
    upload = Upload(file, location, digest, size, sent=_recorded(s3, location) != digest)
    if upload.sent:
        with options.terminal.transfer(f"Sending {file.name}", size) as progress:
            s3.upload_file(
                str(file),
                location.bucket,
                location.key,
                ExtraArgs={"Metadata": {RECORDED: digest}},
                Callback=partial(progress.advance, progress.task_ids[0]),
            )
    return upload


def data_bucket(project: Project, target: Target) -> str:
    """Name the bucket of the environment that trains."""
    first = project.first
    return names.data_bucket(project.name, first.name, target.account_of(first), first.region)


def _recorded(s3: Client, location: Location) -> str | None:
    """Read the hash that the last `data put` recorded; None where nothing is there, or another tool put it."""
    try:
        return s3.head_object(Bucket=location.bucket, Key=location.key)["Metadata"].get(RECORDED)
    except ClientError as error:
        if error.response["Error"]["Code"] in {"404", "NoSuchKey"} and _bucket_exists(s3, location.bucket):
            return None
        if error.response["Error"]["Code"] in DENIED:
            raise
        raise CommandError(
            f"The data bucket {location.bucket} is not there: run `sagewright deploy` first, which creates it."
        ) from error


def _bucket_exists(s3: Client, bucket: str) -> bool:
    try:
        s3.head_bucket(Bucket=bucket)
    except ClientError as error:
        return error.response["Error"]["Code"] in DENIED
    return True


def _others(s3: Client, location: Location) -> list[str]:
    """List earlier data files of ours: training reads everything below the prefix, and would read them too."""
    if not _bucket_exists(s3, location.bucket):
        return []
    ours: list[str] = []
    for entry in listing(s3, Location(location.bucket, f"{names.RAW}/")):
        if entry["Key"] == location.key or entry["Size"] == 0:
            continue
        other = Location(location.bucket, entry["Key"])
        if _recorded(s3, other) is None:
            raise CommandError(
                f"{other} was put there by something else, and the training would read it together with "
                f"{location.key}. Remove it, or make it the project's data: `source: s3://{location.bucket}/{names.RAW}/`."
            )
        ours.append(entry["Key"])
    return ours


def _sha256(file: Path) -> str:
    with file.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()
