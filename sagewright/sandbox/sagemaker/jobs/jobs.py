"""Why: the API of jobs answers at once, while the jobs themselves run in the background, a few at a time."""

import os
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from ...clients import Clients
from ...images.containers import Containers
from ...protocol import Caller
from ..instances.where import Where
from ..listing import matching, only, ordered, page
from ..store import PROCESSING_JOB, TRAINING_JOB, Kind, Record, Store
from . import processing, training
from .processing import ProcessingRun
from .run import Run, has_ended
from .training import MESSAGES, TrainingRun

FINAL = {"Completed", "Failed", "Stopped"}
STATUS = {PROCESSING_JOB: "ProcessingJobStatus", TRAINING_JOB: "TrainingJobStatus"}
PROCESSING_SUMMARY = (
    *("ProcessingJobName", "ProcessingJobArn", "CreationTime", "ProcessingEndTime", "LastModifiedTime"),
    *("ProcessingJobStatus", "FailureReason", "ExitMessage"),
)
TRAINING_SUMMARY = (
    *("TrainingJobName", "TrainingJobArn", "CreationTime", "TrainingEndTime", "LastModifiedTime"),
    *("TrainingJobStatus", "SecondaryStatus"),
)


class Jobs:
    """Processing and training jobs. More than twice the machine's cores at once wait, as jobs beyond a quota would."""

    def __init__(self, store: Store, clients: Clients, data: Path, containers: Containers) -> None:
        self._store = store
        self.where = Where(store, clients, containers, data / "jobs")
        self._workers = ThreadPoolExecutor(max_workers=2 * (os.cpu_count() or 1), thread_name_prefix="job")
        self._lock = threading.Lock()
        self._runs: dict[str, Run] = {}

    def create_processing_job(self, params: dict[str, Any], caller: Caller) -> dict[str, Any]:
        """Accept a processing job and start it in the background."""
        run = ProcessingRun(params["ProcessingJobName"], params, caller, self.where)
        processing.check(params, caller, self.where.clients, run.arn)
        record = _described(params) | {
            "ProcessingJobArn": run.arn,
            "ProcessingJobStatus": "InProgress",
            "StoppingCondition": {"MaxRuntimeInSeconds": run.max_runtime_s},
        }
        self._accept(run, record)
        return {"ProcessingJobArn": run.arn}

    def start(self, run: ProcessingRun, more: Record) -> None:
        """Start a job of SageMaker's own; `more` are the members of its record that are not in its request."""
        record = _described(run.request) | more | {"ProcessingJobArn": run.arn, "ProcessingJobStatus": "InProgress"}
        self._accept(run, record)

    def create_training_job(self, params: dict[str, Any], caller: Caller) -> dict[str, Any]:
        """Accept a training job and start it in the background."""
        run = TrainingRun(params["TrainingJobName"], params, caller, self.where)
        training.check(params, caller, self.where.clients, run.arn)
        now = self._store.now()
        record = _described(params) | {
            "TrainingJobArn": run.arn,
            "TrainingJobStatus": "InProgress",
            "SecondaryStatus": "Starting",
            "SecondaryStatusTransitions": [
                {"Status": "Starting", "StartTime": now, "StatusMessage": MESSAGES["Starting"]}
            ],
            "StoppingCondition": params["StoppingCondition"] | {"MaxRuntimeInSeconds": run.max_runtime_s},
            "EnableManagedSpotTraining": False,
        }
        record.setdefault("EnableNetworkIsolation", False)
        record.setdefault("EnableInterContainerTrafficEncryption", False)
        self._accept(run, record)
        return {"TrainingJobArn": run.arn}

    def describe_processing_job(self, params: dict[str, Any], caller: Caller) -> dict[str, Any]:
        """Return one processing job."""
        return self._store.get(PROCESSING_JOB, caller, params["ProcessingJobName"])

    def describe_training_job(self, params: dict[str, Any], caller: Caller) -> dict[str, Any]:
        """Return one training job."""
        return self._store.get(TRAINING_JOB, caller, params["TrainingJobName"])

    def list_processing_jobs(self, params: dict[str, Any], caller: Caller) -> dict[str, Any]:
        """Return the processing jobs of the account and region."""
        found = self._listed(PROCESSING_JOB, params, caller, "ProcessingJobName")
        return page("ProcessingJobSummaries", [only(job, PROCESSING_SUMMARY) for job in found], params)

    def list_training_jobs(self, params: dict[str, Any], caller: Caller) -> dict[str, Any]:
        """Return the training jobs of the account and region."""
        found = self._listed(TRAINING_JOB, params, caller, "TrainingJobName")
        return page("TrainingJobSummaries", [only(job, TRAINING_SUMMARY) for job in found], params)

    def stop_processing_job(self, params: dict[str, Any], caller: Caller) -> dict[str, Any]:
        """Stop a processing job: SIGTERM, and SIGKILL two minutes later."""
        return self._stop(PROCESSING_JOB, params["ProcessingJobName"], caller)

    def stop_training_job(self, params: dict[str, Any], caller: Caller) -> dict[str, Any]:
        """Stop a training job, which keeps the model that it has saved so far."""
        return self._stop(TRAINING_JOB, params["TrainingJobName"], caller)

    def wait(self, arn: str) -> Record:
        """Block until the job has ended and return it as Describe does."""
        _, _, _, region, account, resource = arn.split(":", 5)
        segment, _, name = resource.partition("/")
        kind = next(kind for kind in STATUS if kind.segment == segment)
        return self._store.wait(kind, Caller(account, region, ""), name, lambda job: job[STATUS[kind]] in FINAL)

    def close(self) -> None:
        """Kill what runs; what waits for its turn never starts."""
        with self._lock:
            runs = list(self._runs.values())
        for run in runs:
            run.abort()
        self._workers.shutdown()

    def _accept(self, run: Run, record: Record) -> None:
        now = self._store.now()
        record |= {"CreationTime": now, "LastModifiedTime": now}
        self._store.put(run.kind, run.caller, run.name, record, run.request.get("Tags", ()))
        with self._lock:
            self._runs[run.arn] = run
        held = ExitStack()  # from now on, and not only once a worker is free
        held.enter_context(self._store.clock.work(f"{run.kind.segment} {run.name}"))
        self._workers.submit(self._execute, run, held)

    def _execute(self, run: Run, held: ExitStack) -> None:
        with held:
            run.execute()
        with self._lock:
            del self._runs[run.arn]

    def _stop(self, kind: Kind, name: str, caller: Caller) -> dict[str, Any]:
        self._store.get(kind, caller, name)
        with self._lock:
            run = self._runs.get(self._store.arn(kind, caller, name))
        if run is None:
            raise has_ended(kind, self._store.get(kind, caller, name)[STATUS[kind]])
        run.stop()
        return {}

    def _listed(self, kind: Kind, params: dict[str, Any], caller: Caller, name: str) -> list[Record]:
        found = matching(self._store.all(kind, caller), params, name=name, status=STATUS[kind])
        keys = {"Name": name, "CreationTime": "CreationTime", "Status": STATUS[kind]}
        return ordered(found, params, keys, ("CreationTime", "Descending"))


def _described(params: dict[str, Any]) -> Record:
    return {key: value for key, value in params.items() if key != "Tags"}
