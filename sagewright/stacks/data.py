"""What stays: everything that deleting a project's stacks must not delete."""

from collections.abc import Sequence

from aws_cdk import CfnOutput
from constructs import Construct

from sagewright.project import Project, names
from sagewright.stacks import encryption_key, freshness_alarms
from sagewright.stacks.data_bucket import DataBucket
from sagewright.stacks.delivery.artifact_store import ArtifactStore
from sagewright.stacks.delivery.git_repository import GitRepository
from sagewright.stacks.delivery.notices import admit_alarms
from sagewright.stacks.encryption_key import EncryptionKey
from sagewright.stacks.endpoint_log import EndpointLog
from sagewright.stacks.environment_stack import EnvironmentStack
from sagewright.stacks.feature_store import FeatureStore, wait_for
from sagewright.stacks.log_bucket import LogBucket
from sagewright.stacks.model_registry import ModelRegistry
from sagewright.stacks.place import Place


class DataStack(EnvironmentStack):
    """An environment's key and buckets, protected from deletion and retained if that is lifted.

    Neither where the environment says `removal: destroy`, because nobody will miss it.
    """

    def __init__(
        self, scope: Construct, *, place: Place, readers: Sequence[Place] = (), log_days: int | None = None
    ) -> None:
        """Leave `log_days` out where there is no endpoint, or where SageMaker shall make its log."""
        super().__init__(
            scope,
            names.data_stack(place.project, place.environment),
            place=place,
            description=f"Data of {place.project} in {place.environment}: key and buckets",
            protected=place.removal == "retain",
        )
        encryption = EncryptionKey(self, "Encryption", place=place, readers=readers)
        self.key = encryption.key
        self.place = place
        self.logs = LogBucket(self, "Logs", place=place).bucket
        self.data = DataBucket(self, "Data", place=place, key=self.key, logs=self.logs, readers=readers)
        if log_days is not None:
            encryption.admit_logs()
            EndpointLog(self, "EndpointLog", place=place, key=self.key, kept_days=log_days)
        CfnOutput(self, "DataBucketName", value=self.data.bucket.bucket_name)
        CfnOutput(self, "KeyArn", value=self.key.key_arn, export_name=encryption_key.export(place))

    def keep_features(self, project: Project) -> None:
        """Hold the project's feature groups, as far as they are kept in this environment."""
        store = FeatureStore(self, "FeatureStore", project=project, place=self.place, key=self.key)
        wait_for(store, self.data)
        if self.place.environment == project.first.name:
            self.data.expire_queries()
            if freshness_alarms.wanted(project):
                admit_alarms(self.key, self.place, names.ingestion_topic(project.name))


class FirstDataStack(DataStack):
    """The data stack of the environment that trains: it holds the registry too."""

    artifacts: ArtifactStore

    def __init__(
        self, scope: Construct, *, place: Place, readers: Sequence[Place], log_days: int | None = None
    ) -> None:
        super().__init__(scope, place=place, readers=readers, log_days=log_days)
        registry = ModelRegistry(self, "Registry", place=place, readers=readers)
        CfnOutput(self, "ModelPackageGroupName", value=registry.group.model_package_group_name)

    def deliver(self, project: Project, places: Sequence[Place]) -> None:
        """Hold what a project with a repository keeps: what its pipelines hand on, and the repository if it is AWS's.

        The places are those that releases are deployed to.
        """
        self.data.keep_audit()
        for each in places:
            if each.account != self.place.account:
                self.data.show_held_out(each)
        self.artifacts = ArtifactStore(self, "Artifacts", place=self.place, serving=places, logs=self.logs)
        repository = project.repository
        if repository is not None and repository.provider == "codecommit":
            made = GitRepository(self, "Git", project=project, repository=repository, place=self.place)
            CfnOutput(self, "RepositoryName", value=made.repository.attr_name)
