"""Four projects, from raw files to an evaluated model."""

import json
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from sagewright.sandbox.images.catalogue import SCIKIT_LEARN
from sagewright.sandbox.images.containers import Containers
from tests.made_once import made_once
from tests.runtime.jobs.project_run import OURS, Project

TABLES = Path(__file__).parent / "tables"


def run_once(project: Project, image: Containers, prepare: Callable[[Path], object]) -> Project:
    """Run a project's jobs once in a test run, whichever of its processes asks first."""

    def run() -> None:
        prepare(project.root / "raw")
        project.run_all(image)

    made_once(project.root, run)
    return project


@pytest.fixture(scope="session")
def image(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Containers]:
    """The image that jobs and endpoints run in, with its libraries loaded once."""
    containers = Containers(SCIKIT_LEARN, tmp_path_factory.mktemp("image") / "log")
    yield containers
    containers.close()


@pytest.fixture(scope="session")
def churn(shared: Path, image: Containers) -> Project:
    seed = OURS / "seed_code" / "churn"

    def prepare(raw: Path) -> None:
        raw.mkdir()
        shutil.copy(seed / "data" / "churn.csv", raw)

    options = ("--problem", "binary_classification", "--label", "churn", "--positive-label", "Yes")
    options += ("--split-by", "stratified", "--test-fraction", "0.2")
    project = Project(shared / "projects" / "churn", seed / "src" / "churn", options, {"max_iter": "40"})
    return run_once(project, image, prepare)


@pytest.fixture(scope="session")
def projects(churn: Project, shared: Path, image: Containers) -> Callable[[str], Project]:
    """Return a project by its name, its jobs run on first use."""
    ready = {"churn": churn}

    def project(name: str) -> Project:
        if name not in ready:
            source = TABLES / name

            def prepare(raw: Path) -> None:
                subprocess.run([sys.executable, source / "make.py", raw], check=True)

            options = json.loads((source / "options.json").read_text())
            hyperparameters = options.pop("hyperparameters", {})
            flat = tuple(text for option, value in options.items() for text in (f"--{option}", value))
            project = Project(shared / "projects" / name, source / name, flat, hyperparameters)
            ready[name] = run_once(project, image, prepare)
        return ready[name]

    return project
