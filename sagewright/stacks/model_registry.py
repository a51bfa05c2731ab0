"""The registry of versions, in the environment that trains."""

from collections.abc import Sequence
from typing import Any

from aws_cdk import aws_sagemaker as sagemaker
from constructs import Construct

from sagewright.project import names
from sagewright.stacks import retention
from sagewright.stacks.place import Place


class ModelRegistry(Construct):
    """The model package group: what was decided about each version outlives every pipeline and endpoint.

    It has no description: CloudFormation would replace the group, and with it every version, when the text changes.
    """

    def __init__(self, scope: Construct, construct_id: str, *, place: Place, readers: Sequence[Place]) -> None:
        super().__init__(scope, construct_id)
        self.group = sagemaker.CfnModelPackageGroup(
            self,
            "Group",
            model_package_group_name=names.model_package_group(place.project),
            model_package_group_policy=_policy(place, readers),
        )
        retention.settle(self.group, place.removal)


def _policy(place: Place, readers: Sequence[Place]) -> dict[str, Any] | None:
    """Let release roles of other accounts read a version; an account needs no policy for itself."""
    if not readers:
        return None
    versions = place.arn("sagemaker", f"model-package/{names.model_package_group(place.project)}/*")
    return {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Sid": f"ReleaseTo{reader.environment.capitalize()}",
                "Effect": "Allow",
                "Principal": {"AWS": f"arn:{reader.partition}:iam::{reader.account}:root"},
                "Action": ["sagemaker:DescribeModelPackage"],
                "Resource": [versions],
                "Condition": {"ArnEquals": {"aws:PrincipalArn": reader.release_role_arn}},
            }
            for reader in readers
        ],
    }
