"""The whole loop on one machine, by the very functions that the commands call, with the time that each step takes."""

import json
import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from sagewright.project import Project, load
from sagewright.runtime.functions import evidence
from sagewright.runtime.functions.evidence import HeldOut
from sagewright.runtime.functions.model_versions import APPROVED
from sagewright.runtime.functions.training_start import Overrides

from . import bootstrapping, deploying, registry, releasing, sandbox_process, seeds, training, uploading
from .asking import Endpoint, Prediction, Request, ask, container_message
from .errors import EXPECTED, CommandError, explain
from .options import Options
from .pages import evaluation_page
from .releasing import Released
from .target import Sandbox
from .training import Trained

SEED = "churn"
MARK = ".sagewright-demo"
SINGLE_REQUESTS = 20
BATCH_ROWS = 500


@dataclass(frozen=True)
class Answers:
    """What the endpoint said: predictions of rows it has never seen, and how it refused a row that is wrong."""

    known: HeldOut
    predictions: list[Prediction]
    requests: int
    refusal: dict[str, Any]
    latencies_ms: list[float]
    with_truth: float
    with_evaluation: float


@dataclass
class Demonstration:
    """One run of the demo; `started` holds the sandbox from the moment it is up, so that it can be stopped."""

    options: Options
    out: Path
    port: int
    keep: bool
    setup_seconds: float | None = None
    started: sandbox_process.RunningSandbox | None = None
    durations: dict[str, float] = field(default_factory=dict)
    current: str = ""

    STEPS = ("new", "sandbox up", "bootstrap", "deploy", "data put", "train", "approve", "release", "invoke")

    @property
    def folder(self) -> Path:
        """Where the demo's project is."""
        return self.out / SEED

    def run(self) -> dict[str, Any]:
        """Go through all steps; returns the report, which is also written to report.json."""
        began = time.monotonic()
        try:
            report = self._loop()
        except EXPECTED as error:
            raise CommandError(self._failure(error)) from error
        finally:
            if not self.keep:
                self.stop()
        report["seconds"] = round(time.monotonic() - began, 2)
        (self.out / "report.json").write_text(json.dumps(report, indent=2) + "\n")
        return report

    def stop(self) -> None:
        """Stop what the demo started."""
        if self.started is not None:
            self.started.stop()
            self.started = None

    def _loop(self) -> dict[str, Any]:
        with self._step("new"):
            self._prepare()
            seeds.plant(SEED, self.folder, SEED)
            project = load(self.folder)
        with self._step("sandbox up"):
            parent = None if self.keep else os.getpid()
            self.started = sandbox_process.start(self.folder, port=self.port, parent=parent)
            target = Sandbox(self.started, project)
            self.options.terminal.done(f"An AWS on this machine: {self.started.endpoint}")
        with self._step("bootstrap"):
            bootstrapping.prepare(self.options, project, target)
        with self._step("deploy"):
            deploying.deploy(self.options, project, target)
        with self._step("data put"):
            upload = uploading.put(self.options, project, target)
            self.options.terminal.done(f"{upload.source.name} → {upload.target}")
        with self._step("train"):
            arn = training.start(project, target, Overrides())
            trained = training.watch(self.options, project, target, arn)
            self.options.terminal.notes.print(
                evaluation_page(trained.evaluation, trained.version.metric, trained.threshold)
            )
        with self._step("approve"):
            registry.decide(project, target, trained.version, APPROVED, "approved by the demo")
            self.options.terminal.done(f"Version {trained.version.number} is Approved")
        with self._step("release"):
            version = registry.find(project, target, trained.version.number)
            released = releasing.carry_out(self.options, project, target, project.serving[0], version)
        with self._step("invoke"):
            answers = self._ask(project, target, trained)
        return self._report(target, trained, released, answers)

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

    def _ask(self, project: Project, target: Sandbox, trained: Trained) -> Answers:
        """Send held-out rows: one at a time, many at once, and one that is wrong."""
        place, s3 = project.serving[0], target.client("s3", project.first)
        known = evidence.held_out(s3, trained.version, BATCH_ROWS)
        endpoint = Endpoint.of(project, target, place)
        latencies: list[float] = []
        for row in known.rows[:SINGLE_REQUESTS]:
            began = time.monotonic()
            ask(endpoint, Request.of_texts([row]))
            latencies.append((time.monotonic() - began) * 1000)
        predictions = ask(endpoint, Request.of_texts(known.rows))
        recorded = evidence.recorded_predictions(s3, trained.version)
        said = [str(prediction.value) for prediction in predictions]
        return Answers(
            known=known,
            predictions=predictions,
            requests=len(latencies) + 2,
            refusal=_refused(endpoint, known),
            latencies_ms=latencies,
            with_truth=_share(said, known.truths),
            with_evaluation=_share(said, [recorded[record] for record in known.records]),
        )

    def _report(self, target: Sandbox, trained: Trained, released: Released, answers: Answers) -> dict[str, Any]:
        median = sorted(answers.latencies_ms)[len(answers.latencies_ms) // 2]
        return {
            "finished": datetime.now(UTC).isoformat(timespec="seconds"),
            "setup_seconds": self.setup_seconds,
            "steps": [{"name": name, "seconds": seconds} for name, seconds in self.durations.items()],
            "training_steps": [
                {"name": step.name, "seconds": step.seconds, "status": step.status} for step in trained.execution.steps
            ],
            "version": trained.version.number,
            "metric": trained.version.metric,
            "metrics": trained.metrics,
            "endpoint": {
                "name": released.endpoint,
                "config": released.endpoint_config,
                "url": f"{target.running.endpoint}/endpoints/{released.endpoint}/invocations",
            },
            "requests": {
                "sent": answers.requests,
                "rows": len(answers.latencies_ms) + len(answers.predictions),
                "refused": 1,
                "median_ms_one_row": round(median, 1),
            },
            "refusal": answers.refusal,
            "agreement": {"with_truth": answers.with_truth, "with_evaluation": answers.with_evaluation},
            "predictions": [
                {
                    "record": record,
                    "prediction": prediction.value,
                    "probability": prediction.probability,
                    "truth": truth,
                }
                for record, prediction, truth in list(
                    zip(answers.known.records, answers.predictions, answers.known.truths, strict=True)
                )[:SINGLE_REQUESTS]
            ],
            "kept": self.keep,
        }


def _refused(endpoint: Endpoint, known: HeldOut) -> dict[str, Any]:
    """Send a word where the model wants a number, and keep what the client sees."""
    number = next(name for name, text in known.rows[0].items() if _is_number(text))
    try:
        endpoint.runtime.invoke_endpoint(
            EndpointName=endpoint.name,
            ContentType="text/csv",
            Body=Request.of_texts([known.rows[0] | {number: "many"}]).body,
        )
    except ClientError as error:
        return {
            "code": error.response["Error"]["Code"],
            "status": error.response["ResponseMetadata"]["HTTPStatusCode"],
            "container_status": error.response.get("OriginalStatusCode"),
            "message": container_message(error),
        }
    raise CommandError(
        f"Endpoint {endpoint.name} took the word 'many' for the number {number}: it should have refused the row."
    )


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _share(left: list[str], right: list[str]) -> float:
    """Share of positions at which both say the same."""
    return round(sum(one == other for one, other in zip(left, right, strict=True)) / len(left), 4)
