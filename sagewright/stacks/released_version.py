"""What a release says to the template: which version, and where its artifacts are in this environment."""

from aws_cdk import CfnParameter
from constructs import Construct

from sagewright.project import names
from sagewright.stacks.place import Place

# S3 and SageMaker names, as regular expressions; AWS itself checks that the things exist.
_ACCOUNT = "[0-9]{12}"


class ReleasedVersion(Construct):
    """The version as template parameters without defaults: a deployment that forgets one fails and changes nothing.

    The patterns let in artifacts of this environment's own bucket only, so production never depends on another account.
    """

    def __init__(self, scope: Construct, construct_id: str, *, place: Place) -> None:
        super().__init__(scope, construct_id)
        versions = f"model-package/{names.model_package_group(place.project)}/[0-9]+"
        self.model_package_arn = self._parameter(
            "ModelPackageArn",
            f"arn:{place.partition}:sagemaker:{place.region}:{_ACCOUNT}:{versions}",
            "ARN of an approved version in the project's model package group",
        )
        domain = place.domain.replace(".", r"\.")
        self.image_uri = self._parameter(
            "ImageUri",
            rf"{_ACCOUNT}\.dkr\.ecr\.{place.region}\.{domain}/[a-z0-9._/-]+[:@][A-Za-z0-9._:-]+",
            "image of the version, in this environment's region",
        )
        bucket = names.data_bucket(place.project, place.environment, _ACCOUNT, place.region)
        release = f"s3://{bucket}/{names.RELEASES}/[0-9]+"
        self.model_data_url = self._parameter(
            "ModelDataUrl", rf"{release}/model\.tar\.gz", "model of the version, copied into this environment's bucket"
        )
        self.baseline_uri = self._parameter(
            "BaselineUri", f"{release}/baseline/?", "baseline of the version, copied into this environment's bucket"
        )

    def _parameter(self, name: str, pattern: str, what: str) -> str:
        parameter = CfnParameter(
            self,
            name,
            allowed_pattern=f"^{pattern}$",
            description=f"The {what}",
            constraint_description=f"must be the {what}",
        )
        parameter.override_logical_id(name)
        return parameter.value_as_string
