"""Why: a processing job runs one container between S3 inputs and S3 outputs."""

import json
from pathlib import PurePosixPath
from typing import Any

from ...clients import ActingClients, Clients
from ...images.catalogue import UnknownImageError, find
from ...images.containers import Process
from ...protocol import ApiError, Caller
from ..artifacts import split_s3_uri
from ..instances.available import refuse_others, unavailable
from ..instances.failure import InstanceError
from ..instances.image_pull import pull_refusal
from ..instances.keys import refuse_key_for_local_storage, require_output_key, require_volume_key
from ..instances.network import require_vpc, vpc_of
from ..instances.role import require_role
from ..store import PROCESSING_JOB, Record
from .run import MAX_REASON, End, Outcome, Run, ml_path, written

DEFAULT_RUNTIME_S = 86_400
OPERATION = "CreateProcessingJob"
ROOT = "/opt/ml/processing"


class ProcessingRun(Run):
    """One processing job."""

    kind = PROCESSING_JOB
    log_group = "/aws/sagemaker/ProcessingJobs"

    @property
    def max_runtime_s(self) -> int:
        """Return StoppingCondition's limit, a day by default."""
        return self.request.get("StoppingCondition", {}).get("MaxRuntimeInSeconds", DEFAULT_RUNTIME_S)

    def status(self) -> str:
        """Return ProcessingJobStatus."""
        return self.where.store.get(self.kind, self.caller, self.name)["ProcessingJobStatus"]

    def stopping(self) -> None:
        """Note that the job is being stopped."""
        self.update(ProcessingJobStatus="Stopping")

    def prepare(self) -> Process:
        """Check image and keys, download the inputs, make the outputs' folders, write the configuration."""
        self.require_image(self.request["AppSpecification"]["ImageUri"])
        cluster = self.request["ProcessingResources"]["ClusterConfig"]
        outputs = self.request.get("ProcessingOutputConfig", {})
        creator = self.where.clients.acting(self.caller.access_key)
        require_volume_key(self.role, creator, self.caller, cluster.get("VolumeKmsKeyId"))
        require_output_key(self.role, self.caller, outputs.get("KmsKeyId"))
        self.update(ProcessingStartTime=self.where.store.now())
        for each in self.request.get("ProcessingInputs", ()):
            self.bring(each["S3Input"], ml_path(self.folder, each["S3Input"]["LocalPath"]))
        for each in outputs.get("Outputs", ()):
            ml_path(self.folder, each["S3Output"]["LocalPath"]).mkdir(parents=True, exist_ok=True)
        self._configure(cluster)
        isolated = self.request.get("NetworkConfig", {}).get("EnableNetworkIsolation", False)
        return Process(
            command=self.command(),
            environment=self.environment(isolated=isolated) | self.request.get("Environment", {}),
            folder=self.folder,
            log=self.log,
            isolated=isolated,
        )

    def require_image(self, image: str) -> None:
        """End the job whose image there is no stand-in for, or which may not be pulled."""
        _require_image(image, self.caller, self.role)

    def command(self) -> list[str]:
        """Return what the container runs."""
        specification = self.request["AppSpecification"]
        return [*specification["ContainerEntrypoint"], *specification.get("ContainerArguments", ())]

    def conclude(self, end: End) -> Outcome:
        """Upload the outputs of a container that succeeded."""
        message = written(self.folder / "ml" / "output" / "message")
        members: Record = {"ExitMessage": message} if message else {}
        if end.stopped or end.out_of_time:
            return Outcome("Stopped", members=members)
        if end.how.code != 0:
            reason = f"AlgorithmError: See job logs for more information, exit code {end.how.code}"
            return Outcome("Failed", f"{reason}{self.full_disk()}", members)
        outputs = self.request.get("ProcessingOutputConfig", {})
        for each in outputs.get("Outputs", ()):
            output = each["S3Output"]
            folder = ml_path(self.folder, output["LocalPath"])
            self.data.upload_folder(folder, output["S3Uri"], outputs.get("KmsKeyId"))
        return Outcome("Completed", members=members)

    def end(self, outcome: Outcome) -> None:
        """Write the outcome into the record."""
        self.update(
            ProcessingJobStatus=outcome.status,
            ProcessingEndTime=self.where.store.now(),
            FailureReason=outcome.reason[:MAX_REASON] if outcome.reason else None,
            **outcome.members,
        )

    def _configure(self, cluster: dict[str, Any]) -> None:
        """Write what SageMaker documents: the job's configuration and the hosts of its cluster."""
        config = self.folder / "ml" / "config"
        config.mkdir(parents=True, exist_ok=True)
        job = {"ProcessingJobArn": self.arn} | {
            key: value for key, value in self.request.items() if key not in {"Tags", "ExperimentConfig"}
        }
        (config / "processingjobconfig.json").write_text(json.dumps(job, default=str))
        hosts = {
            "current_host": "algo-1",
            "current_instance_type": cluster["InstanceType"],
            "hosts": ["algo-1"],
            "network_interface_name": "eth0",
        }
        (config / "resourceconfig.json").write_text(json.dumps(hosts))


def check(request: Record, caller: Caller, clients: Clients, arn: str) -> None:
    """Refuse a request that AWS refuses at once, and by name what the sandbox does not have."""
    refuse_others(
        OPERATION,
        request,
        {
            *("ProcessingInputs", "ProcessingOutputConfig", "ProcessingJobName", "ProcessingResources"),
            *("StoppingCondition", "AppSpecification", "Environment", "NetworkConfig", "RoleArn", "Tags"),
        },
    )
    refuse_others(
        f"{OPERATION}.NetworkConfig",
        request.get("NetworkConfig", {}),
        {"EnableNetworkIsolation", "EnableInterContainerTrafficEncryption", "VpcConfig"},
    )
    if not request["AppSpecification"].get("ContainerEntrypoint"):
        raise unavailable(f"{OPERATION}.AppSpecification without ContainerEntrypoint (the image's own program)")
    _check_cluster(request["ProcessingResources"]["ClusterConfig"])
    _check_inputs(request.get("ProcessingInputs", []))
    _check_outputs(request.get("ProcessingOutputConfig", {}).get("Outputs", []))
    require_role(clients, caller, request["RoleArn"], arn)
    require_vpc(clients, caller, vpc_of(request))


def _check_cluster(cluster: dict[str, Any]) -> None:
    where = f"{OPERATION}.ProcessingResources.ClusterConfig"
    refuse_others(where, cluster, {"InstanceCount", "InstanceType", "VolumeSizeInGB", "VolumeKmsKeyId"})
    for member in ("InstanceCount", "InstanceType"):
        if member not in cluster:
            raise ApiError("ValidationException", f"{where}.{member} is required.")
    if cluster["InstanceCount"] != 1:
        raise unavailable(f"{where}.InstanceCount {cluster['InstanceCount']} (one instance per job is)")
    refuse_key_for_local_storage("VolumeKmsKeyId", cluster.get("VolumeKmsKeyId"), cluster["InstanceType"])


def _check_inputs(inputs: list[dict[str, Any]]) -> None:
    for each in inputs:
        name = each["InputName"]
        where = f"{OPERATION}.ProcessingInputs[{name}]"
        refuse_others(where, each, {"InputName", "S3Input"})
        source = each.get("S3Input", {})
        missing = [member for member in ("S3Uri", "LocalPath", "S3InputMode") if not source.get(member)]
        if missing:
            members = ", ".join(f'"{member}"' for member in missing)
            raise ApiError(
                "ValidationException",
                f"Input {name} missing one or more required fields for SageMaker-managed S3Input: {members}",
            )
        if source["S3InputMode"] != "File":
            raise unavailable(f"{where}.S3Input.S3InputMode {source['S3InputMode']}")
        if source.get("S3CompressionType", "None") != "None":
            raise unavailable(f"{where}.S3Input.S3CompressionType {source['S3CompressionType']}")
        split_s3_uri(source["S3Uri"])
        _check_local_path(where, source["LocalPath"])
    _check_unique("InputName", [each["InputName"] for each in inputs])
    _check_unique("LocalPath of an input", [each["S3Input"]["LocalPath"] for each in inputs])


def _check_outputs(outputs: list[dict[str, Any]]) -> None:
    for each in outputs:
        where = f"{OPERATION}.ProcessingOutputConfig.Outputs[{each['OutputName']}]"
        refuse_others(where, each, {"OutputName", "S3Output"})
        target = each.get("S3Output", {})
        if not target.get("LocalPath"):
            raise ApiError("ValidationException", f"{where}.S3Output.LocalPath is required.")
        if target["S3UploadMode"] != "EndOfJob":
            raise unavailable(f"{where}.S3Output.S3UploadMode {target['S3UploadMode']}")
        split_s3_uri(target["S3Uri"])
        _check_local_path(where, target["LocalPath"])
    _check_unique("OutputName", [each["OutputName"] for each in outputs])


def _check_local_path(where: str, path: str) -> None:
    parts = PurePosixPath(path)
    if not parts.is_relative_to(ROOT) or ".." in parts.parts:
        raise ApiError("ValidationException", f"{where}: LocalPath must begin with {ROOT}/, but is {path!r}.")


def _check_unique(what: str, values: list[str]) -> None:
    repeated = sorted({value for value in values if values.count(value) > 1})
    if repeated:
        raise ApiError("ValidationException", f"{what} must be unique, but {repeated[0]!r} is given more than once.")


def _require_image(image: str, caller: Caller, role: ActingClients) -> None:
    try:
        find(image, caller.region)
    except UnknownImageError as error:
        raise InstanceError(
            f"ClientError: API error (404): manifest for {image} not found: manifest unknown: Requested image not"
            f" found. {error}"
        ) from error
    require_pull(image, caller, role)


def require_pull(image: str, caller: Caller, role: ActingClients) -> None:
    """End the job whose role may not pull its image."""
    if why := pull_refusal(role, caller, image):
        raise InstanceError(
            "ClientError: Cannot pull algorithm container. Either the image does not exist or its permissions are"
            f" incorrect. {why}"
        )
