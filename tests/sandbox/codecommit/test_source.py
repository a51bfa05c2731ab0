"""What a pipeline takes from a repository, by permissions of its role."""

import zipfile
from pathlib import Path
from typing import Any

import pytest

from sagewright.sandbox.cloudwatch.metrics import Place
from sagewright.sandbox.protocol import ApiError

PLACE = Place("111111111111", "eu-west-1")


def may(hosted: Any, *actions: str) -> Any:
    named = [f"codecommit:{each}" for each in actions]
    return hosted.acting({"Effect": "Allow", "Action": named, "Resource": hosted.arn})


def test_a_role_gets_the_head_of_a_branch_and_a_zip_of_it(hosted: Any, tmp_path: Path) -> None:
    tree, source = hosted.clone("one"), hosted.bench.gateway.codecommit.source
    tree.commit(README="one")
    commit = tree.commit(README="two", run="echo")
    tree.git("push", "--quiet", "origin", "HEAD:main")
    role = may(hosted, "GetBranch", "GetCommit", "UploadArchive", "GetUploadArchiveStatus")
    head = source.head(role, PLACE, hosted.name, "main")
    assert (head.branch, head.commit.id, head.commit.message) == ("main", commit, "README run\n")
    package = source.archive(role, PLACE, hosted.name, head.commit.id, tmp_path / "source.zip")
    with zipfile.ZipFile(package) as archive:
        assert {name: archive.read(name) for name in archive.namelist()} == {"README": b"two", "run": b"echo"}


@pytest.mark.parametrize("missing", ["GetBranch", "GetCommit", "UploadArchive", "GetUploadArchiveStatus"])
def test_a_role_is_denied_its_source_without_each_permission(hosted: Any, missing: str, tmp_path: Path) -> None:
    tree, source = hosted.clone("one"), hosted.bench.gateway.codecommit.source
    commit = tree.commit(README="one")
    tree.git("push", "--quiet", "origin", "HEAD:main")
    needed = {"GetBranch", "GetCommit", "UploadArchive", "GetUploadArchiveStatus"}
    role = may(hosted, *(needed - {missing}))

    def take() -> None:
        source.head(role, PLACE, hosted.name, "main")
        source.archive(role, PLACE, hosted.name, commit, tmp_path / "source.zip")

    with pytest.raises(ApiError, match=f"codecommit:{missing} on resource: {hosted.arn}"):
        take()


def test_an_empty_repository_is_refused_as_having_no_branch(hosted: Any) -> None:
    with pytest.raises(ApiError, match=f"BranchDoesNotExistException: main does not exist in the .* {hosted.name}"):
        hosted.bench.gateway.codecommit.source.head(may(hosted, "GetBranch"), PLACE, hosted.name, "main")
