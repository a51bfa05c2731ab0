"""`git push sandbox main` is the push, and nothing of anybody's repository is changed that is not the sandbox's."""

import subprocess
from pathlib import Path

import pytest

from sagewright.cli import git_remote
from sagewright.cli.sandbox_process import RunningSandbox
from sagewright.cli.target import Sandbox
from sagewright.project import Project, load

ENDPOINT = "http://localhost:4566"
URL = "http://AKIASBOX111111111111:sandbox@localhost:4566/v1/repos/leavers"


def git(folder: Path, *arguments: str) -> str:
    identity = ["-c", "user.name=a", "-c", "user.email=a@example.com"]
    done = subprocess.run(["git", *identity, *arguments], cwd=folder, capture_output=True, text=True, check=True)
    return done.stdout.strip()


@pytest.fixture
def delivered(project: Path) -> Project:
    """A project with a repository at CodeCommit, in no Git."""
    with (project / "project.yaml").open("a") as file:
        file.write("\nrepository: {provider: codecommit, name: leavers}\n")
    return load(project)


@pytest.fixture
def target(delivered: Project) -> Sandbox:
    return Sandbox(RunningSandbox(ENDPOINT, 0, "", "", delivered.root / "sandbox.json"), delivered)


def test_the_sandbox_becomes_a_remote_of_the_projects_repository(delivered: Project, target: Sandbox) -> None:
    git(delivered.root, "init", "-q", "-b", "main")
    git(delivered.root, "add", ".")
    git(delivered.root, "commit", "-qm", "first")
    remote = git_remote.settle(delivered, target)
    assert remote is not None
    assert remote.command == "git push sandbox main"
    assert git(delivered.root, "remote", "get-url", "sandbox") == remote.url == URL


def test_a_push_replaces_what_the_repository_was_made_with(delivered: Project, target: Sandbox, tmp_path: Path) -> None:
    git(delivered.root, "init", "-q", "-b", "main")
    git(delivered.root, "add", ".")
    git(delivered.root, "commit", "-qm", "first")
    git_remote.settle(delivered, target)
    there = tmp_path / "there.git"
    git(tmp_path, "init", "-q", "--bare", str(there))
    git(tmp_path, "clone", "-q", str(there), "seed")
    git(tmp_path / "seed", "commit", "-q", "--allow-empty", "-m", "made by AWS")
    git(tmp_path / "seed", "push", "-q", "origin", "HEAD:main")

    git(delivered.root, "remote", "set-url", "sandbox", str(there))
    git(delivered.root, "push", "-q", "sandbox", "main")
    assert git(there, "rev-parse", "main") == git(delivered.root, "rev-parse", "HEAD")


def test_the_next_sandbox_takes_the_place_of_the_one_before(delivered: Project, target: Sandbox) -> None:
    git(delivered.root, "init", "-q", "-b", "main")
    git(delivered.root, "remote", "add", "sandbox", "http://AKIASBOX111111111111:sandbox@localhost:1/v1/repos/leavers")
    remote = git_remote.settle(delivered, target)
    assert remote is not None
    assert "commit the project's files; then git push sandbox main" in remote.told
    assert git(delivered.root, "remote", "get-url", "sandbox") == URL


def test_a_remote_of_that_name_that_is_somebodys_own_stays_as_it_is(delivered: Project, target: Sandbox) -> None:
    git(delivered.root, "init", "-q", "-b", "main")
    git(delivered.root, "remote", "add", "sandbox", "https://example.com/own.git")
    remote = git_remote.settle(delivered, target)
    assert remote is not None
    assert remote.command == f"git push {URL} +main:main"
    assert git(delivered.root, "remote", "get-url", "sandbox") == "https://example.com/own.git"


def test_a_branch_of_another_name_is_pushed_to_the_one_that_is_built(delivered: Project, target: Sandbox) -> None:
    git(delivered.root, "init", "-q", "-b", "next")
    remote = git_remote.settle(delivered, target)
    assert remote is not None
    assert remote.command == "git push sandbox +next:main"


def test_a_folder_without_git_is_left_alone_with_words(delivered: Project, target: Sandbox) -> None:
    remote = git_remote.settle(delivered, target)
    assert remote is not None
    assert remote.command is None
    assert f"{delivered.root} is not under Git, so nothing was changed there" in remote.told
    assert f"`{git_remote.beginning('main')}`; then `sagewright deploy` adds the remote 'sandbox'" in remote.told
    assert not (delivered.root / ".git").exists()


def test_a_part_of_a_larger_repository_is_left_alone_with_words(delivered: Project, target: Sandbox) -> None:
    git(delivered.root.parent, "init", "-q", "-b", "main")
    remote = git_remote.settle(delivered, target)
    assert remote is not None
    assert remote.command is None
    assert "is a part of the Git repository" in remote.told
    assert git(delivered.root.parent, "remote") == ""


def test_a_project_without_a_repository_gets_no_remote(project: Path, target: Sandbox) -> None:
    (project / "project.yaml").write_text((project / "project.yaml").read_text().partition("\nrepository:")[0])
    assert git_remote.settle(load(project), target) is None
