"""The environment's key: everything that it keeps is encrypted with it."""

from collections.abc import Sequence
from typing import cast

from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from constructs import Construct

from sagewright.project import names
from sagewright.stacks import permissions
from sagewright.stacks.place import Place
from sagewright.stacks.retention import KEPT


class EncryptionKey(Construct):
    """One customer key per environment, so that access to all of its data can be given, seen and taken in one place.

    Its policy leaves the account's own access to IAM. No service is admitted: SageMaker uses the key through the roles
    of jobs and endpoints, S3 on behalf of who reads and writes.
    """

    def __init__(self, scope: Construct, construct_id: str, *, place: Place, readers: Sequence[Place]) -> None:
        super().__init__(scope, construct_id)
        key = kms.Key(
            self,
            "Key",
            description=f"Everything that {place.project} keeps in {place.environment}",
            enable_key_rotation=True,
            removal_policy=KEPT,
        )
        self.key = cast("kms.IKey", key)
        kms.Alias(
            self,
            "Alias",
            alias_name=names.key_alias(place.project, place.environment),
            target_key=self.key,
            removal_policy=KEPT,
        )
        for reader in readers:
            self._admit(reader)

    def _admit(self, reader: Place) -> None:
        """Let another account's release role read: the account as principal exists, the role may not yet."""
        self.key.add_to_resource_policy(
            iam.PolicyStatement(
                sid=f"ReleaseTo{reader.environment.capitalize()}",
                principals=[permissions.account(reader.account)],
                actions=["kms:Decrypt", "kms:DescribeKey"],
                resources=["*"],
                conditions={"ArnEquals": {"aws:PrincipalArn": reader.release_role_arn}},
            )
        )
