"""What stays: everything that deleting a project's stacks must not delete."""

from collections.abc import Sequence

from aws_cdk import CfnOutput, Stack
from constructs import Construct

from sagewright.project import names
from sagewright.stacks.data_bucket import DataBucket
from sagewright.stacks.encryption_key import EncryptionKey
from sagewright.stacks.log_bucket import LogBucket
from sagewright.stacks.model_registry import ModelRegistry
from sagewright.stacks.place import Place


class DataStack(Stack):
    """An environment's key and buckets, protected from deletion and retained if that is lifted."""

    def __init__(self, scope: Construct, *, place: Place, readers: Sequence[Place] = ()) -> None:
        super().__init__(
            scope,
            names.data_stack(place.project, place.environment),
            env=place.deployment,
            description=f"Data of {place.project} in {place.environment}: key and buckets",
            termination_protection=True,
        )
        self.key = EncryptionKey(self, "Encryption", place=place, readers=readers).key
        logs = LogBucket(self, "Logs", place=place)
        data = DataBucket(self, "Data", place=place, key=self.key, logs=logs.bucket, readers=readers)
        CfnOutput(self, "DataBucketName", value=data.bucket.bucket_name)
        CfnOutput(self, "KeyArn", value=self.key.key_arn)


class FirstDataStack(DataStack):
    """The data stack of the environment that trains: it holds the registry too."""

    def __init__(self, scope: Construct, *, place: Place, readers: Sequence[Place]) -> None:
        super().__init__(scope, place=place, readers=readers)
        registry = ModelRegistry(self, "Registry", place=place, readers=readers)
        CfnOutput(self, "ModelPackageGroupName", value=registry.group.model_package_group_name)
