"""Why: a build may install what it likes into its image, and none of it may end up in the user's environment.

The image is this machine's: its shell and tools, and before them on PATH a small virtual environment of the build's
own that reads the packages of the environment in which the sandbox runs, and writes none.
"""

import os
import re
import site
import sys
import sysconfig
from pathlib import Path

# How a build reaches the network from this machine is the machine's, as it is the container host's in AWS.
_NETWORK = (
    *("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "all_proxy", "no_proxy"),
    *("SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "NODE_EXTRA_CA_CERTS"),
    *("PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL", "PIP_CERT", "UV_INDEX_URL", "UV_DEFAULT_INDEX", "npm_config_registry"),
)
_FALLBACK = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_MOST_SCRIPT = 64 * 1024
# A first line that names an interpreter may be too long for the kernel; a shell and Python both read this.
_START = """#!/bin/sh
'''exec' "{python}" "$0" "$@"
' '''
"""
_ACTIVATIONS = re.compile(r"activate.*|.*\.bat|.*\.ps1|python[\d.]*|pip[\d.]*")


def lay(folder: Path) -> dict[str, str]:
    """Make the environment of one build in an empty folder, and return the variables that make it the first."""
    binaries = folder / "bin"
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    packages = folder / "lib" / version / "site-packages"
    for each in (binaries, packages):
        each.mkdir(parents=True)
    base = Path(sys.base_prefix) / "bin" / version
    interpreter = base if base.exists() else Path(os.path.realpath(sys.executable))
    (folder / "pyvenv.cfg").write_text(f"home = {interpreter.parent}\ninclude-system-site-packages = false\n")
    for name in ("python", "python3", version):
        (binaries / name).symlink_to(interpreter)
    (packages / "image.pth").write_text(_shown_packages())
    own = Path(sys.executable).parent
    for tool in sorted(own.iterdir()):
        if not _ACTIVATIONS.fullmatch(tool.name) and os.access(tool, os.X_OK) and tool.is_file():
            _bring(tool, binaries / tool.name, own, binaries)
    _pip(binaries)
    return {name: os.environ[name] for name in _NETWORK if name in os.environ} | {
        "PATH": os.pathsep.join([str(binaries), *_search_path(own)]),
        "VIRTUAL_ENV": str(folder),
        "PYTHONDONTWRITEBYTECODE": "1",  # beside the shown packages, it would be written into their environment
        "npm_config_prefix": str(folder),
        # A build shares this machine's cores, where threads of OpenMP that spin while they wait stop one another.
        "OMP_WAIT_POLICY": "PASSIVE",
    }


def _shown_packages() -> str:
    """Return the lines by which Python reads the sandbox's packages, and their .pth files, after the build's own."""
    shown = dict.fromkeys(sysconfig.get_path(name) for name in ("purelib", "platlib"))
    lines = [f"import site; site.addsitedir({folder!r})" for folder in shown]
    if site.ENABLE_USER_SITE and sys.prefix == sys.base_prefix:
        lines.append(f"import site; site.addsitedir({site.getusersitepackages()!r})")
    return "".join(f"{line}\n" for line in [*lines, *_bundled_pip()])


def _bundled_pip() -> list[str]:
    """Return the wheel of pip that comes with Python, which works as it is, where the environment has no pip."""
    if list(Path(sysconfig.get_path("purelib")).glob("pip-*.dist-info")):
        return []
    wheels = (Path(sysconfig.get_path("stdlib")) / "ensurepip" / "_bundled").glob("pip-*.whl")
    return [str(wheel) for wheel in sorted(wheels)[-1:]]


def _pip(binaries: Path) -> None:
    for name in ("pip", "pip3"):
        script = binaries / name
        script.write_text('#!/bin/sh\nexec "$(dirname "$0")/python" -m pip "$@"\n')
        script.chmod(0o755)


def _bring(tool: Path, target: Path, own: Path, binaries: Path) -> None:
    """Put a tool on the build's PATH; a Python script starts the build's interpreter and not the sandbox's."""
    if tool.stat().st_size <= _MOST_SCRIPT:
        content = tool.read_bytes()
        first = content.split(b"\n", 3)[:3]
        if content.startswith(b"#!") and any(bytes(own) in line for line in first):
            body = content.split(b"\n", 1)[1] if bytes(own) in first[0] else b"\n".join(content.split(b"\n")[3:])
            target.write_bytes(_START.format(python=binaries / "python").encode() + body)
            target.chmod(0o755)
            return
    target.symlink_to(tool)


def _search_path(own: Path) -> list[str]:
    given = os.environ.get("PATH", _FALLBACK).split(os.pathsep)
    return [each for each in given if each and Path(each) != own]
