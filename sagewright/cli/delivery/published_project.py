"""What a build publishes and a release reads: the project's files with the assembly that was tested, as one archive.

A release starts days after the push, from the registry and not from Git: it takes the templates that were tested and
deployed last, and not what somebody has pushed meanwhile.
"""

import io
import os
import shutil
import subprocess
import zipfile
from collections.abc import Iterator
from pathlib import Path

import boto3
from botocore.exceptions import ClientError

from sagewright.cli import state
from sagewright.cli.errors import CommandError
from sagewright.runtime.functions.client import Client
from sagewright.runtime.functions.objects import Location

ASSEMBLY = "cdk.out"
VARIABLE = "SAGEWRIGHT_PUBLISHED"
_COMMIT = "commit"
# What tools leave beside the files of a project, where Git does not say which are its own.
_LEFT_OUT = {state.FOLDER, ASSEMBLY, ".git", ".venv", "__pycache__", "node_modules", "reports"}
_CACHES = ("_cache", ".egg-info")
_FIRST_DAY = (1980, 1, 1, 0, 0, 0)


def archive(root: Path, assembly: Path) -> bytes:
    """Pack a project and its assembly: the same content gives the same bytes, whenever and wherever it is packed."""
    files = {name: root / name for name in _of_project(root)}
    files |= {f"{ASSEMBLY}/{name}": assembly / name for name in of_assembly(assembly)}
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, file in sorted(files.items()):
            entry = zipfile.ZipInfo(name, _FIRST_DAY)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = 0o644 << 16
            packed.writestr(entry, file.read_bytes())
    return buffer.getvalue()


def of_assembly(folder: Path) -> Iterator[str]:
    """List the files of an assembly; the CDK keeps locks and what it has zipped beside them."""
    for file in sorted(folder.rglob("*")):
        name = file.relative_to(folder)
        if file.is_file() and file.suffix != ".lock" and name.parts[0] != ".cache":
            yield name.as_posix()


def _of_project(root: Path) -> list[str]:
    """List the files of a project: those of Git, else all that no tool has left there."""
    git = shutil.which("git")
    if git is not None and (root / ".git").exists():
        call = [git, "-C", str(root), "ls-files", "-z"]
        done = subprocess.run(call, capture_output=True, text=True, check=False)  # noqa: S603 - arguments of ours
        if done.returncode == 0:
            return [name for name in done.stdout.split("\0") if name and (root / name).is_file()]
    found: list[str] = []
    for folder, folders, names in os.walk(root):
        folders[:] = [each for each in folders if not _is_left(each)]
        found += [(Path(folder) / name).relative_to(root).as_posix() for name in names if not _is_left(name)]
    return found


def _is_left(name: str) -> bool:
    return name in _LEFT_OUT or name.endswith(_CACHES)


def publish(s3: Client, place: Location, content: bytes, commit: str | None) -> None:
    """Put the archive where releases read it; the bucket keeps what was published before."""
    s3.put_object(
        Bucket=place.bucket,
        Key=place.key,
        Body=content,
        ContentType="application/zip",
        Metadata={_COMMIT: commit} if commit else {},
    )


def fetch(folder: Path) -> None:
    """Unpack what was published last into a folder."""
    place = os.environ.get(VARIABLE)
    if place is None:
        raise CommandError(
            f"{VARIABLE} is not set: it names the archive that `sagewright delivery deploy` has published, "
            "s3://<data bucket of the first environment>/delivery/project.zip."
        )
    location = Location.parse(place)
    try:
        content = boto3.client("s3").get_object(Bucket=location.bucket, Key=location.key)["Body"].read()
    except ClientError as error:
        if error.response["Error"]["Code"] not in {"NoSuchKey", "404"}:
            raise
        raise CommandError(
            f"Nothing was published to {place} yet: push the project, so that the build pipeline deploys the first "
            "environment and publishes what releases go by."
        ) from error
    folder.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(io.BytesIO(content)) as packed:
        packed.extractall(folder)
