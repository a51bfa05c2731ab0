"""Why: log groups outlive what writes to them, and hold its key and retention."""

from typing_extensions import override

from ..resource import Context, Properties
from .api_call import as_text, call, discard, found
from .api_resource import ApiResource, changed
from .tags import Tagging

_ARN = "arn:aws:logs:{region}:{account}:log-group:{ref}"


class LogGroup(ApiResource):
    """A log group with its retention and key."""

    @override
    def complete(self, context: Context, physical_id: str, old: Properties, new: Properties) -> None:
        """Set the retention and the data protection policy."""
        client, group = self.client(context), {"logGroupName": physical_id}
        if changed(old, new, "RetentionInDays"):
            if "RetentionInDays" in new:
                call(client, "put_retention_policy", **group, retentionInDays=new["RetentionInDays"])
            else:
                discard(client, "delete_retention_policy", **group)
        if changed(old, new, "DataProtectionPolicy"):
            if "DataProtectionPolicy" in new:
                policy = as_text(new["DataProtectionPolicy"])
                call(client, "put_data_protection_policy", logGroupIdentifier=physical_id, policyDocument=policy)
            else:
                discard(client, "delete_data_protection_policy", logGroupIdentifier=physical_id)

    @override
    def change(self, context: Context, physical_id: str, old: Properties, new: Properties) -> None:
        """Set another key."""
        if not changed(old, new, "KmsKeyId"):
            return
        if "KmsKeyId" in new:
            call(self.client(context), "associate_kms_key", logGroupName=physical_id, kmsKeyId=new["KmsKeyId"])
        else:
            call(self.client(context), "disassociate_kms_key", logGroupName=physical_id)


class MetricFilter(ApiResource):
    """A filter that counts log lines; its API creates and overwrites with one operation."""

    @override
    def where(self, context: Context, physical_id: str, properties: Properties) -> dict[str, str]:
        """Name the filter and its group."""
        return {"filterName": physical_id, "logGroupName": properties["LogGroupName"]}


class LogStream(ApiResource):
    """A stream within a group."""

    @override
    def where(self, context: Context, physical_id: str, properties: Properties) -> dict[str, str]:
        """Name the stream and its group."""
        return {"logStreamName": physical_id, "logGroupName": properties["LogGroupName"]}


TYPES = {
    "AWS::Logs::LogGroup": LogGroup(
        type_name="AWS::Logs::LogGroup",
        service="logs",
        create_operation="create_log_group",
        delete_operation="delete_log_group",
        name="LogGroupName",
        name_limit=512,
        identifier="logGroupName",
        apart=frozenset({"RetentionInDays", "DataProtectionPolicy"}),
        exists=lambda logs, name, _: any(
            group["logGroupName"] == name
            for group in call(logs, "describe_log_groups", logGroupNamePrefix=name)["logGroups"]
        ),
        tagging=Tagging("resourceArn"),
        tag_by_arn=_ARN,
        values={"Arn": _ARN + ":*"},
    ),
    "AWS::Logs::LogStream": LogStream(
        type_name="AWS::Logs::LogStream",
        service="logs",
        create_operation="create_log_stream",
        delete_operation="delete_log_stream",
        name="LogStreamName",
        name_limit=512,
    ),
    "AWS::Logs::MetricFilter": MetricFilter(
        type_name="AWS::Logs::MetricFilter",
        service="logs",
        create_operation="put_metric_filter",
        update_operation="put_metric_filter",
        delete_operation="delete_metric_filter",
        name="FilterName",
        name_limit=512,
        exists=lambda logs, name, properties: any(
            present["filterName"] == name
            for present in (
                found(logs, "describe_metric_filters", logGroupName=properties["LogGroupName"], filterNamePrefix=name)
                or {"metricFilters": []}
            )["metricFilters"]
        ),
    ),
}
