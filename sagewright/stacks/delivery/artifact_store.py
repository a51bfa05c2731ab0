"""What one stage of a pipeline hands to the next, for as long as somebody may ask what it was."""

from collections.abc import Sequence
from typing import cast

from aws_cdk import Duration
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from constructs import Construct

from sagewright.project import names
from sagewright.stacks import permissions, retention
from sagewright.stacks.delivery.notices import admit_alarms
from sagewright.stacks.delivery.undelivered import admit_events
from sagewright.stacks.encryption_key import admit_logs
from sagewright.stacks.place import Place

_KEPT_DAYS = 30
_UNFINISHED_DAYS = 7
_READ = ["s3:GetObject", "s3:GetObjectVersion"]
# What AWS's own policies for the roles of pipelines and builds have on the bucket itself.
# https://docs.aws.amazon.com/codepipeline/latest/userguide/how-to-custom-role.html
_LOOK = ["s3:GetBucketAcl", "s3:GetBucketLocation", "s3:GetBucketVersioning"]
# CodePipeline cuts a pipeline's name short where it keeps its artifacts, and an artifact's after ten characters.
# https://docs.aws.amazon.com/codepipeline/latest/userguide/concepts.html
_PIPELINE_LENGTH = 20
_UNNAMED = "CodePipeline names an artifact's object when it writes it; pipeline and artifact are exact."
# What CloudFormation is given: templates, and the parameters for them.
RELEASE = "Release"


class ArtifactStore(Construct):
    """A bucket under a key of its own, of which the roles that deploy environments read their templates.

    It is in the data stack: a bucket that is not empty cannot be deleted, and nobody should have to empty one to make
    the pipelines anew. The key is not the environment's: other accounts get to use it.
    """

    def __init__(
        self, scope: Construct, construct_id: str, *, place: Place, serving: Sequence[Place], logs: s3.IBucket
    ) -> None:
        super().__init__(scope, construct_id)
        self.bucket_name = names.artifact_bucket(place.project, place.account, place.region)
        self._bucket_arn = f"arn:{place.partition}:s3:::{self.bucket_name}"
        key = kms.Key(
            self,
            "Key",
            description=f"What pipelines of {place.project} hand on",
            enable_key_rotation=True,
        )
        # The CDK's classes name some parameters differently from the interfaces that they implement: hence the casts.
        self.key = cast("kms.IKey", key)
        alias = kms.Alias(self, "Alias", alias_name=names.delivery_alias(place.project), target_key=self.key)
        for each in (key, alias):
            retention.settle(each, place.removal)
        admit_alarms(self.key, place, names.delivery_topic(place.project))
        admit_events(self.key, place)
        # What the stacks of pipelines write down is under this key, too, where the project says how long to keep it.
        logs_of = (names.function_log(names.delivery_function(place.project)), names.build_log(f"{place.project}-*"))
        admit_logs(self.key, place, logs_of)
        self.bucket = s3.Bucket(
            self,
            "Bucket",
            bucket_name=self.bucket_name,
            encryption=s3.BucketEncryption.KMS,
            encryption_key=self.key,
            bucket_key_enabled=True,
            block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
            object_ownership=s3.ObjectOwnership.BUCKET_OWNER_ENFORCED,
            enforce_ssl=True,
            # Some actions of CodePipeline ask for one version of an artifact.
            versioned=True,
            server_access_logs_bucket=logs,
            server_access_logs_prefix="artifacts/",
            lifecycle_rules=[
                s3.LifecycleRule(
                    id="DropUnfinished", abort_incomplete_multipart_upload_after=Duration.days(_UNFINISHED_DAYS)
                ),
                s3.LifecycleRule(
                    id="Forget",
                    expiration=Duration.days(_KEPT_DAYS),
                    noncurrent_version_expiration=Duration.days(1),
                ),
            ],
        )
        retention.settle(self.bucket, place.removal)
        retention.keep_policy(self.bucket)
        for each in serving:
            self._admit(each, place)

    def grant(
        self,
        role: iam.Role,
        *pipelines: str,
        reads: Sequence[str] = (),
        writes: Sequence[str] = (),
        with_acl: bool = False,
    ) -> None:
        """Allow reading and writing artifacts of pipelines, by their names there.

        CodePipeline uploads what comes over a connection with an access list, and fails where it may not:
        https://github.com/aws/aws-cdk/issues/13557
        """
        if reads:
            objects = [self._objects(pipeline, each) for pipeline in pipelines for each in reads]
            permissions.allow(role, "ReadArtifacts", _READ, objects, because=_UNNAMED)
        if writes:
            objects = [self._objects(pipeline, each) for pipeline in pipelines for each in writes]
            put = ["s3:PutObject", *(["s3:PutObjectAcl"] if with_acl else [])]
            permissions.allow(role, "WriteArtifacts", put, objects, because=_UNNAMED)
        permissions.allow(role, "LookAtArtifacts", _LOOK, [self._bucket_arn])
        operations = ["Decrypt"] if not writes else ["Decrypt", "GenerateDataKey"]
        permissions.allow(role, "UseArtifactKey", [f"kms:{each}" for each in operations], [self.key.key_arn])

    def _objects(self, pipeline: str, artifact: str) -> str:
        return f"{self._bucket_arn}/{pipeline[:_PIPELINE_LENGTH]}/{artifact}/*"

    def _admit(self, reader: Place, place: Place) -> None:
        """Let the role that deploys an environment read templates.

        In the store's own account the role is named: its bootstrap lets it at artifacts of other accounts alone, so the
        account's word would not be enough. In another one the account is, which is there before its bootstrap is.
        https://docs.aws.amazon.com/cdk/v2/guide/bootstrapping-env.html
        """
        if reader.account == place.account:
            self._admit_role(cast("iam.IPrincipal", iam.ArnPrincipal(reader.deploy_role_arn)), reader, {})
        else:
            exact = {"ArnEquals": {"aws:PrincipalArn": reader.deploy_role_arn}}
            self._admit_role(permissions.account(reader.account), reader, exact)

    def _admit_role(self, principal: iam.IPrincipal, reader: Place, conditions: permissions.Condition) -> None:
        sid = f"DeployTo{reader.environment.capitalize()}"
        pipelines = (names.promotion_pipeline(reader.project), names.rollback_pipeline(reader.project))
        self.bucket.add_to_resource_policy(
            iam.PolicyStatement(
                sid=sid,
                principals=[principal],
                actions=_READ,
                resources=[self._objects(each, RELEASE) for each in pipelines],
                conditions=conditions,
            )
        )
        self.key.add_to_resource_policy(
            iam.PolicyStatement(
                sid=sid, principals=[principal], actions=["kms:Decrypt"], resources=["*"], conditions=conditions
            )
        )
