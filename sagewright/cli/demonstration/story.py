"""One run of the demo: its steps in their order, what each takes, and that nothing of it is left behind."""

import json
import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

from ruamel.yaml import YAML

from sagewright.cli import (
    bootstrapping,
    deploying,
    registry,
    releasing,
    sandbox_process,
    seeds,
    training,
    uploading,
)
from sagewright.cli.errors import EXPECTED, CommandError, explain
from sagewright.cli.options import Options
from sagewright.cli.pages import evaluation_page
from sagewright.cli.releasing import Released
from sagewright.cli.target import Sandbox
from sagewright.cli.training import Trained
from sagewright.project import Project, load
from sagewright.runtime.functions.model_versions import APPROVED
from sagewright.runtime.functions.training_start import Overrides

from . import answers, page
from .page import Outcome
from .watch import Watch, Watched

SEED = "churn"
MARK = ".sagewright-demo"
# Messages in the sandbox go to nobody but its inbox.
OWNER = "you@example.com"


@dataclass
class Demonstration:
    """One run of the demo; `started` holds the sandbox from the moment it is up, so that it can be stopped."""

    options: Options
    out: Path
    port: int
    keep: bool
    engine: str
    setup_seconds: float | None = None
    seed: str = SEED
    started: sandbox_process.RunningSandbox | None = None
    durations: dict[str, float] = field(default_factory=dict)
    current: str = ""

    STEPS: ClassVar[tuple[str, ...]] = (
        *("new", "sandbox up", "bootstrap", "deploy", "data put", "train", "approve", "release", "invoke"),
        *("watch", "drift", "report"),
    )

    @property
    def folder(self) -> Path:
        """Where the demo's project is."""
        return self.out / self.seed

    @property
    def page(self) -> Path:
        """The page that it ends with."""
        return self.out / "report.html"

    def run(self) -> dict[str, Any]:
        """Go through all steps; returns the report, which is also written to report.json."""
        began = time.monotonic()
        try:
            told = self._loop()
        except EXPECTED as error:
            raise CommandError(self._failure(error)) from error
        finally:
            if not self.keep:
                self.stop()
        told |= {"setup_seconds": self.setup_seconds, "kept": self.keep, "page": str(self.page)}
        told["seconds"] = round(time.monotonic() - began, 2)
        (self.out / "report.json").write_text(json.dumps(told, indent=2) + "\n")
        return told

    def stop(self) -> None:
        """Stop what the demo started."""
        if self.started is not None:
            self.started.stop()
            self.started = None

    def _loop(self) -> dict[str, Any]:
        with self._step("new"):
            project = self._planted()
        target = self._deployed(project)
        with self._step("data put"):
            self._sent(project, target)
        trained = self._trained(project, target)
        released = self._released(project, target, trained)
        with self._step("invoke"):
            answered = answers.collect(project, target, trained.version)
        outcome = Outcome(trained, released, answered, watched=self._watched(project, target, trained))
        return self._reported(project, target, outcome)

    def _deployed(self, project: Project) -> Sandbox:
        """Start a sandbox and deploy the project to it."""
        with self._step("sandbox up"):
            parent = None if self.keep else os.getpid()
            self.started = sandbox_process.start(self.folder, port=self.port, parent=parent)
            target = Sandbox(self.started, project)
            self.options.terminal.done(f"An AWS on this machine: {self.started.endpoint}")
        with self._step("bootstrap"):
            bootstrapping.prepare(self.options, project, target)
        with self._step("deploy"):
            deploying.deploy(self.options, project, target)
        return target

    def _reported(self, project: Project, target: Sandbox, outcome: Outcome) -> dict[str, Any]:
        """Write the page; returns the same for programs."""
        with self._step("report"):
            from sagewright.cli.report.page import write  # noqa: PLC0415 - it loads what no other command needs

            write(page.collect(project, target, outcome, [*self.durations.items()]), self.page)
            self.options.terminal.done(f"{self.page}")
        return page.summary(target, outcome, [*self.durations.items()])

    def _planted(self) -> Project:
        """Make the project as `sagewright new` does; besides, it gets an owner, whom messages go to."""
        self._prepare()
        seeds.plant(self.seed, self.folder, self.seed)
        yaml, file = YAML(), self.folder / "project.yaml"
        declared = yaml.load(file)
        declared |= {"owner": OWNER, "monitoring": {"engine": self.engine}}
        yaml.dump(declared, file)
        return load(self.folder)

    def _sent(self, project: Project, target: Sandbox) -> None:
        """Send the tables up: the labelled rows, and those of feature groups."""
        uploads = [uploading.put(self.options, project, target)]
        uploads += [
            uploading.put_group(self.options, project, target, name) for name in uploading.local_groups(project)
        ]
        for upload in uploads:
            self.options.terminal.done(f"{upload.source.name} → {upload.target}")

    def _trained(self, project: Project, target: Sandbox) -> Trained:
        with self._step("train"):
            arn = training.start(project, target, Overrides())
            trained = training.watch(self.options, project, target, arn)
            self.options.terminal.notes.print(
                evaluation_page(trained.evaluation, trained.version.metric, trained.threshold)
            )
        return trained

    def _released(self, project: Project, target: Sandbox, trained: Trained) -> Released:
        with self._step("approve"):
            registry.decide(project, target, trained.version, APPROVED, "approved by the demo")
            self.options.terminal.done(f"Version {trained.version.number} is Approved")
        with self._step("release"):
            version = registry.find(project, target, trained.version.number)
            return releasing.carry_out(self.options, project, target, project.serving[0], version)

    def _watched(self, project: Project, target: Sandbox, trained: Trained) -> Watched:
        watch = Watch(self.options, project, target, trained.version)
        with self._step("watch"):
            watch.subscribe()
            watch.unchanged()
        with self._step("drift"):
            return watch.told(watch.shifted())

    @contextmanager
    def _step(self, name: str) -> Iterator[None]:
        self.current = name
        self.options.terminal.note(f"\n[bold]{self.STEPS.index(name) + 1}/{len(self.STEPS)} {name}[/]")
        began = time.monotonic()
        yield
        self.durations[name] = round(time.monotonic() - began, 2)

    def _prepare(self) -> None:
        """Make room: an earlier demo is replaced (and stopped, if it was kept); what is not ours is left alone."""
        if self.out.exists() and any(self.out.iterdir()):
            if not (self.out / MARK).is_file():
                raise CommandError(
                    f"{self.out} is not empty, and not from an earlier demo: choose another folder with --out."
                )
            earlier = sandbox_process.of_folder(self.folder)
            if earlier is not None:
                earlier.stop()
            shutil.rmtree(self.out)
        self.out.mkdir(parents=True, exist_ok=True)
        (self.out / MARK).write_text("Made by `sagewright demo`, which replaces this folder when it runs again.\n")

    def _failure(self, error: BaseException) -> str:
        position = self.STEPS.index(self.current) + 1
        home = self.folder / ".sagewright"
        logs = (
            f" The sandbox's own log is {home / 'sandbox.log'}; each tool's is in {home / 'logs'}."
            if home.exists()
            else ""
        )
        kept = " Everything is left up, because of --keep." if self.keep and self.started else ""
        return f"The demo failed at step {position} of {len(self.STEPS)}, {self.current}: {explain(error)}{logs}{kept}"
