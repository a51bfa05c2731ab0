"""Connections wait for a person; what is pushed to a provider behind them is told, and taken by roles that may."""

import http.client
import json
import uuid
import zipfile
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from botocore.exceptions import ClientError

from sagewright.sandbox.protocol import ApiError

BUILDS, REGION = "codebuild.amazonaws.com", "eu-west-1"
NAMES = ["codeconnections", "codestar-connections"]


def page(bench: Any, name: str, wanted: Any = None) -> tuple[int, dict[str, Any]]:
    """Ask one of the sandbox's own pages, as the person at the machine does."""
    connection = http.client.HTTPConnection(urlsplit(bench.sandbox.endpoint).netloc)
    connection.request(
        *(("GET", f"/_sandbox/{name}") if wanted is None else ("POST", f"/_sandbox/{name}")), json.dumps(wanted)
    )
    answer = connection.getresponse()
    told = answer.status, json.load(answer)
    connection.close()
    return told


def created(bench: Any, service: str = "codeconnections") -> str:
    client = bench.client(service)
    return client.create_connection(ConnectionName=uuid.uuid4().hex, ProviderType="GitHub")["ConnectionArn"]


@pytest.fixture
def opened(bench: Any) -> str:
    """The ARN of a connection that a person has completed."""
    arn = created(bench)
    assert page(bench, "connections", {"arn": arn})[1]["status"] == "AVAILABLE"
    return arn


def url(bench: Any, arn: str, repository: str = "shop/orders") -> str:
    return f"{bench.sandbox.endpoint}/connections/{arn.rpartition('/')[2]}/{repository}"


def pushed(work_tree: Any, remote: str) -> Any:
    tree = work_tree("one")
    tree.git("init", "--quiet", "--initial-branch=main")
    tree.git("remote", "add", "origin", remote)
    tree.commit(README="one")
    tree.git("push", "--quiet", "origin", "main")
    return tree


def role(bench: Any, *actions: str, on: str, **conditions: Any) -> Any:
    rights = {"Effect": "Allow", "Action": list(actions), "Resource": on, **conditions}
    return bench.sandbox.sandbox.clients.as_role(bench.role(BUILDS, rights), service=BUILDS, region=REGION)


@pytest.mark.parametrize("service", NAMES)
def test_a_connection_waits_until_a_person_completes_it(bench: Any, service: str) -> None:
    client, arn = bench.client(service), created(bench, service)
    assert arn.startswith(f"arn:aws:{service}:eu-west-1:111111111111:connection/")
    assert client.get_connection(ConnectionArn=arn)["Connection"]["ConnectionStatus"] == "PENDING"
    assert page(bench, "connections", {"arn": arn})[0] == 200
    (shown,) = [each for each in page(bench, "connections")[1]["connections"] if each["arn"] == arn]
    assert (shown["status"], shown["repositories"]) == ("AVAILABLE", [])
    for other in NAMES:  # either service answers for both
        found = bench.client(other).get_connection(ConnectionArn=arn)["Connection"]
        assert (found["ConnectionStatus"], found["OwnerAccountId"]) == ("AVAILABLE", "111111111111")
    client.tag_resource(ResourceArn=arn, Tags=[{"Key": "team", "Value": "ml"}])
    assert client.list_tags_for_resource(ResourceArn=arn)["Tags"] == [{"Key": "team", "Value": "ml"}]
    client.untag_resource(ResourceArn=arn, TagKeys=["team"])
    assert client.list_tags_for_resource(ResourceArn=arn)["Tags"] == []
    client.delete_connection(ConnectionArn=arn)
    assert arn not in [each["ConnectionArn"] for each in client.list_connections()["Connections"]]
    with pytest.raises(ClientError, match="ResourceNotFoundException"):
        client.get_connection(ConnectionArn=arn)


@pytest.mark.parametrize(
    ("wanted", "said"),
    [
        ({"arn": "arn:aws:codeconnections:eu-west-1:111111111111:connection/none"}, "there is no connection arn:aws"),
        ({"name": "x"}, "is not understood; send"),
        ([], "is not understood; send"),
    ],
)
def test_what_names_no_connection_cannot_be_completed(bench: Any, wanted: Any, said: str) -> None:
    status, told = page(bench, "connections", wanted)
    assert (status, said in told["message"]) == (400, True)


def test_a_name_that_is_taken_and_a_host_are_refused(bench: Any) -> None:
    client, name = bench.client("codeconnections"), uuid.uuid4().hex
    client.create_connection(ConnectionName=name, ProviderType="GitLab")
    with pytest.raises(ClientError, match="already exists in this account"):
        client.create_connection(ConnectionName=name, ProviderType="GitHub")
    with pytest.raises(ClientError, match="has no hosts"):
        client.create_connection(ConnectionName=f"{name[:8]}-2", ProviderType="GitHubEnterpriseServer")
    with pytest.raises(ClientError, match="does not have ListHosts"):
        client.list_hosts()


def test_the_permission_must_have_the_prefix_of_the_connection(bench: Any) -> None:
    old = created(bench, "codestar-connections")
    acting = role(bench, "codeconnections:GetConnection", on="*")
    with pytest.raises(ClientError, match="not authorized to perform: codestar-connections:GetConnection"):
        acting.get("codeconnections", "", REGION).get_connection(ConnectionArn=old)
    acting = role(bench, "codestar-connections:GetConnection", on=old)
    assert acting.get("codeconnections", "", REGION).get_connection(ConnectionArn=old)["Connection"]


def test_a_repository_is_there_from_the_first_push_on(bench: Any, opened: str, work_tree: Any) -> None:
    told: list[Any] = []
    remote = url(bench, opened)
    assert "nobody has pushed to it yet" in work_tree("none").refused("clone", remote, ".")
    bench.gateway.connections.provider.on_push.append(told.append)
    tree = pushed(work_tree, remote)
    first = tree.git("rev-parse", "HEAD")
    tree.git("checkout", "--quiet", "-b", "feature")
    second = tree.commit(model="two")
    tree.git("push", "--quiet", "origin", "feature")
    tree.commit(README="three")
    tree.git("push", "--quiet", "origin", "feature", "feature:other")
    ours = [each for each in told if each.connection.arn == opened]
    assert [(each.reference, each.before, each.files) for each in ours] == [
        ("refs/heads/main", None, ("README",)),
        ("refs/heads/feature", None, ("model",)),
        ("refs/heads/feature", second, ("README",)),
        ("refs/heads/other", None, ("README", "model")),
    ]
    assert (ours[0].after, ours[0].repository) == (first, "shop/orders")
    assert work_tree("two", f"{remote}.git").git("log", "--format=%H", "-1") == first
    (shown,) = [each for each in page(bench, "connections")[1]["connections"] if each["arn"] == opened]
    assert shown["repositories"] == ["shop/orders"]
    stranger = remote.replace(opened.rpartition("/")[2], str(uuid.uuid4()))
    assert "There is no connection" in tree.refused("ls-remote", stranger)


def test_a_role_takes_what_a_branch_shows(bench: Any, opened: str, work_tree: Any, tmp_path: Path) -> None:
    commit = pushed(work_tree, url(bench, opened)).git("rev-parse", "HEAD")
    source = bench.gateway.connections.source
    acting = role(bench, "codeconnections:UseConnection", on=opened)
    head = source.head(acting, opened, "shop/orders", "main")
    assert (head.commit.id, head.commit.author.name) == (commit, "Ann")
    with zipfile.ZipFile(source.archive(acting, opened, head, tmp_path / "source.zip")) as archive:
        assert archive.read("README") == b"one"
    with pytest.raises(ApiError, match=r"shop/orders has no branch other"):
        source.head(acting, opened, "shop/orders", "other")


def test_a_role_is_denied_a_connection_that_its_policy_does_not_open(bench: Any, opened: str, work_tree: Any) -> None:
    pushed(work_tree, url(bench, opened))
    source = bench.gateway.connections.source
    wanted = {"StringEquals": {"codeconnections:FullRepositoryId": "shop/other"}}
    acting = role(bench, "codeconnections:UseConnection", on=opened, Condition=wanted)
    with pytest.raises(ApiError, match=f"codeconnections:UseConnection on resource: {opened}"):
        source.head(acting, opened, "shop/orders", "main")
    acting = role(bench, "codestar-connections:UseConnection", on="*")
    with pytest.raises(ApiError, match="codeconnections:UseConnection"):
        source.head(acting, opened, "shop/orders", "main")


def test_a_pending_connection_cannot_be_used(bench: Any, work_tree: Any) -> None:
    arn = created(bench)
    pushed(work_tree, url(bench, arn))
    acting = role(bench, "codeconnections:UseConnection", on=arn)
    with pytest.raises(ApiError, match="is PENDING: it cannot be used before a person has completed it"):
        bench.gateway.connections.source.head(acting, arn, "shop/orders", "main")


def test_a_pull_request_is_told_when_it_opens_moves_and_closes(bench: Any, opened: str, work_tree: Any) -> None:
    told: list[Any] = []
    bench.gateway.connections.provider.on_pull_request.append(told.append)
    tree = pushed(work_tree, url(bench, opened))
    tree.git("checkout", "--quiet", "-b", "feature")
    tree.commit(model="two")
    tree.git("push", "--quiet", "origin", "feature")
    named = {"connection": opened, "repository": "shop/orders"}
    asked = {**named, "source": "feature", "destination": "main", "title": "Better"}
    status, made = page(bench, "pull-requests", asked)
    assert (status, made["number"], made["state"]) == (200, 1, "OPEN")
    commit = tree.commit(README="three")
    tree.git("push", "--quiet", "origin", "feature")
    assert page(bench, "pull-requests", {**named, "close": 1})[1]["state"] == "CLOSED"
    tree.commit(README="four")
    tree.git("push", "--quiet", "origin", "feature")
    assert [(each.event, each.files) for each in told if each.connection.arn == opened] == [
        ("OPEN", ("model",)),
        ("UPDATED", ("README", "model")),
        ("CLOSED", ("README", "model")),
    ]
    (shown,) = [each for each in page(bench, "pull-requests")[1]["pull_requests"] if each["connection"] == opened]
    assert (shown["commit"], shown["state"]) == (commit, "CLOSED")
    for wrong, said in (({**named, "close": 1}, "closed already"), ({**asked, "source": "none"}, "no branch none")):
        status, refused = page(bench, "pull-requests", wrong)
        assert (status, said in refused["message"]) == (400, True)
