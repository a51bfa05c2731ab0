"""The requests that the pipeline's jobs are created with: what every job of ours has, and what its kind adds.

Every job encrypts what its instances would say to each other, and writes with the environment's key, on disks of that
key, below a prefix of the execution. It is cut off from the network unless it fetches its data itself.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sagewright.pipelines.bindings import JobBindings
from sagewright.pipelines.expressions import EXECUTION_ID, Expression, Value, join
from sagewright.project import names

INPUT = "/opt/ml/processing/input"
OUTPUT = "/opt/ml/processing/output"
CHANNELS = "/opt/ml/input/data"

# What is written there becomes a processing job's ExitMessage and a training job's FailureReason.
_MESSAGE = "/opt/ml/output/message"
_FAILURE = "/opt/ml/output/failure"

# SageMaker stops a job that runs longer, so that one that hangs does not run up a bill.
_MAX_RUNTIME_S = 6 * 60 * 60
_VOLUME_GB = 30


@dataclass(frozen=True)
class Job:
    """What one job is, whatever its kind: each input is a folder of its name beside the code."""

    step: str
    role_arn: str
    instance_type: Expression
    arguments: Sequence[Value]
    inputs: Mapping[str, Value]


@dataclass(frozen=True)
class Program:
    """The code bundle in its image: it holds every job program, so each job says which one it wants."""

    bindings: JobBindings
    image: str

    def processing(
        self,
        job: Job,
        *,
        outputs: Mapping[str, Value],
        environment: Mapping[str, Value] | None = None,
        isolated: bool = True,
    ) -> dict[str, Any]:
        """Ask for a processing job; each output is a folder of its name, which goes to the place given."""
        request: dict[str, Any] = {
            "ProcessingResources": {"ClusterConfig": self._cluster(job)},
            "StoppingCondition": {"MaxRuntimeInSeconds": _MAX_RUNTIME_S},
            "AppSpecification": {
                "ImageUri": self.image,
                "ContainerEntrypoint": self._entrypoint(f"{INPUT}/code"),
                "ContainerArguments": [*job.arguments, "--message", _MESSAGE],
            },
            "NetworkConfig": {
                "EnableInterContainerTrafficEncryption": True,
                "EnableNetworkIsolation": isolated,
                **self._network(),
            },
            "RoleArn": job.role_arn,
            "ProcessingInputs": [_processing_input(name, uri) for name, uri in self._inputs(job).items()],
            "ProcessingOutputConfig": {
                "KmsKeyId": self.bindings.key_arn,
                "Outputs": [_processing_output(name, uri) for name, uri in outputs.items()],
            },
        }
        return request | ({"Environment": dict(environment)} if environment else {})

    def training(
        self, job: Job, *, hyperparameters: Mapping[str, str], environment: Mapping[str, str] | None = None
    ) -> dict[str, Any]:
        """Ask for a training job; each input is a channel of its name."""
        request: dict[str, Any] = {
            "AlgorithmSpecification": {
                "TrainingImage": self.image,
                "TrainingInputMode": "File",
                "ContainerEntrypoint": self._entrypoint(f"{CHANNELS}/code"),
                "ContainerArguments": [*job.arguments, "--failure", _FAILURE],
            },
            "EnableInterContainerTrafficEncryption": True,
            "EnableNetworkIsolation": True,
            **self._network(),
            "HyperParameters": dict(hyperparameters),
            "InputDataConfig": [_channel(name, uri) for name, uri in self._inputs(job).items()],
            "OutputDataConfig": {"S3OutputPath": self.place(job.step), "KmsKeyId": self.bindings.key_arn},
            "ResourceConfig": self._cluster(job),
            "RoleArn": job.role_arn,
            "StoppingCondition": {"MaxRuntimeInSeconds": _MAX_RUNTIME_S},
        }
        return request | ({"Environment": dict(environment)} if environment else {})

    def place(self, step: str, *folders: str) -> Expression:
        """Name the place in S3 that is a step's own in each execution."""
        return join("/", f"s3://{self.bindings.data_bucket}/{names.EXECUTIONS}", EXECUTION_ID, step, *folders)

    def _network(self) -> dict[str, Any]:
        """Name the VPC that SageMaker brings data through; the container sees it only where the job does."""
        subnets, groups = self.bindings.subnets, self.bindings.security_groups
        return {"VpcConfig": {"Subnets": list(subnets), "SecurityGroupIds": list(groups)}} if subnets else {}

    def _entrypoint(self, folder: str) -> list[str]:
        return ["python3", f"{folder}/{self.bindings.bundle_name}"]

    def _inputs(self, job: Job) -> dict[str, Value]:
        return {"code": self.bindings.bundle_uri, **job.inputs}

    def _cluster(self, job: Job) -> dict[str, Any]:
        return {
            "InstanceType": job.instance_type,
            "InstanceCount": 1,
            "VolumeSizeInGB": _VOLUME_GB,
            "VolumeKmsKeyId": self.bindings.key_arn,
        }


def _processing_input(name: str, uri: Value) -> dict[str, Any]:
    return {
        "InputName": name,
        "S3Input": {
            "S3Uri": uri,
            "LocalPath": f"{INPUT}/{name}",
            "S3DataType": "S3Prefix",
            "S3InputMode": "File",
            "S3DataDistributionType": "FullyReplicated",
            "S3CompressionType": "None",
        },
    }


def _processing_output(name: str, uri: Value) -> dict[str, Any]:
    return {
        "OutputName": name,
        "S3Output": {"S3Uri": uri, "LocalPath": f"{OUTPUT}/{name}", "S3UploadMode": "EndOfJob"},
    }


def _channel(name: str, uri: Value) -> dict[str, Any]:
    source = {"S3DataType": "S3Prefix", "S3Uri": uri, "S3DataDistributionType": "FullyReplicated"}
    return {"ChannelName": name, "DataSource": {"S3DataSource": source}, "CompressionType": "None"}
