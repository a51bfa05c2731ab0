"""The code of the jobs as one file that is the same, byte for byte, wherever it is made.

SageMaker's step cache compares addresses, and the address is a hash of the content: a bundle that differed from one
machine to the next would repeat every step.
"""

import hashlib
import io
import zipfile
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory

from aws_cdk import Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3_assets as assets
from constructs import Construct

import sagewright
from sagewright.project import Project
from sagewright.stacks import permissions

_OURS = Path(sagewright.__file__).parent
# What runs in jobs and what they put beside the model. Not runtime/functions: a change there must not train anew.
_ROOMS = ("jobs", "serving")
_CACHES = {"__pycache__"}

# The earliest time that a zip file can say, and a plain file that everybody may read, made on Unix.
_TIME = (1980, 1, 1, 0, 0, 0)
_UNIX = 3
_MODE = 0o100644


class CodeBundle(Construct):
    """The job programs and the data scientist's package, uploaded under a name that is its content's hash."""

    def __init__(self, scope: Construct, construct_id: str, *, project: Project) -> None:
        super().__init__(scope, construct_id)
        content = archive(contents(project.root / project.first.training.code))
        with TemporaryDirectory() as folder:
            path = Path(folder) / "bundle.zip"
            path.write_bytes(content)
            asset = assets.Asset(self, "Archive", path=str(path), asset_hash=hashlib.sha256(content).hexdigest())
        self.name = asset.s3_object_key
        self.bucket_name = asset.s3_bucket_name
        self.uri = asset.s3_object_url

    def grant_read(self, role: iam.Role) -> None:
        """Allow reading this one object; the asset's own grant would open the whole bucket of all deployments."""
        bucket = f"arn:{Stack.of(self).partition}:s3:::{self.bucket_name}"
        permissions.allow(role, "ReadCode", ["s3:GetObject"], [f"{bucket}/{self.name}"])
        exact = {"StringEquals": {"s3:prefix": self.name}}
        permissions.allow(role, "ListCode", ["s3:ListBucket"], [bucket], conditions=exact)


def contents(package: Path) -> dict[str, Path]:
    """List the bundle's files by their name in it: our job programs, and the package beside them."""
    runtime = _OURS / "runtime"
    listed = {"__main__.py": runtime / "jobs" / "__main__.py"}
    listed |= {f"sagewright/{name}": _OURS / name for name in ("__init__.py", "runtime/__init__.py")}
    for room in _ROOMS:
        listed |= {
            f"sagewright/runtime/{room}/{name}": path for name, path in _walk(runtime / room) if path.suffix == ".py"
        }
    return listed | {f"{package.name}/{name}": path for name, path in _walk(package)}


def archive(listed: dict[str, Path]) -> bytes:
    """Zip files so that only their names and contents count.

    They are stored and not compressed, because compressed bytes differ between versions of zlib.
    """
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as bundle:
        for name in sorted(listed):
            entry = zipfile.ZipInfo(name, _TIME)
            entry.create_system = _UNIX
            entry.external_attr = _MODE << 16
            bundle.writestr(entry, listed[name].read_bytes())
    return buffer.getvalue()


def _walk(folder: Path) -> Iterator[tuple[str, Path]]:
    """List every file below a folder but what tools leave there: hidden files, notebook checkpoints, caches."""
    for path in folder.rglob("*"):
        relative = PurePosixPath(path.relative_to(folder).as_posix())
        left_there = any(part.startswith(".") or part in _CACHES for part in relative.parts)
        if path.is_file() and not left_there:
            yield str(relative), path
