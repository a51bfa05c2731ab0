"""Why: what a build leaves is brought to S3 by its role, encrypted with the key of the project or the pipeline."""

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from ..clients import ActingClients
from ..cloudwatch.metrics import Place
from .archives import pack
from .buildspec import Buildspec, Files
from .failures import PhaseError, refused
from .matching import chosen
from .places import S3Place
from .shelf import Record

DEFAULT_KEY = "alias/aws/s3"


@dataclass(frozen=True)
class Destination:
    """Where one artifact goes; whole as an archive, or file by file below the place."""

    identifier: str
    place: S3Place
    zipped: bool = True
    encrypted: bool = True


def destination(artifact: Record, build: Record, name: str) -> Destination:
    """Return where the artifact of a project goes in S3.

    https://docs.aws.amazon.com/codebuild/latest/APIReference/API_ProjectArtifacts.html
    """
    identity = build["id"].partition(":")[2] if artifact.get("namespaceType") == "BUILD_ID" else ""
    parts = [artifact.get("path", ""), identity, name]
    key = "/".join(stripped for part in parts if (stripped := part.strip("/")))
    return Destination(
        identifier=artifact.get("artifactIdentifier", ""),
        place=S3Place(artifact["location"], key),
        zipped=artifact.get("packaging", "NONE") == "ZIP",
        encrypted=not artifact.get("encryptionDisabled", False),
    )


def specified(spec: Buildspec, identifier: str) -> Files:
    """Return which files the buildspec means for an artifact; the primary one has no identifier."""
    if spec.artifacts is None and (not identifier or not spec.secondary_artifacts):
        raise PhaseError("CLIENT_ERROR", "no artifacts are defined in the buildspec")
    if not identifier and spec.artifacts is not None:
        return spec.artifacts
    if identifier not in spec.secondary_artifacts:
        raise PhaseError("CLIENT_ERROR", f"no definition for secondary artifact {identifier} found in the buildspec")
    return spec.secondary_artifacts[identifier]


class Upload:
    """Brings the artifacts of one build away."""

    def __init__(self, acting: ActingClients, place: Place, build: Record, folder: Path) -> None:
        self._client: Any = acting.get("s3", place.account, place.region)
        self._build = build
        self._folder = folder

    def send(self, files: Files, source: Path, to: Destination) -> Record:
        """Upload one artifact, and return what the build's record says of it."""
        found = chosen(files, source)
        said: Record = {"location": to.place.arn, "encryptionDisabled": not to.encrypted}
        if to.identifier:
            said["artifactIdentifier"] = to.identifier
        if not to.zipped:
            for file, name in found:
                key = f"{to.place.key}/{name}" if to.place.key else name
                self._put(file, S3Place(to.place.bucket, key), to)
            return said
        archive = pack(found, self._folder / f"artifact-{to.identifier or 'primary'}.zip")
        content = archive.read_bytes()
        self._put(archive, to.place, to)
        sums = {"md5sum": hashlib.md5(content, usedforsecurity=False), "sha256sum": hashlib.sha256(content)}
        return said | {name: digest.hexdigest() for name, digest in sums.items()}

    def _put(self, file: Path, place: S3Place, to: Destination) -> None:
        key = self._build["encryptionKey"]
        encryption: dict[str, Any] = {}
        if to.encrypted:
            encryption = {"ServerSideEncryption": "aws:kms"}
            if not key.endswith(DEFAULT_KEY):
                encryption["SSEKMSKeyId"] = key
        try:
            with file.open("rb") as body:
                self._client.put_object(
                    Bucket=place.bucket,
                    Key=place.key,
                    Body=body,
                    Metadata={"codebuild-buildarn": self._build["arn"]},
                    **encryption,
                )
        except ClientError as error:
            raise PhaseError("CLIENT_ERROR", f"Failed to upload artifacts: {refused(error)}") from error
