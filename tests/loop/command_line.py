"""The console script, as the tests of the whole loop run it."""

import json
import os
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.loop.ask import ask


@dataclass(frozen=True)
class CommandLine:
    """The console script as a process of its own, in a project's folder."""

    folder: Path
    warm: Path
    """Where `warm.py` listens, which forks that process."""

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        with tempfile.TemporaryFile("w+") as stdout, tempfile.TemporaryFile("w+") as stderr:
            output = stdout.fileno(), stderr.fileno()
            code = ask(str(self.warm), str(self.folder), arguments, os.environ, output)
            stdout.seek(0)
            stderr.seek(0)
            return subprocess.CompletedProcess(arguments, code, stdout.read(), stderr.read())

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
