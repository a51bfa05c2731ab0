"""The environment's key: everything that it keeps is encrypted with it."""

from collections.abc import Sequence
from typing import cast

from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from constructs import Construct

from sagewright.project import names
from sagewright.stacks import permissions, retention
from sagewright.stacks.place import Place


class EncryptionKey(Construct):
    """One customer key per environment, so that access to all of its data can be given, seen and taken in one place.

    Its policy leaves the account's own access to IAM. No service is admitted, but for CloudWatch Logs where the
    endpoint's log is kept under the key: SageMaker uses it through the roles of jobs and endpoints, S3 on behalf of who
    reads and writes.
    """

    def __init__(self, scope: Construct, construct_id: str, *, place: Place, readers: Sequence[Place]) -> None:
        super().__init__(scope, construct_id)
        key = kms.Key(
            self,
            "Key",
            description=f"Everything that {place.project} keeps in {place.environment}",
            enable_key_rotation=True,
        )
        retention.settle(key, place.removal)
        self._place = place
        self.key = cast("kms.IKey", key)
        alias = kms.Alias(
            self,
            "Alias",
            alias_name=names.key_alias(place.project, place.environment),
            target_key=self.key,
        )
        retention.settle(alias, place.removal)
        for reader in readers:
            self._admit(reader)

    def admit_log(self) -> None:
        """Let CloudWatch Logs encrypt the endpoint's log group and no other.

        https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/encrypt-log-data-kms.html
        """
        place = self._place
        group = place.arn("logs", f"log-group:{names.endpoint_log(place.project, place.environment)}")
        service = iam.ServicePrincipal(f"logs.{place.region}.{place.domain}")
        self.key.add_to_resource_policy(
            iam.PolicyStatement(
                sid="EncryptEndpointLog",
                # The CDK's classes name some parameters differently from the interfaces that they implement.
                principals=[cast("iam.IPrincipal", service)],
                actions=["kms:Decrypt", "kms:DescribeKey", "kms:Encrypt", "kms:GenerateDataKey*", "kms:ReEncrypt*"],
                resources=["*"],
                conditions={"ArnEquals": {"kms:EncryptionContext:aws:logs:arn": group}},
            )
        )

    def _admit(self, reader: Place) -> None:
        """Let another account's release role read: the account as principal exists, the role may not yet."""
        self.key.add_to_resource_policy(
            iam.PolicyStatement(
                sid=f"ReleaseTo{reader.environment.capitalize()}",
                principals=[permissions.account(reader.account)],
                actions=["kms:Decrypt"],
                resources=["*"],
                conditions={"ArnEquals": {"aws:PrincipalArn": reader.release_role_arn}},
            )
        )
