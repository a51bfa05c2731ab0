"""What "it stays" means to CloudFormation."""

from typing import cast

from aws_cdk import CfnDeletionPolicy, CfnResource
from aws_cdk import aws_s3 as s3
from constructs import Construct

from sagewright.project.model import Removal

# Kept when its stack is deleted, but not when the very deployment that creates it fails: what that left behind would
# be empty, and its name would stand in the way of the next attempt.
_ON_DELETION: dict[Removal, CfnDeletionPolicy] = {
    "retain": CfnDeletionPolicy.RETAIN_EXCEPT_ON_CREATE,
    "destroy": CfnDeletionPolicy.DELETE,
}


def settle(resource: Construct, removal: Removal) -> None:
    """Say what becomes of a resource with its stack. An update that would replace it never deletes it."""
    options = cast("CfnResource", resource.node.default_child or resource).cfn_options
    options.deletion_policy = _ON_DELETION[removal]
    options.update_replace_policy = CfnDeletionPolicy.RETAIN


def keep_policy(bucket: s3.Bucket) -> None:
    """Keep a bucket's policy with the bucket: who may read it must not widen when its stack goes, or fails to go."""
    if bucket.policy is not None:
        settle(bucket.policy, "retain")
