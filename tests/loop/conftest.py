import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest


@dataclass(frozen=True)
class CommandLine:
    """The console script as a process of its own, in a project's folder."""

    folder: Path

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        call = [sys.executable, "-m", "sagewright.cli", *arguments]
        return subprocess.run(call, cwd=self.folder, capture_output=True, text=True, check=False)

    def ok(self, *arguments: str) -> Any:
        """Run a command that has to succeed; its result."""
        done = self.run(*arguments, "--json")
        assert done.returncode == 0, done.stderr + done.stdout
        return json.loads(done.stdout)

    def refused(self, *arguments: str) -> str:
        """Run a command that has to fail; what it told."""
        done = self.run(*arguments)
        assert done.returncode == 1, done.stderr + done.stdout
        assert "Traceback" not in done.stderr
        assert "defect of Sagewright" not in done.stderr, done.stderr
        return " ".join(done.stderr.split())


@pytest.fixture(scope="session")
def command_line() -> Callable[[Path], CommandLine]:
    """Make a command line for a folder."""
    return CommandLine


@pytest.fixture(scope="session", autouse=True)
def no_credentials() -> None:
    """Nothing of the developer's own AWS set-up reaches the processes that the tests start."""
    for name in [name for name in os.environ if name.startswith("AWS_") and name != "AWS_CA_BUNDLE"]:
        del os.environ[name]
