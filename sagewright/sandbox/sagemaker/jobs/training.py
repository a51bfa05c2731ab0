"""Why: a training job reads channels, leaves a model, and tells through its secondary status how far it is."""

import json
import math
import tarfile
from pathlib import Path
from typing import Any

from ...clients import ActingClients, Clients
from ...images.catalogue import UnknownImageError, find, parse
from ...images.containers import Process
from ...protocol import ApiError, Caller
from ..artifacts import split_s3_uri
from ..instances.available import refuse_others, unavailable
from ..instances.image_pull import PULL, pull_refusal
from ..instances.keys import refuse_key_for_local_storage, require_output_key, require_volume_key
from ..instances.network import require_vpc, vpc_of
from ..instances.role import require_role
from ..instances.s3_data import S3Data, UnreadableError
from ..store import TRAINING_JOB, Record
from .run import MAX_REASON, End, Outcome, Run, written

# 28 days: botocore's model leaves the limit to the service.
MAX_RUNTIME_S = 2_419_200
TOO_LONG = f"MaxRuntimeInSeconds must have value less than or equal to {MAX_RUNTIME_S}"
DEFAULT_RUNTIME_S = 86_400
OPERATION = "CreateTrainingJob"
COMPRESSION = 6

# SageMaker's own words for each secondary status.
MESSAGES = {
    "Starting": "Preparing the instances for training",
    "Downloading": "Downloading input data",
    "Training": "Training image download completed. Training in progress.",
    "Stopping": "Stopping the training job",
    "Uploading": "Uploading generated training model",
    "Completed": "Training job completed",
    "Failed": "Training job failed",
    "Stopped": "Training job stopped",
    "MaxRuntimeExceeded": "Training job runtime exceeded MaxRuntimeInSeconds provided",
}


class TrainingRun(Run):
    """One training job."""

    kind = TRAINING_JOB
    log_group = "/aws/sagemaker/TrainingJobs"

    @property
    def max_runtime_s(self) -> int:
        """Return StoppingCondition's limit, a day by default."""
        return self.request["StoppingCondition"].get("MaxRuntimeInSeconds", DEFAULT_RUNTIME_S)

    @property
    def model_uri(self) -> str:
        """Return where the model goes."""
        output = self.request["OutputDataConfig"]
        target = f"{output['S3OutputPath'].rstrip('/')}/{self.name}/output"
        return f"{target}/model" if output.get("CompressionType") == "NONE" else f"{target}/model.tar.gz"

    def status(self) -> str:
        """Return TrainingJobStatus."""
        return self.where.store.get(self.kind, self.caller, self.name)["TrainingJobStatus"]

    def stopping(self) -> None:
        """Note that the job is being stopped."""
        self._enter("Stopping", TrainingJobStatus="Stopping")

    def prepare(self) -> Process:
        """Check the keys, download the channels and write the configuration."""
        resources = self.request["ResourceConfig"]
        creator = self.where.clients.acting(self.caller.access_key)
        require_volume_key(self.role, creator, self.caller, resources.get("VolumeKmsKeyId"))
        require_output_key(self.role, self.caller, self.request["OutputDataConfig"].get("KmsKeyId"))
        self._enter("Downloading", TrainingStartTime=self.where.store.now())
        ml = self.folder / "ml"
        for channel in self.request.get("InputDataConfig", ()):
            self.bring(channel["DataSource"]["S3DataSource"], ml / "input" / "data" / channel["ChannelName"])
        for folder in ("model", "output/data", "input/config"):
            (ml / folder).mkdir(parents=True, exist_ok=True)
        self._configure(ml / "input" / "config")
        self._enter("Training")
        algorithm = self.request["AlgorithmSpecification"]
        isolated = self.request.get("EnableNetworkIsolation", False)
        documented = {"TRAINING_JOB_NAME": self.name, "TRAINING_JOB_ARN": self.arn}
        return Process(
            command=[*algorithm["ContainerEntrypoint"], *algorithm.get("ContainerArguments", ())],
            environment=documented | self.environment(isolated=isolated) | self.request.get("Environment", {}),
            folder=self.folder,
            log=self.log,
            isolated=isolated,
        )

    def conclude(self, end: End) -> Outcome:
        """Upload model and output; a job that was stopped or ran out of time keeps what it had saved."""
        failed = end.how.code != 0 and not end.stopped and not end.out_of_time
        if failed:
            said = written(self.folder / "ml" / "output" / "failure")
            code = f", exit code: {end.how.code}{self.full_disk()}"
            return Outcome("Failed", f"AlgorithmError: {said[: MAX_REASON - 64]}{code}")
        self._enter("Uploading")
        self._upload()
        members: Record = {"ModelArtifacts": {"S3ModelArtifacts": self.model_uri}}
        if end.out_of_time:
            return Outcome("Stopped", members=members | {"SecondaryStatus": "MaxRuntimeExceeded"})
        return Outcome("Stopped" if end.stopped else "Completed", members=members)

    def end(self, outcome: Outcome) -> None:
        """Write the outcome, with the time that would be billed."""
        now = self.where.store.now()
        members = dict(outcome.members)
        started = self.where.store.get(self.kind, self.caller, self.name).get("TrainingStartTime")
        if started is not None:
            seconds = max(1, math.ceil((now - started).total_seconds()))
            members |= {"TrainingTimeInSeconds": seconds, "BillableTimeInSeconds": seconds}
        reason = outcome.reason[:MAX_REASON] if outcome.reason else None
        self._enter(
            members.pop("SecondaryStatus", outcome.status),
            TrainingJobStatus=outcome.status,
            TrainingEndTime=now,
            FailureReason=reason,
            **members,
        )

    def _enter(self, secondary: str, **members: Any) -> None:
        """Record the change to a secondary status, and with it other members."""
        now = self.where.store.now()
        record = self.where.store.get(self.kind, self.caller, self.name)
        transitions = record["SecondaryStatusTransitions"]
        transitions[-1]["EndTime"] = now
        transitions.append({"Status": secondary, "StartTime": now, "StatusMessage": MESSAGES[secondary]})
        if secondary in {"Completed", "Failed", "Stopped", "MaxRuntimeExceeded"}:
            transitions[-1]["EndTime"] = now
        self.update(SecondaryStatus=secondary, SecondaryStatusTransitions=transitions, **members)

    def _configure(self, folder: Path) -> None:
        """Write the files by which SageMaker tells a container about its job."""
        instance_type = self.request["ResourceConfig"]["InstanceType"]
        group = "homogeneousCluster"
        channels = {
            channel["ChannelName"]: {
                "TrainingInputMode": "File",
                "S3DistributionType": channel["DataSource"]["S3DataSource"].get(
                    "S3DataDistributionType", "FullyReplicated"
                ),
                "RecordWrapperType": "None",
            }
            | ({"ContentType": channel["ContentType"]} if "ContentType" in channel else {})
            for channel in self.request.get("InputDataConfig", ())
        }
        hosts = {
            "current_host": "algo-1",
            "current_instance_type": instance_type,
            "current_group_name": group,
            "hosts": ["algo-1"],
            "instance_groups": [{"instance_group_name": group, "instance_type": instance_type, "hosts": ["algo-1"]}],
            "network_interface_name": "eth0",
        }
        files = {
            "hyperparameters": self.request.get("HyperParameters", {}),
            "inputdataconfig": channels,
            "resourceconfig": hosts,
        }
        for name, content in files.items():
            (folder / f"{name}.json").write_text(json.dumps(content))

    def _upload(self) -> None:
        output = self.request["OutputDataConfig"]
        key = output.get("KmsKeyId")
        model, extra = self.folder / "ml" / "model", self.folder / "ml" / "output" / "data"
        target = f"{output['S3OutputPath'].rstrip('/')}/{self.name}/output"
        if not any(model.iterdir()):
            self.logs.note(
                "No model artifact is saved under path /opt/ml/model. Your training job will not save any model files"
                " to S3."
            )
            self.logs.ship()
        elif output.get("CompressionType") == "NONE":
            self.data.upload_folder(model, self.model_uri, key)
        else:
            self.data.upload(_archive(model, self.folder / "model.tar.gz"), self.model_uri, key)
        if any(extra.iterdir()):
            self.data.upload(_archive(extra, self.folder / "output.tar.gz"), f"{target}/output.tar.gz", key)


def check(request: Record, caller: Caller, clients: Clients, arn: str) -> None:
    """Refuse a request that AWS refuses at once, and by name what the sandbox does not have."""
    refuse_others(
        OPERATION,
        request,
        {
            *("TrainingJobName", "HyperParameters", "AlgorithmSpecification", "RoleArn", "InputDataConfig"),
            *("OutputDataConfig", "ResourceConfig", "StoppingCondition", "Tags", "EnableNetworkIsolation"),
            *("EnableInterContainerTrafficEncryption", "Environment", "VpcConfig"),
        },
    )
    for member in ("AlgorithmSpecification", "ResourceConfig", "StoppingCondition"):
        if member not in request:
            raise ApiError("ValidationException", f"{OPERATION}.{member} is required.")
    _check_algorithm(request["AlgorithmSpecification"])
    _check_resources(request["ResourceConfig"])
    if request["StoppingCondition"].get("MaxRuntimeInSeconds", 0) > MAX_RUNTIME_S:
        raise ApiError("ValidationException", f"{OPERATION}.StoppingCondition: {TOO_LONG}.")
    for channel in request.get("InputDataConfig", ()):
        _check_channel(channel, request["AlgorithmSpecification"]["TrainingInputMode"])
    names = [channel["ChannelName"] for channel in request.get("InputDataConfig", ())]
    if len(names) != len(set(names)):
        raise ApiError("ValidationException", f"Channel names must be unique, but are {', '.join(names)}.")
    split_s3_uri(request["OutputDataConfig"]["S3OutputPath"])
    role = require_role(clients, caller, request["RoleArn"], arn)
    require_vpc(clients, caller, vpc_of(request))
    _require_image(request["AlgorithmSpecification"]["TrainingImage"], request["RoleArn"], caller, role)
    data = S3Data(role, caller, request["RoleArn"])
    for channel in request.get("InputDataConfig", ()):
        source = channel["DataSource"]["S3DataSource"]
        try:
            (data.in_manifest if source["S3DataType"] == "ManifestFile" else data.objects)(source["S3Uri"])
        except UnreadableError as why:
            raise ApiError("ValidationException", str(why)) from why


def _check_algorithm(algorithm: dict[str, Any]) -> None:
    where = f"{OPERATION}.AlgorithmSpecification"
    refuse_others(
        where,
        algorithm,
        {"TrainingImage", "TrainingInputMode", "ContainerEntrypoint", "ContainerArguments"},
    )
    if not algorithm.get("TrainingImage"):
        raise ApiError("ValidationException", f"{where}: either TrainingImage or AlgorithmName is required.")
    if not algorithm.get("ContainerEntrypoint"):
        raise unavailable(f"{where} without ContainerEntrypoint (the image's own program)")
    if algorithm["TrainingInputMode"] != "File":
        raise unavailable(f"{where}.TrainingInputMode {algorithm['TrainingInputMode']}")


def _check_resources(resources: dict[str, Any]) -> None:
    where = f"{OPERATION}.ResourceConfig"
    refuse_others(where, resources, {"InstanceType", "InstanceCount", "VolumeSizeInGB", "VolumeKmsKeyId"})
    for member in ("InstanceType", "InstanceCount", "VolumeSizeInGB"):
        if not resources.get(member):
            raise ApiError("ValidationException", f"{where}.{member} is required.")
    if resources["InstanceCount"] != 1:
        raise unavailable(f"{where}.InstanceCount {resources['InstanceCount']} (one instance per job is)")
    refuse_key_for_local_storage("VolumeKmsKeyId", resources.get("VolumeKmsKeyId"), resources["InstanceType"])


def _check_channel(channel: dict[str, Any], mode: str) -> None:
    where = f"{OPERATION}.InputDataConfig[{channel['ChannelName']}]"
    for member in ("CompressionType", "RecordWrapperType"):
        if channel.get(member, "None") != "None":
            raise unavailable(f"{where}.{member} {channel[member]}")
    if channel.get("InputMode", mode) != "File":
        raise unavailable(f"{where}.InputMode {channel['InputMode']}")
    refuse_others(
        where,
        channel,
        {"ChannelName", "DataSource", "ContentType", "CompressionType", "RecordWrapperType", "InputMode"},
    )
    refuse_others(f"{where}.DataSource", channel["DataSource"], {"S3DataSource"})
    source = channel["DataSource"].get("S3DataSource")
    if source is None:
        raise ApiError("ValidationException", f"{where}.DataSource: S3DataSource is required.")
    refuse_others(f"{where}.DataSource.S3DataSource", source, {"S3DataType", "S3Uri", "S3DataDistributionType"})
    if source["S3DataType"] not in {"S3Prefix", "ManifestFile"}:
        raise unavailable(f"{where}.DataSource.S3DataSource.S3DataType {source['S3DataType']}")
    split_s3_uri(source["S3Uri"])


def _require_image(image: str, role_arn: str, caller: Caller, role: ActingClients) -> None:
    address = parse(image)
    permissions = (
        f" Please check if your ECR repository exists and role {role_arn} has proper pull permissions for SageMaker:"
        f" {', '.join(PULL)}."
    )
    try:
        find(image, caller.region)
    except UnknownImageError as error:
        if address is None:
            message = (
                "Invalid training image. Please provide a valid Amazon Elastic Container Registry path of the Docker"
                " image to run."
            )
        elif error.repository_exists or address.region != caller.region:
            message = f"Cannot find the requested image: {image}."
        else:
            message = f"Cannot find repository: {address.repository} in registry ID: {address.account}{permissions}"
        raise ApiError("ValidationException", f"{message} {error}") from error
    if why := pull_refusal(role, caller, image):
        raise ApiError("ValidationException", f"Cannot pull the requested image: {image}.{permissions} {why}")


def _archive(folder: Path, target: Path) -> Path:
    """Pack what is in the folder, with paths relative to it."""
    with tarfile.open(target, "w:gz", compresslevel=COMPRESSION) as archive:
        for path in sorted(folder.iterdir()):
            archive.add(path, arcname=path.name)
    return target
