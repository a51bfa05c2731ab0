"""The tools that every command calls: those installed beside Sagewright, and Git, which is the user's own."""

import platform
import shutil
import subprocess
from collections.abc import Iterator
from importlib.metadata import version

from sagewright.cli import environ

from .finding import Finding

CHECK = "tools"
# What was tested; https://nodejs.org/en/about/previous-releases says what is still mended.
NODE_MAJOR = 24


def check() -> Iterator[Finding]:
    """Tell the versions, and what is missing."""
    yield Finding(CHECK, "ok", f"Python {platform.python_version()}")
    node = _said(str(environ.node()), "--version").removeprefix("v")
    if node.partition(".")[0] == str(NODE_MAJOR):
        yield Finding(CHECK, "ok", f"Node.js {node}, the one beside Sagewright")
    else:
        yield Finding(
            CHECK,
            "warning",
            f"Node.js {node}: Sagewright is tested with {NODE_MAJOR}",
            later="the CDK may fail while it writes the templates",
            mend="install Sagewright anew, with its locked requirements",
        )
    cdk = _said(str(environ.node()), str(environ.cdk()), "--version").partition(" ")[0]
    yield Finding(CHECK, "ok", f"CDK CLI {cdk} with aws-cdk-lib {version('aws-cdk-lib')}")
    if shutil.which("git") is None:
        yield Finding(
            CHECK,
            "warning",
            "Git is not on the PATH: a trained version will not say which commit it was made of",
            mend="install Git",
        )
    else:
        yield Finding(CHECK, "ok", _said("git", "--version").replace("git version", "Git"))


def _said(*call: str) -> str:
    done = subprocess.run(call, capture_output=True, text=True, check=True)  # noqa: S603 - our own tools, and the user's Git
    return done.stdout.strip()
