"""A project's three jobs, each a process of its own that is started from a code bundle, as in AWS."""

import json
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from dataclasses import dataclass, field
from pathlib import Path

import sagewright
from sagewright.sandbox.images.containers import Containers, Process

OURS = Path(sagewright.__file__).parent
# As many threads as in the image, because a model holds their number; none spins, because tests run side by side.
ENVIRONMENT = {"OMP_WAIT_POLICY": "PASSIVE", "DATA_VERSION": "2026-11-21"}

# Runs programs of a bundle one after the other, and ends with the first that fails.
IN_ONE_PROCESS = """
import json, sys
from pathlib import Path
from sagewright.runtime.jobs.programs import run
for bundle, *arguments in map(json.loads, sys.argv[1:]):
    assert run(arguments, Path(bundle)) == 0, arguments
"""


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
        return self._run(self._preprocess(output))

    def train(self, model: str = "model") -> subprocess.CompletedProcess[str]:
        return self._run(self._train(model))

    def evaluate(self, output: str = "evaluation") -> subprocess.CompletedProcess[str]:
        return self._run(self._evaluate(output))

    def _preprocess(self, output: str) -> list[str]:
        folders = ("--raw", str(self.raw), "--output", str(self.root / output))
        return ["preprocess", *folders, *self.options, "--message", str(self.root / "message")]

    def _train(self, model: str) -> list[str]:
        hyperparameters = self.root / "hyperparameters.json"
        hyperparameters.write_text(json.dumps(self.hyperparameters))
        folders = [f"--{name}={self.root / 'data' / name}" for name in ("train", "baseline")]
        folders += [f"--model={self.root / model}", f"--hyperparameters={hyperparameters}"]
        return ["train", *folders, "--failure", str(self.root / "failure")]

    def _evaluate(self, output: str) -> list[str]:
        archive = self.root / "artifact" / "model.tar.gz"
        archive.parent.mkdir(exist_ok=True)
        with tarfile.open(archive, "w:gz") as members:
            members.add(self.model, ".")
        folders = [
            f"--model={archive.parent}",
            f"--test={self.root / 'data' / 'test'}",
            f"--output={self.root / output}",
        ]
        return ["evaluate", *folders, "--message", str(self.root / "message")]

    def _call(self, arguments: list[str]) -> list[str]:
        bundle = self.root / "0a1b2c.zip"
        if not bundle.exists():
            bundle_of(self.package, bundle)
        program, *others = arguments
        return [sys.executable, str(bundle), program, "--package", self.package.name, *others]

    def _run(self, arguments: list[str]) -> subprocess.CompletedProcess[str]:
        """Run a job as a process that loads everything itself."""
        return subprocess.run(
            self._call(arguments),
            env={"PATH": os.environ["PATH"], **ENVIRONMENT},
            cwd=self.root,
            capture_output=True,
            text=True,
            check=False,
        )

    def run_again(self) -> None:
        """Run the three jobs once more, beside what they wrote, in one process that loads everything itself."""
        jobs = self._preprocess("data again"), self._train("model again"), self._evaluate("evaluation again")
        calls = [self._call(job)[1:] for job in jobs]
        with tempfile.TemporaryDirectory() as folder:
            shutil.unpack_archive(calls[0][0], folder)
            command = [sys.executable, "-c", IN_ONE_PROCESS, *map(json.dumps, calls)]
            environment = {"PATH": os.environ["PATH"], "PYTHONPATH": folder, **ENVIRONMENT}
            subprocess.run(command, env=environment, cwd=self.root, check=True)

    def run_all(self, image: Containers) -> "Project":
        """Run the three jobs in containers, where the libraries are loaded already."""
        jobs = ("preprocess", self._preprocess, "data"), ("train", self._train, "model")
        for name, job, output in (*jobs, ("evaluate", self._evaluate, "evaluation")):
            log = self.root / f"{name}.log"
            container = Process(self._call(job(output)), ENVIRONMENT, self.root / "container", log, isolated=False)
            ended = image.start(container).wait()
            assert ended is not None
            assert ended.code == 0, log.read_text()
        return self
