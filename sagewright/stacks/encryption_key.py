"""The environment's key: everything that it keeps is encrypted with it."""

from collections.abc import Sequence
from typing import cast

from aws_cdk import Fn
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from constructs import Construct

from sagewright.project import names
from sagewright.stacks import permissions, retention
from sagewright.stacks.place import Place


def export(place: Place) -> str:
    """Name what the data stack tells releases, whose templates cannot refer to it."""
    return f"{names.data_stack(place.project, place.environment)}-key"


def imported(scope: Construct, construct_id: str, *, place: Place) -> kms.IKey:
    """Know the environment's key by what the data stack exports."""
    return kms.Key.from_key_arn(scope, construct_id, Fn.import_value(export(place)))


class EncryptionKey(Construct):
    """One customer key per environment, so that access to all of its data can be given, seen and taken in one place.

    Its policy leaves the account's own access to IAM. No service is admitted, but for CloudWatch Logs where the logs of
    endpoint and function are kept under the key: SageMaker uses it through the roles of jobs and endpoints, SNS
    through that of who publishes, S3 on behalf of who reads and writes.
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

    def admit_logs(self) -> None:
        """Let CloudWatch Logs encrypt the log groups of the endpoint and of what watches it, and no other."""
        place = self._place
        here = (place.project, place.environment)
        logs = (names.endpoint_log(*here), names.function_log(names.findings_function(*here)))
        admit_logs(self.key, place, logs)

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


def admit_logs(key: kms.IKey, place: Place, groups: Sequence[str]) -> None:
    """Let CloudWatch Logs encrypt log groups with a key, and no other.

    https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/encrypt-log-data-kms.html
    """
    named = [place.arn("logs", f"log-group:{each}") for each in groups]
    service = iam.ServicePrincipal(f"logs.{place.region}.{place.domain}")
    key.add_to_resource_policy(
        iam.PolicyStatement(
            sid="EncryptLogs",
            # The CDK's classes name some parameters differently from the interfaces that they implement.
            principals=[cast("iam.IPrincipal", service)],
            actions=["kms:Decrypt", "kms:DescribeKey", "kms:Encrypt", "kms:GenerateDataKey*", "kms:ReEncrypt*"],
            resources=["*"],
            conditions={"ArnEquals": {"kms:EncryptionContext:aws:logs:arn": named}},
        )
    )
