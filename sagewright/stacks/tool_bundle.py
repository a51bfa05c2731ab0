"""Sagewright itself as an asset, so that builds run exactly the tool that their pipelines were deployed with."""

from pathlib import Path
from tempfile import TemporaryDirectory

from aws_cdk import aws_s3_assets as assets
from constructs import Construct

from sagewright.stacks import code_archive
from sagewright.stacks.tool_archive import content


class ToolBundle(Construct):
    """The bundle, uploaded under a name that is its content's hash."""

    def __init__(self, scope: Construct, construct_id: str) -> None:
        super().__init__(scope, construct_id)
        bundled = content()
        with TemporaryDirectory() as folder:
            path = Path(folder) / "tools.zip"
            path.write_bytes(bundled)
            asset = assets.Asset(self, "Archive", path=str(path), asset_hash=code_archive.content_hash(bundled))
        self.bucket_name = asset.s3_bucket_name
        self.key = asset.s3_object_key
