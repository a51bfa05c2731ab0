"""The code of the jobs, uploaded: the place where a definition and the roles find it."""

from pathlib import Path
from tempfile import TemporaryDirectory

from aws_cdk import Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3_assets as assets
from constructs import Construct

from sagewright.project import Project
from sagewright.stacks import code_archive, permissions


class CodeBundle(Construct):
    """The job programs and the data scientist's package, uploaded under a name that is its content's hash."""

    def __init__(self, scope: Construct, construct_id: str, *, project: Project) -> None:
        super().__init__(scope, construct_id)
        content = code_archive.of_project(project)
        with TemporaryDirectory() as folder:
            path = Path(folder) / "bundle.zip"
            path.write_bytes(content)
            asset = assets.Asset(self, "Archive", path=str(path), asset_hash=code_archive.content_hash(content))
        self.name = asset.s3_object_key
        self.bucket_name = asset.s3_bucket_name
        self.uri = asset.s3_object_url

    def grant_read(self, role: iam.Role) -> None:
        """Allow reading this one object; the asset's own grant would open the whole bucket of all deployments."""
        bucket = f"arn:{Stack.of(self).partition}:s3:::{self.bucket_name}"
        permissions.allow(role, "ReadCode", ["s3:GetObject"], [f"{bucket}/{self.name}"])
        exact = {"StringEquals": {"s3:prefix": self.name}}
        permissions.allow(role, "ListCode", ["s3:ListBucket"], [bucket], conditions=exact)
