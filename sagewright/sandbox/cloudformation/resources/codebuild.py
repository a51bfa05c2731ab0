"""Why: a project of builds is made and changed by one call; its tags come with it, as it has no operations for them."""

from collections.abc import Mapping
from typing import Any

from typing_extensions import override

from ..resource import Context, Properties
from .api_call import call, parameters_of, refusal
from .api_resource import ApiResource, Attributes, readable
from .tags import Tagging, create_parameter, tags_of

_DEFAULTS: Mapping[str, Any] = {
    "cache": {"type": "NO_CACHE"},
    "concurrentBuildLimit": -1,
    "description": "",
    "encryptionKey": "alias/aws/s3",
    "logsConfig": {"cloudWatchLogs": {"status": "ENABLED"}, "s3Logs": {"status": "DISABLED"}},
    "queuedTimeoutInMinutes": 480,
    "secondaryArtifacts": [],
    "secondarySourceVersions": [],
    "secondarySources": [],
    "sourceVersion": "",
    "timeoutInMinutes": 60,
}
"""What a property goes back to that the template no longer has."""


class Project(ApiResource):
    """A build project, with its webhook, which has calls of its own; public builds are refused by name."""

    @override
    def check(self, context: Context, properties: Properties) -> None:
        """Refuse what has an operation of its own that the sandbox does not have."""
        if properties.get("Visibility", "PRIVATE") != "PRIVATE" or properties.get("ResourceAccessRole"):
            problem = "The sandbox's CodeBuild does not have public builds (Visibility, ResourceAccessRole)."
            raise refusal("UnsupportedOperation", problem, "UpdateProjectVisibility", 501)

    @override
    def complete(self, context: Context, physical_id: str, old: Properties, new: Properties) -> None:
        """Bring the webhook up to date."""
        before, after = _webhook(old), _webhook(new)
        if before == after:
            return
        client = self.client(context)
        if not after:
            call(client, "delete_webhook", projectName=physical_id)
            return
        operation = "update_webhook" if before else "create_webhook"
        given, unknown = parameters_of(client, operation, after)
        if unknown:
            problem = f"The sandbox does not have {', '.join(sorted(unknown))} of {self.type_name}."
            raise refusal("UnsupportedOperation", problem, operation, 501)
        call(client, operation, projectName=physical_id, **given)

    @override
    def attributes(self, context: Context, physical_id: str, properties: Properties) -> Attributes:
        """Return the project's ARN and its id, which is its name."""
        arn = f"arn:aws:codebuild:{context.region}:{context.account}:project/{physical_id}"
        return readable(context, self.type_name, {"Arn": arn, "Id": physical_id})

    @override
    def defaults(self, old: Properties, new: Properties) -> dict[str, Any]:
        """Return what takes the place of properties that the template no longer has."""
        gone = {key[:1].lower() + key[1:] for key in old if key not in new}
        return {name: value for name, value in _DEFAULTS.items() if name in gone}

    @override
    def retag(self, context: Context, physical_id: str, properties: Properties) -> None:
        """Put the tags, which is a change of the project."""
        tags = tags_of(context, self.type_name, properties, system=False)
        given = create_parameter(self.client(context), "update_project", tags) or {"tags": []}
        call(self.client(context), "update_project", name=physical_id, **given)

    @override
    def _own(self, properties: Properties) -> Properties:
        own = super()._own(properties)
        return {
            name: _respelled(value) if name.endswith(("Source", "Sources")) else value for name, value in own.items()
        }


def _webhook(properties: Properties) -> Properties:
    """Return what a template says of the webhook, where there is to be one."""
    triggers = properties.get("Triggers") or {}
    if str(triggers.get("Webhook", "false")).lower() != "true":
        return {}
    return {"BuildType": "BUILD", **{name: value for name, value in triggers.items() if name != "Webhook"}}


def _respelled(source: Any) -> Any:
    """Return sources as the API spells them, to which a buildspec is one word."""
    if isinstance(source, list):
        return [_respelled(each) for each in source]
    return {("buildspec" if name == "BuildSpec" else name): value for name, value in source.items()}


class ReportGroup(ApiResource):
    """A group of reports, which goes with its reports only where the template says so."""

    @override
    def retag(self, context: Context, physical_id: str, properties: Properties) -> None:
        """Put the tags, which is a change of the group."""
        tags = tags_of(context, self.type_name, properties, system=False)
        given = create_parameter(self.client(context), "update_report_group", tags) or {"tags": []}
        call(self.client(context), "update_report_group", arn=physical_id, **given)

    @override
    def where(self, context: Context, physical_id: str, properties: Properties) -> dict[str, Any]:
        """Name the group by its ARN."""
        return {"arn": physical_id}

    @override
    def delete(self, context: Context, physical_id: str, properties: Properties) -> None:
        """Delete the group."""
        with_reports = str(properties.get("DeleteReports", False)).lower() == "true"
        call(self.client(context), self.delete_operation, arn=physical_id, deleteReports=with_reports)

    @override
    def attributes(self, context: Context, physical_id: str, properties: Properties) -> Attributes:
        """Return the group's ARN."""
        return {"Arn": physical_id}


TYPES = {
    "AWS::CodeBuild::Project": Project(
        type_name="AWS::CodeBuild::Project",
        service="codebuild",
        create_operation="create_project",
        update_operation="update_project",
        delete_operation="delete_project",
        name="Name",
        name_limit=150,
        identifier="name",
        apart=frozenset({"Triggers", "Visibility", "ResourceAccessRole"}),
        tagging=Tagging("name", add="", system=False),
    ),
    "AWS::CodeBuild::ReportGroup": ReportGroup(
        type_name="AWS::CodeBuild::ReportGroup",
        service="codebuild",
        create_operation="create_report_group",
        update_operation="update_report_group",
        delete_operation="delete_report_group",
        name="Name",
        name_limit=128,
        reference="reportGroup.arn",
        apart=frozenset({"DeleteReports"}),
        tagging=Tagging("arn", add="", system=False),
    ),
}
