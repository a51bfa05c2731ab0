"""Why: every job has the same life: data in, a container until it ends or must, data out, a reason if it fails."""

import shutil
import signal
import threading
import time
import traceback
from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

from ...clients import ActingClients
from ...images.containers import Container, Exit, Process
from ...protocol import ApiError, Caller
from ..instances.failure import INTERNAL, InstanceError, disk_space
from ..instances.log_stream import LogStream
from ..instances.network import Interfaces, vpc_of
from ..instances.role import take_role
from ..instances.s3_data import S3Data, UnreadableError
from ..instances.where import Where
from ..store import Kind, Record
from .metrics import put_metrics

STOP_GRACE_S = 120
ATTEND_EVERY_S = 0.5
MAX_REASON = 1024
LEAST_FREE = 64 * 1024


@dataclass(frozen=True)
class Outcome:
    """How a job ended: its final status, and what else its record then says."""

    status: str
    reason: str | None = None
    members: Record = field(default_factory=dict)


@dataclass(frozen=True)
class End:
    """How its container ended, and whether the job was stopped or ran out of time before."""

    how: Exit
    stopped: bool
    out_of_time: bool
    seconds: float


class Run(ABC):
    """One job, from its accepted request to its end."""

    kind: ClassVar[Kind]
    log_group: ClassVar[str]
    """Also the namespace of the metrics."""

    # Of the running job: it takes its role only when it starts.
    role: ActingClients
    data: S3Data
    logs: LogStream

    def __init__(self, name: str, request: Record, caller: Caller, where: Where) -> None:
        self.name = name
        self.request = request
        self.caller = caller
        self.where = where
        self.arn = where.store.arn(self.kind, caller, name)
        self.folder = where.folder / caller.account / caller.region / self.kind.segment / name
        self.log = self.folder / "log"
        self.network = Interfaces(where.clients, where.store.clock, caller, vpc_of(request), self.arn)
        self._lock = threading.Lock()
        self._ended = False
        self._stopping = threading.Event()
        self._aborted = False
        self._container: Container | None = None

    def execute(self) -> None:
        """Run the job to its end; whatever happens, the record tells."""
        try:
            outcome = self._outcome()
        except InstanceError as failure:
            outcome = Outcome("Failed", str(failure))
        except Exception as fault:  # noqa: BLE001 - a fault of ours ends the job visibly: someone waits for it
            traceback.print_exc()
            outcome = Outcome("Failed", f"{INTERNAL} ({type(fault).__name__}: {fault})")
        self._give_back()
        self.network.close()
        with self._lock:
            self._ended = True
            self.end(outcome)

    def stop(self) -> None:
        """Ask the job to stop; one that has ended is refused."""
        with self._lock:
            if self._ended:
                raise has_ended(self.kind, self.status())
            if not self._stopping.is_set():
                self._stopping.set()
                self.stopping()

    def abort(self) -> None:
        """Kill the job because the sandbox stops."""
        self._aborted = True
        self._stopping.set()
        if self._container is not None:
            self._container.signal(signal.SIGKILL)

    def update(self, **members: Any) -> Record:
        """Change the job's record."""
        return self.where.store.update(
            self.kind, self.caller, self.name, LastModifiedTime=self.where.store.now(), **members
        )

    def environment(self, *, isolated: bool) -> dict[str, str]:
        """Return what a container of SageMaker finds in its environment, before the job's own variables."""
        region = {"AWS_REGION": self.caller.region, "AWS_DEFAULT_REGION": self.caller.region}
        return region if isolated else region | self.role.environment()

    def bring(self, source: Record, folder: Path) -> None:
        """Download an input, S3Input or S3DataSource, to a folder."""
        listed = source["S3DataType"] == "ManifestFile"
        try:
            objects = (self.data.in_manifest if listed else self.data.objects)(source["S3Uri"])
        except UnreadableError as why:
            raise InstanceError(f"ClientError: Data download failed:{why}") from why
        self.data.download(objects, folder)

    def full_disk(self) -> str:
        """Say that the disk is full, if it is: the container's own words about that may have found no place on it."""
        return " (No space left on device)" if shutil.disk_usage(self.folder).free < LEAST_FREE else ""

    @abstractmethod
    def status(self) -> str:
        """Return the job's status as its record has it."""

    @abstractmethod
    def stopping(self) -> None:
        """Note in the record that the job is being stopped."""

    @abstractmethod
    def prepare(self) -> Process:
        """Check image and keys, bring the data in and write the configuration files."""

    @abstractmethod
    def conclude(self, end: End) -> Outcome:
        """Take the data out, where the job got so far."""

    @abstractmethod
    def end(self, outcome: Outcome) -> None:
        """Write the outcome into the record."""

    @property
    @abstractmethod
    def max_runtime_s(self) -> int:
        """Return how long the container may run."""

    def _outcome(self) -> Outcome:
        if self._stopping.is_set():
            return Outcome("Stopped")
        self.role = take_role(self.where.clients, self.caller, self.request["RoleArn"], self.arn)
        self.data = S3Data(self.role, self.caller, self.request["RoleArn"])
        clock = self.where.store.clock
        stream = f"{self.name}/algo-1-{int(clock.now())}"
        self.logs = LogStream(self.role, self.caller, clock, group=self.log_group, stream=stream, file=self.log)
        self.network.attach(self.role, 0, self.request)
        with disk_space("Data download"):
            shutil.rmtree(self.folder, ignore_errors=True)  # of a job of this name in an earlier sandbox on this folder
            self.folder.mkdir(parents=True)
            process = self.prepare()
        if self._stopping.is_set():
            return Outcome("Stopped")
        end = self._attend(process)
        if not self._aborted:
            self.logs.ship(last=True)
        if end.how.lost and not self._aborted:
            return Outcome("Failed", f"{INTERNAL} (The process that ran the job was lost.)")
        if not self._aborted:
            cloudwatch = self.role.get("cloudwatch", self.caller.account, self.caller.region)
            put_metrics(cloudwatch, self.log_group, f"{self.name}/algo-1", end, self.folder)
        with disk_space("Artifact upload"):
            return self.conclude(end)

    def _give_back(self) -> None:
        """Remove what lay on the instance's disk; the log stays."""
        for path in self.folder.glob("*"):
            if path.is_dir():
                shutil.rmtree(path, ignore_errors=True)
            elif path != self.log:
                path.unlink()

    def _attend(self, process: Process) -> End:
        """Wait for the container's end, and bring it about when the job is stopped or its time is over."""
        container = self._container = self.where.containers.start(process)
        begun = time.monotonic()
        over = begun + self.max_runtime_s
        kill_at: float | None = None
        out_of_time = False
        while True:
            now = time.monotonic()
            if kill_at is None and (self._stopping.is_set() or now >= over):
                out_of_time = not self._stopping.is_set()
                container.signal(signal.SIGKILL if self._aborted else signal.SIGTERM)
                kill_at = now + STOP_GRACE_S
            elif kill_at is not None and now >= kill_at:
                container.signal(signal.SIGKILL)
            how = container.wait(ATTEND_EVERY_S if kill_at else min(ATTEND_EVERY_S, max(over - now, 0)))
            if how is not None:
                stopped = self._stopping.is_set() and not out_of_time
                return End(how, stopped=stopped, out_of_time=out_of_time, seconds=time.monotonic() - begun)
            if not self._aborted:
                self.logs.ship()


def has_ended(kind: Kind, status: str) -> ApiError:
    """Return the refusal to stop a job that is over."""
    what = kind.segment.replace("-", " ")
    return ApiError("ValidationException", f"The request was rejected because the {what} is in status {status}.")


def ml_path(folder: Path, path: str) -> Path:
    """Return what stands for a path below /opt/ml in the job's folder."""
    return folder / "ml" / Path(path).relative_to("/opt/ml")


def written(file: Path) -> str:
    """Return the beginning of what the container left in a file for SageMaker to show, or nothing."""
    return file.read_text(errors="replace")[:MAX_REASON].strip() if file.is_file() else ""
