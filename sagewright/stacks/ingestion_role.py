"""What the job may do that brings rows into the feature store."""

from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from constructs import Construct

from sagewright.project import Project, names
from sagewright.stacks import feature_rights, permissions
from sagewright.stacks.attachment import Attachment
from sagewright.stacks.code_bundle import CodeBundle
from sagewright.stacks.place import Place

_LOG = "/aws/sagemaker/ProcessingJobs"
_LATER = "Which files there are is not known before they are there."


class IngestionRole(Construct):
    """Reads the groups' sources, writes their records, and remembers in its own folder what it has done.

    It has a name, by which later environments let it write their online stores.
    """

    def __init__(  # noqa: PLR0913 (what it reads and writes, and under which key)
        self, scope: Construct, construct_id: str, *, project: Project, place: Place, key: kms.IKey, bundle: CodeBundle
    ) -> None:
        super().__init__(scope, construct_id)
        self._project, self._place = project, place
        self.role = iam.Role(
            self,
            "Role",
            role_name=names.ingestion_role(place.project),
            description=f"Brings rows into the feature groups of {place.project}",
            assumed_by=permissions.sagemaker_of(place.account),
        )
        bundle.grant_read(self.role)
        permissions.use_key(self.role, key, "Decrypt", "DescribeKey", "Encrypt", "GenerateDataKey")
        permissions.encrypt_volumes(self.role, key)
        permissions.report(self.role, place, _LOG, _LOG, names.metric_namespace(place.project, place.environment))
        permissions.pull_image(self.role, place)
        self._read_sources()
        self._write_groups()
        kept = [names.FEATURES, names.INGESTION]
        permissions.read_objects(self.role, "Kept", place, kept, because=_LATER)
        for folder in kept:
            permissions.write_objects(self.role, folder.capitalize(), place, folder, because=_LATER)
        self.network = Attachment.of_jobs(place, project.first)
        self.network.grant(self.role, place)

    def write_elsewhere(self, writers: list[str]) -> None:
        """Allow taking on the roles that write the online stores of later environments."""
        if writers:
            permissions.allow(self.role, "WriteElsewhere", ["sts:AssumeRole"], writers)

    def _read_sources(self) -> None:
        own = self._project.own_features
        sent = [f"{names.SOURCES}/{name}" for name, each in own.items() if each.source and each.s3_place is None]
        if sent:
            permissions.read_objects(self.role, "Sources", self._place, sent, because=_LATER)
        places = dict.fromkeys(each.s3_place for each in own.values() if each.s3_place is not None)
        for number, (bucket, prefix) in enumerate(places, 1):
            bucket_arn = f"arn:{self._place.partition}:s3:::{bucket}"
            permissions.read_prefix(self.role, f"Source{number}", bucket_arn, prefix, because=_LATER)
            # Whose key that bucket's objects are under, if under one at all, is known to its owner alone.
            permissions.decrypt_objects(
                self.role,
                f"Source{number}",
                self._place,
                keys=f"arn:{self._place.partition}:kms:{self._place.region}:*:key/*",
                bucket_arn=bucket_arn,
                pattern=f"{prefix}*",
                because=_LATER,
            )

    def _write_groups(self) -> None:
        place, own = self._place, self._project.own_features
        now = [feature_rights.own_group_arns(place, name, each)[-1] for name, each in own.items()]
        # Another version is read to fill this one from.
        ever = [arn for name, each in own.items() for arn in feature_rights.own_group_arns(place, name, each)]
        permissions.allow(self.role, "LookAtGroups", ["sagemaker:DescribeFeatureGroup"], ever)
        metadata = ["sagemaker:DescribeFeatureMetadata", "sagemaker:UpdateFeatureMetadata"]
        permissions.allow(self.role, "DescribeFeatures", metadata, now)
        permissions.allow(self.role, "WriteRecords", feature_rights.WRITE_RECORDS, now)
        if any(each.table_format for each in own.values()):
            # What a failed attempt has half written is taken away again.
            history = [place.objects(f"{names.FEATURES}/*")]
            permissions.allow(self.role, "ClearHistory", ["s3:DeleteObject"], history, because=_LATER)
