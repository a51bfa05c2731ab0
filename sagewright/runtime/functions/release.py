"""A release: one approved version, copied to where it serves, and proof that the endpoint really runs it.

The copy makes production independent: its endpoint starts instances from its own bucket and key, whatever happens to
the account in which the model was trained.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from .client import Client
from .model_versions import APPROVED, Version
from .objects import Location, listing
from .refusal import Refused


@dataclass(frozen=True)
class Artifacts:
    """The version's files in the serving environment's own bucket: what the serving template takes as parameters."""

    model_package_arn: str
    image: str
    model_data: Location
    baseline: Location

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
    if version.status != APPROVED:
        raise Refused(
            f"Version {version.number} is {version.status}: only an approved version can be released. "
            f"Look at it with `sagewright show {version.number}` and decide with `sagewright approve {version.number}`."
        )


def copy(s3: Client, version: Version, folder: Location) -> Artifacts:
    """Copy model, baseline and evaluation below `folder`; the target bucket's default key encrypts them anew.

    Repeating it writes the same objects again: a release that stopped half-way is simply released again.
    """
    require_approved(version)
    model = folder / "model.tar.gz"
    _copy_object(s3, Location.parse(version.model_data), model)
    for name, uri in (("baseline", version.metadata["BaselineUri"]), ("evaluation", version.metadata["EvaluationUri"])):
        for source, relative in _files(s3, Location.parse(uri)):
            _copy_object(s3, source, folder / name / relative)
    return Artifacts(version.arn, version.image, model, folder / "baseline")


def _files(s3: Client, folder: Location) -> Iterator[tuple[Location, str]]:
    prefix = folder.key.rstrip("/") + "/"
    entries = [entry["Key"] for entry in listing(s3, Location(folder.bucket, prefix))]
    if not entries:
        raise Refused(f"There is nothing below {folder}: the version's record is not complete. Train a new version.")
    for key in entries:
        yield Location(folder.bucket, key), key.removeprefix(prefix)


def _copy_object(s3: Client, source: Location, target: Location) -> None:
    # The managed copy: in parts above 5 GB, which CopyObject alone refuses.
    s3.copy({"Bucket": source.bucket, "Key": source.key}, target.bucket, target.key)


@dataclass(frozen=True)
class Live:
    """What an environment serves: the version's ARN and the endpoint config it runs under."""

    model_package_arn: str
    endpoint_config: str

    @property
    def number(self) -> int:
        """The version's number: the last part of its ARN."""
        return int(self.model_package_arn.rpartition("/")[2])


def live(ssm: Client, parameter: str) -> Live | None:
    """Read what the last successful release wrote down; None before the first one."""
    value = _value(ssm, parameter)
    if value is None:
        return None
    record: dict[str, Any] = json.loads(value)
    return Live(record["version"], record["config"])


def copy_record(serving: Client, parameter: str, first: Client, copy: str) -> None:
    """Repeat a serving environment's record in the first one, so that training need not ask another account."""
    value = _value(serving, parameter)
    if value is None:
        raise Refused(f"The release has not written {parameter} down: is its stack another project's? Release again.")
    first.put_parameter(Name=copy, Value=value, Type="String", Overwrite=True)


def _value(ssm: Client, parameter: str) -> str | None:
    try:
        return str(ssm.get_parameter(Name=parameter)["Parameter"]["Value"])
    except ClientError as error:
        if error.response["Error"]["Code"] == "ParameterNotFound":
            return None
        raise


def verify(sagemaker: Client, endpoint: str, endpoint_config: str) -> None:
    """Make sure that the endpoint is in service *on the new config*.

    An update that SageMaker rolled back also ends `InService`, but on the old config, and looks like a success.
    """
    description = sagemaker.describe_endpoint(EndpointName=endpoint)
    status, running = description["EndpointStatus"], description["EndpointConfigName"]
    if status != "InService":
        reason = description.get("FailureReason", "SageMaker gives no reason")
        raise Refused(f"Endpoint {endpoint} is {status}, not InService: {reason}.")
    if running != endpoint_config:
        raise Refused(
            f"Endpoint {endpoint} is InService, but on {running} instead of {endpoint_config}: "
            "SageMaker has rolled the update back. The version before it still serves."
        )
