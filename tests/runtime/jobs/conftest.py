"""Four projects, from raw files to an evaluated model."""

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.runtime.jobs.project_run import OURS, Project

TABLES = Path(__file__).parent / "tables"


@pytest.fixture(scope="session")
def churn(tmp_path_factory: pytest.TempPathFactory) -> Project:
    root = tmp_path_factory.mktemp("churn")
    seed = OURS / "seed_code" / "churn"
    (root / "raw").mkdir()
    shutil.copy(seed / "data" / "churn.csv", root / "raw")
    options = ("--problem", "binary_classification", "--label", "churn", "--positive-label", "Yes")
    options += ("--split-by", "stratified", "--test-fraction", "0.2")
    return Project(root, seed / "src" / "churn", options, {"max_iter": "40"}).run_all()


@pytest.fixture(scope="session")
def projects(churn: Project, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Project]:
    """Return a project by its name, its jobs run on first use."""
    ready = {"churn": churn}

    def project(name: str) -> Project:
        if name not in ready:
            source = TABLES / name
            root = tmp_path_factory.mktemp(name)
            subprocess.run([sys.executable, source / "make.py", root / "raw"], check=True)
            options = json.loads((source / "options.json").read_text())
            hyperparameters = options.pop("hyperparameters", {})
            flat = tuple(text for option, value in options.items() for text in (f"--{option}", value))
            ready[name] = Project(root, source / name, flat, hyperparameters).run_all()
        return ready[name]

    return project
