"""Why: what a monitor's runs are made of never changes, so it is checked once, when the job definition is made."""

from typing import Any

from ...clients import Clients
from ...images.catalogue import UnknownImageError, require_analyzer
from ...protocol import ApiError, Caller
from ..artifacts import split_s3_uri
from ..instances.available import refuse_others, unavailable
from ..instances.keys import refuse_key_for_local_storage
from ..instances.network import require_vpc
from ..instances.role import require_role
from ..listing import matching, ordered, page
from ..store import DATA_QUALITY_JOB_DEFINITION, MONITORING_SCHEDULE, Record, Store
from .monitored import require_capture

OPERATION = "CreateDataQualityJobDefinition"
ROOT = "/opt/ml/processing/"
UNPUBLISHED = ("publish_cloudwatch_metrics", "Disabled")


class Definitions:
    """The data quality job definitions of every account and region."""

    def __init__(self, store: Store, clients: Clients) -> None:
        self._store = store
        self._clients = clients

    def create_data_quality_job_definition(self, params: dict[str, Any], caller: Caller) -> dict[str, Any]:
        """Keep a definition for an endpoint that captures its requests."""
        name = params["JobDefinitionName"]
        arn = self._store.arn(DATA_QUALITY_JOB_DEFINITION, caller, name)
        _check(params, caller.region)
        require_capture(self._store, caller, endpoint_of(params))
        require_role(self._clients, caller, params["RoleArn"], arn)
        require_vpc(self._clients, caller, params.get("NetworkConfig", {}).get("VpcConfig"))
        record = {key: value for key, value in params.items() if key != "Tags"} | {
            "JobDefinitionArn": arn,
            "CreationTime": self._store.now(),
        }
        self._store.put(DATA_QUALITY_JOB_DEFINITION, caller, name, record, params.get("Tags", ()))
        return {"JobDefinitionArn": arn}

    def describe_data_quality_job_definition(self, params: dict[str, Any], caller: Caller) -> dict[str, Any]:
        """Return one definition."""
        return self._store.get(DATA_QUALITY_JOB_DEFINITION, caller, params["JobDefinitionName"])

    def delete_data_quality_job_definition(self, params: dict[str, Any], caller: Caller) -> dict[str, Any]:
        """Forget a definition that no schedule runs."""
        name = params["JobDefinitionName"]
        self._store.get(DATA_QUALITY_JOB_DEFINITION, caller, name)
        for schedule in self._store.all(MONITORING_SCHEDULE, caller):
            if schedule["MonitoringScheduleConfig"]["MonitoringJobDefinitionName"] == name:
                runs = schedule["MonitoringScheduleName"]
                raise ApiError(
                    "ValidationException",
                    f"Job definition {name} cannot be deleted while monitoring schedule {runs} runs it.",
                )
        self._store.delete(DATA_QUALITY_JOB_DEFINITION, caller, name)
        return {}

    def list_data_quality_job_definitions(self, params: dict[str, Any], caller: Caller) -> dict[str, Any]:
        """Return the definitions of the account and region."""
        found = matching(self._store.all(DATA_QUALITY_JOB_DEFINITION, caller), params, name="JobDefinitionName")
        found = [each for each in found if params.get("EndpointName", endpoint_of(each)) == endpoint_of(each)]
        keys = {"Name": "JobDefinitionName", "CreationTime": "CreationTime"}
        found = ordered(found, params, keys, ("CreationTime", "Descending"))
        summaries = [
            {
                "MonitoringJobDefinitionName": each["JobDefinitionName"],
                "MonitoringJobDefinitionArn": each["JobDefinitionArn"],
                "CreationTime": each["CreationTime"],
                "EndpointName": endpoint_of(each),
            }
            for each in found
        ]
        return page("JobDefinitionSummaries", summaries, params)


def endpoint_of(definition: Record) -> str:
    """Return the endpoint that a definition is about."""
    name: str = definition["DataQualityJobInput"]["EndpointInput"]["EndpointName"]
    return name


def _check(request: Record, region: str) -> None:
    # With one instance there is nothing between containers to encrypt.
    known = {"EnableInterContainerTrafficEncryption", "EnableNetworkIsolation", "VpcConfig"}
    refuse_others(f"{OPERATION}.NetworkConfig", request.get("NetworkConfig", {}), known)
    _check_specification(request["DataQualityAppSpecification"], region)
    _check_input(request["DataQualityJobInput"])
    baseline = request.get("DataQualityBaselineConfig", {})
    where = f"{OPERATION}.DataQualityBaselineConfig"
    refuse_others(where, baseline, {"ConstraintsResource", "StatisticsResource"})
    for member in ("ConstraintsResource", "StatisticsResource"):
        if not baseline.get(member, {}).get("S3Uri"):
            raise unavailable(f"{where} without {member}.S3Uri (a run without a baseline)")
        split_s3_uri(baseline[member]["S3Uri"])
    (output,) = request["DataQualityJobOutputConfig"]["MonitoringOutputs"]
    target = output["S3Output"]
    split_s3_uri(target["S3Uri"])
    _check_path(f"{OPERATION}.DataQualityJobOutputConfig", target["LocalPath"])
    if target.get("S3UploadMode", "EndOfJob") != "EndOfJob":
        raise unavailable(f"{OPERATION}.DataQualityJobOutputConfig.S3UploadMode {target['S3UploadMode']}")
    cluster = request["JobResources"]["ClusterConfig"]
    if cluster["InstanceCount"] != 1:
        raise unavailable(f"{OPERATION}.JobResources.ClusterConfig.InstanceCount {cluster['InstanceCount']}")
    refuse_key_for_local_storage("VolumeKmsKeyId", cluster.get("VolumeKmsKeyId"), cluster["InstanceType"])


def _check_specification(specification: Record, region: str) -> None:
    where = f"{OPERATION}.DataQualityAppSpecification"
    refuse_others(where, specification, {"ImageUri", "RecordPreprocessorSourceUri", "Environment"})
    try:
        require_analyzer(specification["ImageUri"], region)
    except UnknownImageError as error:
        raise ApiError("UnsupportedOperation", f"{where}.ImageUri: {error}", 501) from error
    if "RecordPreprocessorSourceUri" not in specification:
        raise unavailable(f"{where} without RecordPreprocessorSourceUri (the analyzer's own reading of records)")
    split_s3_uri(specification["RecordPreprocessorSourceUri"])
    name, value = UNPUBLISHED
    environment = specification.get("Environment", {})
    refuse_others(f"{where}.Environment", environment, {name})
    if environment.get(name) != value:
        raise unavailable(f"{where}.Environment without {name}={value} (metrics of the analyzer's own)")


def _check_input(given: Record) -> None:
    where = f"{OPERATION}.DataQualityJobInput"
    if "EndpointInput" not in given and "BatchTransformInput" not in given:
        raise ApiError("ValidationException", f"{where} needs an EndpointInput or a BatchTransformInput.")
    refuse_others(where, given, {"EndpointInput"})
    endpoint = given["EndpointInput"]
    refuse_others(
        f"{where}.EndpointInput", endpoint, {"EndpointName", "LocalPath", "S3InputMode", "S3DataDistributionType"}
    )
    if endpoint.get("S3InputMode", "File") != "File":
        raise unavailable(f"{where}.EndpointInput.S3InputMode {endpoint['S3InputMode']}")
    _check_path(f"{where}.EndpointInput", endpoint["LocalPath"])


def _check_path(where: str, path: str) -> None:
    if not path.startswith(ROOT) or ".." in path.split("/"):
        raise ApiError("ValidationException", f"{where}: LocalPath must begin with {ROOT}, but is {path!r}.")
