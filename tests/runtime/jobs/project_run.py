"""A project's three jobs, each a process of its own that is started from a code bundle, as in AWS."""

import json
import os
import subprocess
import sys
import tarfile
import zipfile
from dataclasses import dataclass, field
from pathlib import Path

import sagewright

OURS = Path(sagewright.__file__).parent


def bundle_of(package: Path, target: Path) -> Path:
    """Zip the job programs and the package as the deployment does."""
    listed = {"__main__.py": OURS / "runtime/jobs/__main__.py"}
    rooms = [*(OURS / "runtime/jobs").rglob("*.py"), *(OURS / "runtime/serving").rglob("*.py")]
    for path in [OURS / "__init__.py", OURS / "runtime/__init__.py", *rooms]:
        listed[f"sagewright/{path.relative_to(OURS)}"] = path
    for path in package.rglob("*"):
        if path.is_file() and path.suffix != ".pyc":
            listed[f"{package.name}/{path.relative_to(package)}"] = path
    with zipfile.ZipFile(target, "w") as bundle:
        for name, path in sorted(listed.items()):
            bundle.write(path, name)
    return target


@dataclass(frozen=True)
class Project:
    """A raw table and the package that learns from it, with all that the three jobs wrote below `root`."""

    root: Path
    package: Path
    options: tuple[str, ...]
    hyperparameters: dict[str, str] = field(default_factory=dict)

    @property
    def raw(self) -> Path:
        return self.root / "raw"

    @property
    def held_out(self) -> Path:
        return self.root / "data" / "held_out"

    @property
    def model(self) -> Path:
        return self.root / "model"

    def preprocess(self, output: str = "data") -> subprocess.CompletedProcess[str]:
        folders = ("--raw", str(self.raw), "--output", str(self.root / output))
        return self._run("preprocess", *folders, *self.options, "--message", str(self.root / "message"))

    def train(self, model: str = "model") -> subprocess.CompletedProcess[str]:
        hyperparameters = self.root / "hyperparameters.json"
        hyperparameters.write_text(json.dumps(self.hyperparameters))
        folders = [f"--{name}={self.root / 'data' / name}" for name in ("train", "baseline")]
        folders += [f"--model={self.root / model}", f"--hyperparameters={hyperparameters}"]
        return self._run("train", *folders, "--failure", str(self.root / "failure"))

    def evaluate(self, output: str = "evaluation") -> subprocess.CompletedProcess[str]:
        archive = self.root / "artifact" / "model.tar.gz"
        archive.parent.mkdir(exist_ok=True)
        with tarfile.open(archive, "w:gz") as members:
            members.add(self.model, ".")
        folders = [
            f"--model={archive.parent}",
            f"--test={self.root / 'data' / 'test'}",
            f"--output={self.root / output}",
        ]
        return self._run("evaluate", *folders, "--message", str(self.root / "message"))

    def _run(self, program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        bundle = self.root / "0a1b2c.zip"
        if not bundle.exists():
            bundle_of(self.package, bundle)
        return subprocess.run(
            [sys.executable, bundle, program, "--package", self.package.name, *arguments],
            # One thread each, because the tests themselves run side by side.
            env={"PATH": os.environ["PATH"], "OMP_NUM_THREADS": "1", "DATA_VERSION": "2026-11-21"},
            cwd=self.root,
            capture_output=True,
            text=True,
            check=False,
        )

    def run_all(self) -> "Project":
        for job in (self.preprocess, self.train, self.evaluate):
            done = job()
            assert done.returncode == 0, done.stderr
            (self.root / f"{job.__name__}.log").write_text(done.stdout)
        return self
