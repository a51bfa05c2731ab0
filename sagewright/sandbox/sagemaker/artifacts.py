"""Why: requests name images in ECR and objects in S3; what such a name may look like is decided in one place."""

import re
from http import HTTPStatus
from typing import Any

from botocore.exceptions import ClientError

from ..protocol import ApiError

ECR_IMAGE = re.compile(
    r"\d{12}\.dkr\.ecr(-fips)?\.[a-z0-9-]+\.amazonaws\.com(\.cn)?/[a-z0-9._/-]+([:@][A-Za-z0-9._:+-]+)?"
)


def require_ecr_image(image: str) -> None:
    """Refuse an image that is not an address in Elastic Container Registry."""
    if not ECR_IMAGE.fullmatch(image):
        raise ApiError(
            "ValidationException",
            f"Invalid image URI {image}. Please provide a valid Amazon Elastic Container Registry path of the"
            " Docker image.",
        )


def split_s3_uri(uri: str) -> tuple[str, str]:
    """Return bucket and key (or prefix) of an s3:// URI."""
    if not uri.startswith("s3://"):
        raise ApiError("ValidationException", f"{uri} is not an S3 URI: it has to start with s3://.")
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    return bucket, key


def object_exists(client: Any, bucket: str, key: str) -> bool:
    """Tell whether an object exists; a ClientError says why whose client it is may not know."""
    try:
        client.head_object(Bucket=bucket, Key=key)
    except ClientError as error:
        status = error.response["ResponseMetadata"]["HTTPStatusCode"]
        if status == HTTPStatus.NOT_FOUND:
            return False
        if status != HTTPStatus.FORBIDDEN:
            raise
        # The refusal of a HEAD has no text; a GET needs the same permission and says which.
        client.get_object(Bucket=bucket, Key=key)["Body"].close()
    return True
