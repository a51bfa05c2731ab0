"""What a release says to its templates: which version, and where its artifacts are in this environment."""

from aws_cdk import CfnParameter, Fn
from constructs import Construct

from sagewright.project import names
from sagewright.stacks.place import Place

# S3 and SageMaker names, as regular expressions; AWS itself checks that the things exist.
_ACCOUNT = "[0-9]{12}"
# Of s3://<bucket>/releases/<number>/…, cut at the slashes.
_NUMBER = 4


class ReleasedVersion(Construct):
    """The version as template parameters without defaults: a deployment that forgets one fails and changes nothing.

    The patterns let in artifacts of this environment's own bucket only, so production never depends on another account.
    """

    def __init__(self, scope: Construct, construct_id: str, *, place: Place) -> None:
        super().__init__(scope, construct_id)
        self.model_package_arn = _model_package_arn(self, place)
        domain = place.domain.replace(".", r"\.")
        self.image_uri = _parameter(
            self,
            "ImageUri",
            rf"{_ACCOUNT}\.dkr\.ecr\.{place.region}\.{domain}/[a-z0-9._/-]+[:@][A-Za-z0-9._:-]+",
            "image of the version, in this environment's region",
        )
        self.model_data_url = _parameter(
            self,
            "ModelDataUrl",
            rf"{_release(place)}/model\.tar\.gz",
            "model of the version, copied into this environment's bucket",
        )
        self.baseline_uri = _baseline_uri(self, place)


class WatchedVersion(Construct):
    """The version that is watched: the same parameters by the same names, without what only serving needs."""

    def __init__(self, scope: Construct, construct_id: str, *, place: Place) -> None:
        super().__init__(scope, construct_id)
        self.model_package_arn = _model_package_arn(self, place)
        # Of arn:…:model-package/<group>/<number>.
        self.number = Fn.select(2, Fn.split("/", self.model_package_arn))
        # The parameter may have a slash at its end, to which no file's name could be joined.
        released = Fn.select(_NUMBER, Fn.split("/", _baseline_uri(self, place)))
        self.baseline_uri = f"s3://{place.data_bucket}/{names.RELEASES}/{released}/baseline"


def _model_package_arn(scope: Construct, place: Place) -> str:
    versions = f"model-package/{names.model_package_group(place.project)}/[0-9]+"
    return _parameter(
        scope,
        "ModelPackageArn",
        f"arn:{place.partition}:sagemaker:{place.region}:{_ACCOUNT}:{versions}",
        "ARN of an approved version in the project's model package group",
    )


def _baseline_uri(scope: Construct, place: Place) -> str:
    return _parameter(
        scope,
        "BaselineUri",
        f"{_release(place)}/baseline/?",
        "baseline of the version, copied into this environment's bucket",
    )


def _release(place: Place) -> str:
    bucket = names.data_bucket(place.project, place.environment, _ACCOUNT, place.region)
    return f"s3://{bucket}/{names.RELEASES}/[0-9]+"


def _parameter(scope: Construct, name: str, pattern: str, what: str) -> str:
    parameter = CfnParameter(
        scope,
        name,
        allowed_pattern=f"^{pattern}$",
        description=f"The {what}",
        constraint_description=f"must be the {what}",
    )
    parameter.override_logical_id(name)
    return parameter.value_as_string
