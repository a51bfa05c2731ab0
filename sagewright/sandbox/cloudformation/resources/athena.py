"""Why: a workgroup is changed by other words than it is made with, and switched on and off by a call of its own."""

from typing import Any

from typing_extensions import override

from ..resource import Context, Properties
from .api_call import call, found, parameters_of, refusal
from .api_resource import ApiResource, Attributes, changed, readable
from .tags import Tagging

_RESULTS = ("OutputLocation", "EncryptionConfiguration", "ExpectedBucketOwner", "AclConfiguration")


class WorkGroup(ApiResource):
    """A workgroup of Athena."""

    @override
    def check(self, context: Context, properties: Properties) -> None:
        """Refuse what AWS gave up."""
        if properties.get("WorkGroupConfigurationUpdates"):
            problem = f"The sandbox does not have WorkGroupConfigurationUpdates of {self.type_name}."
            raise refusal("UnsupportedOperation", problem, "UpdateWorkGroup", 501)

    @override
    def attributes(self, context: Context, physical_id: str, properties: Properties) -> Attributes:
        """Return what Athena says of the workgroup."""
        group = call(self.client(context), "get_work_group", WorkGroup=physical_id)["WorkGroup"]
        engine = group["Configuration"]["EngineVersion"]["EffectiveEngineVersion"]
        values: dict[str, Any] = {
            "CreationTime": str(int(group["CreationTime"].timestamp())),
            "WorkGroupConfiguration.EngineVersion.EffectiveEngineVersion": engine,
        }
        return readable(context, self.type_name, {**properties, **values})

    @override
    def complete(self, context: Context, physical_id: str, old: Properties, new: Properties) -> None:
        """Bring configuration, description and state up to date."""
        given: dict[str, Any] = {}
        if old and changed(old, new, "WorkGroupConfiguration"):
            given["ConfigurationUpdates"] = self._updates(context, old, new)
        if old and changed(old, new, "Description"):
            given["Description"] = new.get("Description", "")
        if new.get("State", "ENABLED") != (old.get("State", "ENABLED") if old else "ENABLED"):
            given["State"] = new.get("State", "ENABLED")
        if given:
            call(self.client(context), "update_work_group", WorkGroup=physical_id, **given)

    @override
    def delete(self, context: Context, physical_id: str, properties: Properties) -> None:
        """Delete the workgroup, with what ran in it only where the template says so."""
        client, recursive = self.client(context), str(properties.get("RecursiveDeleteOption", False)).lower() == "true"
        listed = found(client, "list_work_groups") or {}
        if physical_id in {group["Name"] for group in listed.get("WorkGroups", ())}:
            call(client, "delete_work_group", WorkGroup=physical_id, RecursiveDeleteOption=recursive)

    @override
    def where(self, context: Context, physical_id: str, properties: Properties) -> dict[str, Any]:
        """Name the workgroup."""
        return {"WorkGroup": physical_id}

    @override
    def retag(self, context: Context, physical_id: str, properties: Properties) -> None:
        """Bring the tags up to date; they are addressed by ARN."""
        arn = f"arn:aws:athena:{context.region}:{context.account}:workgroup/{physical_id}"
        tagging = Tagging("ResourceARN", system=False)
        tagging.replace(self.client(context), arn, self._tags(tagging, context, properties))

    def _updates(self, context: Context, old: Properties, new: Properties) -> dict[str, Any]:
        """Return the new configuration in the words of a change, in which what is gone is named."""
        wanted = dict(new.get("WorkGroupConfiguration") or {})
        before = dict(old.get("WorkGroupConfiguration") or {})
        results = dict(wanted.pop("ResultConfiguration", None) or {})
        gone = [name for name in _RESULTS if name in (before.get("ResultConfiguration") or {}) and name not in results]
        results |= {f"Remove{name}": True for name in gone}
        updates: dict[str, Any] = {**wanted, "ResultConfigurationUpdates": results}
        if "BytesScannedCutoffPerQuery" in before and "BytesScannedCutoffPerQuery" not in wanted:
            updates["RemoveBytesScannedCutoffPerQuery"] = True
        whole = {"ConfigurationUpdates": updates}
        parameters, _ = parameters_of(self.client(context), "update_work_group", whole)
        return parameters["ConfigurationUpdates"]


TYPES = {
    "AWS::Athena::WorkGroup": WorkGroup(
        type_name="AWS::Athena::WorkGroup",
        service="athena",
        create_operation="create_work_group",
        delete_operation="delete_work_group",
        name="Name",
        name_limit=128,
        renames={"WorkGroupConfiguration": "Configuration"},
        apart=frozenset({"State", "RecursiveDeleteOption", "WorkGroupConfigurationUpdates"}),
        tagging=Tagging("ResourceARN", system=False),
    ),
}
