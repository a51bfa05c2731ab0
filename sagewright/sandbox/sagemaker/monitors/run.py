"""Why: a monitor's run is a processing job like any other, with the inputs and the environment that are documented."""

import json
import uuid
from datetime import UTC, datetime
from typing import Any

from typing_extensions import override

from ...images.catalogue import ANALYZER_PROGRAM
from ..jobs.processing import ProcessingRun, require_pull
from ..store import Record
from .definitions import UNPUBLISHED

BASE = "/opt/ml/processing"
MESSAGE = "/opt/ml/output/message"
DEFAULT_RUNTIME_S = 3600
STAND_IN = "A program of the sandbox stands in for AWS's container."
_FORMAT = {"sagemakerCaptureJson": {"captureIndexNames": ["endpointInput", "endpointOutput"]}}


class MonitoringRun(ProcessingRun):
    """The job of one run; its program is the stand-in for the analyzer's own."""

    @override
    def require_image(self, image: str) -> None:
        """End the job whose role may not pull the image; the definition has seen to it that it is the analyzer."""
        require_pull(image, self.caller, self.role)

    @override
    def command(self) -> list[str]:
        """Return what stands in for the image's program."""
        return ["python3", str(ANALYZER_PROGRAM), MESSAGE]


def job_request(  # noqa: PLR0913 - what a run is made of
    definition: Record, *, schedule: str, endpoint: str, scheduled_s: int, window: tuple[int, int], folders: list[str]
) -> Record:
    """Return the request of a run's job; `folders` are the URIs of the hours that hold captured files."""
    specification = definition["DataQualityAppSpecification"]
    baseline = definition["DataQualityBaselineConfig"]
    source = definition["DataQualityJobInput"]["EndpointInput"]["LocalPath"]
    (output,) = definition["DataQualityJobOutputConfig"]["MonitoringOutputs"]
    files = {
        "constraints": (baseline["ConstraintsResource"]["S3Uri"], f"{BASE}/baseline/constraints"),
        "baseline": (baseline["StatisticsResource"]["S3Uri"], f"{BASE}/baseline/stats"),
        "pre_processor_script": (specification["RecordPreprocessorSourceUri"], f"{BASE}/code/preprocessing"),
    }
    hours = {
        f"endpoint_input_{number}": (uri, f"{source}/{'/'.join(uri.split('/')[-6:])}")
        for number, uri in enumerate(folders, 1)
    }
    local = {name: f"{path}/{uri.rpartition('/')[2]}" for name, (uri, path) in files.items()}
    target = output["S3Output"]
    begins, ends = (_utc(moment) for moment in window)
    environment = {
        "analysis_type": "MONITORING",
        "dataset_format": json.dumps(_FORMAT),
        "dataset_source": source,
        "output_path": target["LocalPath"],
        "start_time": f"{begins:%Y-%m-%dT%H:%M:%SZ}",
        "end_time": f"{ends:%Y-%m-%dT%H:%M:%SZ}",
        "sagemaker_endpoint_name": endpoint,
        "sagemaker_monitoring_schedule_name": schedule,
        "baseline_constraints": local["constraints"],
        "baseline_statistics": local["baseline"],
        "record_preprocessor_script": local["pre_processor_script"],
    }
    place = f"{target['S3Uri'].rstrip('/')}/{endpoint}/{schedule}/{_utc(scheduled_s):%Y/%m/%d/%H}"
    result = {"S3Uri": place, "LocalPath": target["LocalPath"], "S3UploadMode": "EndOfJob"}
    outputs: Record = {"Outputs": [{"OutputName": "result", "S3Output": result}]}
    if key := definition["DataQualityJobOutputConfig"].get("KmsKeyId"):
        outputs["KmsKeyId"] = key
    request: Record = {
        "ProcessingJobName": f"model-monitoring-{_utc(scheduled_s):%Y%m%d%H%M}-{uuid.uuid4().hex[:24]}",
        "ProcessingInputs": [_input(name, uri, path) for name, (uri, path) in {**files, **hours}.items()],
        "ProcessingOutputConfig": outputs,
        "ProcessingResources": {"ClusterConfig": definition["JobResources"]["ClusterConfig"]},
        "StoppingCondition": definition.get("StoppingCondition", {"MaxRuntimeInSeconds": DEFAULT_RUNTIME_S}),
        "AppSpecification": {"ImageUri": specification["ImageUri"]},
        "Environment": environment | dict([UNPUBLISHED]),
        "RoleArn": definition["RoleArn"],
    }
    return request | ({"NetworkConfig": definition["NetworkConfig"]} if "NetworkConfig" in definition else {})


def _input(name: str, uri: str, path: str) -> dict[str, Any]:
    source = {"S3Uri": uri, "LocalPath": path, "S3DataType": "S3Prefix", "S3InputMode": "File"}
    return {"InputName": name, "S3Input": source | {"S3DataDistributionType": "FullyReplicated"}}


def _utc(moment_s: float) -> datetime:
    return datetime.fromtimestamp(moment_s, UTC)
