"""The feature store of an environment: its groups, and in the first one their history with the catalog of it.

Whatever CloudFormation would answer with a new group in place of the old one stays out of here: descriptions, and tags
that may change. Both exist, where ingestion and the project file tell them.
"""

from collections.abc import Mapping
from typing import Any, cast

from aws_cdk import CfnOutput, CfnResource
from aws_cdk import aws_glue as glue
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_sagemaker as sagemaker
from constructs import Construct

from sagewright.project import Project, names
from sagewright.project.feature_groups import FeatureGroup
from sagewright.stacks import permissions, retention
from sagewright.stacks.place import Place

CATALOG = "AwsDataCatalog"
# So many groups may be in the making at once: https://docs.aws.amazon.com/sagemaker/latest/dg/feature-store-quotas.html
_AT_ONCE = 4


class FeatureStore(Construct):
    """The project's own groups: with their history in the first environment, in later ones what serving reads."""

    def __init__(self, scope: Construct, construct_id: str, *, project: Project, place: Place, key: kms.IKey) -> None:
        super().__init__(scope, construct_id)
        self._place, self._key = place, key
        self._first = place.environment == project.first.name
        own = project.own_features
        here = {name: each for name, each in own.items() if self._first or each.online}
        kept = {name: each for name, each in here.items() if self._first and each.table_format}
        self._history: list[Construct] = []
        # A join needs the database even where all groups are of other projects: for its labelled rows.
        if kept or (self._first and project.first.data.join):
            self._history.append(self._database())
        if kept:
            self._history.append(self._role(kept))
        groups = Construct(self, "Groups")
        made = [self._group(groups, name, each) for name, each in here.items()]
        for earlier, later in zip(made, made[_AT_ONCE:], strict=False):
            later.add_dependency(earlier)
        if self._first and made:
            self._tell(own)

    def _group(self, scope: Construct, name: str, declared: FeatureGroup) -> sagemaker.CfnFeatureGroup:
        place = self._place
        keeps_history = self._first and declared.table_format is not None
        suffix = None if self._first else place.environment
        group = sagemaker.CfnFeatureGroup(
            scope,
            _id(name, declared.version),
            feature_group_name=names.feature_group(place.project, name, declared.version, suffix),
            record_identifier_feature_name=declared.record_id,
            event_time_feature_name=declared.event_time,
            feature_definitions=[
                sagemaker.CfnFeatureGroup.FeatureDefinitionProperty(
                    feature_name=each.name, feature_type=each.type.capitalize()
                )
                for each in declared.declared
            ],
            online_store_config=self._online(declared),
            offline_store_config=self._offline(name, declared) if keeps_history else None,
            throughput_config=_throughput(declared) if declared.online else None,
            role_arn=place.feature_role_arn if keeps_history else None,
        )
        retention.settle(group, place.removal)
        if keeps_history:
            for each in self._history:
                group.node.add_dependency(each)
        return group

    def _online(self, declared: FeatureGroup) -> dict[str, Any] | None:
        if declared.online is None:
            return None
        lives = declared.time_to_live
        duration = {"TtlDuration": {"Unit": lives.unit.capitalize(), "Value": lives.value}} if lives else {}
        return {"EnableOnlineStore": True, "SecurityConfig": {"KmsKeyId": self._key.key_arn}, **duration}

    def _offline(self, name: str, declared: FeatureGroup) -> dict[str, Any]:
        return {
            "S3StorageConfig": {
                "S3Uri": f"s3://{self._place.data_bucket}/{names.FEATURES}",
                "KmsKeyId": self._key.key_arn,
            },
            "DisableGlueTableCreation": False,
            "DataCatalogConfig": {
                "Catalog": CATALOG,
                "Database": names.catalog_database(self._place.project),
                "TableName": names.feature_table(name, declared.version),
            },
            "TableFormat": declared.table_format,
        }

    def _database(self) -> Construct:
        database = glue.CfnDatabase(
            self,
            "Catalog",
            catalog_id=self._place.account,
            database_input=glue.CfnDatabase.DatabaseInputProperty(name=names.catalog_database(self._place.project)),
        )
        retention.settle(database, self._place.removal)
        return database

    def _role(self, kept: Mapping[str, FeatureGroup]) -> Construct:
        """Make the role as which SageMaker writes the history; a group never gets another one, so its name is fixed.

        https://docs.aws.amazon.com/sagemaker/latest/dg/feature-store-security.html
        """
        place = self._place
        role = iam.Role(
            self,
            "Writer",
            role_name=names.feature_role(place.project, place.environment),
            description=f"Writes the history of the feature groups of {place.project}",
            # Without aws:SourceAccount: AWS documents it for jobs, and not for what writes a group's history, which
            # would be refused for good, as a group never gets another role. Who may pass the role is said elsewhere.
            # https://docs.aws.amazon.com/sagemaker/latest/dg/security-confused-deputy-prevention.html
            assumed_by=cast("iam.IPrincipal", iam.ServicePrincipal("sagemaker.amazonaws.com")),
        )
        because = "SageMaker names the files of a group by account, region, group and hour."
        history = [place.objects(f"{names.FEATURES}/*")]
        permissions.allow(role, "WriteHistory", ["s3:PutObject", "s3:PutObjectAcl"], history, because=because)
        permissions.allow(role, "LookAtBucket", ["s3:GetBucketAcl"], [place.data_bucket_arn])
        iceberg = any(each.table_format == "Iceberg" for each in kept.values())
        if iceberg:
            metadata = [place.objects(f"{names.FEATURES}/*/metadata/*")]
            permissions.allow(role, "ReadMetadata", ["s3:GetObject"], metadata, because=because)
        versions = [(name, version) for name, each in kept.items() for version in range(1, each.version + 1)]
        tables = [names.feature_table(name, version) for name, version in versions]
        catalog = permissions.catalog(place, names.catalog_database(place.project), tables)
        permissions.allow(role, "KeepTables", ["glue:GetTable", "glue:UpdateTable"], catalog)
        permissions.use_key(role, self._key, *(["Decrypt"] if iceberg else []), "GenerateDataKey")
        for each in (role, cast("Construct", role.node.find_child("DefaultPolicy"))):
            retention.settle(each, place.removal)
        return role

    def _tell(self, own: Mapping[str, FeatureGroup]) -> None:
        """Export what other projects need to read the groups: CloudFormation then lists who does, and keeps it.

        Versions before stay in the account, and with them their exports: who uses one can move when the next is there.
        """
        project = self._place.project
        for group, each in own.items():
            for version in range(1, each.version + 1):
                name = names.feature_group(project, group, version)
                CfnOutput(self, f"{_id(group, version)}Group", value=name, export_name=name)
        for what, value in {"bucket": self._place.data_bucket, "key": self._key.key_arn}.items():
            exported = names.feature_export(project, what)
            CfnOutput(self, what.capitalize(), value=value, export_name=exported)


def wait_for(store: FeatureStore, needed: Construct) -> None:
    """Make the groups after what SageMaker looks at when it makes them, such as the bucket."""
    for each in store.node.find_child("Groups").node.children:
        cast("CfnResource", each).node.add_dependency(needed)


def _id(group: str, version: int) -> str:
    return f"{group.capitalize()}V{version}"


def _throughput(declared: FeatureGroup) -> sagemaker.CfnFeatureGroup.ThroughputConfigProperty:
    chosen = declared.throughput
    if chosen is None:
        return sagemaker.CfnFeatureGroup.ThroughputConfigProperty(throughput_mode="OnDemand")
    return sagemaker.CfnFeatureGroup.ThroughputConfigProperty(
        throughput_mode="Provisioned",
        provisioned_read_capacity_units=chosen.reads,
        provisioned_write_capacity_units=chosen.writes,
    )
