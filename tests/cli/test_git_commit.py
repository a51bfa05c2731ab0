import subprocess
from pathlib import Path

import pytest

from sagewright.cli.deploy import uncommitted
from sagewright.cli.training import git_commit
from sagewright.project import load


def git(folder: Path, *arguments: str) -> str:
    identity = ["-c", "user.name=a", "-c", "user.email=a@example.com"]
    done = subprocess.run(["git", *identity, *arguments], cwd=folder, capture_output=True, text=True, check=True)
    return done.stdout.strip()


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    git(tmp_path, "init", "-q")
    (tmp_path / "project.yaml").write_text("name: a\n")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-qm", "first")
    return tmp_path


def test_the_commit_of_the_project_is_recorded(repository: Path) -> None:
    assert git_commit(repository) == git(repository, "rev-parse", "HEAD")


def test_changes_that_no_commit_has_are_marked(repository: Path) -> None:
    (repository / "project.yaml").write_text("name: b\n")
    assert git_commit(repository) == git(repository, "rev-parse", "HEAD") + "-dirty"


def test_a_project_that_the_repository_around_it_does_not_track_has_no_commit(repository: Path) -> None:
    project = repository / "untracked"
    project.mkdir()
    (project / "project.yaml").write_text("name: a\n")
    assert git_commit(project) is None


def test_a_folder_outside_any_repository_has_no_commit(tmp_path: Path) -> None:
    assert git_commit(tmp_path) is None


def test_beside_delivery_a_deployment_of_what_no_commit_has_is_told_as_such(project: Path) -> None:
    git(project, "init", "-q")
    git(project, "add", ".")
    git(project, "commit", "-qm", "first")
    file = project / "project.yaml"
    file.write_text(f"{file.read_text()}\n")
    assert uncommitted(load(project)) is None
    with file.open("a") as more:
        more.write("repository: {provider: codecommit, name: leavers}\n")
    told = uncommitted(load(project))
    assert told is not None
    assert "is in no commit" in told
    git(project, "commit", "-qam", "second")
    assert uncommitted(load(project)) is None
