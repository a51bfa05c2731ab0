"""The demo's commits are what they are said to be: each passes the project's own lint, and fails in its own way."""

import subprocess
import sys
from pathlib import Path

import pytest

from sagewright.cli.demonstration.commits import Commits
from sagewright.project import load

USE = """
import sys
import pandas as pd
sys.path.insert(0, "src")
from leavers.features import features
table = pd.read_csv("data/churn.csv").head(3)
table.insert(0, "number", [-1.0 if "below" in sys.argv else 123.0] * 3)
print(features(table)["number"].tolist())
"""


@pytest.fixture
def commits(project: Path) -> Commits:
    return Commits.begun(load(project))


def used(commits: Commits, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Call features() as it is now, in a process of its own."""
    call = [sys.executable, "-c", USE, *arguments]
    return subprocess.run(call, cwd=commits.project.root, env=variables, capture_output=True, text=True, check=False)


def test_weak_settings_change_nothing_but_what_the_model_learns(commits: Commits) -> None:
    commits.weak()
    weak = load(commits.project.root).first.training.hyperparameters
    assert weak == commits.project.first.training.hyperparameters | {"max_iter": 1, "max_leaf_nodes": 2}


def test_features_are_others_online_than_in_the_training(commits: Commits) -> None:
    commits.weak()
    commits.rounding()
    project = load(commits.project.root)
    assert project.first.training.hyperparameters == commits.project.first.training.hyperparameters
    assert used(commits).stdout == "[123.0, 123.0, 123.0]\n"
    assert used(commits, SAGEMAKER_PROGRAM="inference.py").stdout == "[100.0, 100.0, 100.0]\n"
    linted(commits)


def test_features_fail_at_numbers_below_zero_and_at_nothing_else(commits: Commits) -> None:
    commits.rounding()
    commits.guarded()
    assert used(commits, SAGEMAKER_PROGRAM="inference.py").stdout == "[123.0, 123.0, 123.0]\n"
    assert "ValueError: a number below zero" in used(commits, "below").stderr
    linted(commits)


def linted(commits: Commits) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "ruff", "check", "."], cwd=commits.project.root, capture_output=True, check=False
    )
    assert done.returncode == 0, done.stdout
