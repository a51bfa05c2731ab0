"""Why: a schedule is in a group, which is part of its ARN, and changes as a whole."""

from typing import Any

from typing_extensions import override

from ..resource import Context, Properties
from .api_call import call, found
from .api_resource import ApiResource, Attributes
from .tags import Tagging


class Schedule(ApiResource):
    """A schedule in a group; its changing operation takes the whole of it."""

    @override
    def attributes(self, context: Context, physical_id: str, properties: Properties) -> Attributes:
        """Return the schedule's ARN, which holds its group."""
        group = properties.get("GroupName", "default")
        return {"Arn": f"arn:aws:scheduler:{context.region}:{context.account}:schedule/{group}/{physical_id}"}

    @override
    def update(self, context: Context, physical_id: str, old: Properties, new: Properties) -> None:
        """Put the whole schedule; another group is another schedule, which AWS moves it to by making it anew."""
        if old.get("GroupName") != new.get("GroupName"):
            self.create(context, {**new, "Name": physical_id})
            self.delete(context, physical_id, old)
        else:
            super().update(context, physical_id, old, new)

    @override
    def where(self, context: Context, physical_id: str, properties: Properties) -> dict[str, Any]:
        """Name the schedule and its group."""
        return {"Name": physical_id, "GroupName": properties.get("GroupName", "default")}


class ScheduleGroup(ApiResource):
    """A group of schedules, which takes them with it when it goes."""

    @override
    def attributes(self, context: Context, physical_id: str, properties: Properties) -> Attributes:
        """Return what the scheduler says of the group."""
        group = call(self.client(context), "get_schedule_group", Name=physical_id)
        dates = {name: group[name].isoformat() for name in ("CreationDate", "LastModificationDate")}
        return {"Arn": group["Arn"], "State": group["State"], **dates}

    @override
    def delete(self, context: Context, physical_id: str, properties: Properties) -> None:
        """Delete the group, if it is there: the stand-in for the scheduler fails on one that is not."""
        if found(self.client(context), "get_schedule_group", Name=physical_id):
            super().delete(context, physical_id, properties)


TYPES = {
    "AWS::Scheduler::Schedule": Schedule(
        type_name="AWS::Scheduler::Schedule",
        service="scheduler",
        create_operation="create_schedule",
        update_operation="update_schedule",
        delete_operation="delete_schedule",
        name="Name",
    ),
    "AWS::Scheduler::ScheduleGroup": ScheduleGroup(
        type_name="AWS::Scheduler::ScheduleGroup",
        service="scheduler",
        create_operation="create_schedule_group",
        delete_operation="delete_schedule_group",
        name="Name",
        exists=lambda client, name, _: found(client, "get_schedule_group", Name=name) is not None,
        tagging=Tagging("ResourceArn"),
        tag_by_arn="arn:aws:scheduler:{region}:{account}:schedule-group/{ref}",
    ),
}
