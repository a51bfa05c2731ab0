"""Pull requests of CodeCommit: each new state of one is tested, and the result is written below it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from . import build_log, code_pipelines
from .client import Client

# How a build knows which request it is for.
_ID, _BEFORE, _AFTER = "PULL_REQUEST_ID", "PULL_REQUEST_BEFORE", "PULL_REQUEST_AFTER"
_OPEN, _SUCCEEDED = "OPEN", "SUCCEEDED"


@dataclass(frozen=True)
class PullRequest:
    """An open request: from which commit to which."""

    id: str
    repository: str
    before: str
    after: str


def read(codecommit: Client, identity: str, repository: str) -> PullRequest | None:
    """Read a request as it is now; None where it is closed, or not about this repository."""
    found: dict[str, Any] = codecommit.get_pull_request(pullRequestId=identity)["pullRequest"]
    if found["pullRequestStatus"] != _OPEN:
        return None
    for target in found["pullRequestTargets"]:
        if target["repositoryName"] == repository:
            return PullRequest(identity, repository, target["destinationCommit"], target["sourceCommit"])
    return None


def test(codebuild: Client, project: str, request: PullRequest) -> str:
    """Start the build of a request's newest commit, once for each commit; returns the build's id."""
    variables = {_ID: request.id, _BEFORE: request.before, _AFTER: request.after}
    build = codebuild.start_build(
        projectName=project,
        sourceVersion=request.after,
        environmentVariablesOverride=[
            {"name": name, "value": value, "type": "PLAINTEXT"} for name, value in variables.items()
        ],
        idempotencyToken=code_pipelines.token("pull request", request.repository, request.id, request.after),
    )
    return build["build"]["id"]


def report(client: Callable[[str], Client], build: str, repository: str, region: str) -> bool:
    """Write a build's result below the request that it was for; False where it was for none."""
    found = next(iter(client("codebuild").batch_get_builds(ids=[build])["builds"]), None)
    if found is None:
        return False
    variables = {each["name"]: each["value"] for each in found["environment"].get("environmentVariables", [])}
    if _ID not in variables:
        return False
    log = build_log.read(client, build) if found["buildStatus"] != _SUCCEEDED else None
    client("codecommit").post_comment_for_pull_request(
        pullRequestId=variables[_ID],
        repositoryName=repository,
        beforeCommitId=variables[_BEFORE],
        afterCommitId=variables[_AFTER],
        content=_told(found, variables[_AFTER], log, region),
        clientRequestToken=code_pipelines.token("comment", build),
    )
    return True


def _told(build: dict[str, Any], commit: str, log: build_log.Told | None, region: str) -> str:
    """Say what came of the tests."""
    if build["buildStatus"] == _SUCCEEDED:
        return f"The tests of {commit[:12]} have passed."
    phases: list[dict[str, Any]] = build.get("phases", [])
    failed = next((each for each in phases if each.get("phaseStatus") not in {None, "SUCCEEDED"}), dict[str, Any]())
    said = " ".join(each.get("message", "") for each in failed.get("contexts", [])).strip()
    said = log.after(said) if log is not None else build_log.plain(said)
    link = build.get("logs", {}).get("deepLink", "")
    told = f"The tests of {commit[:12]} have not passed: {build['buildStatus']}"
    told += f" in phase {failed['phaseType']}" if "phaseType" in failed else ""
    told += f": {said}" if said else ""
    ways = [f"`{log.whole(region)}`" if log is not None else "", link]
    whole = ", or ".join(filter(None, ways))
    return told.rstrip(".") + "." + (f" The whole output: {whole}" if whole else "")
