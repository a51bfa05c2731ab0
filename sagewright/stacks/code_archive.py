"""The code of the jobs as one file that is the same, byte for byte, wherever it is made.

SageMaker's step cache compares addresses, and the address is a hash of the content: a bundle that differed from one
machine to the next would repeat every step. It is apart from the construct that uploads it, because whoever only asks
whether the code has changed should not have to start the CDK.
"""

import hashlib
import io
import json
import zipfile
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

import sagewright
from sagewright.project import Project, declaration

_OURS = Path(sagewright.__file__).parent
# What runs in jobs and what they put beside the model. Not runtime/functions: a change there must not train anew.
_ROOMS = ("jobs", "serving")
_CACHES = {"__pycache__"}

# The earliest time that a zip file can say, and a plain file that everybody may read, made on Unix.
_TIME = (1980, 1, 1, 0, 0, 0)
_UNIX = 3
_MODE = 0o100644


def of_project(project: Project) -> bytes:
    """Make the bundle of a project; with feature groups, what jobs are told of them is in it."""
    files = {name: path.read_bytes() for name, path in contents(project.root / project.first.training.code).items()}
    if project.features:
        files[declaration.FILE_NAME] = json.dumps(declaration.document(project), indent=1).encode()
    return archived(files)


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
    return archived({name: path.read_bytes() for name, path in listed.items()})


def archived(contents: dict[str, bytes]) -> bytes:
    """Zip contents by their names, likewise."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as bundle:
        for name in sorted(contents):
            entry = zipfile.ZipInfo(name, _TIME)
            entry.create_system = _UNIX
            entry.external_attr = _MODE << 16
            bundle.writestr(entry, contents[name])
    return buffer.getvalue()


def content_hash(content: bytes) -> str:
    """Hash an archive, for the CDK to name its object by."""
    return hashlib.sha256(content).hexdigest()


def object_name(content: bytes) -> str:
    """Name the object that the CDK uploads the archive as: it hashes the hash that it is given once more."""
    return f"{hashlib.sha256(content_hash(content).encode()).hexdigest()}.zip"


def _walk(folder: Path) -> Iterator[tuple[str, Path]]:
    """List every file below a folder but what tools leave there: hidden files, notebook checkpoints, caches."""
    for path in folder.rglob("*"):
        relative = PurePosixPath(path.relative_to(folder).as_posix())
        left_there = any(part.startswith(".") or part in _CACHES for part in relative.parts)
        if path.is_file() and not left_there:
            yield str(relative), path
