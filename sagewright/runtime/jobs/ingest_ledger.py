"""What has been ingested already, written down in S3 by the content of the files, so that nothing is done twice.

A `begin` says when a file was first taken up and as what: a second attempt after a crash uses its time and its names
again. An `end` has the counts. Both are written only where there is none, so that of two jobs one is first.
"""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

PRECONDITION_FAILED = 412


@dataclass(frozen=True)
class Objects:
    """The objects below one prefix of the data bucket."""

    s3: Any
    bucket: str
    prefix: str
    key: str

    def put(self, name: str, body: bytes, **condition: str) -> bool:
        """Write an object; False where the condition does not hold."""
        try:
            self.s3.put_object(
                Bucket=self.bucket,
                Key=f"{self.prefix}/{name}",
                Body=body,
                ServerSideEncryption="aws:kms",
                SSEKMSKeyId=self.key,
                **condition,
            )
        except self.s3.exceptions.ClientError as error:
            if error.response["ResponseMetadata"]["HTTPStatusCode"] == PRECONDITION_FAILED:
                return False
            raise
        return True

    def put_json(self, name: str, document: Any, **condition: str) -> bool:
        """Write a document; False where the condition does not hold."""
        text = json.dumps(document, indent=1, ensure_ascii=False, allow_nan=False)
        return self.put(name, text.encode(), **condition)

    def read_json(self, name: str) -> tuple[Any, str]:
        """Read a document with its ETag; None where there is none."""
        # Looked for in the listing: S3 says AccessDenied of what is not there to whoever may list some prefixes only.
        if not any(self._keys(f"{self.prefix}/{name}")):
            return None, ""
        answer = self.s3.get_object(Bucket=self.bucket, Key=f"{self.prefix}/{name}")
        return json.loads(answer["Body"].read()), answer["ETag"]

    def names(self, folder: str) -> list[str]:
        """List the names below a folder."""
        start = f"{self.prefix}/{folder}/"
        return [key.removeprefix(start) for key in self._keys(start)]

    def _keys(self, prefix: str) -> Iterator[str]:
        for page in self.s3.get_paginator("list_objects_v2").paginate(Bucket=self.bucket, Prefix=prefix):
            yield from (listed["Key"] for listed in page.get("Contents", []))


@dataclass(frozen=True)
class Begun:
    """A file as it was first taken up: its time is every row's, whatever happens in between."""

    content: str
    name: str
    time_ms: int
    code: str
    resumed: bool
    etag: str


class Ledger:
    """The ledger of one version of a group."""

    FOLDER, SEEN = "ledger", "seen"

    def __init__(self, objects: Objects) -> None:
        self.objects = objects
        self._seen: set[str] | None = None
        self._ended: set[str] | None = None

    def ended(self) -> set[str]:
        """Return the contents that are ingested to the end."""
        if self._ended is None:
            names = self.objects.names(self.FOLDER)
            self._ended = {name.removesuffix(".end.json") for name in names if name.endswith(".end.json")}
        return self._ended

    def knows(self, upload: str) -> bool:
        """Return whether this very upload of a file was found ingested: then it need not be fetched again."""
        if self._seen is None:
            self._seen = {*self.objects.names(self.SEEN)}
        return upload in self._seen

    def note(self, upload: str, content: str) -> None:
        """Remember the content of an upload that is ingested."""
        self.objects.put_json(f"{self.SEEN}/{upload}", {"content": content})

    def begin(self, content: str, name: str, time_ms: int, code: str) -> Begun:
        """Return when and as what the content was first taken up: now, unless it was before."""
        path = f"{self.FOLDER}/{content}.begin.json"
        document = {"content": content, "file": name, "time_ms": time_ms, "code": code}
        if self.objects.put_json(path, document, IfNoneMatch="*"):
            return Begun(content, name, time_ms, code, resumed=False, etag="")
        found, etag = self.objects.read_json(path)
        return Begun(content, name, found["time_ms"], found["code"], resumed=True, etag=etag)

    def begin_anew(self, begun: Begun, code: str) -> None:
        """Say that other code goes on with the file, after what the first has left was cleared away."""
        document = {"content": begun.content, "file": begun.name, "time_ms": begun.time_ms, "code": code}
        self.objects.put_json(f"{self.FOLDER}/{begun.content}.begin.json", document, IfMatch=begun.etag)

    def progress(self, content: str) -> int:
        """Return how many rows of a file are done, where rows cannot be written a second time."""
        found, _ = self.objects.read_json(f"progress/{content}.json")
        return found["rows"] if found else 0

    def go_on(self, content: str, rows: int) -> None:
        """Write down how many rows of a file are done."""
        self.objects.put_json(f"progress/{content}.json", {"rows": rows})

    def end(self, content: str, counts: dict[str, Any]) -> None:
        """Write down the counts; another job that ended first has written the same."""
        self.objects.put_json(f"{self.FOLDER}/{content}.end.json", counts, IfNoneMatch="*")
        self.ended().add(content)

    def read_end(self, content: str) -> dict[str, Any]:
        """Return the counts of an ingested content."""
        counts, _ = self.objects.read_json(f"{self.FOLDER}/{content}.end.json")
        return counts


def upload_of(bucket: str, key: str, etag: str) -> str:
    """Name one upload of an object."""
    return hashlib.sha256(f"{bucket}\n{key}\n{etag}".encode()).hexdigest()
