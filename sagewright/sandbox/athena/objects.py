"""Why: Athena reads and writes S3 in the name of whoever runs the query, and says which path it was refused."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from botocore.exceptions import ClientError

from ..clients import ActingClients
from ..protocol import ApiError, Caller
from .failures import QueryError, denied

_CHUNK = 1 << 20
_AT_ONCE = 4
# https://docs.aws.amazon.com/athena/latest/ug/s3-permissions.html
_PARTS_OF_BUCKET, _PARTS = "s3:ListBucketMultipartUploads", ("s3:AbortMultipartUpload", "s3:ListMultipartUploadParts")
_DENIED = "PERMISSION_DENIED: Access Denied: Permission denied on S3 path"


@dataclass(frozen=True)
class StoredObject:
    """An object, its size and the file that its bytes are in here."""

    uri: str
    path: str
    size: int
    file: Path


class Objects:
    """S3 as a caller sees it."""

    def __init__(self, acting: ActingClients, caller: Caller) -> None:
        self._acting = acting
        self._caller = caller
        self._client = acting.get("s3", caller.account, caller.region)

    def listed(self, location: str) -> Iterator[tuple[str, int]]:
        """Yield path below a place, and size, of what is in it; hidden files, whose names begin so, are none."""
        bucket, prefix = split(location.rstrip("/") + "/")
        try:
            for page in self._client.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix):
                for each in page.get("Contents", ()):
                    path = each["Key"].removeprefix(prefix)
                    hidden = any(part.startswith(("_", ".")) for part in path.split("/"))
                    if path and not path.endswith("/") and not hidden:
                        yield path, each["Size"]
        except ClientError as error:
            raise _refused(location, error) from None

    def fetch(self, wanted: list[StoredObject]) -> None:
        """Bring the bytes of objects here."""
        if not wanted:
            return
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            for _ in pool.map(self._fetch, wanted):
                pass

    def read(self, uri: str) -> bytes:
        """Return what a small object holds."""
        bucket, key = split(uri)
        try:
            return self._client.get_object(Bucket=bucket, Key=key)["Body"].read()
        except ClientError as error:
            raise _refused(uri, error) from None

    def is_empty(self, location: str) -> bool:
        """Tell whether nothing lies under a place, not even a marker of a folder."""
        bucket, prefix = split(location)
        try:
            answer = self._client.list_objects_v2(Bucket=bucket, Prefix=prefix.rstrip("/") + "/", MaxKeys=1)
        except ClientError as error:
            raise _refused(location, error) from None
        return not answer.get("KeyCount")

    def put(self, file: Path, uri: str, encryption: dict[str, str]) -> None:
        """Write a file to an object; Athena sends it in parts, which takes more than to put it."""
        bucket, key = split(uri)
        self._require(_PARTS_OF_BUCKET, f"arn:aws:s3:::{bucket}", uri)
        for action in _PARTS:
            self._require(action, f"arn:aws:s3:::{bucket}/{key}", uri)
        try:
            with file.open("rb") as body:
                self._client.put_object(Bucket=bucket, Key=key, Body=body, **encryption)
        except ClientError as error:
            raise _refused(uri, error) from None

    def _require(self, action: str, arn: str, uri: str) -> None:
        place = {"region": self._caller.region, "account": self._caller.account}
        try:
            self._acting.require(action, arn, **place, context={})
        except ApiError as error:
            raise denied(f"{_DENIED}: {uri}", error.message) from None

    def _fetch(self, wanted: StoredObject) -> None:
        bucket, key = split(wanted.uri)
        try:
            body = self._client.get_object(Bucket=bucket, Key=key)["Body"]
        except ClientError as error:
            raise _refused(wanted.uri, error) from None
        with closing(body), wanted.file.open("wb") as file:
            file.writelines(body.iter_chunks(_CHUNK))


def split(uri: str) -> tuple[str, str]:
    """Return the bucket and key of an S3 URI."""
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    return bucket, key


def _refused(uri: str, error: ClientError) -> QueryError:
    details = error.response.get("Error", {})
    said = f"{details.get('Message', error)} (Service: Amazon S3; Error Code: {details.get('Code', '')})"
    if details.get("Code") in {"AccessDenied", "403", "KMS.NotFoundException", "KMS.DisabledException"}:
        return denied(f"{_DENIED}: {uri}", said)
    return QueryError(f"HIVE_CANNOT_OPEN_SPLIT: Error opening {uri}: {said}")
