"""Why: SageMaker's resources are named by one parameter each; what jobs may be is told by condition keys of its own."""

from collections.abc import Iterator
from typing import Any

from ..asked import Asked
from ..demand import Context
from .arns import ANY, Resources, Table, own_arn, tag_keys

_NOUNS = {
    "Endpoint": "endpoint/{EndpointName}",
    "EndpointConfig": "endpoint-config/{EndpointConfigName}",
    "FeatureGroup": "feature-group/{FeatureGroupName}",
    "DataQualityJobDefinition": "data-quality-job-definition/{JobDefinitionName}",
    "Model": "model/{ModelName}",
    "MonitoringSchedule": "monitoring-schedule/{MonitoringScheduleName}",
    "ModelPackageGroup": "model-package-group/{ModelPackageGroupName}",
    "Pipeline": "pipeline/{PipelineName}",
    "ProcessingJob": "processing-job/{ProcessingJobName}",
    "TrainingJob": "training-job/{TrainingJobName}",
}
_VERBS = {
    "Create": _NOUNS,
    "Describe": _NOUNS,
    "Update": ("Endpoint", "FeatureGroup", "MonitoringSchedule", "Pipeline"),
    "Delete": _NOUNS,
    "Start": ("MonitoringSchedule",),
    "Stop": ("MonitoringSchedule", "ProcessingJob", "TrainingJob"),
}
_EXECUTION = "pipeline/{PipelineExecutionArn}"


def _package(asked: Asked) -> list[str]:
    """Return a version's ARN; one that is being made has no number yet."""
    if name := asked.text("ModelPackageName") or asked.text("ModelPackageArn"):
        return [name if name.startswith("arn:") else own_arn("sagemaker", asked, f"model-package/{name}")]
    group = asked.text("ModelPackageGroupName")
    if not group:
        return [ANY]
    if group.startswith("arn:"):
        return [group.replace(":model-package-group/", ":model-package/") + "/*"]
    return [own_arn("sagemaker", asked, f"model-package/{group}/*")]


def _context(asked: Asked, resource: str) -> Context:
    del resource
    context: dict[str, Any] = dict(tag_keys(asked.params.get("Tags")))
    if isinstance(keys := asked.params.get("TagKeys"), list):
        context["aws:TagKeys"] = keys
    if asked.operation.startswith("List"):  # what is searched for is nothing that is asked for
        return context
    for key, value in _found(asked.params, "EndpointConfig" if asked.operation == "CreateEndpointConfig" else ""):
        if isinstance(value, bool):
            context[key] = "true" if value else "false"
        elif isinstance(value, list):
            context[key] = [*context.get(key, []), *(str(each) for each in value)]
        elif key == "sagemaker:InstanceTypes":
            context[key] = [*context.get(key, []), str(value)]
        else:
            context[key] = str(value)
    return context


def _found(value: Any, parent: str = "") -> Iterator[tuple[str, Any]]:
    """Yield the condition keys that members of a request stand for, however deep."""
    if isinstance(value, list):
        for each in value:
            yield from _found(each, parent)
    elif isinstance(value, dict):
        for name, member in value.items():
            if key := _KEYS.get(f"{parent}.{name}") or _KEYS.get(name):
                yield f"sagemaker:{key}", member
                if key in _KEYS_BY_ARN and str(member).startswith("arn:"):
                    yield f"sagemaker:{key}Arn", member
            if name not in _OWN_NAMES:
                yield from _found(member, name)


# Maps whose names are the caller's own: what they hold tells nothing of what is asked for.
_OWN_NAMES = {"CustomerMetadataProperties", "Environment", "HyperParameters", "Parameters", "Tags"}
# Keys that AWS has replaced by others for ARNs alone, and still lists.
_KEYS_BY_ARN = {"VolumeKmsKey", "OutputKmsKey"}
_KEYS = {
    "EndpointConfig.KmsKeyId": "VolumeKmsKey",
    "InstanceType": "InstanceTypes",
    "VpcConfig.Subnets": "VpcSubnets",
    "VpcConfig.SecurityGroupIds": "VpcSecurityGroupIds",
    "VolumeKmsKeyId": "VolumeKmsKey",
    "OutputDataConfig.KmsKeyId": "OutputKmsKey",
    "DataQualityJobOutputConfig.KmsKeyId": "OutputKmsKey",
    "ProcessingOutputConfig.KmsKeyId": "OutputKmsKey",
    "EnableNetworkIsolation": "NetworkIsolation",
    "EnableInterContainerTrafficEncryption": "InterContainerTrafficEncryption",
    "MaxRuntimeInSeconds": "MaxRuntimeInSeconds",
    "ModelApprovalStatus": "ModelApprovalStatus",
}

_RESOURCES: dict[str, Resources] = {
    **{f"{verb}{noun}": _NOUNS[noun] for verb, nouns in _VERBS.items() for noun in nouns},
    "CreateEndpoint": (_NOUNS["Endpoint"], _NOUNS["EndpointConfig"]),
    "UpdateEndpoint": (_NOUNS["Endpoint"], _NOUNS["EndpointConfig"]),
    "InvokeEndpoint": _NOUNS["Endpoint"],
    "DescribeFeatureMetadata": _NOUNS["FeatureGroup"],
    "UpdateFeatureMetadata": _NOUNS["FeatureGroup"],
    "CreateModelPackage": _package,
    "DescribeModelPackage": _package,
    "UpdateModelPackage": _package,
    "DeleteModelPackage": _package,
    "ListModelPackages": _package,
    "GetModelPackageGroupPolicy": _NOUNS["ModelPackageGroup"],
    "PutModelPackageGroupPolicy": _NOUNS["ModelPackageGroup"],
    "DeleteModelPackageGroupPolicy": _NOUNS["ModelPackageGroup"],
    "StartPipelineExecution": _NOUNS["Pipeline"],
    "ListPipelineExecutions": _NOUNS["Pipeline"],
    **dict.fromkeys(
        (
            *("StopPipelineExecution", "RetryPipelineExecution", "UpdatePipelineExecution"),
            *("DescribePipelineExecution", "DescribePipelineDefinitionForExecution"),
            *("ListPipelineExecutionSteps", "ListPipelineParametersForExecution"),
        ),
        _EXECUTION,
    ),
    "AddTags": "{ResourceArn}",
    "DeleteTags": "{ResourceArn}",
    "ListTags": "{ResourceArn}",
    **dict.fromkeys(
        (
            *("ListEndpoints", "ListEndpointConfigs", "ListModels", "ListModelPackageGroups", "ListPipelines"),
            *("ListProcessingJobs", "ListTrainingJobs", "ListFeatureGroups"),
            *("ListDataQualityJobDefinitions", "ListMonitoringSchedules", "ListMonitoringExecutions"),
        ),
        ANY,
    ),
}


def _groups_read(asked: Asked) -> list[str]:
    """Return the feature groups that a batch is read from."""
    asked_for: Any = asked.params.get("Identifiers") or [{}]
    names = sorted({str(each.get("FeatureGroupName", "")) for each in asked_for})
    return [name if name.startswith("arn:") else own_arn("sagemaker", asked, f"feature-group/{name}") for name in names]


SAGEMAKER = Table("sagemaker", _RESOURCES, context=_context)

FEATURE_STORE_RUNTIME = Table(
    "sagemaker",
    {
        **dict.fromkeys(("PutRecord", "GetRecord", "DeleteRecord"), _NOUNS["FeatureGroup"]),
        "BatchGetRecord": _groups_read,
    },
)
