"""Why: what an endpoint serves from is a fleet: one model on some instances, replaced as a whole and never changed."""

import http.client
import shutil
import signal
import tarfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ...images.catalogue import UnknownImageError, find
from ...images.containers import Container, Process
from ...protocol import Caller
from ..artifacts import split_s3_uri
from ..instances.failure import InstanceError
from ..instances.keys import require_key
from ..instances.log_stream import LogStream
from ..instances.role import credentials
from ..instances.s3_data import S3Data, S3Object
from ..instances.where import Where
from ..store import Record

PING_TIMEOUT_S = 2
PING_EVERY_S = 0.25
STARTUP_TIMEOUT_S = 480
SHIP_EVERY_S = 1.0
STOP_GRACE_S = 30
DRAIN_S = 60
RESTART_PAUSE_S = 1.0
OK = 200


class UnhealthyError(InstanceError):
    """The container did not answer /ping."""


@dataclass(frozen=True)
class Deployment:
    """What a fleet is made from."""

    endpoint: str
    config: Record
    model: Record
    instance_count: int

    @property
    def variant(self) -> Record:
        """Return the only production variant."""
        return self.config["ProductionVariants"][0]


class Instance:
    """One server process of a fleet."""

    def __init__(self, container: Container, logs: LogStream) -> None:
        self.container = container
        self.logs = logs

    def answers_ping(self) -> bool:
        """Tell whether GET /ping is answered with 200 within SageMaker's two seconds."""
        connection = http.client.HTTPConnection("127.0.0.1", self.container.port, timeout=PING_TIMEOUT_S)
        try:
            connection.request("GET", "/ping")
            return connection.getresponse().status == OK
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()


class Fleet:
    """The instances of one deployment; one that dies is replaced."""

    def __init__(self, deployment: Deployment, caller: Caller, where: Where, folder: Path) -> None:
        self.deployment = deployment
        self._caller = caller
        self._clients = where.clients
        self._containers = where.containers
        self._folder = folder
        self._changed = threading.Condition()
        self._instances: list[Instance] = []
        self._next = 0
        self._in_flight = 0
        self._stopping = False
        self._wake = threading.Event()
        self._keeper = threading.Thread(target=self._keep, name=f"fleet {deployment.endpoint}", daemon=True)

    @property
    def image(self) -> str:
        """Return the address of the image that the fleet runs."""
        return self.deployment.model["PrimaryContainer"]["Image"]

    def start(self) -> None:
        """Bring all instances up; one that does not get healthy fails the whole deployment."""
        model = self.deployment.model
        key = self.deployment.config.get("KmsKeyId")
        timeout_s = self.deployment.variant.get("ContainerStartupHealthCheckTimeoutInSeconds", STARTUP_TIMEOUT_S)
        try:
            require_key(self._clients, self._caller, key, model["ExecutionRoleArn"])
            self._install_model()
            for number in range(self.deployment.instance_count):
                self._add(self._launch(number))
            for instance in list(self._instances):
                self._require_healthy(instance, time.monotonic() + timeout_s)
        except BaseException:
            self.stop()
            raise
        self._keeper.start()

    def enter(self) -> None:
        """Count a request that is to be answered by this fleet."""
        with self._changed:
            self._in_flight += 1

    def leave(self) -> None:
        """Count it as answered."""
        with self._changed:
            self._in_flight -= 1
            self._changed.notify_all()

    def choose(self) -> Instance | None:
        """Return the next instance in turn; None while there is none."""
        with self._changed:
            self._next += 1
            return self._instances[self._next % len(self._instances)] if self._instances else None

    def retire(self) -> None:
        """Stop after the requests that are being answered; nobody sends new ones any more."""
        with self._changed:
            self._changed.wait_for(lambda: self._in_flight == 0 or self._stopping, DRAIN_S)
        self.stop(STOP_GRACE_S)

    def stop(self, grace_s: float = 0) -> None:
        """Stop every process and carry their last lines to the log."""
        with self._changed:
            self._stopping = True
            instances = list(self._instances)
            self._instances.clear()
            self._changed.notify_all()
        self._wake.set()
        if grace_s:
            for instance in instances:
                instance.container.signal(signal.SIGTERM)
        for instance in instances:
            instance.container.stop(grace_s)
        if self._keeper.is_alive() and self._keeper is not threading.current_thread():
            self._keeper.join()
        for instance in instances:
            instance.logs.ship(last=True)
        shutil.rmtree(self._folder / "ml", ignore_errors=True)  # logs stay, artifacts would fill the disk

    def _install_model(self) -> None:
        container = self.deployment.model["PrimaryContainer"]
        try:
            find(container["Image"], self._caller.region)
        except UnknownImageError as error:
            raise InstanceError(str(error)) from error
        target = self._folder / "ml" / "model"
        target.mkdir(parents=True)
        url = container.get("ModelDataUrl")
        if url is None:
            return
        bucket, key = split_s3_uri(url)
        archive = self._folder / "model.tar.gz"
        data = S3Data(self._clients, self._caller, self.deployment.model["ExecutionRoleArn"])
        if not data.exists(url):
            raise InstanceError(f"Failed to download model data for container from URL: {url}. It does not exist.")
        data.download([S3Object(bucket, key, archive.name)], self._folder)
        try:
            _unpack(archive, target)
        except (tarfile.TarError, OSError, EOFError) as error:
            raise InstanceError(
                f"Failed to extract model data archive from URL: {url}. Please ensure that the object located at the"
                f" URL is a valid tar.gz archive: {error}"
            ) from error
        finally:
            archive.unlink()

    def _launch(self, number: int) -> Instance:
        container = self.deployment.model["PrimaryContainer"]
        isolated = self.deployment.model["EnableNetworkIsolation"]
        environment = {
            "AWS_REGION": self._caller.region,
            "AWS_DEFAULT_REGION": self._caller.region,
            "SAGEMAKER_BASE_DIR": "/opt/ml",
        }
        if not isolated:
            environment |= credentials(self._clients, self._caller, self.deployment.model["ExecutionRoleArn"])
        log = self._folder / f"instance-{number}.log"
        process = Process(
            command=["python3", str(find(container["Image"], self._caller.region).server)],
            environment=environment | container.get("Environment", {}),
            folder=self._folder,
            log=log,
            isolated=isolated,
            serves=True,
        )
        stream = f"{self.deployment.variant['VariantName']}/{self._folder.name}-{number}"
        group = f"/aws/sagemaker/Endpoints/{self.deployment.endpoint}"
        logs = LogStream(self._clients, self._caller, group, stream, log)
        return Instance(self._containers.start(process, ended=self._wake.set), logs)

    def _add(self, instance: Instance) -> None:
        with self._changed:
            if not self._stopping:
                self._instances.append(instance)
                return
        instance.container.stop()
        raise InstanceError("The deployment was stopped.")

    def _require_healthy(self, instance: Instance, deadline: float) -> None:
        """Wait for /ping; a container that ends before will not answer any more, so nobody waits for the time limit."""
        while True:
            if instance.answers_ping():
                return
            ended = instance.container.wait(PING_EVERY_S)
            instance.logs.ship(last=ended is not None)
            if ended is not None or time.monotonic() >= deadline or self._stopping:
                raise UnhealthyError(
                    f"The primary container for production variant {self.deployment.variant['VariantName']} did not"
                    " pass the ping health check. Please check CloudWatch logs for this endpoint."
                )

    def _keep(self) -> None:
        """Carry log lines to CloudWatch Logs, and replace the instances that die, as SageMaker does."""
        while True:
            self._wake.wait(SHIP_EVERY_S)
            self._wake.clear()
            with self._changed:
                if self._stopping:
                    return
                instances = list(self._instances)
            for number, instance in enumerate(instances):
                ended = instance.container.wait(0) is not None
                instance.logs.ship(last=ended)
                if ended:
                    self._replace(number, instance)

    def _replace(self, number: int, dead: Instance) -> None:
        timeout_s = self.deployment.variant.get("ContainerStartupHealthCheckTimeoutInSeconds", STARTUP_TIMEOUT_S)
        new = self._launch(number)
        new.logs = dead.logs
        try:
            self._require_healthy(new, time.monotonic() + timeout_s)
        except UnhealthyError:
            new.container.stop()
            dead.logs.note("[sandbox] the replacement of this instance did not answer /ping; trying again")
            self._wake.wait(RESTART_PAUSE_S)
        with self._changed:
            if not self._stopping:
                self._instances[self._instances.index(dead)] = new
                self._changed.notify_all()
                return
        new.container.stop()


def _unpack(archive: Path, target: Path) -> None:
    """Write the archive's files below the target, and nothing outside of it."""
    with tarfile.open(archive, "r:gz") as packed:
        for entry in packed:
            path = target / entry.name
            source = packed.extractfile(entry) if entry.isfile() else None
            if not path.resolve().is_relative_to(target.resolve()) or (source is None and not entry.isdir()):
                raise tarfile.TarError(f"{entry.name} is no file or folder within the archive")
            (path if source is None else path.parent).mkdir(parents=True, exist_ok=True)
            if source is not None:
                with source, path.open("wb") as file:
                    shutil.copyfileobj(source, file)


def deployed(fleet: Fleet, now: Any) -> list[Record]:
    """Return ProductionVariants as DescribeEndpoint shows them of a fleet that serves."""
    variant = fleet.deployment.variant
    count = fleet.deployment.instance_count
    weight = variant["InitialVariantWeight"]
    return [
        {
            "VariantName": variant["VariantName"],
            "DeployedImages": [{"SpecifiedImage": fleet.image, "ResolutionTime": now}],
            "CurrentWeight": weight,
            "DesiredWeight": weight,
            "CurrentInstanceCount": count,
            "DesiredInstanceCount": count,
        }
    ]
