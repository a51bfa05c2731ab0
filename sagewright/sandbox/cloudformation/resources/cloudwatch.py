"""Why: alarms and dashboards are put, not created, so a name that is taken must be seen before it is overwritten."""

from typing_extensions import override

from ..resource import Context, Properties
from .api_call import as_text, call, found
from .api_resource import ApiResource, changed
from .tags import Tagging

_ALARM_ARN = "arn:aws:cloudwatch:{region}:{account}:alarm:{ref}"


class Alarm(ApiResource):
    """An alarm; CloudFormation knows it by its name."""

    @override
    def where(self, context: Context, physical_id: str, properties: Properties) -> dict[str, list[str]]:
        """Name the alarm as the deleting operation wants it."""
        return {"AlarmNames": [physical_id]}

    @override
    def update(self, context: Context, physical_id: str, old: Properties, new: Properties) -> None:
        """Put the alarm anew: what the template no longer has goes back to its default."""
        named = {**new, self.name: physical_id}
        if old != new:
            parameters = self._create_parameters(context, named)
            parameters.pop("Tags", None)
            call(self.client(context), self.create_operation, **parameters)
        self.retag(context, physical_id, new)


class Dashboard(ApiResource):
    """A dashboard, whose body is a document of its own."""

    @override
    def change(self, context: Context, physical_id: str, old: Properties, new: Properties) -> None:
        """Put a changed body."""
        if changed(old, new, "DashboardBody"):
            body = as_text(new["DashboardBody"])
            call(self.client(context), "put_dashboard", DashboardName=physical_id, DashboardBody=body)

    @override
    def where(self, context: Context, physical_id: str, properties: Properties) -> dict[str, list[str]]:
        """Name the dashboard as the deleting operation wants it."""
        return {"DashboardNames": [physical_id]}


TYPES = {
    "AWS::CloudWatch::Alarm": Alarm(
        type_name="AWS::CloudWatch::Alarm",
        service="cloudwatch",
        create_operation="put_metric_alarm",
        delete_operation="delete_alarms",
        name="AlarmName",
        name_limit=255,
        exists=lambda client, name, _: bool(call(client, "describe_alarms", AlarmNames=[name])["MetricAlarms"]),
        tagging=Tagging("ResourceARN"),
        tag_by_arn=_ALARM_ARN,
        values={"Arn": _ALARM_ARN},
    ),
    "AWS::CloudWatch::Dashboard": Dashboard(
        type_name="AWS::CloudWatch::Dashboard",
        service="cloudwatch",
        create_operation="put_dashboard",
        delete_operation="delete_dashboards",
        name="DashboardName",
        name_limit=255,
        exists=lambda client, name, _: found(client, "get_dashboard", DashboardName=name) is not None,
        tagging=Tagging("ResourceARN", add=""),
    ),
}
