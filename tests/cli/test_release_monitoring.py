"""The last part of a release: what watches the version goes with it; what fails there is no failed release."""

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from sagewright.cli.errors import CommandError
from sagewright.cli.release_monitoring import NotWatchedError, ReleaseMonitoring
from sagewright.project import Environment, Project, load
from sagewright.runtime.functions.objects import Location
from sagewright.runtime.functions.release import Artifacts

FOLDER = Location("bucket", "releases/3")
ARTIFACTS = Artifacts("arn:3", "image", FOLDER / "model.tar.gz", FOLDER / "baseline")


@dataclass
class Stacks:
    """In the place of CloudFormation and CloudWatch: remembers what was done."""

    project: Project
    environment: Environment
    there: dict[str, Any] | None = None
    broken: str = ""
    done: list[Any] = field(default_factory=list)

    @property
    def options(self) -> "Stacks":
        return self

    @property
    def terminal(self) -> "Stacks":
        return self

    def note(self, text: str) -> None:
        self.done.append(text)

    @property
    def target(self) -> "Stacks":
        return self

    def release_client(self, service: str, environment: Environment) -> "Stacks":
        del service, environment
        return self

    def settle(self, stack: str) -> dict[str, Any] | None:
        del stack
        return self.there

    def deploy(self, stack: str, parameters: dict[str, str]) -> dict[str, str]:
        if self.broken:
            raise CommandError(self.broken)
        self.done.append((stack, parameters))
        return {}

    def delete(self, stack: str) -> bool:
        self.done.append(("delete", stack))
        return True

    def put_metric_data(self, **point: Any) -> None:
        self.done.append(point)


@pytest.fixture
def stacks(project: Path) -> Stacks:
    loaded = load(project).model_copy(update={"owner": "ml-team@example.com"})
    return Stacks(loaded, loaded.serving[0])


def released(stacks: Any, artifacts: Artifacts = ARTIFACTS) -> Any:
    return ReleaseMonitoring(stacks).carry_out(artifacts, 3)


def test_the_watch_is_deployed_with_the_version_and_begins_with_a_point_that_says_it_is_not_silent(
    stacks: Stacks,
) -> None:
    watch = released(stacks)
    assert (watch.engine, watch.stack) == ("builtin", "leavers-dev-monitoring")
    point, deployed = stacks.done  # the point first: the alarm looks as soon as it is there
    expected = {"ModelPackageArn": "arn:3", "BaselineUri": "s3://bucket/releases/3/baseline"}
    assert deployed == ("leavers-dev-monitoring", expected)
    assert point["Namespace"] == "Sagewright/leavers/dev"
    (metric,) = point["MetricData"]
    assert (metric["MetricName"], metric["Value"]) == ("RunsCompleted", 0)
    assert metric["Dimensions"] == [{"Name": "Endpoint", "Value": "leavers-dev"}]


def test_a_watch_that_was_there_gets_no_such_point_which_would_hide_its_silence(stacks: Stacks) -> None:
    stacks.there = {"StackStatus": "CREATE_COMPLETE"}
    released(stacks)
    assert [each[0] for each in stacks.done] == ["leavers-dev-monitoring"]


def test_a_project_that_wants_no_watch_has_the_one_before_deleted(stacks: Stacks) -> None:
    environment = stacks.environment
    monitoring = environment.monitoring.model_copy(update={"engine": "none"})
    unwatched = environment.model_copy(update={"monitoring": monitoring})
    stacks = replace(stacks, environment=unwatched, done=[])
    assert released(stacks) is None
    assert stacks.done == [("delete", "leavers-dev-monitoring")]


def test_a_failure_says_that_the_version_serves_and_how_to_put_the_watch_right(stacks: Stacks) -> None:
    stacks.broken = "cdk release failed: AWS::SNS::Topic Notices (N1) no."
    with pytest.raises(NotWatchedError) as failed:
        released(stacks)
    told = str(failed.value)
    assert told.startswith(
        "Version 3 serves in dev, and was verified. But what watches it there was not put right: cdk"
    )
    assert "`sagewright release dev 3`" in told


def test_a_version_without_a_baseline_is_not_watched_and_the_watch_of_the_one_before_goes(stacks: Stacks) -> None:
    assert released(stacks, replace(ARTIFACTS, comparable=False)) is None
    (deleted, told) = stacks.done
    assert deleted == ("delete", "leavers-dev-monitoring")
    assert told.startswith("Nothing watches this version")


def test_a_project_without_an_owner_is_told_that_nobody_is(stacks: Stacks) -> None:
    stacks = replace(stacks, project=stacks.project.model_copy(update={"owner": None}), done=[])
    released(stacks)
    assert any("names no owner" in str(each) for each in stacks.done)
