"""A release: one approved version, copied to where it serves.

The copy makes production independent: its endpoint starts instances from its own bucket and key, whatever happens to
the account in which the model was trained.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from botocore.exceptions import ClientError

from .client import Client
from .model_versions import APPROVED, Version
from .objects import Location, listing
from .refusal import Refused

COMPARED = {f"baseline/{name}" for name in ("code.zip", "constraints.json", "statistics.json")}
"""What a monitor needs of a version."""
MODEL = "model.tar.gz"


@dataclass(frozen=True)
class Artifacts:
    """The version's files in the serving environment's own bucket: what the serving template takes as parameters."""

    model_package_arn: str
    image: str
    model_data: Location
    baseline: Location
    comparable: bool = True
    """Whether requests can be compared with the baseline: not of a version from before there was monitoring."""

    @property
    def parameters(self) -> dict[str, str]:
        """The serving template's parameters, none of which has a default."""
        return {
            "ModelPackageArn": self.model_package_arn,
            "ImageUri": self.image,
            "ModelDataUrl": str(self.model_data),
            "BaselineUri": str(self.baseline),
        }


def require_approved(version: Version) -> None:
    """Refuse a version that nobody approved."""
    if version.is_retired:
        raise Refused(f"Version {version.number} is retired, and not released any more: choose another one.")
    if version.status != APPROVED:
        raise Refused(
            f"Version {version.number} is {version.status}: only an approved version can be released. "
            f"Look at it with `sagewright show {version.number}` and decide with `sagewright approve {version.number}`."
        )


def planned(s3: Client, version: Version, folder: Location) -> Artifacts:
    """Say what a copy below `folder` will be, without making it."""
    files = {f"baseline/{name}" for _, name in _files(s3, Location.parse(version.metadata["BaselineUri"]))}
    return _artifacts(version, folder, files)


def kept(s3: Client, version: Version, folder: Location) -> Artifacts:
    """Say what the copy is that an earlier release made below `folder`; refused where it is not whole."""
    prefix = f"{folder.key}/"
    files = {entry["Key"].removeprefix(prefix) for entry in listing(s3, Location(folder.bucket, prefix))}
    if MODEL not in files:
        raise Refused(f"The copy of version {version.number} in {folder} is not whole: {MODEL} is missing.")
    return _artifacts(version, folder, files)


def _artifacts(version: Version, folder: Location, files: set[str]) -> Artifacts:
    return Artifacts(version.arn, version.image, folder / MODEL, folder / "baseline", files >= COMPARED)


def copy(s3: Client, version: Version, folder: Location) -> Artifacts:
    """Copy model, baseline and evaluation below `folder`; the target bucket's default key encrypts them anew.

    Repeating it writes the same objects again: a release that stopped half-way is simply released again.
    """
    require_approved(version)
    _copy_object(s3, Location.parse(version.model_data), folder / MODEL)
    copied: set[str] = set()
    for name, uri in (("baseline", version.metadata["BaselineUri"]), ("evaluation", version.metadata["EvaluationUri"])):
        for source, relative in _files(s3, Location.parse(uri)):
            _copy_object(s3, source, folder / name / relative)
            copied.add(f"{name}/{relative}")
    return _artifacts(version, folder, copied)


def _files(s3: Client, folder: Location) -> Iterator[tuple[Location, str]]:
    prefix = folder.key.rstrip("/") + "/"
    entries = [entry["Key"] for entry in listing(s3, Location(folder.bucket, prefix))]
    if not entries:
        raise Refused(f"There is nothing below {folder}: the version's record is not complete. Train a new version.")
    for key in entries:
        yield Location(folder.bucket, key), key.removeprefix(prefix)


def _copy_object(s3: Client, source: Location, target: Location) -> None:
    try:
        # The managed copy: in parts above 5 GB, which CopyObject alone refuses.
        s3.copy({"Bucket": source.bucket, "Key": source.key}, target.bucket, target.key)
    except ClientError as error:
        if error.operation_name == "HeadObject":
            # An answer without a body tells nothing: GetObject's says who may not do what, and which policy is missing.
            s3.get_object(Bucket=source.bucket, Key=source.key, Range="bytes=0-0")
        raise
