"""Tries a push before anything is deployed: its very assembly, in a sandbox of its own, trained on a sample.

The sandbox and all that is in it are gone afterwards. It answers where a training would fail: at the code, the
permissions or the definition; what it cannot try, it says.
"""

import json
import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from sagewright.cli import bootstrapping, sandbox_process, training, uploading
from sagewright.cli.assembly import Assembly
from sagewright.cli.bootstrapping import Place
from sagewright.cli.cdk import Cdk
from sagewright.cli.errors import CommandError
from sagewright.cli.options import Options
from sagewright.cli.target import Sandbox
from sagewright.project import Project, names
from sagewright.runtime.functions.client import Client
from sagewright.runtime.functions.objects import Location
from sagewright.runtime.functions.training_start import Overrides

from . import data_sample, published_project

_REGRESSION = "regression"
_ALLOWS_ALL = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}


def run(options: Options, folder: Path) -> str:
    """Rehearse the training; returns in a sentence what was tried, or raises with what failed."""
    project = options.project()
    if not (folder / "manifest.json").is_file():
        raise CommandError(f"{folder} is no assembly: write one with `sagewright delivery synth --output {folder}`.")
    if (why := _impossible(project)) is not None:
        return f"No training was rehearsed: {why}"
    with TemporaryDirectory(prefix="sagewright-rehearsal-") as temporary:
        home = Path(temporary)
        # What the CDK leaves beside an assembly that it deploys must not get into what is deployed later.
        copied = home / published_project.ASSEMBLY
        for name in published_project.of_assembly(folder):
            (copied / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(folder / name, copied / name)
        running = sandbox_process.start(home, parent=os.getpid())
        try:
            return _Rehearsal(options, project, Sandbox(running, project), copied).run()
        finally:
            running.stop()


def _impossible(project: Project) -> str | None:
    if project.delivery.sample is None and not (project.root / project.first.data.source).is_file():
        return (
            f"data.source is {project.first.data.source}, which is not in the repository. Name a file of it with a few "
            "hundred rows as delivery.sample to have every push tried."
        )
    if project.first.network.mode == "import":
        return "the jobs run in a network of the account (network.mode: import), which no sandbox has."
    return None


@dataclass(frozen=True)
class _Rehearsal:
    """One rehearsal, in a sandbox that is up."""

    options: Options
    project: Project
    target: Sandbox
    assembly: Path

    def run(self) -> str:
        self._prepare()
        self._deploy()
        rows = self._send()
        arn = training.start(self.project, self.target, Overrides())
        execution = training.follow(self.options, self.project, self.target, arn)
        tried = f"a training on {rows} rows"
        if execution.status == "Succeeded":
            return f"Rehearsed {tried}: a version was registered."
        failed = execution.failed
        if failed is not None and failed.name == training.NOT_GOOD_ENOUGH:
            return f"Rehearsed {tried}: every step ran; the gate refused the model, as so few rows may well make it."
        raise CommandError(
            f"The rehearsal of the training on {rows} rows failed, as the training itself would. "
            f"{training.failure(self.project, self.target, execution)}"
        )

    def _prepare(self) -> None:
        """Make the first environment's account ready for the CDK, with the boundary that its roles name."""
        for place in bootstrapping.places(self.project, self.target, [self.project.first]):
            self._make_boundary(place)
            bootstrapping.bootstrap(self.options, self.project, self.target, place)

    def _make_boundary(self, place: Place) -> None:
        """Make a boundary that bounds nothing: what the account's own one forbids is not rehearsed."""
        if place.boundary_arn is None:
            return
        path, _, name = place.boundary_arn.partition(":policy/")[2].rpartition("/")
        self.target.client("iam", place.environment).create_policy(
            PolicyName=name, Path=f"/{path}/" if path else "/", PolicyDocument=json.dumps(_ALLOWS_ALL)
        )

    def _deploy(self) -> None:
        """Deploy what a training needs, as it was written."""
        project, first = self.project, self.project.first
        wanted = {
            names.data_stack(project.name, first.name),
            names.network_stack(project.name, first.name),
            names.training_stack(project.name),
        }
        stacks = [stack.name for stack in Assembly.read(project, self.assembly).stacks if stack.name in wanted]
        cdk = Cdk(project.root, self.target.environ(first.region), self.options.terminal)
        cdk.deploy_assembly(self.assembly, *stacks, "--exclusively", name="rehearse")

    def _send(self) -> int:
        """Put a sample where the training reads its data; returns how many rows it has."""
        data, first = self.project.first.data, self.project.first
        source = self.project.root / (self.project.delivery.sample or data.source)
        content, rows = data_sample.take(source, data.label, by_class=data.problem != _REGRESSION)
        place = uploading.source_location(self.project, self.target)
        s3 = self.target.client("s3", first)
        if not uploading.is_local(self.project):
            self._make_bucket(s3, place.bucket)
        key = place.key if place.key.endswith(source.suffix) else f"{place.key.rstrip('/')}/{source.name}".lstrip("/")
        target = Location(place.bucket, key)
        s3.put_object(Bucket=target.bucket, Key=target.key, Body=content)
        self.options.terminal.done(f"Sent {rows} rows of {source.name}")
        return rows

    def _make_bucket(self, s3: Client, bucket: str) -> None:
        """Make the bucket that the project's data comes from: in a sandbox nobody else has."""
        region = self.project.first.region
        # S3 knows its first region by no name: https://docs.aws.amazon.com/AmazonS3/latest/API/API_CreateBucket.html
        elsewhere: dict[str, Any] = {"CreateBucketConfiguration": {"LocationConstraint": region}}
        s3.create_bucket(Bucket=bucket, **(elsewhere if region != "us-east-1" else {}))
