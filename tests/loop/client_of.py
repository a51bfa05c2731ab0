"""AWS's own client, as anybody makes it who has the variables that `sagewright sandbox up` prints."""

from collections.abc import Mapping
from typing import Any

import boto3
from botocore.config import Config


def client_of(variables: Mapping[str, str], service: Any, region: str = "") -> Any:
    """Make a client of a service, in the variables' own region if no other one is named."""
    return boto3.client(
        service,
        endpoint_url=variables["AWS_ENDPOINT_URL"],
        region_name=region or variables["AWS_REGION"],
        aws_access_key_id=variables["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=variables["AWS_SECRET_ACCESS_KEY"],
        config=Config(proxies={}),
    )
