"""Why: SageMaker's types are its API's requests, and Ref gives the ARN of all but the pipeline."""

import time
from typing import Any

from typing_extensions import override

from ..resource import Context, HandlerError, Properties
from .api_call import as_text, call, discard, parameters_of
from .api_resource import ApiResource, Attributes, changed
from .sagemaker_endpoint import Endpoint
from .sagemaker_feature_group import FeatureGroup
from .tags import Tagging

_POLL_S = 0.05
_TIMEOUT_S = 600.0
_TAGGING = Tagging("ResourceArn", add="add_tags", remove="delete_tags", read="list_tags", system=False)


class NamedByArn(ApiResource):
    """A type that Ref gives the ARN of while its API wants the name."""

    @override
    def where(self, context: Context, physical_id: str, properties: Properties) -> dict[str, Any]:
        """Name the resource by the last part of its ARN."""
        return {self.name: physical_id.rpartition("/")[2]}


class ModelPackageGroup(NamedByArn):
    """A group of versions; who else may read it is a policy apart."""

    @override
    def attributes(self, context: Context, physical_id: str, properties: Properties) -> Attributes:
        """Return what the registry says of the group."""
        where = self.where(context, physical_id, properties)
        group = call(self.client(context), "describe_model_package_group", **where)
        return {
            "ModelPackageGroupArn": physical_id,
            "CreationTime": group["CreationTime"].isoformat(),
            "ModelPackageGroupStatus": group["ModelPackageGroupStatus"],
        }

    @override
    def complete(self, context: Context, physical_id: str, old: Properties, new: Properties) -> None:
        """Put the policy, or take it away."""
        client, where = self.client(context), self.where(context, physical_id, new)
        if not changed(old, new, "ModelPackageGroupPolicy"):
            return
        if "ModelPackageGroupPolicy" in new:
            policy = as_text(new["ModelPackageGroupPolicy"])
            call(client, "put_model_package_group_policy", **where, ResourcePolicy=policy)
        else:
            discard(client, "delete_model_package_group_policy", **where)


class Pipeline(ApiResource):
    """A pipeline, whose definition stands in the template or in S3."""

    @override
    def _create_parameters(self, context: Context, properties: Properties) -> dict[str, Any]:
        definition = properties["PipelineDefinition"]
        others = {key: value for key, value in properties.items() if key != "PipelineDefinition"}
        return {**super()._create_parameters(context, others), **_definition(definition)}

    @override
    def update(self, context: Context, physical_id: str, old: Properties, new: Properties) -> None:
        """Update the pipeline as a whole."""
        client = self.client(context)
        parameters, _ = parameters_of(
            client, "update_pipeline", {key: value for key, value in new.items() if key != "PipelineDefinition"}
        )
        emptied = {"PipelineDescription": ""} if "PipelineDescription" in old else {}
        call(client, "update_pipeline", **{**emptied, **parameters, **_definition(new["PipelineDefinition"])})
        self.retag(context, physical_id, new)


class MonitoringSchedule(NamedByArn):
    """A schedule, which is there when it runs: SageMaker settles it in the background."""

    @override
    def attributes(self, context: Context, physical_id: str, properties: Properties) -> Attributes:
        """Return what SageMaker says of the schedule."""
        where = self.where(context, physical_id, properties)
        schedule = call(self.client(context), "describe_monitoring_schedule", **where)
        times = {name: schedule[name].isoformat() for name in ("CreationTime", "LastModifiedTime")}
        return {"MonitoringScheduleArn": physical_id, **times}

    @override
    def complete(self, context: Context, physical_id: str, old: Properties, new: Properties) -> None:
        """Wait until the schedule has settled."""
        client, where = self.client(context), self.where(context, physical_id, new)
        until = time.monotonic() + _TIMEOUT_S
        while (found := call(client, "describe_monitoring_schedule", **where))["MonitoringScheduleStatus"] == "Pending":
            if time.monotonic() > until:
                raise HandlerError(f"Monitoring schedule {physical_id} is Pending for too long.")
            time.sleep(_POLL_S)
        if found["MonitoringScheduleStatus"] == "Failed":
            raise HandlerError(f"Monitoring schedule {physical_id} is Failed: {found['FailureReason']}")


def _definition(definition: dict[str, Any]) -> dict[str, Any]:
    """Return the definition as the API takes it; the location's keys have other names there."""
    if "PipelineDefinitionBody" in definition:
        return {"PipelineDefinition": definition["PipelineDefinitionBody"]}
    location = definition["PipelineDefinitionS3Location"]
    version = {"VersionId": location["Version"]} if "Version" in location else {}
    return {
        "PipelineDefinitionS3Location": {"Bucket": location["Bucket"], "ObjectKey": location["Key"], **version},
    }


def _named_by_arn(kind: str, operation: str) -> dict[str, Any]:
    return {
        "type_name": f"AWS::SageMaker::{kind}",
        "service": "sagemaker",
        "create_operation": f"create_{operation}",
        "delete_operation": f"delete_{operation}",
        "name": f"{kind}Name",
        "name_limit": 63,
        "reference": f"{kind}Arn",
        "tagging": _TAGGING,
        "values": {f"{kind}Arn": "{ref}", f"{kind}Name": "{name}"},
    }


TYPES = {
    "AWS::SageMaker::Model": NamedByArn(**_named_by_arn("Model", "model")),
    "AWS::SageMaker::EndpointConfig": NamedByArn(**_named_by_arn("EndpointConfig", "endpoint_config")),
    "AWS::SageMaker::Endpoint": Endpoint(**_named_by_arn("Endpoint", "endpoint")),
    "AWS::SageMaker::FeatureGroup": FeatureGroup(
        type_name="AWS::SageMaker::FeatureGroup",
        service="sagemaker",
        create_operation="create_feature_group",
        delete_operation="delete_feature_group",
        name="FeatureGroupName",
        tagging=_TAGGING,
        tag_by_arn="arn:aws:sagemaker:{region}:{account}:feature-group/{ref}",
    ),
    "AWS::SageMaker::ModelPackageGroup": ModelPackageGroup(
        **_named_by_arn("ModelPackageGroup", "model_package_group"),
        apart=frozenset({"ModelPackageGroupPolicy"}),
    ),
    "AWS::SageMaker::DataQualityJobDefinition": NamedByArn(
        type_name="AWS::SageMaker::DataQualityJobDefinition",
        service="sagemaker",
        create_operation="create_data_quality_job_definition",
        delete_operation="delete_data_quality_job_definition",
        name="JobDefinitionName",
        name_limit=63,
        reference="JobDefinitionArn",
        tagging=_TAGGING,
        values={"JobDefinitionArn": "{ref}"},
    ),
    "AWS::SageMaker::MonitoringSchedule": MonitoringSchedule(
        **_named_by_arn("MonitoringSchedule", "monitoring_schedule"),
        update_operation="update_monitoring_schedule",
    ),
    "AWS::SageMaker::Pipeline": Pipeline(
        type_name="AWS::SageMaker::Pipeline",
        service="sagemaker",
        create_operation="create_pipeline",
        delete_operation="delete_pipeline",
        name="PipelineName",
        name_limit=256,
        tagging=_TAGGING,
        tag_by_arn="arn:aws:sagemaker:{region}:{account}:pipeline/{ref}",
    ),
}
