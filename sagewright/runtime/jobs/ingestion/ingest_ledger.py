"""What has been ingested already, written down in S3 by the content of the files, so that nothing is done twice.

A `begin` says when a file was first taken up and as what: a second attempt after a crash uses its time and its names
again. Of several jobs at one file, one result counts: it is written into the `begin`, only while that is still as this
job knows it, and from there copied to an `end`. A job that finds another's code in the `begin` has lost the file to it.
https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html
"""

import hashlib
import json
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import IO, Any

from sagewright.runtime.serving.errors import UserError

# Somebody else writes the object at this moment: what there is then decides.
CONFLICT, PRECONDITION_FAILED = 409, 412
_ATTEMPTS = 20


class LeftToAnotherError(UserError):
    """Another job has the file, and its result stands."""


@dataclass(frozen=True)
class Objects:
    """The objects below one prefix of the data bucket."""

    s3: Any
    bucket: str
    prefix: str
    key: str

    def put(self, name: str, body: bytes | IO[bytes], **condition: str) -> str:
        """Write an object and return its ETag; an empty one where the condition does not hold."""
        try:
            answer = self.s3.put_object(
                Bucket=self.bucket,
                Key=f"{self.prefix}/{name}",
                Body=body,
                ServerSideEncryption="aws:kms",
                SSEKMSKeyId=self.key,
                **condition,
            )
        except self.s3.exceptions.ClientError as error:
            status = error.response["ResponseMetadata"]["HTTPStatusCode"]
            if condition and status in (CONFLICT, PRECONDITION_FAILED):
                return ""
            raise
        return answer["ETag"]

    def put_json(self, name: str, document: Any, **condition: str) -> str:
        """Write a document and return its ETag; an empty one where the condition does not hold."""
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
    """A file as it was first taken up: its time is every row's, whatever happens in between.

    `before` names other code that had it and may have left files, `end` is its result once there is one.
    """

    content: str
    name: str
    time_ms: int
    code: str
    before: tuple[str, ...] = ()
    end: dict[str, Any] | None = None
    etag: str = ""
    resumed: bool = False

    @property
    def mark(self) -> str:
        """Tell what this code writes of the file from what any other does."""
        return mark_of(self.content, self.code)

    def document(self) -> dict[str, Any]:
        """Return it as the ledger has it."""
        told = {"content": self.content, "file": self.name, "time_ms": self.time_ms, "code": self.code}
        return told | {"before": [*self.before]} | ({"end": self.end} if self.end is not None else {})


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
        begun = Begun(content, name, time_ms, code)
        for _ in range(_ATTEMPTS):
            etag = self.objects.put_json(self._begin(content), begun.document(), IfNoneMatch="*")
            found = replace(begun, etag=etag) if etag else self._begun(begun)
            if found is not None:
                return found
        raise RuntimeError(f"{self._begin(content)} could be neither written nor read, {_ATTEMPTS} times")

    def take_over(self, begun: Begun, code: str) -> Begun:
        """Say that other code goes on with the file. Raises LeftToAnotherError where somebody was faster."""
        before = tuple(each for each in dict.fromkeys((*begun.before, begun.code)) if each != code)
        taken = replace(begun, code=code, before=before)
        etag = self.objects.put_json(self._begin(begun.content), taken.document(), IfMatch=begun.etag)
        return replace(taken, etag=etag) if etag else self.hold(taken)

    def hold(self, begun: Begun) -> Begun:
        """Return the file as it is now. Raises LeftToAnotherError where other code has taken it up since."""
        found = self._begun(begun)
        if found is None or found.code != begun.code:
            raise LeftToAnotherError(
                f"{begun.name}: another run, with other code, has taken the file up since, and its result stands"
            )
        return found

    def is_anothers(self, begun: Begun) -> bool:
        """Tell whether other code has taken the file up since."""
        found = self._begun(begun)
        return found is None or found.code != begun.code

    def end(self, begun: Begun, counts: dict[str, Any]) -> None:
        """Write down the counts, unless other code has the file: then it raises LeftToAnotherError.

        Another job with the same code has written the same, whichever of the two was first.
        """
        path = self._begin(begun.content)
        for _ in range(_ATTEMPTS):
            held = self.hold(begun)
            ended = held if held.end is not None else replace(held, end=counts)
            if held.end is not None or self.objects.put_json(path, ended.document(), IfMatch=held.etag):
                self.finish(ended)
                return
        raise RuntimeError(f"{path} was changed by others {_ATTEMPTS} times while it was written")

    def finish(self, begun: Begun) -> bool:
        """Copy the result of a file to where results are listed; False where somebody has."""
        path = f"{self.FOLDER}/{begun.content}.end.json"
        written = self.objects.put_json(path, begun.end, IfNoneMatch="*")
        self.ended().add(begun.content)
        return bool(written)

    def progress(self, content: str) -> "Progress":
        """Return how many rows of a file are done, where rows cannot be written a second time."""
        path = f"progress/{content}.json"
        found, etag = self.objects.read_json(path)
        return Progress(self.objects, path, found["rows"] if found else 0, etag)

    def _begin(self, content: str) -> str:
        return f"{self.FOLDER}/{content}.begin.json"

    def _begun(self, begun: Begun) -> Begun | None:
        found, etag = self.objects.read_json(self._begin(begun.content))
        if found is None:
            return None
        return Begun(
            content=begun.content,
            name=begun.name,
            time_ms=found["time_ms"],
            code=found["code"],
            before=tuple(found["before"]),
            end=found.get("end"),
            etag=etag,
            resumed=True,
        )

    def read_end(self, content: str) -> dict[str, Any]:
        """Return the counts of an ingested content."""
        counts, _ = self.objects.read_json(f"{self.FOLDER}/{content}.end.json")
        return counts


@dataclass
class Progress:
    """How far one job is with a file, as long as no other one goes on with it."""

    objects: Objects
    path: str
    rows: int
    etag: str
    # Two jobs are never at the same place with the same document.
    job: str = field(default_factory=lambda: uuid.uuid4().hex)

    @property
    def is_begun(self) -> bool:
        """Whether a job has been at it before."""
        return bool(self.etag)

    def moved(self) -> bool:
        """Tell whether another job has gone on since this was read or written."""
        return self.objects.read_json(self.path)[1] != self.etag

    def write(self, rows: int) -> bool:
        """Say that so many rows are done; False where another job goes on with the file."""
        condition = {"IfMatch": self.etag} if self.etag else {"IfNoneMatch": "*"}
        document = {"rows": rows, "job": self.job}
        etag = self.objects.put_json(self.path, document, **condition)
        if not etag:
            # An answer may have been lost on its way, and the request made again.
            found, there = self.objects.read_json(self.path)
            etag = there if found == document else ""
        if etag:
            self.rows, self.etag = rows, etag
        return bool(etag)


def mark_of(content: str, code: str) -> str:
    """Name what some code makes of some content, in hexadecimal digits."""
    return hashlib.sha256(f"{content}\n{code}".encode()).hexdigest()


def upload_of(bucket: str, key: str, etag: str) -> str:
    """Name one upload of an object."""
    return hashlib.sha256(f"{bucket}\n{key}\n{etag}".encode()).hexdigest()
