"""What "it stays" means to CloudFormation."""

from aws_cdk import RemovalPolicy
from aws_cdk import aws_s3 as s3

# Kept when its stack is deleted or an update would replace it, but not when the very deployment that creates it fails:
# what that left behind would be empty, and its name would stand in the way of the next attempt.
KEPT = RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE


def keep_policy(bucket: s3.Bucket) -> None:
    """Keep a bucket's policy with the bucket: who may read it must not widen when its stack goes."""
    if bucket.policy is not None:
        bucket.policy.apply_removal_policy(KEPT)
