"""Repositories, branches and files through the API."""

from typing import Any

import pytest
from botocore.exceptions import ClientError


def commit(hosted: Any, branch: str = "main", **parameters: Any) -> dict[str, Any]:
    return hosted.client.create_commit(repositoryName=hosted.name, branchName=branch, **parameters)


def put(**files: bytes) -> list[dict[str, Any]]:
    return [{"filePath": path, "fileContent": content} for path, content in files.items()]


def names(listed: list[dict[str, Any]]) -> list[str]:
    return [each["absolutePath"] for each in listed]


def test_a_repository_goes_from_creation_to_removal(hosted: Any) -> None:
    client, renamed = hosted.client, f"{hosted.name}.new"
    with pytest.raises(ClientError, match="RepositoryNameExistsException"):
        client.create_repository(repositoryName=hosted.name)
    client.update_repository_description(repositoryName=hosted.name, repositoryDescription="orders")
    client.tag_resource(resourceArn=hosted.arn, tags={"team": "ml", "stage": "dev"})
    client.untag_resource(resourceArn=hosted.arn, tagKeys=["stage"])
    assert client.list_tags_for_resource(resourceArn=hosted.arn)["tags"] == {"team": "ml"}
    client.update_repository_name(oldName=hosted.name, newName=renamed)
    told = client.get_repository(repositoryName=renamed)["repositoryMetadata"]
    assert (told["repositoryDescription"], told["Arn"]) == ("orders", f"{hosted.arn}.new")
    assert "defaultBranch" not in told
    assert renamed in [each["repositoryName"] for each in client.list_repositories()["repositories"]]
    assert client.delete_repository(repositoryName=renamed)["repositoryId"] == told["repositoryId"]
    assert "repositoryId" not in client.delete_repository(repositoryName=renamed)
    with pytest.raises(ClientError, match="RepositoryDoesNotExistException"):
        client.get_repository(repositoryName=renamed)


@pytest.mark.parametrize("name", ["orders.git", "or ders", "a/b"])
def test_a_name_that_aws_does_not_take_is_refused(bench: Any, name: str) -> None:
    with pytest.raises(ClientError, match=r"InvalidRepositoryNameException|ValidationException"):
        bench.client("codecommit").create_repository(repositoryName=name)


def test_a_commit_tells_what_it_added_changed_and_deleted(hosted: Any) -> None:
    queue = hosted.watch()
    first = commit(hosted, putFiles=put(a=b"1", b=b"1"))
    assert (names(first["filesAdded"]), first["filesUpdated"]) == (["a", "b"], [])
    more = {"putFiles": put(a=b"2", c=b"1"), "deleteFiles": [{"filePath": "b"}]}
    second = commit(hosted, parentCommitId=first["commitId"], authorName="Ann", email="ann@example.com", **more)
    assert [names(second[f"files{each}"]) for each in ("Added", "Updated", "Deleted")] == [["c"], ["a"], ["b"]]
    assert hosted.tip() == second["commitId"]
    shown = hosted.client.get_commit(repositoryName=hosted.name, commitId=second["commitId"])["commit"]
    assert (shown["parents"], shown["author"]["name"]) == ([first["commitId"]], "Ann")
    assert shown["treeId"] == second["treeId"]
    found = hosted.client.get_file(repositoryName=hosted.name, filePath="a")
    assert (found["fileContent"], found["fileMode"], found["commitId"]) == (b"2", "NORMAL", second["commitId"])
    assert [each["detail"]["event"] for each in hosted.told(queue)] == ["referenceCreated", "referenceUpdated"]
    assert hosted.clone("one").git("ls-files").split() == ["a", "c"]


def test_a_file_is_put_and_read(hosted: Any) -> None:
    asked = {"repositoryName": hosted.name, "branchName": "main", "filePath": "src/run.sh", "fileMode": "EXECUTABLE"}
    made = hosted.client.put_file(**asked, fileContent=b"echo")
    found = hosted.client.get_file(repositoryName=hosted.name, filePath="src/run.sh", commitSpecifier="main")
    assert (found["blobId"], found["fileMode"], found["fileSize"]) == (made["blobId"], "EXECUTABLE", 4)
    with pytest.raises(ClientError, match="SameFileContentException"):
        hosted.client.put_file(**asked, fileContent=b"echo", parentCommitId=made["commitId"])
    with pytest.raises(ClientError, match="FileDoesNotExistException"):
        hosted.client.get_file(repositoryName=hosted.name, filePath="src")


@pytest.mark.parametrize(
    ("asked", "code"),
    [
        ({"putFiles": put(b=b"1")}, "ParentCommitIdRequiredException"),
        ({"putFiles": put(b=b"1"), "parentCommitId": "0" * 40}, "ParentCommitIdOutdatedException"),
        ({"putFiles": put(b=b"1"), "branchName": "none"}, "BranchDoesNotExistException"),
        ({"putFiles": put(b=b"")}, "SourceFileOrContentRequiredException"),
        ({"putFiles": [*put(b=b"1"), *put(b=b"2")]}, "PutFileEntryConflictException"),
        ({"putFiles": [{"filePath": "a/b", "fileContent": b"1"}]}, "DirectoryNameConflictsWithFileNameException"),
        ({"putFiles": [{"filePath": "../b", "fileContent": b"1"}]}, "InvalidPathException"),
        ({"putFiles": put(b=bytes(6 << 20), c=bytes(2 << 20))}, "FileContentSizeLimitExceededException"),
        ({"putFiles": put(a=b"1")}, "NoChangeException"),
        ({"deleteFiles": [{"filePath": "b"}]}, "FileDoesNotExistException"),
        ({"commitMessage": "nothing"}, "FileEntryRequiredException"),
        ({"setFileModes": [{"filePath": "a", "fileMode": "EXECUTABLE"}]}, "UnsupportedOperation"),
    ],
)
def test_a_commit_that_aws_does_not_make_is_refused(hosted: Any, asked: dict[str, Any], code: str) -> None:
    tip = commit(hosted, putFiles=put(a=b"1"))["commitId"]
    needed = {} if code.startswith("ParentCommitId") else {"parentCommitId": tip}
    with pytest.raises(ClientError, match=code):
        commit(hosted, **{"branch": asked.pop("branchName", "main"), **needed, **asked})
    assert hosted.tip() == tip


def test_branches_are_made_and_removed(hosted: Any) -> None:
    client, named = hosted.client, {"repositoryName": hosted.name}
    tip = commit(hosted, putFiles=put(a=b"1"))["commitId"]
    client.create_branch(**named, branchName="feature", commitId=tip)
    with pytest.raises(ClientError, match="BranchNameExistsException"):
        client.create_branch(**named, branchName="feature", commitId=tip)
    with pytest.raises(ClientError, match="CommitDoesNotExistException"):
        client.create_branch(**named, branchName="other", commitId="0" * 40)
    with pytest.raises(ClientError, match="InvalidBranchNameException"):
        client.create_branch(**named, branchName="a..b", commitId=tip)
    assert sorted(client.list_branches(**named)["branches"]) == ["feature", "main"]
    client.update_default_branch(**named, defaultBranchName="feature")
    assert client.delete_branch(**named, branchName="main")["deletedBranch"]["commitId"] == tip
    with pytest.raises(ClientError, match="BranchDoesNotExistException"):
        hosted.tip("main")


def test_what_it_does_not_have_is_refused_by_name(hosted: Any) -> None:
    with pytest.raises(ClientError, match="CodeCommit does not have GetDifferences") as refused:
        hosted.client.get_differences(repositoryName=hosted.name, afterCommitSpecifier="main")
    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 501
    with pytest.raises(ClientError, match="does not have kmsKeyId"):
        hosted.client.create_repository(repositoryName=f"{hosted.name}-2", kmsKeyId="alias/own")


def test_a_role_that_may_write_one_branch_cannot_write_another(hosted: Any) -> None:
    only = {"StringEquals": {"codecommit:References": ["refs/heads/feature"]}}
    rights = {"Effect": "Allow", "Action": "codecommit:CreateCommit", "Resource": hosted.arn, "Condition": only}
    tip = commit(hosted, putFiles=put(a=b"1"))["commitId"]
    hosted.client.create_branch(repositoryName=hosted.name, branchName="feature", commitId=tip)
    client = hosted.acting(rights).get("codecommit", "111111111111", "eu-west-1")
    asked = {"repositoryName": hosted.name, "parentCommitId": tip, "putFiles": put(a=b"2")}
    with pytest.raises(ClientError, match="not authorized to perform: codecommit:CreateCommit"):
        client.create_commit(branchName="main", **asked)
    assert client.create_commit(branchName="feature", **asked)["commitId"] == hosted.tip("feature")
