"""Who read and wrote what: the access logs of the data bucket."""

from aws_cdk import Duration
from aws_cdk import aws_s3 as s3
from constructs import Construct

from sagewright.stacks.place import Place
from sagewright.stacks.retention import KEPT, keep_policy

_KEPT_DAYS = 365


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
            lifecycle_rules=[s3.LifecycleRule(id="Forget", expiration=Duration.days(_KEPT_DAYS))],
            removal_policy=KEPT,
        )
        keep_policy(self.bucket)
