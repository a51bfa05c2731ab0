"""Pull requests: opened, commented on, pushed to, merged or closed, and each of that told."""

from typing import Any

import pytest
from botocore.exceptions import ClientError

WHO = "arn:aws:iam::111111111111:user/administrator"


@pytest.fixture
def tree(hosted: Any) -> Any:
    """A clone whose branch `feature` is a commit ahead of `main`, both pushed."""
    tree = hosted.clone("one")
    tree.commit(README="one", gone="x")
    tree.git("push", "--quiet", "origin", "HEAD:main")
    tree.git("checkout", "--quiet", "-b", "feature")
    tree.git("rm", "--quiet", "gone")
    tree.commit(README="two")
    tree.git("push", "--quiet", "origin", "feature")
    return tree


def opened(hosted: Any, **more: Any) -> dict[str, Any]:
    target = {"repositoryName": hosted.name, "sourceReference": "feature"}
    return hosted.client.create_pull_request(title="Better", targets=[target], **more)["pullRequest"]


def test_a_pull_request_shows_its_commits_and_is_told(hosted: Any, tree: Any) -> None:
    queue = hosted.watch()
    request = opened(hosted, description="Why", clientRequestToken="once")
    assert opened(hosted, description="Why", clientRequestToken="once")["pullRequestId"] == request["pullRequestId"]
    main, feature = tree.git("rev-parse", "origin/main"), tree.git("rev-parse", "HEAD")
    (target,) = request["pullRequestTargets"]
    assert (target["sourceReference"], target["destinationReference"]) == ("refs/heads/feature", "refs/heads/main")
    assert (target["sourceCommit"], target["destinationCommit"], target["mergeBase"]) == (feature, main, main)
    assert (request["pullRequestStatus"], request["authorArn"]) == ("OPEN", WHO)
    (event,) = hosted.told(queue)
    detail = event["detail"]
    told = {key: detail.pop(key) for key in ("creationDate", "lastModifiedDate", "notificationBody", "revisionId")}
    assert told["notificationBody"].startswith("A pull request event occurred in the following AWS CodeCommit")
    assert event["detail-type"] == "CodeCommit Pull Request State Change"
    assert event["resources"] == [hosted.arn]
    assert detail == {
        "author": WHO,
        "callerUserArn": WHO,
        "description": "Why",
        "destinationCommit": main,
        "destinationReference": "refs/heads/main",
        "event": "pullRequestCreated",
        "isMerged": "False",
        "pullRequestId": request["pullRequestId"],
        "pullRequestStatus": "Open",
        "repositoryNames": [hosted.name],
        "sourceCommit": feature,
        "sourceReference": "refs/heads/feature",
        "title": "Better",
    }


def test_a_push_to_the_source_branch_is_told_of_the_request(hosted: Any, tree: Any) -> None:
    request, queue = opened(hosted), hosted.watch()
    commit = tree.commit(README="three")
    tree.git("push", "--quiet", "origin", "feature")
    told = [each["detail"] for each in hosted.told(queue)]
    assert [each["event"] for each in told] == ["pullRequestSourceBranchUpdated", "referenceUpdated"]
    assert (told[0]["pullRequestId"], told[0]["sourceCommit"]) == (request["pullRequestId"], commit)


@pytest.mark.usefixtures("tree")
def test_a_comment_is_kept_and_told(hosted: Any) -> None:
    request, queue = opened(hosted), hosted.watch()
    named = {"pullRequestId": request["pullRequestId"], "repositoryName": hosted.name}
    (target,) = request["pullRequestTargets"]
    between = {"beforeCommitId": target["destinationCommit"], "afterCommitId": target["sourceCommit"]}
    made = hosted.client.post_comment_for_pull_request(**named, **between, content="Passed")["comment"]
    (found,) = hosted.client.get_comments_for_pull_request(**named)["commentsForPullRequestData"]
    assert (found["comments"][0]["content"], found["comments"][0]["commentId"]) == ("Passed", made["commentId"])
    (event,) = hosted.told(queue)
    assert event["detail-type"] == "CodeCommit Comment on Pull Request"
    assert (event["detail"]["event"], event["detail"]["commentId"]) == (
        "commentOnPullRequestCreated",
        made["commentId"],
    )
    with pytest.raises(ClientError, match="CommitDoesNotExistException"):
        hosted.client.post_comment_for_pull_request(**named, **{**between, "afterCommitId": "0" * 40}, content="?")


@pytest.mark.parametrize("way", ["fast_forward", "squash"])
def test_a_merge_moves_the_destination_and_closes_the_request(hosted: Any, tree: Any, way: str) -> None:
    request, queue = opened(hosted), hosted.watch()
    named = {"pullRequestId": request["pullRequestId"], "repositoryName": hosted.name}
    merge = getattr(hosted.client, f"merge_pull_request_by_{way}")
    with pytest.raises(ClientError, match="TipOfSourceReferenceIsDifferentException"):
        merge(**named, sourceCommitId="0" * 40)
    merged = merge(**named)["pullRequest"]
    (target,) = merged["pullRequestTargets"]
    assert (merged["pullRequestStatus"], target["mergeMetadata"]["mergeCommitId"]) == ("CLOSED", hosted.tip())
    assert target["destinationCommit"] == request["pullRequestTargets"][0]["destinationCommit"]
    tree.git("fetch", "--quiet")
    assert tree.git("diff", "origin/main", "feature") == ""
    assert (hosted.tip() == hosted.tip("feature")) == (way == "fast_forward")
    closed, moved = (each["detail"] for each in hosted.told(queue))
    option = f"{way.upper()}_MERGE"
    assert (closed["event"], closed["isMerged"], closed["mergeOption"]) == (
        "pullRequestMergeStatusUpdated",
        "True",
        option,
    )
    assert (moved["event"], moved["commitId"], moved["mergeOption"]) == ("referenceUpdated", hosted.tip(), option)
    with pytest.raises(ClientError, match="PullRequestAlreadyClosedException"):
        merge(**named)


def test_branches_that_went_apart_cannot_be_merged_without_a_person(hosted: Any, tree: Any) -> None:
    request = opened(hosted)
    tree.git("checkout", "--quiet", "-B", "main", "origin/main")
    tree.commit(other="x")
    tree.git("push", "--quiet", "origin", "main")
    with pytest.raises(ClientError, match="ManualMergeRequiredException"):
        hosted.client.merge_pull_request_by_fast_forward(
            pullRequestId=request["pullRequestId"], repositoryName=hosted.name
        )


def test_a_closed_request_never_opens_again(hosted: Any, tree: Any) -> None:
    request, queue = opened(hosted), hosted.watch()
    number = request["pullRequestId"]
    client, named = hosted.client, {"repositoryName": hosted.name}
    assert number in client.list_pull_requests(**named, pullRequestStatus="OPEN")["pullRequestIds"]
    client.update_pull_request_status(pullRequestId=number, pullRequestStatus="CLOSED")
    assert client.list_pull_requests(**named, pullRequestStatus="OPEN")["pullRequestIds"] == []
    (event,) = hosted.told(queue)
    assert (event["detail"]["event"], event["detail"]["pullRequestStatus"]) == ("pullRequestStatusChanged", "Closed")
    with pytest.raises(ClientError, match="InvalidPullRequestStatusUpdateException"):
        client.update_pull_request_status(pullRequestId=number, pullRequestStatus="OPEN")
    tree.commit(README="three")
    tree.git("push", "--quiet", "origin", "feature")
    assert [each["detail"]["event"] for each in hosted.told(queue)] == ["referenceUpdated"]


@pytest.mark.usefixtures("tree")
def test_a_role_without_rights_in_the_repository_is_denied_its_pull_requests(hosted: Any) -> None:
    number = opened(hosted)["pullRequestId"]
    place = ("codecommit", "111111111111", "eu-west-1")
    rights = {"Effect": "Allow", "Action": "codecommit:GetPullRequest", "Resource": f"{hosted.arn}-other"}
    with pytest.raises(ClientError, match=f"codecommit:GetPullRequest on resource: {hosted.arn}"):
        hosted.acting(rights).get(*place).get_pull_request(pullRequestId=number)
    client = hosted.acting({**rights, "Resource": hosted.arn}).get(*place)
    assert client.get_pull_request(pullRequestId=number)["pullRequest"]["title"] == "Better"
    with pytest.raises(ClientError, match="codecommit:MergePullRequestByFastForward"):
        client.merge_pull_request_by_fast_forward(pullRequestId=number, repositoryName=hosted.name)
    with pytest.raises(ClientError, match="PullRequestDoesNotExistException"):
        client.get_pull_request(pullRequestId="99999")
