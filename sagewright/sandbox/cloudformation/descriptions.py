"""Why: records become the API's answers in one place, so that operations read as what they do."""

from typing import Any

from .deployment import Deployment
from .parameters import MASK
from .stack import ChangeSet, Event, Output, Resource, Stack
from .template import Template

Description = dict[str, Any]


def stack(record: Stack) -> Description:
    """Return a stack as DescribeStacks shows it."""
    shown: Description = {
        **summary(record),
        "RollbackConfiguration": {},
        "DisableRollback": record.disable_rollback,
        "EnableTerminationProtection": record.protected,
        "NotificationARNs": [],
        "Capabilities": [],
        "Tags": [],
        "Parameters": [],
        "Outputs": [_output(output) for output in record.outputs],
    }
    if record.deployment is not None:
        shown |= _wish(record.deployment)
    return _present(shown)


def summary(record: Stack) -> Description:
    """Return a stack as ListStacks shows it."""
    description = record.deployment.description if record.deployment else None
    return _present(
        {
            "StackId": record.id,
            "StackName": record.name,
            "Description": description,
            "TemplateDescription": description,
            "CreationTime": record.created,
            "LastUpdatedTime": record.updated,
            "DeletionTime": record.deleted,
            "StackStatus": record.status,
            "StackStatusReason": record.reason,
            "DriftInformation": {"StackDriftStatus": "NOT_CHECKED"},
        }
    )


def resource(record: Stack, held: Resource) -> Description:
    """Return a resource; the members of DescribeStackResources and of ListStackResources together."""
    return _present(
        {
            "StackName": record.name,
            "StackId": record.id,
            "LogicalResourceId": held.logical_id,
            "PhysicalResourceId": held.physical_id or None,
            "ResourceType": held.type,
            "Timestamp": held.changed,
            "LastUpdatedTimestamp": held.changed,
            "ResourceStatus": held.status,
            "ResourceStatusReason": held.reason,
            "DriftInformation": {"StackResourceDriftStatus": "NOT_CHECKED"},
        }
    )


def event(record: Stack, happened: Event) -> Description:
    """Return an event as DescribeStackEvents shows it."""
    return _present(
        {
            "StackId": record.id,
            "StackName": record.name,
            "EventId": happened.id,
            "LogicalResourceId": happened.logical_id,
            "PhysicalResourceId": happened.physical_id,
            "ResourceType": happened.type,
            "Timestamp": happened.time,
            "ResourceStatus": happened.status,
            "ResourceStatusReason": happened.reason,
            "ClientRequestToken": happened.token,
        }
    )


def change_set_summary(record: Stack, planned: ChangeSet) -> Description:
    """Return a change set as ListChangeSets shows it."""
    return _present(
        {
            "StackId": record.id,
            "StackName": record.name,
            "ChangeSetId": planned.id,
            "ChangeSetName": planned.name,
            "CreationTime": planned.created,
            "ExecutionStatus": planned.execution_status,
            "Status": planned.status,
            "StatusReason": planned.reason,
            "Description": planned.request.get("Description"),
            "IncludeNestedStacks": bool(planned.request.get("IncludeNestedStacks")),
            "ImportExistingResources": bool(planned.request.get("ImportExistingResources")),
        }
    )


def change_set(record: Stack, planned: ChangeSet) -> Description:
    """Return a change set as DescribeChangeSet shows it."""
    return {
        **change_set_summary(record, planned),
        **_wish(planned.deployment),
        **_present({key: planned.request.get(key) for key in ("OnStackFailure", "DeploymentConfig")}),
        "Changes": planned.changes,
    }


def template_summary(template: Template) -> Description:
    """Return what GetTemplateSummary and ValidateTemplate tell of a template."""
    needed, types = template.capabilities()
    told = f"The following resource(s) require capabilities: [{', '.join(types)}]" if needed else None
    return _present(
        {
            "Parameters": [_parameter(key, declared) for key, declared in template.parameters.items()],
            "Description": template.document.get("Description"),
            "Capabilities": [needed] if needed else [],
            "CapabilitiesReason": told,
            "ResourceTypes": sorted({held["Type"] for held in template.resources.values()}),
            "Version": template.document.get("AWSTemplateFormatVersion"),
            "DeclaredTransforms": [],
        }
    )


def _parameter(key: str, declared: dict[str, Any]) -> Description:
    hidden = str(declared.get("NoEcho", "")).lower() == "true"
    default = declared.get("Default")
    return _present(
        {
            "ParameterKey": key,
            "ParameterType": declared["Type"],
            "DefaultValue": None if default is None else MASK if hidden else str(default),
            "NoEcho": hidden,
            "Description": declared.get("Description"),
            "ParameterConstraints": {"AllowedValues": [str(value) for value in declared.get("AllowedValues", [])]},
        }
    )


def _wish(deployment: Deployment) -> Description:
    return _present(
        {
            "Description": deployment.description,
            "Parameters": [parameter.described() for parameter in deployment.parameters.values()],
            "Capabilities": list(deployment.capabilities),
            "Tags": [{"Key": key, "Value": value} for key, value in deployment.tags.items()],
            "NotificationARNs": list(deployment.notification_arns),
            "RoleARN": deployment.role_arn,
        }
    )


def _output(output: Output) -> Description:
    return _present(
        {
            "OutputKey": output.key,
            "OutputValue": output.value,
            "Description": output.description,
            "ExportName": output.export,
        }
    )


def _present(members: Description) -> Description:
    return {key: value for key, value in members.items() if value is not None}
