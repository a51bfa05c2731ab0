"""A pull request at a connection's provider is built by itself, and what became of it is told there."""

import http.client
import json
from typing import Any
from urllib.parse import urlsplit

import pytest
from botocore.exceptions import ClientError

SPEC = (
    "version: 0.2\n"
    "phases: {build: {commands: ['cat README', 'echo $CODEBUILD_WEBHOOK_TRIGGER $CODEBUILD_WEBHOOK_HEAD_REF']}}"
)
EVENTS = "PULL_REQUEST_CREATED,PULL_REQUEST_UPDATED"
FILTERS = [
    [{"type": "EVENT", "pattern": EVENTS}, {"type": "BASE_REF", "pattern": "^refs/heads/main$"}],
]
REPOSITORY = "shop/orders"


def page(yard: Any, name: str, wanted: Any = None) -> dict[str, Any]:
    """Ask one of the sandbox's own pages, as the person at the machine does."""
    connection = http.client.HTTPConnection(urlsplit(yard.bench.sandbox.endpoint).netloc)
    connection.request("GET" if wanted is None else "POST", f"/_sandbox/{name}", json.dumps(wanted))
    answer = json.load(connection.getresponse())
    connection.close()
    return answer


@pytest.fixture
def pending(yard: Any) -> str:
    client = yard.bench.client("codeconnections")
    return client.create_connection(ConnectionName=yard.bench.name[:32], ProviderType="GitHub")["ConnectionArn"]


@pytest.fixture
def opened(yard: Any, pending: str) -> str:
    page(yard, "connections", {"arn": pending})
    return pending


@pytest.fixture
def tree(yard: Any, opened: str, work_tree: Any) -> Any:
    """Return a clone of a repository with a branch `main` at the provider."""
    made = work_tree("one")
    made.git("init", "--quiet", "--initial-branch=main")
    identity = opened.rpartition("/")[2]
    made.git("remote", "add", "origin", f"{yard.bench.sandbox.endpoint}/connections/{identity}/{REPOSITORY}")
    made.commit(README="of main\n")
    made.git("push", "--quiet", "origin", "main")
    return made


def connected(yard: Any, arn: str, **settings: Any) -> str:
    source = {
        "type": "GITHUB",
        "location": f"https://github.com/{REPOSITORY}.git",
        "buildspec": SPEC,
        "auth": {"type": "CODECONNECTIONS", "resource": arn},
        "reportBuildStatus": True,
        "buildStatusConfig": {"context": "tests"},
    }
    needed = ("GetConnection", "GetConnectionToken", "UseConnection")
    uses = yard.allow(*(f"codeconnections:{each}" for each in needed), resource=arn)
    return yard.project("", *settings.pop("statements", [uses]), source=source, **settings)


def builds(yard: Any, project: str) -> list[dict[str, Any]]:
    yard.bench.settled()
    ids = yard.client.list_builds_for_project(projectName=project, sortOrder="ASCENDING")["ids"]
    return yard.client.batch_get_builds(ids=ids)["builds"] if ids else []


def propose(yard: Any, tree: Any, arn: str, branch: str, destination: str = "main") -> dict[str, Any]:
    tree.git("checkout", "--quiet", "-b", branch)
    tree.commit(README=f"of {branch}\n")
    tree.git("push", "--quiet", "origin", branch)
    asked = {"connection": arn, "repository": REPOSITORY, "source": branch, "destination": destination, "title": "x"}
    return page(yard, "pull-requests", asked)


def test_a_pull_request_and_every_push_to_it_are_built_and_reported(yard: Any, tree: Any, opened: str) -> None:
    project = connected(yard, opened)
    yard.client.create_webhook(projectName=project, filterGroups=FILTERS)
    request = propose(yard, tree, opened, "better")
    (first,) = builds(yard, project)
    assert (first["buildStatus"], first["sourceVersion"]) == ("SUCCEEDED", f"pr/{request['number']}")
    assert (first["resolvedSourceVersion"], first["initiator"]) == (request["commit"], "GitHub-Hookshot")
    assert yard.printed(first) == ["of better", f"pr/{request['number']} refs/heads/better"]
    tree.commit(README="of better still\n")
    tree.git("push", "--quiet", "origin", "better")
    second = builds(yard, project)[1]
    assert yard.printed(second)[0] == "of better still"
    told = [each for each in page(yard, "build-statuses")["statuses"] if each["connection"] == opened]
    assert [(each["commit"], each["context"], each["state"]) for each in told] == [
        (request["commit"], "tests", "success"),
        (second["resolvedSourceVersion"], "tests", "success"),
    ]
    again = yard.ended(yard.client.retry_build(id=first["id"])["build"]["id"])
    assert again["buildStatus"] == "SUCCEEDED"


def test_only_what_the_filters_ask_for_starts_a_build(yard: Any, tree: Any, opened: str) -> None:
    project = connected(yard, opened)
    yard.client.create_webhook(projectName=project, filterGroups=FILTERS)
    tree.git("push", "--quiet", "origin", "main:old")
    propose(yard, tree, opened, "elsewhere", destination="old")
    assert builds(yard, project) == []
    pushes = [[{"type": "EVENT", "pattern": "PUSH"}, {"type": "FILE_PATH", "pattern": "^docs/"}]]
    yard.client.update_webhook(projectName=project, filterGroups=pushes)
    tree.commit(NOTES="no page\n")
    tree.git("push", "--quiet", "origin", "elsewhere")
    assert builds(yard, project) == []
    yard.client.delete_webhook(projectName=project)
    with pytest.raises(ClientError, match="has no webhook"):
        yard.client.delete_webhook(projectName=project)


def test_a_pending_connection_is_refused_before_anything_is_built(yard: Any, pending: str) -> None:
    with pytest.raises(ClientError, match=r"Failed to get access token from .* is PENDING"):
        connected(yard, pending)


def test_a_role_that_may_not_use_the_connection_is_refused(yard: Any, opened: str) -> None:
    with pytest.raises(ClientError, match=r"Access denied to connection .*codeconnections:GetConnection"):
        connected(yard, opened, statements=[])
    reads = yard.allow("codeconnections:GetConnection", "codeconnections:GetConnectionToken", resource=opened)
    with pytest.raises(ClientError, match=r"Access denied to connection .*codeconnections:UseConnection"):
        connected(yard, opened, statements=[reads])


@pytest.mark.parametrize(
    ("group", "problem"),
    [
        ([{"type": "HEAD_REF", "pattern": "x"}], "exactly one filter of the type EVENT"),
        ([{"type": "EVENT", "pattern": "PULL_REQUEST_SEEN"}], "PULL_REQUEST_SEEN is no event"),
        (
            [{"type": "EVENT", "pattern": "PUSH"}, {"type": "COMMIT_MESSAGE", "pattern": "x"}],
            "does not have webhook filters of the type COMMIT_MESSAGE",
        ),
        (
            [{"type": "EVENT", "pattern": "PUSH"}, {"type": "HEAD_REF", "pattern": "("}],
            "Invalid webhook filter pattern",
        ),
    ],
)
def test_a_filter_that_could_never_pass_is_refused(
    yard: Any, opened: str, group: list[dict[str, str]], problem: str
) -> None:
    project = connected(yard, opened)
    with pytest.raises(ClientError, match=problem):
        yard.client.create_webhook(projectName=project, filterGroups=[group])


def test_a_project_without_connection_has_no_webhook(yard: Any) -> None:
    with pytest.raises(ClientError, match="Webhooks are not supported for the source type NO_SOURCE"):
        yard.client.create_webhook(projectName=yard.project(SPEC), filterGroups=FILTERS)
