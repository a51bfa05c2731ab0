"""Why: sources, artifacts and caches are in S3, and CodeBuild names their places in three ways."""

from dataclasses import dataclass


@dataclass(frozen=True)
class S3Place:
    """An object, or a prefix of objects; without a version it is the newest."""

    bucket: str
    key: str
    version: str = ""

    @property
    def arn(self) -> str:
        """Return the ARN of the object."""
        return f"arn:aws:s3:::{self.bucket}/{self.key}"


def read_location(location: str) -> S3Place:
    """Read `bucket/path`, an S3 URI or an ARN."""
    for prefix in ("arn:aws:s3:::", "s3://"):
        location = location.removeprefix(prefix)
    bucket, _, key = location.partition("/")
    return S3Place(bucket, key)
