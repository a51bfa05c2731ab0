"""A push with the git of this machine: what it may change, what it changes, and who is told."""

import base64
import gzip
import os
import socket
from http.client import HTTPConnection
from typing import Any
from urllib.parse import urlsplit

import pytest
from botocore.exceptions import ClientError

from sagewright.sandbox.clients import access_key
from sagewright.sandbox.git import program

KEY = access_key("111111111111")
SIGNED = {"Authorization": f"Basic {base64.b64encode(f'{KEY}:x'.encode()).decode()}"}
NOTHING = "0" * 40


def may(*actions: str, on: str = "*", **more: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": [f"codecommit:{each}" for each in actions], "Resource": on, **more}


def test_a_push_moves_the_branch_and_the_first_one_is_the_default(hosted: Any) -> None:
    tree = hosted.clone("one")
    commit = tree.commit(README="hello")
    tree.git("push", "--quiet", "origin", "HEAD:trunk")
    told = hosted.client.get_repository(repositoryName=hosted.name)["repositoryMetadata"]
    assert (hosted.tip("trunk"), told["defaultBranch"]) == (commit, "trunk")
    assert hosted.clone("two").git("log", "--format=%H %an %s", "-1") == f"{commit} Ann README"


def test_a_push_longer_than_git_sends_at_once_arrives_whole(hosted: Any) -> None:
    content = os.urandom(3 << 20)
    tree = hosted.clone("one")
    tree.commit(large=content)
    tree.git("push", "--quiet", "origin", "HEAD:main")
    assert (hosted.clone("two").folder / "large").read_bytes() == content


def test_each_changed_reference_is_told_once_as_aws_documents_it(hosted: Any) -> None:
    queue, tree = hosted.watch(), hosted.clone("one")
    first = tree.commit(README="one")
    tree.git("tag", "-a", "v1", "-m", "first")
    tree.git("push", "--quiet", "origin", "HEAD:main", "v1")
    branch, tag = hosted.told(queue)
    repository = hosted.client.get_repository(repositoryName=hosted.name)["repositoryMetadata"]
    common = {
        "callerUserArn": "arn:aws:iam::111111111111:user/administrator",
        "event": "referenceCreated",
        "repositoryName": hosted.name,
        "repositoryId": repository["repositoryId"],
        "commitId": first,
    }
    assert branch["detail-type"] == "CodeCommit Repository State Change"
    assert branch["resources"] == [hosted.arn]
    named = {"referenceType": "branch", "referenceName": "main", "referenceFullName": "refs/heads/main"}
    assert branch["detail"] == {**common, **named}
    named = {"referenceType": "tag", "referenceName": "v1", "referenceFullName": "refs/tags/v1"}
    assert tag["detail"] == {**common, **named}
    second = tree.commit(README="two")
    tree.git("push", "--quiet", "origin", "HEAD:main", ":v1")
    deleted, updated = hosted.told(queue)
    assert (deleted["detail"]["event"], deleted["detail"]["oldCommitId"]) == ("referenceDeleted", first)
    assert "commitId" not in deleted["detail"]
    assert updated["detail"]["event"] == "referenceUpdated"
    assert (updated["detail"]["oldCommitId"], updated["detail"]["commitId"]) == (first, second)
    tree.git("push", "--quiet", "origin", "HEAD:main")
    assert hosted.told(queue) == []


@pytest.mark.parametrize(
    ("key", "said"),
    [("", "could not read Username"), ("AKIASBOX1111:x@", "error: 403"), ("AKIAABCDEFGHIJKLMNOP:x@", "error: 403")],
)
def test_keys_that_are_nobodys_are_refused(hosted: Any, key: str, said: str) -> None:
    assert said in hosted.refused_clone(hosted.url.replace("http://", f"http://{key}"))


def test_who_may_only_pull_cannot_push(hosted: Any) -> None:
    tree = hosted.clone("one")
    first = tree.commit(README="one")
    tree.git("push", "--quiet", "origin", "HEAD:main")
    reader = hosted.acting(may("GitPull", on=hosted.arn)).keys.access_key
    tree = hosted.clone("two", reader)
    tree.commit(README="two")
    denied = f"not authorized to perform: codecommit:GitPush on resource: {hosted.arn}"
    assert denied in tree.refused("push", "origin", "HEAD:main")
    assert hosted.tip() == first
    stranger = hosted.url_of(hosted.acting().keys.access_key)
    assert "not authorized to perform: codecommit:GitPull" in hosted.refused_clone(stranger)


def test_a_branch_that_a_policy_denies_is_refused_and_the_rest_of_the_push_with_it(hosted: Any) -> None:
    main = {
        "StringEqualsIfExists": {"codecommit:References": ["refs/heads/main"]},
        "Null": {"codecommit:References": "false"},
    }
    denied = {**may("GitPush", on=hosted.arn, Condition=main), "Effect": "Deny"}
    writer = hosted.acting(may("GitPull", "GitPush", on=hosted.arn), denied).keys.access_key
    tree = hosted.clone("one", writer)
    commit = tree.commit(README="one")
    said = tree.refused("push", "origin", "HEAD:main", "HEAD:feature")
    assert "HEAD -> main (User: " in said
    assert "with an explicit deny" in said
    assert "HEAD -> feature (not changed, because another reference" in said
    assert hosted.client.list_branches(repositoryName=hosted.name)["branches"] == []
    tree.git("push", "--quiet", "origin", "HEAD:feature")
    assert hosted.tip("feature") == commit


def test_the_default_branch_cannot_be_deleted(hosted: Any) -> None:
    tree = hosted.clone("one")
    commit = tree.commit(README="one")
    tree.git("push", "--quiet", "origin", "HEAD:main")
    assert "deletion of the current branch prohibited" in tree.refused("push", "origin", "--delete", "main")
    with pytest.raises(ClientError, match="DefaultBranchCannotBeDeletedException"):
        hosted.client.delete_branch(repositoryName=hosted.name, branchName="main")
    assert hosted.tip() == commit


def test_references_other_than_branches_and_tags_are_refused(hosted: Any) -> None:
    tree = hosted.clone("one")
    tree.commit(README="one")
    assert "branches and tags, and no other references" in tree.refused("push", "origin", "HEAD:refs/notes/mine")


def test_a_repository_of_another_account_is_never_found(hosted: Any) -> None:
    other = hosted.url_of(access_key("222222222222"))
    assert "account 222222222222 has no repository" in hosted.refused_clone(other)


def test_a_name_in_two_regions_is_refused_until_the_host_tells_which(hosted: Any) -> None:
    tree = hosted.clone("one")
    commit = tree.commit(README="one")
    tree.git("push", "--quiet", "origin", "HEAD:main")
    hosted.bench.sandbox.client("codecommit", region="us-east-1").create_repository(repositoryName=hosted.name)
    assert "in each of eu-west-1, us-east-1" in tree.refused("fetch")
    there = hosted.url_of(KEY).replace("localhost", "git-codecommit.eu-west-1.localhost")
    assert tree.git("ls-remote", there, "main").split()[0] == commit
    assert not tree.git("ls-remote", there.replace("eu-west-1", "us-east-1"))


def test_a_push_that_breaks_off_changes_nothing(hosted: Any) -> None:
    tree = hosted.clone("one")
    commit = tree.commit(README="one")
    at = urlsplit(hosted.url)
    line = f"{NOTHING} {commit} refs/heads/main\0report-status".encode()
    head = [f"POST {at.path}/git-receive-pack HTTP/1.1", f"Host: {at.netloc}", "Content-Length: 100000"]
    head += [f"{name}: {value}" for name, value in SIGNED.items()]
    head += ["Content-Type: application/x-git-receive-pack-request", "Expect: 100-continue", "", ""]
    with socket.create_connection((at.hostname, at.port)) as raw:
        raw.sendall("\r\n".join(head).encode())
        assert raw.recv(100).startswith(b"HTTP/1.1 100 Continue")
        raw.sendall(b"%04x%b0000PACK" % (len(line) + 4, line))
        raw.shutdown(socket.SHUT_WR)
        assert raw.recv(100).startswith(b"HTTP/1.1 400")
    assert hosted.client.list_branches(repositoryName=hosted.name)["branches"] == []
    tree.git("push", "--quiet", "origin", "HEAD:main")
    assert hosted.tip() == commit


def test_a_compressed_request_is_read(hosted: Any) -> None:
    tree = hosted.clone("one")
    commit = tree.commit(README="one")
    tree.git("push", "--quiet", "origin", "HEAD:main")
    at = urlsplit(hosted.url)
    connection = HTTPConnection(at.hostname or "", at.port)
    kind = {"Content-Type": "application/x-git-upload-pack-request", "Content-Encoding": "gzip"}
    wanted = gzip.compress(f"0032want {commit}\n00000009done\n".encode())
    connection.request("POST", f"{at.path}/git-upload-pack", wanted, {**SIGNED, **kind})
    answer = connection.getresponse()
    assert (answer.status, answer.read()[:12]) == (200, b"0008NAK\nPACK")
    connection.request("POST", f"{at.path}/git-upload-pack", b"no gzip", {**SIGNED, **kind})
    assert connection.getresponse().status == 400
    connection.close()


def test_repositories_are_refused_by_name_where_there_is_no_git(
    bench: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    program._git.cache_clear()
    with pytest.raises(ClientError, match="finds none on its PATH: install git") as refused:
        bench.client("codecommit").create_repository(repositoryName=bench.name)
    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 501
    kept = bench.client("codecommit").list_repositories()["repositories"]
    assert bench.name not in [each["repositoryName"] for each in kept]
