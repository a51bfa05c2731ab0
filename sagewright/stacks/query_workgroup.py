"""Where queries for training sets run: a workgroup of Athena that says where results go and under which key."""

from aws_cdk import aws_athena as athena
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from constructs import Construct

from sagewright.pipelines.dataset import DATASET
from sagewright.project import Project, names
from sagewright.stacks import feature_rights, permissions
from sagewright.stacks.feature_store import CATALOG
from sagewright.stacks.place import Place
from sagewright.stacks.version_artifacts import of_step

# Tables of labelled rows begin so; each is there for one query.
_LABELLED = "labelled_*"
_QUERY = ("GetQueryExecution", "StartQueryExecution", "StopQueryExecution")
_PARTS = ["s3:AbortMultipartUpload", "s3:ListMultipartUploadParts", "s3:PutObject"]
_LATER = (
    "What a query reads and writes lies in folders of executions and queries, which have no name before they start."
)


class QueryWorkgroup(Construct):
    """Its settings hold whatever a caller asks for: no result leaves the bucket or is kept in the clear."""

    def __init__(self, scope: Construct, construct_id: str, *, project: Project, place: Place, key: kms.IKey) -> None:
        super().__init__(scope, construct_id)
        self._project, self._place = project, place
        configuration = athena.CfnWorkGroup
        self.group = athena.CfnWorkGroup(
            self,
            "Group",
            name=names.workgroup(place.project),
            description=f"Training sets of {place.project}",
            state="ENABLED",
            # What it keeps is a list of queries that have run.
            recursive_delete_option=True,
            work_group_configuration=configuration.WorkGroupConfigurationProperty(
                enforce_work_group_configuration=True,
                publish_cloud_watch_metrics_enabled=True,
                engine_version=configuration.EngineVersionProperty(selected_engine_version="Athena engine version 3"),
                result_configuration=configuration.ResultConfigurationProperty(
                    output_location=f"s3://{place.data_bucket}/{names.QUERIES}/",
                    expected_bucket_owner=place.account,
                    encryption_configuration=configuration.EncryptionConfigurationProperty(
                        encryption_option="SSE_KMS", kms_key=key.key_arn
                    ),
                ),
            ),
        )

    def grant_join(self, role: iam.Role) -> None:
        """Allow joining labelled rows with the history of the groups that the project names, and nothing beside it.

        Athena reads and writes as who asks: https://docs.aws.amazon.com/athena/latest/ug/security-iam-athena.html
        """
        place = self._place
        workgroup = place.arn("athena", f"workgroup/{names.workgroup(place.project)}")
        permissions.allow(role, "Query", [f"athena:{each}" for each in _QUERY], [workgroup])
        # The catalog that every account has, which Athena looks at before each query, with its first database:
        # https://docs.aws.amazon.com/athena/latest/ug/fine-grained-access-to-glue-resources.html
        default = place.arn("athena", f"datacatalog/{CATALOG}")
        permissions.allow(role, "LookAtCatalog", ["athena:GetDataCatalog"], [default])
        first = permissions.catalog(place, "default", [])
        permissions.allow(role, "LookAtDefault", ["glue:GetDatabase"], first)
        feature_rights.read_history(role, place, self._project)
        self._keep_labelled(role)
        results = place.objects(f"{names.QUERIES}/*")
        permissions.allow(role, "KeepResults", ["s3:GetObject", *_PARTS], [results], because=_LATER)
        # The rest it may do there as the job itself, to whose folder the rows are unloaded.
        unloaded = place.objects(f"{of_step(DATASET)}/*")
        permissions.allow(role, "ListParts", ["s3:ListMultipartUploadParts"], [unloaded], because=_LATER)
        bucket = ["s3:GetBucketLocation", "s3:ListBucketMultipartUploads"]
        permissions.allow(role, "LookAtBucket", bucket, [place.data_bucket_arn])
        permissions.list_folders(role, "ListResults", place.data_bucket_arn, [names.QUERIES])

    def _keep_labelled(self, role: iam.Role) -> None:
        """Allow the table of the labelled rows, in the project's own database, for as long as the query runs."""
        place = self._place
        tables = permissions.catalog(place, names.catalog_database(place.project), [_LABELLED])
        actions = ["glue:CreateTable", "glue:DeleteTable", "glue:GetPartitions", "glue:GetTable"]
        because = "The table of an execution's labelled rows is named after the execution."
        permissions.allow(role, "KeepLabelledRows", actions, tables, because=because)
