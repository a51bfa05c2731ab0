"""Why: what a job reads and writes is in S3, and lies in folders of its container while it runs."""

import json
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from botocore.exceptions import ClientError
from moto.s3.models import s3_backends

from ...clients import ActingClients
from ...protocol import Caller
from ..artifacts import object_exists, split_s3_uri
from .failure import InstanceError, disk_space

CHUNK = 1024 * 1024


class UnreadableError(Exception):
    """An input holds nothing, or may not be read; the text is SageMaker's."""


@dataclass(frozen=True)
class S3Object:
    """An object and the path that it gets below the folder it is downloaded to."""

    bucket: str
    key: str
    path: str


class S3Data:
    """S3 as one instance sees it: with its role, in its own region."""

    def __init__(self, acting: ActingClients, caller: Caller, role: str) -> None:
        self._client = acting.get("s3", caller.account, caller.region)
        self._region = caller.region
        self._role = role

    def exists(self, uri: str) -> bool:
        """Tell whether an object of this very name exists in the region; a ClientError says why it may not be read."""
        bucket, key = split_s3_uri(uri)
        if not key or not self.is_here(uri):
            return False
        return object_exists(self._client, bucket, key)

    def is_here(self, uri: str) -> bool:
        """Tell whether the bucket exists in the region, which needs no permission."""
        bucket, _ = split_s3_uri(uri)
        return region_of(bucket) == self._region

    def objects(self, uri: str) -> list[S3Object]:
        """Return what lies under a prefix, or the one object of this name; markers of folders are left out."""
        if not self.is_here(uri):
            raise self._unreadable(uri)
        bucket, prefix = split_s3_uri(uri)
        found = []
        for key, size in self._keys(bucket, prefix, uri):
            if key.endswith("/") and size == 0:
                continue
            below_prefix = key.startswith(prefix.rstrip("/") + "/")
            start = len(prefix.rstrip("/")) + 1 if prefix and below_prefix else prefix.rfind("/") + 1
            found.append(S3Object(bucket, key, key[start:]))
        if not found:
            raise self._unreadable(uri)
        return found

    def in_manifest(self, uri: str) -> list[S3Object]:
        """Return the objects that a manifest lists: [{"prefix": "s3://…/"}, "path", …]."""
        if not self.is_here(uri):
            raise self._unreadable(uri)
        bucket, key = split_s3_uri(uri)
        try:
            body = self._client.get_object(Bucket=bucket, Key=key)["Body"].read()
        except ClientError as error:
            raise self._unreadable(uri, error) from error
        try:
            first, *paths = json.loads(body)
            target, prefix = split_s3_uri(first["prefix"])
        except (KeyError, TypeError, ValueError) as error:
            raise UnreadableError(
                f'The manifest {uri} is not of the form [{{"prefix": "s3://…"}}, "path", …]: {error}'
            ) from error
        return [S3Object(target, prefix + path, path) for path in paths]

    def download(self, objects: list[S3Object], folder: Path) -> None:
        """Write the objects below the folder."""
        for each in objects:
            path = folder / each.path
            if not path.resolve().is_relative_to(folder.resolve()):
                raise InstanceError(f"ClientError: Data download failed:{each.key} would lie outside of its folder.")
            try:
                with disk_space("Data download"):
                    path.parent.mkdir(parents=True, exist_ok=True)
                    body = self._client.get_object(Bucket=each.bucket, Key=each.key)["Body"]
                    with closing(body), path.open("wb") as file:
                        file.writelines(body.iter_chunks(CHUNK))
            except ClientError as error:
                place = f"s3://{each.bucket}/{each.key}"
                raise InstanceError(
                    f"ClientError: Data download failed:Unable to download object {place} ({_said(error)})"
                ) from error
            except (FileExistsError, IsADirectoryError, NotADirectoryError) as error:
                raise InstanceError(
                    f"ClientError: Data download failed:Cannot download s3://{each.bucket}/{each.key}, a previously"
                    " downloaded file/folder clashes with it. Please check your s3 objects and ensure that there is no"
                    " object that is both a folder as well as a file."
                ) from error

    def upload(self, file: Path, uri: str, key_id: str | None) -> None:
        """Write a file to an object, encrypted with the key; without one as the bucket has it by default."""
        with file.open("rb") as body:
            self.write(body, uri, key_id)

    def write(self, body: IO[bytes] | bytes, uri: str, key_id: str | None) -> None:
        """Write bytes to an object, encrypted likewise."""
        bucket, key = split_s3_uri(uri)
        encryption: dict[str, Any] = {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": key_id} if key_id else {}
        try:
            self._client.put_object(Bucket=bucket, Key=key, Body=body, **encryption)
        except ClientError as error:
            raise InstanceError(f"ClientError: Artifact upload failed:{uri} ({_said(error)})") from error

    def upload_folder(self, folder: Path, uri: str, key_id: str | None) -> None:
        """Write every file below the folder; symbolic links are not followed, as SageMaker does not."""
        for path in sorted(folder.rglob("*")):
            if path.is_file() and not path.is_symlink():
                self.upload(path, f"{uri.rstrip('/')}/{path.relative_to(folder).as_posix()}", key_id)

    def _keys(self, bucket: str, prefix: str, uri: str) -> Iterator[tuple[str, int]]:
        try:
            for page in self._client.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix):
                for each in page.get("Contents", ()):
                    yield each["Key"], each["Size"]
        except ClientError as error:
            raise self._unreadable(uri, error) from error

    def _unreadable(self, uri: str, error: ClientError | None = None) -> UnreadableError:
        bucket, _ = split_s3_uri(uri)
        said = f" Error message from S3: {error.response['Error']['Message']}" if error else ""
        return UnreadableError(
            f'No S3 objects found under S3 URL "{uri}" given in input data source. Please ensure that the bucket exists'
            f" in the selected region ({self._region}), that objects exist under that S3 prefix, and that the role"
            f' "{self._role}" has "s3:ListBucket" permissions on bucket "{bucket}".{said}'
        )


def region_of(bucket: str) -> str | None:
    """Return the region that a bucket is in, whoever's it is; None where there is none of this name."""
    partition, account = s3_backends.bucket_accounts.get(bucket, ("aws", ""))
    found = s3_backends[account][partition].buckets.get(bucket) if account else None
    return found.region_name if found else None


def _said(error: ClientError) -> str:
    return f"{error.response['Error']['Code']}: {error.response['Error']['Message']}"
