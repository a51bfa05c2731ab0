"""Who read and wrote what: the access logs of the data bucket."""

from typing import cast

from aws_cdk import CfnResource, Duration
from aws_cdk import aws_s3 as s3
from constructs import Construct

from sagewright.stacks import retention
from sagewright.stacks.place import Place

_KEPT_DAYS = 365
# Versions, so that somebody who may delete a log does not get rid of it at once.
_KEPT_DELETED_DAYS = 30


class LogBucket(Construct):
    """A bucket of its own: S3 delivers access logs under no customer key, and not into the bucket that they are of."""

    def __init__(self, scope: Construct, construct_id: str, *, place: Place) -> None:
        super().__init__(scope, construct_id)
        self.bucket = s3.Bucket(
            self,
            "Bucket",
            bucket_name=place.log_bucket,
            # Amazon S3's own keys: the only encryption that log delivery can write with.
            # https://docs.aws.amazon.com/AmazonS3/latest/userguide/enable-server-access-logging.html
            encryption=s3.BucketEncryption.S3_MANAGED,
            block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
            object_ownership=s3.ObjectOwnership.BUCKET_OWNER_ENFORCED,
            enforce_ssl=True,
            versioned=True,
            lifecycle_rules=[
                s3.LifecycleRule(
                    id="Forget",
                    expiration=Duration.days(_KEPT_DAYS),
                    noncurrent_version_expiration=Duration.days(_KEPT_DELETED_DAYS),
                )
            ],
        )
        self._is_not_logged()
        retention.settle(self.bucket, place.removal)
        retention.keep_policy(self.bucket)

    def _is_not_logged(self) -> None:
        reason = "Deliveries of access logs would be logged into the bucket that they are delivered to, without end."
        resource = cast("CfnResource", self.bucket.node.default_child)
        resource.add_metadata("checkov", {"skip": [{"id": "CKV_AWS_18", "comment": reason}]})
