"""Why: what a job reads and writes is in S3, and lies in folders of its container while it runs."""

import json
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from ...clients import Clients
from ...protocol import Caller
from ..artifacts import split_s3_uri
from .failure import InstanceError

CHUNK = 1024 * 1024


@dataclass(frozen=True)
class S3Object:
    """An object and the path that it gets below the folder it is downloaded to."""

    bucket: str
    key: str
    path: str


class S3Data:
    """S3 as one instance sees it: in its own region."""

    def __init__(self, clients: Clients, caller: Caller, role: str) -> None:
        self._client = clients.get("s3", caller.account, caller.region)
        self._region = caller.region
        self._role = role

    def nothing_under(self, uri: str) -> str:
        """Return what SageMaker says when an input's prefix holds nothing."""
        bucket, _ = split_s3_uri(uri)
        return (
            f'No S3 objects found under S3 URL "{uri}" given in input data source. Please ensure that the bucket exists'
            f" in the selected region ({self._region}), that objects exist under that S3 prefix, and that the role"
            f' "{self._role}" has "s3:ListBucket" permissions on bucket "{bucket}".'
        )

    def exists(self, uri: str) -> bool:
        """Tell whether an object of this very name exists in the region."""
        bucket, key = split_s3_uri(uri)
        if not key or not self.is_here(uri):
            return False
        try:
            self._client.head_object(Bucket=bucket, Key=key)
        except ClientError as error:
            if error.response["ResponseMetadata"]["HTTPStatusCode"] != 404:  # noqa: PLR2004 - HTTP's own number
                raise
            return False
        return True

    def is_here(self, uri: str) -> bool:
        """Tell whether the bucket exists in the region."""
        bucket, _ = split_s3_uri(uri)
        try:
            place = self._client.get_bucket_location(Bucket=bucket)["LocationConstraint"]
        except ClientError:
            return False
        return (place or "us-east-1") == self._region

    def objects(self, uri: str) -> list[S3Object]:
        """Return what lies under a prefix, or the one object of this name; markers of folders are left out."""
        if not self.is_here(uri):
            return []
        bucket, prefix = split_s3_uri(uri)
        found = []
        for key, size in self._keys(bucket, prefix):
            if key.endswith("/") and size == 0:
                continue
            below_prefix = key.startswith(prefix.rstrip("/") + "/")
            start = len(prefix.rstrip("/")) + 1 if prefix and below_prefix else prefix.rfind("/") + 1
            found.append(S3Object(bucket, key, key[start:]))
        return found

    def in_manifest(self, uri: str) -> list[S3Object]:
        """Return the objects that a manifest lists: [{"prefix": "s3://…/"}, "path", …]."""
        if not self.exists(uri):
            return []
        bucket, key = split_s3_uri(uri)
        body = self._client.get_object(Bucket=bucket, Key=key)["Body"].read()
        try:
            first, *paths = json.loads(body)
            target, prefix = split_s3_uri(first["prefix"])
        except (KeyError, TypeError, ValueError) as error:
            raise InstanceError(
                f'ClientError: Data download failed: the manifest {uri} is not of the form [{{"prefix": "s3://…"}},'
                f' "path", …]: {error}'
            ) from error
        return [S3Object(target, prefix + path, path) for path in paths]

    def download(self, objects: list[S3Object], folder: Path) -> None:
        """Write the objects below the folder."""
        for each in objects:
            path = folder / each.path
            if not path.resolve().is_relative_to(folder.resolve()):
                raise InstanceError(f"ClientError: Data download failed: {each.key} would lie outside of its folder.")
            path.parent.mkdir(parents=True, exist_ok=True)
            try:
                body = self._client.get_object(Bucket=each.bucket, Key=each.key)["Body"]
                with closing(body), path.open("wb") as file:
                    file.writelines(body.iter_chunks(CHUNK))
            except (ClientError, OSError) as error:
                raise InstanceError(f"ClientError: Data download failed: {each.key}: {error}") from error

    def upload(self, file: Path, uri: str, key_id: str | None) -> None:
        """Write a file to an object, encrypted with the key; without one as the bucket has it by default."""
        bucket, key = split_s3_uri(uri)
        encryption: dict[str, Any] = {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": key_id} if key_id else {}
        try:
            with file.open("rb") as body:
                self._client.put_object(Bucket=bucket, Key=key, Body=body, **encryption)
        except ClientError as error:
            raise InstanceError(f"ClientError: Data upload failed: {uri}: {error}") from error

    def upload_folder(self, folder: Path, uri: str, key_id: str | None) -> None:
        """Write every file below the folder; symbolic links are not followed, as SageMaker does not."""
        for path in sorted(folder.rglob("*")):
            if path.is_file() and not path.is_symlink():
                self.upload(path, f"{uri.rstrip('/')}/{path.relative_to(folder).as_posix()}", key_id)

    def _keys(self, bucket: str, prefix: str) -> Iterator[tuple[str, int]]:
        for page in self._client.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix):
            for each in page.get("Contents", ()):
                yield each["Key"], each["Size"]
