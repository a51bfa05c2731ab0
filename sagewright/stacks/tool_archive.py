"""Sagewright itself as one file, so that builds run exactly the tool that their pipelines were deployed with.

It holds a wheel of the installed package, and what the package needs as it was locked: names, versions, hashes. All of
it is the same, byte for byte, wherever it is made; where it came from is not known to a package that is installed.
"""

import base64
import hashlib
import re
from collections.abc import Iterator
from importlib.metadata import entry_points
from pathlib import Path, PurePosixPath

import sagewright
from sagewright.stacks import code_archive

_OURS = Path(sagewright.__file__).parent
# In an installed package, and in a checkout, where the lock is of the whole tool chain.
_LOCK = "requirements.lock"
_LOCKS = (_OURS / _LOCK, _OURS.parent / _LOCK)
# What tools leave in the seeds.
_LEFT = {"__pycache__", ".pytest_cache", ".ruff_cache", ".sagewright", ".venv", "cdk.out", "out"}
# Who asks for a package: us, or what builds one that comes as source. Development's own tools are not needed.
_ROOTS = {"sagewright (pyproject.toml)", "sagewright (pyproject.toml:build)"}
_INSTALLER = "uv"
_ENTRY = re.compile(r"^(?P<name>[A-Za-z0-9._-]+)(\[[^]]*\])?==")
_VIA = re.compile(r"^ +# +(via +)?(?P<who>\S.*)$")


def content() -> bytes:
    """Make the bundle: the wheel, what to install beside it, and what to install it with."""
    entries = dict(_entries(_lock().read_text(encoding="utf-8")))
    needed = "".join(entries[name] for name in sorted(_needed(entries)))
    return code_archive.archived(
        {
            f"sagewright-{sagewright.__version__}-py3-none-any.whl": wheel(),
            "requirements.txt": needed.encode(),
            "uv.txt": "".join(text for name, text in entries.items() if name.split("==")[0] == _INSTALLER).encode(),
        }
    )


def wheel() -> bytes:
    """Pack the package's files as a wheel.

    https://packaging.python.org/en/latest/specifications/binary-distribution-format/
    """
    version = sagewright.__version__
    packed = {f"sagewright/{name}": path.read_bytes() for name, path in _files()}
    # The tool makes this bundle also where it was installed from one.
    packed[f"sagewright/{_LOCK}"] = _lock().read_bytes()
    ours = {each.name: each.value for each in entry_points(group="console_scripts") if each.module == "sagewright.cli"}
    about = f"sagewright-{version}.dist-info"
    packed |= {
        f"{about}/METADATA": f"Metadata-Version: 2.1\nName: sagewright\nVersion: {version}\n".encode(),
        f"{about}/WHEEL": b"Wheel-Version: 1.0\nGenerator: sagewright\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        f"{about}/entry_points.txt": "\n".join(
            ["[console_scripts]", *(f"{name} = {ours[name]}" for name in sorted(ours)), ""]
        ).encode(),
    }
    record = [f"{name},{_digest(each)},{len(each)}" for name, each in sorted(packed.items())]
    packed[f"{about}/RECORD"] = "\n".join([*record, f"{about}/RECORD,,", ""]).encode()
    return code_archive.archived(packed)


def _lock() -> Path:
    found = next((each for each in _LOCKS if each.is_file()), None)
    if found is None:
        raise FileNotFoundError(
            f"Sagewright at {_OURS} has no {_LOCK}, so no build could install what it needs: install it anew."
        )
    return found


def _files() -> Iterator[tuple[str, Path]]:
    for path in _OURS.rglob("*"):
        relative = PurePosixPath(path.relative_to(_OURS).as_posix())
        if path.is_file() and not _LEFT & {*relative.parts} and path.suffix != ".pyc":
            yield str(relative), path


def _digest(content: bytes) -> str:
    return f"sha256={base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b'=').decode()}"


def _entries(lock: str) -> Iterator[tuple[str, str]]:
    """Split a lock into its packages; one that differs between machines stands there once for each."""
    name, lines = "", [""]
    for line in lock.splitlines(keepends=True):
        if _ENTRY.match(line):
            if name:
                yield name, "".join(lines)
            name, lines = line.split("\\")[0].strip(), [line]
        elif name:
            lines.append(line)
    if name:
        yield name, "".join(lines)


def _needed(entries: dict[str, str]) -> set[str]:
    """Follow who asks for what, as the lock's comments say it, from the package itself to everything below."""
    asking = {
        name: {found["who"] for line in text.splitlines() if (found := _VIA.match(line))}
        for name, text in entries.items()
    }
    reached, wanted = set(_ROOTS), set[str]()
    while True:
        more = {name for name, who in asking.items() if who & reached} - wanted
        if not more:
            return wanted
        wanted |= more
        reached |= {name.split("==")[0].split("[")[0] for name in more}
