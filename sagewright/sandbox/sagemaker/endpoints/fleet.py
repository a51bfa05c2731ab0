"""Why: what an endpoint serves from is a fleet: one model on some instances, replaced as a whole or batch by batch."""

import shutil
import signal
import sys
import threading
import time
import uuid
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from ...clients import ActingClients
from ...protocol import Caller
from ..instances.failure import InstanceError
from ..instances.keys import require_volume_key
from ..instances.log_stream import LogStream
from ..instances.network import Interfaces
from ..instances.role import take_role
from ..instances.s3_data import S3Data
from ..instances.where import Where
from ..store import Record
from .capture import Capture, Captures, Exchange, is_on
from .instance import Deployment, Instance, prepare
from .metrics import put_instance_metrics

PING_EVERY_S = 0.25
STARTUP_TIMEOUT_S = 480
SHIP_EVERY_S = 1.0
METRICS_EVERY_S = 20.0
KEYS_EVERY_S = 60.0
STOP_GRACE_S = 30
DRAIN_S = 60
RESTART_PAUSE_S = 1.0
STOPPED = "The deployment was stopped."


class UnhealthyError(InstanceError):
    """The container did not answer /ping."""


class Fleet:
    """The instances of one deployment; one that dies is replaced."""

    def __init__(self, deployment: Deployment, caller: Caller, where: Where, captures: Captures) -> None:
        self.deployment = deployment
        self._caller = caller
        self._clock = where.store.clock
        self._clients = where.clients
        self._containers = where.containers
        self._folder = (
            where.folder / caller.account / caller.region / deployment.endpoint / f"i-{uuid.uuid4().hex[:17]}"
        )
        self._network = Interfaces(
            where.clients, self._clock, caller, deployment.model.get("VpcConfig"), deployment.endpoint
        )
        self._captures = captures
        settings, variant = deployment.capture, deployment.variant["VariantName"]
        self._capture: Capture | None = None
        if settings is not None and is_on(settings):
            self._capture = captures.open(deployment.endpoint, variant, settings, self._write_captured)
        self._changed = threading.Condition()
        self._instances: list[Instance] = []
        self._starting: list[Instance] = []
        self._active: int | None = None
        self._made = 0
        self._measured = 0.0
        self._renewed = time.monotonic()
        self._next = 0
        self._stopping = False
        self._cancelled = False
        self._wake = threading.Event()
        self._keeper = threading.Thread(target=self._keep, name=f"fleet {deployment.endpoint}", daemon=True)

    @property
    def image(self) -> str:
        """Return the address of the image that the fleet runs."""
        return self.deployment.container["Image"]

    @property
    def size(self) -> int:
        """Return how many instances there are."""
        with self._changed:
            return len(self._instances)

    def grow(self, count: int) -> None:
        """Bring some instances up; one that does not get healthy fails, and is gone with the others of its batch."""
        timeout_s = self.deployment.variant.get("ContainerStartupHealthCheckTimeoutInSeconds", STARTUP_TIMEOUT_S)
        started: list[Instance] = []
        self._cancelled = False
        try:
            for _ in range(count):
                started.append(self._launch(self._new_number()))
                self._require_running(started[-1])
            for instance in started:
                self._require_healthy(instance, time.monotonic() + timeout_s)
            with self._changed:
                if self._stopping or self._cancelled:
                    raise InstanceError(STOPPED)
                self._instances += started
        except BaseException:
            self._end(started, 0)
            raise
        finally:
            with self._changed:
                self._starting = [each for each in self._starting if each not in started]
        if not self._keeper.is_alive():
            self._put_metrics()
            self._keeper.start()

    def cancel(self) -> None:
        """Give up the instances that are coming up; those that serve go on."""
        with self._changed:
            self._cancelled = True
            starting = list(self._starting)
        for instance in starting:
            instance.container.stop()

    def shrink(self, count: int) -> None:
        """Take some instances away, each after the requests that it has."""
        with self._changed:
            going = self._instances[len(self._instances) - count :] if count else []
            self._instances = self._instances[: len(self._instances) - len(going)]
        self._drain(going)
        self._end(going, STOP_GRACE_S)

    def activate(self, count: int | None) -> None:
        """Let only so many instances get requests; None for all."""
        with self._changed:
            self._active = count

    def borrow(self) -> Instance | None:
        """Return the next instance in turn, to be given back; None while there is none that runs."""
        with self._changed:
            active = self._instances[: self._active]
            able = [each for each in active if not each.has_ended] or active
            if not able:
                return None
            self._next += 1
            chosen = able[self._next % len(able)]
            chosen.in_flight += 1
            return chosen

    def give_back(self, instance: Instance) -> None:
        """Say that the request is answered."""
        with self._changed:
            instance.in_flight -= 1
            self._changed.notify_all()

    def capture(self, exchange: Exchange) -> None:
        """Take up a request that was answered, if the configuration captures any."""
        if self._capture is not None:
            self._capture.record(exchange)

    def retire(self) -> None:
        """Stop after the requests that are being answered; nobody sends new ones any more."""
        with self._changed:
            instances = list(self._instances)
        self._drain(instances)
        self.stop(STOP_GRACE_S)

    def stop(self, grace_s: float = 0) -> None:
        """Stop every process and carry their last lines to the log."""
        with self._changed:
            self._stopping = True
            self._changed.notify_all()
        self._wake.set()
        if self._capture is not None:
            self._captures.close(self._capture)
        with self._changed:
            instances = self._instances + self._starting
            self._instances.clear()
            self._starting.clear()
        self._end(instances, grace_s)
        self._network.close()
        if self._keeper.is_alive() and self._keeper is not threading.current_thread():
            self._keeper.join()

    def _drain(self, instances: list[Instance]) -> None:
        with self._changed:
            self._changed.wait_for(lambda: self._stopping or not any(each.in_flight for each in instances), DRAIN_S)

    def _take_role(self) -> ActingClients:
        caller, endpoint = self._caller, self.deployment.endpoint
        arn = f"arn:aws:sagemaker:{caller.region}:{caller.account}:endpoint/{endpoint}"
        return take_role(self._clients, caller, self.deployment.model["ExecutionRoleArn"], arn)

    def _write_captured(self, uri: str, lines: bytes) -> None:
        """Write captured requests as the model's role; without the right to it they are lost, and the log says why."""
        role, key = self.deployment.model["ExecutionRoleArn"], (self.deployment.capture or {}).get("KmsKeyId")
        try:
            acting = self._take_role()
            self._network.reach(acting, {"S3Output": {"S3Uri": uri.rpartition("/")[0]}})
            S3Data(acting, self._caller, role).write(lines, uri, key)
        except (InstanceError, ClientError) as error:
            self._note(f"[sandbox] {len(lines.splitlines())} captured requests are not in S3: {error}")

    def _note(self, line: str) -> None:
        with self._changed:
            instances = list(self._instances)
        for instance in instances[:1]:
            instance.logs.note(line)

    def _new_number(self) -> int:
        with self._changed:
            self._made += 1
            return self._made - 1

    def _launch(self, number: int) -> Instance:
        """Start a new machine: its disk under the key, its image and its model read as the role."""
        acting = self._take_role()
        creator = self._clients.acting(self._caller.access_key)
        require_volume_key(acting, creator, self._caller, self.deployment.config.get("KmsKeyId"))
        self._network.attach(acting, number, self.deployment.model)
        folder = self._folder / str(number)
        try:
            prepare(self.deployment, acting, self._caller, folder)
            return self._run(number, folder, acting)
        except BaseException:
            self._network.detach(number)
            raise

    def _run(self, number: int, folder: Path, acting: ActingClients) -> Instance:
        log = self._folder / f"instance-{number}.log"
        process = self.deployment.process(self._caller, acting, folder, log)
        stream = f"{self.deployment.variant['VariantName']}/{self._folder.name}-{number}"
        group = f"/aws/sagemaker/Endpoints/{self.deployment.endpoint}"
        logs = LogStream(acting, self._caller, self._clock, group=group, stream=stream, file=log)
        return Instance(number, folder, self._containers.start(process, ended=self._wake.set), logs)

    def _require_running(self, instance: Instance) -> None:
        with self._changed:
            if not self._stopping and not self._cancelled:
                self._starting.append(instance)
                return
        raise InstanceError(STOPPED)

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

    def _end(self, instances: list[Instance], grace_s: float) -> None:
        """Stop processes together, and keep of their machines only the logs: artifacts would fill the disk."""
        if grace_s:
            for instance in instances:
                instance.container.signal(signal.SIGTERM)
        for instance in instances:
            instance.container.stop(grace_s)
            instance.logs.ship(last=True)
            shutil.rmtree(instance.folder, ignore_errors=True)
            self._network.detach(instance.number)

    def _keep(self) -> None:
        """Carry log lines to CloudWatch Logs, and replace the instances that die, as SageMaker does."""
        while True:
            self._wake.wait(SHIP_EVERY_S)
            self._wake.clear()
            with self._changed:
                if self._stopping:
                    return
                instances = list(self._instances)
            for instance in instances:
                ended = instance.has_ended
                instance.logs.ship(last=ended)
                if ended:
                    self._replace(instance)
            if time.monotonic() - self._measured >= METRICS_EVERY_S:
                self._put_metrics()
            if time.monotonic() - self._renewed >= KEYS_EVERY_S:
                self._renew_keys(instances)

    def _renew_keys(self, instances: list[Instance]) -> None:
        """Hand the role's newest keys to containers that have a network; a role that is gone gives none."""
        self._renewed = time.monotonic()
        if self.deployment.model["EnableNetworkIsolation"]:
            return
        try:
            acting = self._take_role()
        except InstanceError as error:
            sys.stderr.write(f"The instances of endpoint {self.deployment.endpoint} get no new keys: {error}\n")
            return
        self._network.hold(acting)
        for instance in instances:
            instance.renew_keys(acting)

    def _put_metrics(self) -> None:
        """Tell CloudWatch how busy the instances are, as the role; one that may not do that fails nothing."""
        self._measured = time.monotonic()
        name, variant = self.deployment.endpoint, self.deployment.variant["VariantName"]
        with self._changed:
            pids = [instance.container.pid for instance in self._instances]
        try:
            client = self._take_role().get("cloudwatch", self._caller.account, self._caller.region)
            put_instance_metrics(client, name, variant, pids, self._folder)
        except (InstanceError, ClientError) as error:
            sys.stderr.write(f"The metrics of endpoint {name}'s instances are not in CloudWatch: {error}\n")

    def _replace(self, dead: Instance) -> None:
        """Start the container again on the dead one's machine; what does not get healthy is replaced again later."""
        timeout_s = self.deployment.variant.get("ContainerStartupHealthCheckTimeoutInSeconds", STARTUP_TIMEOUT_S)
        new = dead
        try:
            new = self._run(dead.number, dead.folder, self._take_role())
            new.logs = dead.logs
            self._require_healthy(new, time.monotonic() + timeout_s)
        except InstanceError as error:
            new.container.stop()
            dead.logs.note(f"[sandbox] the replacement of this instance did not start ({error}); trying again")
            self._wake.wait(RESTART_PAUSE_S)
            self._wake.set()
        with self._changed:
            if not self._stopping and dead in self._instances:
                self._instances[self._instances.index(dead)] = new
                self._changed.notify_all()
                return
        new.container.stop()


def deployed(fleet: Fleet, now: Any) -> list[Record]:
    """Return ProductionVariants as DescribeEndpoint shows them of a fleet that serves."""
    variant = fleet.deployment.variant
    weight = variant["InitialVariantWeight"]
    return [
        {
            "VariantName": variant["VariantName"],
            "DeployedImages": [{"SpecifiedImage": fleet.image, "ResolutionTime": now}],
            "CurrentWeight": weight,
            "DesiredWeight": weight,
            "CurrentInstanceCount": fleet.size,
            "DesiredInstanceCount": fleet.deployment.instance_count,
        }
    ]
