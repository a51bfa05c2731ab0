"""A repository whose first commit comes from an archive, once."""

import io
import os
import uuid
import zipfile
from typing import Any

import pytest
from botocore.exceptions import ClientError

from sagewright.sandbox.cloudformation.resources import codecommit

TYPE = "AWS::CodeCommit::Repository"


def seeded(stack: Any, **files: bytes) -> dict[str, Any]:
    """Return properties of a repository that begins with these files, on the branch `trunk`."""
    bucket = stack.create("AWS::S3::Bucket", {}, f"Bucket{uuid.uuid4().hex[:6]}").id
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as package:
        for name, content in files.items():
            package.writestr(name.replace("__", "/"), content)
    stack.client("s3").put_object(Bucket=bucket, Key="seed.zip", Body=archive.getvalue())
    code = {"S3": {"Bucket": bucket, "Key": "seed.zip"}, "BranchName": "trunk"}
    return {"RepositoryName": f"seeded-{uuid.uuid4().hex[:8]}", "Code": code}


def file_in(stack: Any, name: str, path: str) -> bytes:
    return stack.client("codecommit").get_file(repositoryName=name, filePath=path)["fileContent"]


def test_a_repository_begins_with_the_files_of_an_archive(stack: Any) -> None:
    properties = seeded(stack, README=b"hello", src__train=b"pass")
    made = stack.create(TYPE, properties)
    name = properties["RepositoryName"]
    told = stack.client("codecommit").get_repository(repositoryName=name)["repositoryMetadata"]
    assert (told["repositoryId"], told["defaultBranch"]) == (made.id, "trunk")
    assert made.attributes["Name"] == name
    assert file_in(stack, name, "src/train") == b"pass"
    tags = stack.client("codecommit").list_tags_for_resource(resourceArn=made.attributes["Arn"])["tags"]
    assert tags == {"team": "ml"}


def test_a_change_of_the_archive_never_touches_the_repository_again(stack: Any) -> None:
    first, second = seeded(stack, README=b"one"), seeded(stack, README=b"two")
    made = stack.create(TYPE, first)
    changed = made.update({**first, "Code": second["Code"], "RepositoryDescription": "orders"})
    assert changed.id == made.id
    assert file_in(stack, first["RepositoryName"], "README") == b"one"


def test_an_archive_of_more_than_one_commits_size_arrives_whole(stack: Any) -> None:
    files = {f"file{number}": bytes([number]) * (4 << 20) for number in range(3)}
    properties = seeded(stack, **files)
    stack.create(TYPE, properties)
    assert {path: file_in(stack, properties["RepositoryName"], path) for path in files} == files


def refusal(stack: Any, properties: dict[str, Any]) -> str:
    with pytest.raises(ClientError) as refused:
        stack.create(TYPE, properties)
    kept = stack.client("codecommit").list_repositories()["repositories"]
    assert properties["RepositoryName"] not in [each["repositoryName"] for each in kept]
    return str(refused.value)


def test_an_archive_that_aws_does_not_take_is_refused_and_leaves_no_repository(
    stack: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    empty = seeded(stack, README=b"hello", src__empty=b"")
    assert "no content has been specified for src/empty" in refusal(stack, empty)
    absent = seeded(stack, README=b"hello")
    absent["Code"]["S3"]["Key"] = "other.zip"
    assert "the specified key does not exist" in refusal(stack, absent)
    monkeypatch.setattr(codecommit, "_LARGEST_ARCHIVE", 1000)
    assert "cannot be more than 20 MB compressed" in refusal(stack, seeded(stack, large=os.urandom(2000)))


def test_triggers_are_refused_by_name(stack: Any) -> None:
    topic = stack.create("AWS::SNS::Topic", {}).id
    trigger = {"Name": "all", "Events": ["all"], "DestinationArn": topic}
    assert "does not have Triggers" in refusal(stack, {**seeded(stack, README=b"x"), "Triggers": [trigger]})
