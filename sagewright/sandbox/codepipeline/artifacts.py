"""Why: actions hand one another zips in the pipeline's bucket, read and written by the role of who acts.

https://docs.aws.amazon.com/codepipeline/latest/userguide/welcome-introducing-artifacts.html
"""

import io
import secrets
import string
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from ..clients import ActingClients
from .failures import ActionError, refused

_SAME_DATE = (1980, 1, 1, 0, 0, 0)
_PIPELINE_LENGTH, _ARTIFACT_LENGTH, _RANDOM_LENGTH = 20, 10, 7
_MOST_BYTES = 256 * 1024 * 1024
"""What CloudFormation takes as an input; nothing else here reads an artifact's content."""


@dataclass(frozen=True)
class Artifact:
    """A zip that an action left, where it is."""

    name: str
    bucket: str
    key: str

    def document(self) -> dict[str, Any]:
        """Return the artifact as the API and events show it."""
        return {"name": self.name, "s3location": {"bucket": self.bucket, "key": self.key}}


@dataclass(frozen=True)
class Store:
    """The bucket of a pipeline, and the key with which its objects are encrypted (empty: S3's own)."""

    bucket: str
    key: str

    @classmethod
    def of(cls, declaration: Mapping[str, Any], region: str) -> "Store":
        """Return the store that a pipeline has in a region."""
        store = declaration.get("artifactStore") or declaration["artifactStores"][region]
        return cls(store["location"], (store.get("encryptionKey") or {}).get("id", ""))

    def place(self, pipeline: str, name: str) -> Artifact:
        """Return where a new artifact goes."""
        random = "".join(secrets.choice(string.ascii_letters + string.digits) for _ in range(_RANDOM_LENGTH))
        return Artifact(name, self.bucket, f"{pipeline[:_PIPELINE_LENGTH]}/{name[:_ARTIFACT_LENGTH]}/{random}")

    def write(self, s3: Any, artifact: Artifact, content: bytes) -> None:
        """Put an artifact."""
        key = {"SSEKMSKeyId": self.key} if self.key else {}
        self.put(s3, artifact.key, content, **key)

    def put(self, s3: Any, key: str, content: bytes, **more: str) -> None:
        """Put an object in the way of artifacts."""
        try:
            s3.put_object(Bucket=self.bucket, Key=key, Body=content, ServerSideEncryption="aws:kms", **more)
        except ClientError as error:
            raise refused(error, f"put {key} into the Amazon S3 artifact bucket '{self.bucket}'") from error


def read(acting: ActingClients, artifact: Artifact, region: str) -> "Bundle":
    """Return an artifact's content as whoever acts."""
    try:
        answer = acting.get("s3", "", region).get_object(Bucket=artifact.bucket, Key=artifact.key)
    except ClientError as error:
        what = error.response.get("Error", {})
        why = "The provided role does not have sufficient permissions."
        denied = "AccessDenied" in what.get("Code", "")
        raise ActionError(
            "PermissionError" if denied else "ConfigurationError",
            f"Unable to access the artifact with Amazon S3 object key '{artifact.key}' located in the Amazon S3"
            f" artifact bucket '{artifact.bucket}'. {why if denied else what.get('Message', '')}".strip(),
        ) from error
    if answer["ContentLength"] > _MOST_BYTES:
        raise ActionError("ConfigurationError", f"Artifact {artifact.name} is larger than {_MOST_BYTES} bytes.")
    return Bundle(artifact.name, answer["Body"].read())


class Bundle:
    """The files of an artifact."""

    def __init__(self, name: str, content: bytes) -> None:
        self._name = name
        try:
            self._files = zipfile.ZipFile(io.BytesIO(content))
        except zipfile.BadZipFile:
            raise ActionError("ConfigurationError", f"Artifact {name} is not a zip file.") from None

    def text(self, path: str) -> str:
        """Return a file that is to be a text."""
        try:
            return self._files.read(path).decode()
        except KeyError:
            message = f"File [{path}] does not exist in artifact [{self._name}]"
            raise ActionError("ConfigurationError", message) from None
        except UnicodeDecodeError:
            raise ActionError("ConfigurationError", f"File [{path}] of artifact [{self._name}] is no text") from None


def packed(files: Mapping[str, bytes]) -> bytes:
    """Return a zip of files that is the same for the same files."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as package:
        for name, body in files.items():
            package.writestr(zipfile.ZipInfo(name, _SAME_DATE), body, zipfile.ZIP_DEFLATED)
    return content.getvalue()
