"""Why: requests name images in ECR and objects in S3; what such a name may look like is decided in one place."""

import re

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
