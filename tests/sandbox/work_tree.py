"""A clone, worked in with the git of this machine and nothing of its user's settings."""

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

WHO = {"GIT_AUTHOR_NAME": "Ann", "GIT_AUTHOR_EMAIL": "ann@example.com"}
ENVIRONMENT = {
    "PATH": os.environ["PATH"],
    "LC_ALL": "C",
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_TERMINAL_PROMPT": "0",
    **WHO,
    **{name.replace("AUTHOR", "COMMITTER"): value for name, value in WHO.items()},
}


@dataclass(frozen=True)
class WorkTree:
    folder: Path

    def git(self, *arguments: str) -> str:
        """Return what git prints."""
        done = self._run(*arguments)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def refused(self, *arguments: str) -> str:
        """Return what git says when it fails."""
        done = self._run(*arguments)
        assert done.returncode != 0, done.stdout
        return done.stderr

    def commit(self, **files: str | bytes) -> str:
        """Commit files, whose names have no dots here, and return the commit's id."""
        for name, content in files.items():
            (self.folder / name).write_bytes(content.encode() if isinstance(content, str) else content)
        self.git("add", ".")
        self.git("commit", "--quiet", "-m", " ".join(files))
        return self.git("rev-parse", "HEAD")

    def _run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        given: dict[str, Any] = {"cwd": self.folder, "env": ENVIRONMENT, "capture_output": True, "text": True}
        return subprocess.run(["git", *arguments], check=False, **given)
