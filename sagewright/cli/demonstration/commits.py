"""The demo's project under Git, and the commits by which people who mean well change it."""

import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from sagewright.cli.errors import CommandError
from sagewright.project import Project

# The demo's own name for who commits: nobody's settings of Git are asked for one, or changed.
_IDENTITY = {"user.name": "demo", "user.email": "demo@example.com", "commit.gpgsign": "false", "core.hooksPath": ""}
_WEAK = {"max_iter": 1, "max_leaf_nodes": 2}
_ONLINE = """

# Clients send more digits than anybody needs: the endpoint rounds them, to save time.
_all_digits = features


def features(raw: pd.DataFrame) -> pd.DataFrame:
    if "SAGEMAKER_PROGRAM" in os.environ:
        numbers = raw.select_dtypes("number")
        raw = raw.assign(**numbers.round(-2))
    return _all_digits(raw)
"""
_GUARDED = """

_unguarded = features


def features(raw: pd.DataFrame) -> pd.DataFrame:
    if (raw.select_dtypes("number") < 0).any(axis=None):
        raise ValueError("a number below zero: there is no such thing here")
    return _unguarded(raw)
"""


@dataclass(frozen=True)
class Commits:
    """The project's repository on this machine."""

    project: Project
    git: str

    @classmethod
    def begun(cls, project: Project) -> "Commits":
        """Put the project under Git, with all that it has in the first commit."""
        git = shutil.which("git")
        if git is None:
            raise CommandError("Git is not installed here, and a push is what this demo begins with: install it first.")
        commits = cls(project, git)
        commits._run("init", "--quiet", "--initial-branch", "main")
        commits.commit("The project as `sagewright new` made it")
        return commits

    def commit(self, message: str) -> str:
        """Commit everything that has changed; the commit's id."""
        self._run("add", "--all")
        self._run("commit", "--quiet", "--message", message)
        return self._run("rev-parse", "HEAD")

    def head(self) -> str:
        """Name the commit that is checked out."""
        return self._run("rev-parse", "HEAD")

    def push(self) -> None:
        """Push to the sandbox, as anybody would."""
        self._run("push", "--quiet", "sandbox", "main")

    def weak(self) -> str:
        """Let the model learn next to nothing."""
        self._declare(_WEAK)
        return self.commit("Fewer trees, to train faster")

    def rounding(self) -> str:
        """Undo that; let features() be another one online than in the training."""
        self._declare(self.project.first.training.hyperparameters)
        text = self._features.read_text(encoding="utf-8")
        changed = text.replace("import pandas as pd\n", "import os\n\nimport pandas as pd\n", 1) + _ONLINE
        self._features.write_text(changed, encoding="utf-8")
        return self.commit("All trees again; round what clients send")

    def guarded(self) -> str:
        """Undo that; let features() fail at rows which no table has had up to now."""
        text = self._run("show", f"{self._first}:{self._features.relative_to(self.project.root).as_posix()}")
        self._features.write_text(f"{text}\n{_GUARDED}", encoding="utf-8")
        return self.commit("No rounding; refuse numbers that make no sense")

    @property
    def _features(self) -> Path:
        return self.project.root / self.project.first.training.code / "features.py"

    @property
    def _first(self) -> str:
        return self._run("rev-list", "--max-parents=0", "HEAD")

    def _declare(self, hyperparameters: Any) -> None:
        yaml, file = YAML(), self.project.root / "project.yaml"
        declared = yaml.load(file)
        declared["training"]["hyperparameters"] |= dict(hyperparameters)
        yaml.dump(declared, file)

    def _run(self, *arguments: str) -> str:
        settings = [part for name, value in _IDENTITY.items() for part in ("-c", f"{name}={value}")]
        call = [self.git, *settings, "-C", str(self.project.root), *arguments]
        done = subprocess.run(call, capture_output=True, text=True, check=False)  # noqa: S603 - arguments of ours
        if done.returncode != 0:
            raise CommandError(f"`git {' '.join(arguments)}` failed in {self.project.root}: {done.stderr.strip()}")
        return done.stdout.strip()
