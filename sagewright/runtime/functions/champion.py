"""The champion: the version that is live in the last environment, with which every training compares what it makes.

Whoever starts a training says which one it is, because the step cache sees only what an execution is given.
"""

from dataclasses import dataclass

from botocore.exceptions import ClientError

from . import live, model_versions
from .client import Client
from .objects import Location

NOBODY = "none"
# S3's answers to a conditional write where the object is there, or is just being written.
_THERE = {"PreconditionFailed", "412", "ConditionalRequestConflict", "409"}
_TEXT = b"No version is live, or the one that is has no model in the registry: there is nothing to compare with.\n"


@dataclass(frozen=True)
class Champion:
    """The number of the version that is live, and where its model is; where there is none, an object that says so."""

    version: str
    model: str

    @property
    def parameters(self) -> dict[str, str]:
        """What an execution of the pipeline is told."""
        return {"ChampionModelUri": self.model, "ChampionVersion": self.version}


def find(ssm: Client, sagemaker: Client, s3: Client, *, record: str, nobody: Location) -> Champion:
    """Read what is live from the first environment's copy of the record, and its model's place from the registry.

    `nobody` is where the object goes that stands for no model: an input of a job has to be something.
    """
    serving = live.recorded(ssm, record)
    arn = serving.model_package_arn if serving is not None else None
    version = model_versions.existing(sagemaker, arn) if arn is not None else None
    if version is not None:
        return Champion(str(version.number), version.model_data)
    _say_nobody(s3, nobody)
    return Champion(NOBODY if serving is None or serving.number is None else str(serving.number), str(nobody))


def _say_nobody(s3: Client, place: Location) -> None:
    try:
        s3.put_object(Bucket=place.bucket, Key=place.key, Body=_TEXT, ContentType="text/plain", IfNoneMatch="*")
    except ClientError as error:
        if error.response["Error"]["Code"] not in _THERE:
            raise
