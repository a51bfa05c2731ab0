"""What an environment serves: read from the endpoint itself, because what was written down may have been overtaken.

A release writes down what it deployed. SageMaker may go back to the config before, minutes later and without a word;
the endpoint then names another config than the record does. So the endpoint is asked, and the record is put right.
"""

import json
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from .client import Client
from .refusal import Refused

# On every model, config and endpoint of a release: the version's ARN.
VERSION_TAG = "sagewright:version"
_ANSWERS = {"InService", "Updating", "SystemUpdating", "RollingBack", "UpdateRollbackFailed"}
_NO_ENDPOINT, _NO_CONFIG = "Could not find endpoint", "Could not find endpoint configuration"


@dataclass(frozen=True)
class Live:
    """What an environment serves: the version's ARN and the endpoint config it runs under.

    The ARN is None where the config carries none: somebody has made it by hand, or deleted it.
    """

    model_package_arn: str | None
    endpoint_config: str

    @property
    def number(self) -> int | None:
        """The version's number: the last part of its ARN."""
        return int(self.model_package_arn.rpartition("/")[2]) if self.model_package_arn else None

    def __str__(self) -> str:
        return f"version {self.number}" if self.number is not None else f"config {self.endpoint_config} of no release"


def read(sagemaker: Client, endpoint: str) -> Live | None:
    """Ask the endpoint which config it runs, and the config which version that is; None where nothing answers."""
    described = describe(sagemaker, endpoint)
    if described is None or described["EndpointStatus"] not in _ANSWERS:
        return None
    config = described["EndpointConfigName"]
    return Live(version_of(sagemaker, config), config)


def describe(sagemaker: Client, endpoint: str) -> dict[str, Any] | None:
    """Describe the endpoint; None where there is none."""
    return _found(lambda: sagemaker.describe_endpoint(EndpointName=endpoint), _NO_ENDPOINT)


def version_of(sagemaker: Client, config: str) -> str | None:
    """Read from an endpoint config which version it runs."""
    described = _found(lambda: sagemaker.describe_endpoint_config(EndpointConfigName=config), _NO_CONFIG)
    return tags(sagemaker, described["EndpointConfigArn"]).get(VERSION_TAG) if described is not None else None


def tags(sagemaker: Client, arn: str) -> dict[str, str]:
    """Read the tags of a model or an endpoint config."""
    pages = sagemaker.get_paginator("list_tags").paginate(ResourceArn=arn)
    return {tag["Key"]: tag["Value"] for page in pages for tag in page["Tags"]}


def _found(ask: Any, absent: str) -> dict[str, Any] | None:
    try:
        return ask()
    except ClientError as error:
        # SageMaker has no error code of its own for what is not there.
        if error.response["Error"]["Message"].startswith(absent):
            return None
        raise


def recorded(ssm: Client, parameter: str) -> Live | None:
    """Read what was written down; None before the first release."""
    value = _value(ssm, parameter)
    if value is None:
        return None
    record: dict[str, Any] = json.loads(value)
    return Live(record["version"], record["config"])


def correct(ssm: Client, parameter: str, live: Live, baseline: str) -> bool:
    """Write down what really serves, where the record says something else; False where it is right already."""
    if recorded(ssm, parameter) in (None, live) or live.model_package_arn is None:
        return False
    record = {"version": live.model_package_arn, "config": live.endpoint_config, "baseline": baseline}
    ssm.put_parameter(Name=parameter, Value=json.dumps(record), Type="String", Overwrite=True)
    return True


def copy_record(serving: Client, parameter: str, first: Client, copy: str) -> None:
    """Repeat a serving environment's record in the first one, so that training need not ask another account."""
    value = _value(serving, parameter)
    if value is None:
        raise Refused(f"The release has not written {parameter} down: is its stack another project's? Release again.")
    if _value(first, copy) != value:
        first.put_parameter(Name=copy, Value=value, Type="String", Overwrite=True)


def _value(ssm: Client, parameter: str) -> str | None:
    try:
        return str(ssm.get_parameter(Name=parameter)["Parameter"]["Value"])
    except ClientError as error:
        if error.response["Error"]["Code"] == "ParameterNotFound":
            return None
        raise
