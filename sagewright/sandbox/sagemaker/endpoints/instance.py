"""Why: an instance of a fleet is a machine of its own: the model under its own /opt/ml, one server process, one log."""

import http.client
import os
import tarfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from ...clients import ActingClients
from ...images.catalogue import UnknownImageError, find
from ...images.containers import Container, Process
from ...protocol import Caller
from ..artifacts import split_s3_uri
from ..instances.failure import InstanceError, disk_space
from ..instances.image_pull import pull_refusal
from ..instances.log_stream import LogStream
from ..instances.s3_data import S3Data, S3Object
from ..store import Record
from .role_keys import RoleKeys

PING_TIMEOUT_S = 2
OK = 200


@dataclass(frozen=True)
class Deployment:
    """What a fleet is made from."""

    endpoint: str
    config: Record
    model: Record
    instance_count: int
    capture: Record | None = None
    """DataCaptureConfig: the configuration's, or that of the fleet before, where an update retains it."""

    @property
    def variant(self) -> Record:
        """Return the only production variant."""
        return self.config["ProductionVariants"][0]

    @property
    def container(self) -> Record:
        """Return the model's only container."""
        return self.model["PrimaryContainer"]

    def process(self, caller: Caller, acting: ActingClients, folder: Path, log: Path) -> Process:
        """Return what an instance starts, with the role's credentials unless the container has no network."""
        isolated = self.model["EnableNetworkIsolation"]
        environment = {
            "AWS_REGION": caller.region,
            "AWS_DEFAULT_REGION": caller.region,
            "SAGEMAKER_BASE_DIR": "/opt/ml",
        }
        if not isolated:
            environment |= RoleKeys(folder).variables(acting)
        return Process(
            command=["python3", str(find(self.container["Image"], caller.region).server)],
            environment=environment | self.container.get("Environment", {}),
            folder=folder,
            log=log,
            isolated=isolated,
            serves=True,
        )


class Instance:
    """One server process of a fleet; `in_flight` counts the requests that it has, under the fleet's lock."""

    def __init__(self, number: int, folder: Path, container: Container, logs: LogStream) -> None:
        self.number = number
        self.folder = folder
        self.container = container
        self.logs = logs
        self.in_flight = 0

    @property
    def has_ended(self) -> bool:
        """Tell whether its process is over."""
        return self.container.wait(0) is not None

    def renew_keys(self, acting: ActingClients) -> None:
        """Let its programs act with new keys, from the next time on that their SDKs ask for some."""
        RoleKeys(self.folder).write(acting)

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


def prepare(deployment: Deployment, acting: ActingClients, caller: Caller, folder: Path) -> None:
    """Do what an instance does before its container starts: pull the image and unpack the model, as the role."""
    image = deployment.container["Image"]
    try:
        find(image, caller.region)
    except UnknownImageError as error:
        raise InstanceError(str(error)) from error
    if refusal := pull_refusal(acting, caller, image):
        raise InstanceError(
            f"Failed to pull image {image} for production variant {deployment.variant['VariantName']}. Please ensure"
            f" that the role {deployment.model['ExecutionRoleArn']} may pull it: {refusal}"
        )
    target = folder / "ml" / "model"
    with disk_space("Model download"):
        target.mkdir(parents=True)
    if url := deployment.container.get("ModelDataUrl"):
        _install(S3Data(acting, caller, deployment.model["ExecutionRoleArn"]), url, folder, target)


def _install(data: S3Data, url: str, folder: Path, target: Path) -> None:
    bucket, key = split_s3_uri(url)
    archive = folder / "model.tar.gz"
    try:
        exists = data.exists(url)
    except ClientError as error:
        raise _not_downloaded(url, error.response["Error"]["Message"]) from error
    if not exists:
        raise _not_downloaded(url, "It does not exist.")
    try:
        data.download([S3Object(bucket, key, archive.name)], folder)
        with disk_space("Model extraction"):
            _unpack(archive, target)
    except InstanceError as error:
        raise _not_downloaded(url, str(error)) from error
    except (tarfile.TarError, OSError, EOFError) as error:
        raise InstanceError(
            f"Failed to extract model data archive from URL: {url}. Please ensure that the object located at the"
            f" URL is a valid tar.gz archive: {error}"
        ) from error
    finally:
        archive.unlink(missing_ok=True)


def _not_downloaded(url: str, why: str) -> InstanceError:
    return InstanceError(
        f"Failed to download model data for container from URL: {url}. Please ensure that there is an object located"
        f" at the URL and that the role passed to CreateModel has permissions to download it: {why}"
    )


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
                    _copy(source, file)


def _copy(source: Any, file: Any) -> None:
    while chunk := source.read(1 << 20):
        file.write(chunk)
    file.flush()
    os.fsync(file.fileno())  # a disk that is full may say so only now
