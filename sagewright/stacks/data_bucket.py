"""Where data is: raw tables, what every training run made of them, and what was released."""

from collections.abc import Sequence
from typing import cast

from aws_cdk import Duration
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from constructs import Construct

from sagewright.project import names
from sagewright.stacks import permissions, retention
from sagewright.stacks.place import Place
from sagewright.stacks.version_artifacts import COPIED, HELD_OUT

_UNFINISHED_DAYS = 7
_REPLACED_DAYS = 90
_QUERIED_DAYS = 7
# Replication from another bucket would overwrite and delete without the first two.
_DELETING = ["s3:DeleteObject", "s3:DeleteObjectVersion", "s3:PutObjectAcl", "s3:ReplicateDelete", "s3:ReplicateObject"]


class DataBucket(Construct):
    """One bucket per environment, so that production starts instances from its own whatever happens elsewhere."""

    def __init__(  # noqa: PLR0913 (each is another thing that the bucket works with)
        self,
        scope: Construct,
        construct_id: str,
        *,
        place: Place,
        key: kms.IKey,
        logs: s3.IBucket,
        readers: Sequence[Place],
    ) -> None:
        super().__init__(scope, construct_id)
        self.bucket = s3.Bucket(
            self,
            "Bucket",
            bucket_name=place.data_bucket,
            encryption=s3.BucketEncryption.KMS,
            encryption_key=key,
            # One call to the key per bucket and not per object.
            bucket_key_enabled=True,
            block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
            object_ownership=s3.ObjectOwnership.BUCKET_OWNER_ENFORCED,
            enforce_ssl=True,
            versioned=True,
            server_access_logs_bucket=logs,
            server_access_logs_prefix="data/",
            lifecycle_rules=[
                s3.LifecycleRule(
                    id="DropUnfinished", abort_incomplete_multipart_upload_after=Duration.days(_UNFINISHED_DAYS)
                ),
                s3.LifecycleRule(id="DropReplaced", noncurrent_version_expiration=Duration.days(_REPLACED_DAYS)),
            ],
        )
        retention.settle(self.bucket, place.removal)
        retention.keep_policy(self.bucket)
        self._send_events()
        for reader in readers:
            self._admit(reader)

    def keep_audit(self) -> None:
        """Let everybody who may write add to the audit folder, and nobody delete or overwrite what is in it.

        A write must ask S3 whether there is such an object already. Large objects in parts cannot ask before their end:
        there are none. https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes-enforce.html
        """
        records = [self.bucket.arn_for_objects(f"{names.AUDIT}/*")]
        for sid, actions, conditions in (
            ("KeepAudit", _DELETING, None),
            ("OnlyAddToAudit", ["s3:PutObject"], {"Null": {"s3:if-none-match": "true"}}),
        ):
            self.bucket.add_to_resource_policy(
                iam.PolicyStatement(
                    sid=sid,
                    effect=iam.Effect.DENY,
                    # The CDK's classes name some parameters differently from the interfaces that they implement.
                    principals=[cast("iam.IPrincipal", iam.AnyPrincipal())],
                    actions=actions,
                    resources=records,
                    conditions=conditions,
                )
            )

    def expire_queries(self) -> None:
        """Drop what queries have read and written: it is of no use when they have ended."""
        self.bucket.add_lifecycle_rule(
            id="DropQueries", prefix=f"{names.QUERIES}/", expiration=Duration.days(_QUERIED_DAYS)
        )

    def show_held_out(self, reader: Place) -> None:
        """Let another account's release role read the rows that it asks a released version."""
        self.bucket.add_to_resource_policy(
            iam.PolicyStatement(
                sid=f"VerifyIn{reader.environment.capitalize()}",
                principals=[permissions.account(reader.account)],
                actions=["s3:GetObject"],
                resources=[self.bucket.arn_for_objects(f"{HELD_OUT}/*")],
                conditions={"ArnEquals": {"aws:PrincipalArn": reader.release_role_arn}},
            )
        )

    def _send_events(self) -> None:
        """Let rules see new objects; the construct's own `event_bridge_enabled` would add a function to deploy it."""
        bucket = cast("s3.CfnBucket", self.bucket.node.default_child)
        bucket.notification_configuration = s3.CfnBucket.NotificationConfigurationProperty(
            event_bridge_configuration=s3.CfnBucket.EventBridgeConfigurationProperty(event_bridge_enabled=True)
        )

    def _admit(self, reader: Place) -> None:
        """Let another account's release role copy versions: the account as principal exists, the role may not yet."""
        name = reader.environment.capitalize()
        role = {"ArnEquals": {"aws:PrincipalArn": reader.release_role_arn}}
        account = permissions.account(reader.account)
        self.bucket.add_to_resource_policy(
            iam.PolicyStatement(
                sid=f"ReleaseTo{name}",
                principals=[account],
                actions=["s3:GetObject"],
                resources=[self.bucket.arn_for_objects(f"{folder}/*") for folder in COPIED],
                conditions=role,
            )
        )
        self.bucket.add_to_resource_policy(
            iam.PolicyStatement(
                sid=f"ListFor{name}",
                principals=[account],
                actions=["s3:ListBucket"],
                resources=[self.bucket.bucket_arn],
                conditions=role | {"StringLike": {"s3:prefix": [f"{folder}/*" for folder in COPIED]}},
            )
        )
