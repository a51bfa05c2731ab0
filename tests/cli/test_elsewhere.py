"""Of what another system starts it is told when it starts, how it starts at once, and what waits for it."""

import io
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from sagewright.cli import elsewhere
from sagewright.project import Project, load
from sagewright.runtime.functions.rollback import Wish

ARN = "arn:aws:sagemaker:eu-west-1:111111111111:model-package/leavers/3"
JENKINS = "{provider: jenkins, issuer: 'https://jenkins.example.com/oidc'}"
DELIVERIES = {
    "github_actions": "repository: {provider: github, name: a/leavers}\ndelivery: {provider: github_actions}\n",
    "jenkins": f"repository: {{provider: gitlab, name: a/leavers}}\ndelivery: {JENKINS}\n",
}
WISH = Wish("dev", "anna", "half of the answers aren't right", leaving=3)


def delivered(project: Path, provider: str) -> Project:
    file = project / "project.yaml"
    text = file.read_text().replace("dev: {region", "dev: {account: '111111111111', region", 1)
    file.write_text(f"{text}\n{DELIVERIES[provider]}")
    return load(project)


def test_github_is_told_by_the_workflow_that_looks_and_the_one_that_promotes(project: Path) -> None:
    told = elsewhere.promotion(delivered(project, "github_actions"), ARN)
    assert told is not None
    assert "GitHub Actions starts its promotion within half an hour" in told
    assert "`gh workflow run registry.yml --ref main`" in told
    assert f"the workflow `promotion` with version={ARN}" in told


def test_jenkins_is_told_by_its_jobs(project: Path) -> None:
    leavers = delivered(project, "jenkins")
    job = "build the job `leavers-promotion` with VERSION left at none"
    assert elsewhere.promotion(leavers, ARN) == (
        f" Jenkins starts its promotion within a quarter of an hour. At once: {job}."
    )
    told = elsewhere.rollback_by_hand(leavers, WISH)
    assert "Build the job `leavers-rollback` with the parameters ENVIRONMENT=dev, LEAVING=3, REASON=half" in told


def test_a_rollback_at_github_is_a_command_that_a_shell_takes(project: Path) -> None:
    told = elsewhere.rollback_by_hand(delivered(project, "github_actions"), WISH)
    inputs = "-f environment=dev -f leaving=3 -f reason='half of the answers aren'\"'\"'t right'"
    assert f"`gh workflow run rollback.yml --ref main {inputs}`" in told


def test_where_aws_runs_the_steps_nothing_waits_for_another_system(project: Path) -> None:
    target: Any = None
    leavers = load(project)
    assert (elsewhere.system(leavers), elsewhere.promotion(leavers, ARN), elsewhere.rollback(leavers)) == (None,) * 3
    assert list(elsewhere.waiting(leavers, target)) == []


class Bucket:
    """An AWS in which only the bucket is asked."""

    def __init__(self, **objects: dict[str, Any]) -> None:
        self.objects = {f"delivery/waiting/{name}.json": each for name, each in objects.items()}

    def account_of(self, _environment: Any) -> str:
        return "111111111111"

    def client(self, _service: str, _environment: Any) -> Any:
        return self

    def get_paginator(self, _operation: str) -> "Bucket":
        return self

    def paginate(self, **_given: Any) -> list[dict[str, Any]]:
        return [{"Contents": [{"Key": key} for key in self.objects]}]

    def get_object(self, **given: str) -> dict[str, Any]:
        return {"Body": io.BytesIO(json.dumps(self.objects[given["Key"]]).encode())}


@pytest.mark.parametrize(
    ("what", "variables", "told"),
    [
        ("promotion", {"Version": ARN}, ("version 3", 3)),
        ("rollback", {"Environment": "dev", "Leaving": "4", "Version": "none"}, ("dev from version 4", 4)),
    ],
)
def test_what_waits_is_told_with_since_when_and_whom_it_waits_for(
    project: Path, what: str, variables: dict[str, str], told: tuple[str, int]
) -> None:
    since = (datetime.now(UTC) - timedelta(hours=1)).replace(microsecond=0)
    target: Any = Bucket(**{f"{since:%Y%m%dT%H%M%SZ}-{what}-abc": {"what": what, "variables": variables}})
    (found,) = elsewhere.waiting(delivered(project, "github_actions"), target)
    assert (found.kind, (found.what, found.version), found.since) == (what, told, since)
    assert found.told.startswith(
        "waits for GitHub Actions, within half an hour (at once: `gh workflow run registry.yml"
    )
