from collections.abc import Callable
from pathlib import Path

import pytest

from sagewright.project import Project, ProjectError, load


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A project's folder with its table and its package, without a project file."""
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "customers.csv").write_text("customer_id,tenure,churned\n1,3,Yes\n")
    package = tmp_path / "src" / "churn"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("")
    (package / "model.py").write_text("def fit(X, y, hyperparameters):\n    return None\n")
    return tmp_path


@pytest.fixture
def read(folder: Path) -> Callable[[str], Project]:
    """Load a project file of the given text."""

    def read(text: str) -> Project:
        (folder / "project.yaml").write_text(text, encoding="utf-8")
        return load(folder)

    return read


@pytest.fixture
def faults(read: Callable[[str], Project]) -> Callable[[str], list[str]]:
    """Load a project file of the given text, which must be refused, and give the problems as they are printed."""

    def faults(text: str) -> list[str]:
        with pytest.raises(ProjectError) as refused:
            read(text)
        return str(refused.value).splitlines()

    return faults
