"""What a release may do in the environment that it releases to."""

from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from constructs import Construct

from sagewright.project import names
from sagewright.stacks import permissions
from sagewright.stacks.place import Place
from sagewright.stacks.version_artifacts import COPIED


class ReleaseRole(Construct):
    """Copies one version's artifacts from where it was trained, and looks whether the endpoint really runs it.

    The account that trains may take it on. Its name is fixed: the first environment's policies admit it by that.
    """

    def __init__(self, scope: Construct, construct_id: str, *, place: Place, first: Place, key: kms.IKey) -> None:
        super().__init__(scope, construct_id)
        self.role = iam.Role(
            self,
            "Role",
            role_name=names.release_role(place.project, place.environment),
            description=f"Releases versions of {place.project} to {place.environment}",
            assumed_by=permissions.account(first.account),
        )
        self._read_version(first)
        if first != place:
            self._decrypt_foreign(first)
        self._keep_release(place, key)
        self._see_what_is_live(place)

    def _read_version(self, first: Place) -> None:
        because = "A version's artifacts lie with the training run that made them, which has not happened yet."
        permissions.read_objects(self.role, "Version", first, COPIED, because=because)
        versions = first.arn("sagemaker", f"model-package/{names.model_package_group(first.project)}/*")
        permissions.allow(
            self.role,
            "DescribeVersion",
            ["sagemaker:DescribeModelPackage"],
            [versions],
            because="Versions are numbered.",
        )

    def _decrypt_foreign(self, first: Place) -> None:
        """Allow decrypting what S3 keeps in the first environment's bucket, under a key that cannot be named here."""
        because = "The id of another environment's key is not known; the condition is exact about what it decrypts."
        permissions.decrypt_objects(
            self.role,
            "Version",
            first,
            keys=first.arn("kms", "key/*"),
            bucket_arn=first.data_bucket_arn,
            pattern=f"{names.EXECUTIONS}/*",
            because=because,
        )

    def _keep_release(self, place: Place, key: kms.IKey) -> None:
        because = "Each release has a folder of its own, named after a version that does not exist yet."
        permissions.read_objects(self.role, "Releases", place, [names.RELEASES], because=because)
        permissions.write_objects(self.role, "Releases", place, names.RELEASES, because=because)
        permissions.use_key(self.role, key, write=True)

    def _see_what_is_live(self, place: Place) -> None:
        endpoint = place.arn("sagemaker", f"endpoint/{names.endpoint(place.project, place.environment)}")
        permissions.allow(self.role, "DescribeEndpoint", ["sagemaker:DescribeEndpoint"], [endpoint])
        record = place.arn("ssm", f"parameter{names.release_parameter(place.project, place.environment)}")
        permissions.allow(self.role, "ReadRecord", ["ssm:GetParameter"], [record])
