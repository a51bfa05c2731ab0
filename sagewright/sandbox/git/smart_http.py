"""Why: `git push` speaks a protocol of its own over HTTP; here a request is read so far that somebody can decide on it.

https://git-scm.com/docs/http-protocol and https://git-scm.com/docs/pack-protocol
"""

import gzip
import re
import shutil
import subprocess
import tempfile
import zlib
from base64 import b64decode
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from moto.core.request import Request
from werkzeug.exceptions import ClientDisconnected
from werkzeug.wrappers import Response

from ..protocol import ApiError
from .program import http_backend
from .repository import NOTHING, BareRepository

PULL, PUSH = "git-upload-pack", "git-receive-pack"

_PATH = re.compile(r"(?P<where>/.+)/(?P<what>info/refs|git-upload-pack|git-receive-pack)")
_PIECE = 1 << 16
_BAND = 65000  # less than a line of the side band may hold
_COMMAND = re.compile(rb"([0-9a-f]{40}) ([0-9a-f]{40}) ([^\0\n]+)(?:\0([^\n]*))?\n?")
_OK = 200


@dataclass(frozen=True)
class GitRequest:
    """What a git client asks: of which repository, whether it is to take or to bring, and whose keys it shows."""

    where: str
    service: str
    is_announcement: bool
    """It asks what is there, before it takes or brings anything."""
    user: str
    secret: str
    request: Request


@dataclass(frozen=True)
class Update:
    """What a push is to do to a reference."""

    reference: str
    before: str | None
    after: str | None


@dataclass(frozen=True)
class Push:
    """What a client brings: the references' changes, and everything that it sent, in a file."""

    updates: tuple[Update, ...]
    abilities: frozenset[bytes]
    body: IO[bytes]


def read(request: Request) -> GitRequest | None:
    """Return what a git client asks, or None where the request is nobody's git."""
    matched = _PATH.fullmatch(request.path)
    kind, _, given = request.headers.get("Authorization", "Basic ").partition(" ")
    if matched is None or kind.lower() != "basic":
        return None
    announcing = matched["what"] == "info/refs"
    service = request.args.get("service", "") if announcing else matched["what"]
    if service not in {PULL, PUSH} or request.method != ("GET" if announcing else "POST"):
        return None
    user, _, secret = _decoded(given).partition(":")
    return GitRequest(matched["where"], service, announcing, user, secret, request)


def received(asked: GitRequest, folder: Path) -> IO[bytes]:
    """Keep a request's body in a file, however long it is and however it comes."""
    stream: Any = asked.request.environ["wsgi.input"]
    body = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115 - whoever gets it closes it
    try:
        if asked.request.headers.get("Content-Encoding", "").strip().lower() == "gzip":
            stream = gzip.GzipFile(fileobj=stream)
        shutil.copyfileobj(stream, body, _PIECE)
    except (OSError, EOFError, zlib.error, ClientDisconnected) as error:
        body.close()
        raise ApiError("InvalidRequest", f"The request's body did not arrive whole: {error}") from None
    body.seek(0)
    return body


def pushed(body: IO[bytes]) -> Push:
    """Read what a push is to change."""
    updates: list[Update] = []
    abilities: frozenset[bytes] = frozenset()
    for line in _lines(body):
        if line.startswith(b"shallow "):
            continue
        command = _COMMAND.fullmatch(line)
        if command is None:
            raise ApiError("InvalidRequest", f"The push has a command that is not understood: {line[:80]!r}")
        before, after = command[1].decode(), command[2].decode()
        abilities |= frozenset((command[4] or b"").split())
        name = command[3].decode(errors="replace")
        updates.append(Update(name, _commit(before), _commit(after)))
    return Push(tuple(updates), abilities, body)


def answered(repository: BareRepository, asked: GitRequest, body: IO[bytes], user: str) -> Response:
    """Let Git answer, and hand its answer on while it is being written."""
    process = http_backend(_variables(repository, asked, user), body, subprocess.PIPE)
    output: Any = process.stdout
    status, headers = _head(output)
    return Response(_rest(process, output), status=status, headers=headers)


def carried_out(repository: BareRepository, asked: GitRequest, body: IO[bytes], user: str, folder: Path) -> Response:
    """Let Git answer, and return when it has done everything."""
    with tempfile.TemporaryFile(dir=folder) as output:
        http_backend(_variables(repository, asked, user), body, output).wait()
        output.seek(0)
        status, headers = _head(output)
        return Response(output.read(), status=status, headers=headers)


def rejected(push: Push, reasons: Mapping[str, str]) -> Response:
    """Return the answer by which a client shows for each reference why it was not changed."""
    lines = [b"unpack ok\n"]
    lines += [f"ng {each.reference} {reasons[each.reference]}\n".encode() for each in push.updates]
    report = b"".join(_line(line) for line in lines) + b"0000"
    if b"side-band-64k" in push.abilities:
        pieces = (report[at : at + _BAND] for at in range(0, len(report), _BAND))
        report = b"".join(_line(b"\1" + piece) for piece in pieces) + b"0000"
    return Response(report, status=_OK, content_type=f"application/x-{PUSH}-result")


def refused(error: ApiError, *, login: bool = False) -> Response:
    """Return a refusal that a git client shows to whoever called it; with `login` it first asks for keys."""
    answer = Response(f"{error.message}\n", status=401 if login else error.status, content_type="text/plain")
    if login:
        answer.headers["WWW-Authenticate"] = 'Basic realm="sandbox"'
    return answer


def _variables(repository: BareRepository, asked: GitRequest, user: str) -> dict[str, str]:
    request = asked.request
    told = {
        "GIT_PROJECT_ROOT": str(repository.folder.parent),
        "GIT_HTTP_EXPORT_ALL": "1",
        "PATH_INFO": f"/{repository.folder.name}{request.path.removeprefix(asked.where)}",
        "REQUEST_METHOD": request.method,
        "QUERY_STRING": f"service={asked.service}" if asked.is_announcement else "",
        "CONTENT_TYPE": request.content_type or "",
        "REMOTE_USER": user,
        "REMOTE_ADDR": "127.0.0.1",
    }
    version = request.headers.get("Git-Protocol", "")
    return told | ({"GIT_PROTOCOL": version} if version else {})


def _head(output: IO[bytes]) -> tuple[int, list[tuple[str, str]]]:
    """Read the lines before a program's answer: its headers, and the status if it is not 200."""
    status = _OK
    headers: list[tuple[str, str]] = []
    while line := output.readline().rstrip(b"\r\n").decode("latin-1"):
        name, _, value = line.partition(":")
        if name.lower() == "status":
            status = int(value.split()[0])
        else:
            headers.append((name, value.strip()))
    return (status, headers) if headers else (500, [])


def _rest(process: subprocess.Popen[bytes], output: IO[bytes]) -> Iterator[bytes]:
    try:
        while piece := output.read(_PIECE):
            yield piece
    finally:
        output.close()  # a client that went away leaves a program that can write no more, and ends
        process.wait()


def _lines(body: IO[bytes]) -> Iterator[bytes]:
    """Yield the lines before the first flush, each of which says how long it is."""
    while head := body.read(4):
        if head == b"0000":
            return
        try:
            size = int(head, 16) - 4
        except ValueError:
            size = 0
        line = body.read(size) if size > 0 else b""
        if not line or len(line) != size:
            raise ApiError("InvalidRequest", "The push ends within a command.")
        yield line


def _line(content: bytes) -> bytes:
    return b"%04x%b" % (len(content) + 4, content)


def _commit(object_id: str) -> str | None:
    return None if object_id == NOTHING else object_id


def _decoded(given: str) -> str:
    try:
        return b64decode(given, validate=True).decode()
    except ValueError:
        return ""
