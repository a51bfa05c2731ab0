"""A project with feature groups, in a sandbox that is up, with the groups made as a deployment would make them."""

import json
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from sagewright.cli import seeds, uploading
from sagewright.cli.sandbox_process import RunningSandbox
from sagewright.cli.target import Sandbox
from sagewright.project import Project, load, names

TEXT = """\
name: {name}
owner: ml-team@example.com
environments:
  dev: {{region: eu-west-1}}
  prod: {{region: eu-west-1}}
data:
  source: data/orders.csv
  problem: binary_classification
  label: late
  record_id: order
  event_time: placed_at
  join:
    - {{group: plan, on: order}}
    - {{group: sky, on: station, features: [wind], look_back_hours: 24}}
features:
  plan:
    description: What was planned for an order
    record_id: order
    event_time: since
    features: {{station: string, seats: {{type: integral, description: How many, unit: seats}}}}
  sky:
    version: 2
    source: data/sky.csv
    record_id: station
    event_time: observed
    features: {{wind: fractional, sight: {{type: fractional, unit: miles}}}}
    fresh_hours: 24
  notes:
    record_id: order
    event_time: since
    features: {{word: string}}
    online: false
training: {{code: src/{name}}}
evaluation: {{minimum: 0.55}}
"""


def write_project(folder: Path, name: str) -> Path:
    seeds.plant("churn", folder, name)
    (folder / "project.yaml").write_text(TEXT.format(name=name))
    (folder / "data" / "orders.csv").write_text("order,placed_at,late\n1,2024-01-01T00:00:00Z,Yes\n")
    (folder / "data" / "sky.csv").write_text("station,observed,wind,sight\nA,2024-01-01T00:00:00Z,1.5,10\n")
    return folder


@pytest.fixture
def written(tmp_path: Path) -> Project:
    """The project alone, with nothing around it."""
    return load(write_project(tmp_path / "orders", "orders"))


@dataclass(frozen=True)
class Shop:
    """The project, and the sandbox as its administrator sees it."""

    folder: Path
    project: Project
    target: Sandbox
    run: Callable[..., Any]

    def client(self, service: str) -> Any:
        return self.target.client(service, self.project.first)

    def make(self, group: str, version: int, environment: str | None = None, **features: str) -> str:
        """Make a group, online alone."""
        declared = self.project.features[group]
        given = features or {each.name: each.type.capitalize() for each in declared.declared}
        name = names.feature_group(self.project.name, group, version, environment)
        sagemaker = self.client("sagemaker")
        sagemaker.create_feature_group(
            FeatureGroupName=name,
            RecordIdentifierFeatureName=declared.record_id,
            EventTimeFeatureName=declared.event_time,
            FeatureDefinitions=[{"FeatureName": each, "FeatureType": kind} for each, kind in given.items()],
            OnlineStoreConfig={"EnableOnlineStore": True},
        )
        until = time.monotonic() + 30
        while sagemaker.describe_feature_group(FeatureGroupName=name)["FeatureGroupStatus"] == "Creating":
            assert time.monotonic() < until
        return name

    def make_bucket(self) -> str:
        """Make the data bucket."""
        bucket = uploading.data_bucket(self.project, self.target)
        place = {"LocationConstraint": self.project.first.region}
        self.client("s3").create_bucket(Bucket=bucket, CreateBucketConfiguration=place)
        return bucket

    def note(self, group: str, version: int, **profile: Any) -> None:
        """Leave the profile that an ingestion would leave."""
        key = f"{names.INGESTION}/{group}/v{version}/profile.json"
        self.client("s3").put_object(Bucket=self.make_bucket(), Key=key, Body=json.dumps(profile).encode())

    def call(self, *arguments: object, code: int = 0) -> Any:
        """Run a command of this project; returns what it says, as JSON where it was asked for."""
        done = self.run(*arguments, "--project", self.folder)
        assert done.exit_code == code, done.output
        if code:
            return " ".join(done.stderr.split())
        return json.loads(done.stdout) if "--json" in arguments else done.stdout


@pytest.fixture
def shop(home: tuple[Path, RunningSandbox], run: Callable[..., Any]) -> Shop:
    above, running = home
    name = f"s{uuid.uuid4().hex[:6]}"
    project = load(write_project(above / name, name))
    return Shop(above / name, project, Sandbox(running, project), run)
