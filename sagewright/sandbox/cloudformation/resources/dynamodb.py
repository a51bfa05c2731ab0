"""Why: a table's keys are for ever, its indexes come and go one at a time, and its other settings are calls apart."""

from typing import Any

from typing_extensions import override

from ..resource import Context, Properties
from .api_call import as_shape, as_text, call, discard, found, operation_model
from .api_resource import ApiResource, Attributes, changed
from .tags import Tagging

_CHANGED_AT_ONCE = (
    *("BillingMode", "ProvisionedThroughput", "StreamSpecification", "SSESpecification"),
    *("TableClass", "DeletionProtectionEnabled", "OnDemandThroughput"),
)
_DEFAULTS: dict[str, Any] = {
    "BillingMode": "PROVISIONED",
    "StreamSpecification": {"StreamEnabled": False},
    "SSESpecification": {"Enabled": False},
    "TableClass": "STANDARD",
    "DeletionProtectionEnabled": False,
}
_APART = frozenset({"TimeToLiveSpecification", "PointInTimeRecoverySpecification", "ResourcePolicy"})


class Table(ApiResource):
    """A table with its indexes, expiry, recovery and policy."""

    @override
    def _create_parameters(self, context: Context, properties: Properties) -> dict[str, Any]:
        return super()._create_parameters(context, _in_words_of_the_api(properties))

    @override
    def attributes(self, context: Context, physical_id: str, properties: Properties) -> Attributes:
        """Return the table's ARN, and its stream's where it has one."""
        table = call(self.client(context), "describe_table", TableName=physical_id)["Table"]
        stream = {"StreamArn": table["LatestStreamArn"]} if "LatestStreamArn" in table else {}
        return {"Arn": table["TableArn"], **stream}

    @override
    def complete(self, context: Context, physical_id: str, old: Properties, new: Properties) -> None:
        """Set expiry, recovery and the table's policy."""
        client = self.client(context)
        if changed(old, new, "TimeToLiveSpecification"):
            self._expire(client, physical_id, old, new)
        if changed(old, new, "PointInTimeRecoverySpecification"):
            recovery = new.get("PointInTimeRecoverySpecification", {"PointInTimeRecoveryEnabled": False})
            call(
                client,
                "update_continuous_backups",
                TableName=physical_id,
                PointInTimeRecoverySpecification=recovery,
            )
        if changed(old, new, "ResourcePolicy"):
            arn = f"arn:aws:dynamodb:{context.region}:{context.account}:table/{physical_id}"
            if "ResourcePolicy" in new:
                policy = as_text(new["ResourcePolicy"]["PolicyDocument"])
                call(client, "put_resource_policy", ResourceArn=arn, Policy=policy)
            else:
                discard(client, "delete_resource_policy", ResourceArn=arn)

    def _expire(self, client: Any, physical_id: str, old: Properties, new: Properties) -> None:
        before, after = old.get("TimeToLiveSpecification"), new.get("TimeToLiveSpecification")
        present = call(client, "describe_time_to_live", TableName=physical_id)["TimeToLiveDescription"]
        if before and present["TimeToLiveStatus"] == "ENABLED" and after != before:
            stopped = {**before, "Enabled": False}
            call(client, "update_time_to_live", TableName=physical_id, TimeToLiveSpecification=stopped)
        if after and after.get("Enabled"):
            call(client, "update_time_to_live", TableName=physical_id, TimeToLiveSpecification=after)

    @override
    def change(self, context: Context, physical_id: str, old: Properties, new: Properties) -> None:
        """Change what one call changes, then the indexes, of which one call creates or deletes one."""
        client = self.client(context)
        before, after = _in_words_of_the_api(old), _in_words_of_the_api(new)
        at_once = {
            key: after.get(key, _DEFAULTS.get(key))
            for key in _CHANGED_AT_ONCE
            if changed(before, after, key) and (key in after or key in _DEFAULTS)
        }
        if "ProvisionedThroughput" in at_once and after.get("BillingMode") == "PAY_PER_REQUEST":
            del at_once["ProvisionedThroughput"]
        if at_once:
            self._update_table(client, physical_id, at_once)
        definitions = {"AttributeDefinitions": after.get("AttributeDefinitions", [])}
        for change in _index_changes(before, after):
            self._update_table(client, physical_id, {**definitions, "GlobalSecondaryIndexUpdates": [change]})

    def _update_table(self, client: Any, physical_id: str, parameters: dict[str, Any]) -> None:
        members = operation_model(client, "update_table").input_shape
        shaped = as_shape(members, parameters) if members is not None else parameters
        # An index to be deleted may be gone: a failed update is undone from what it attempted, not from what it did.
        discard(client, "update_table", TableName=physical_id, **shaped)


def _in_words_of_the_api(properties: Properties) -> Properties:
    """Return the properties with what CloudFormation spells in a way of its own; the mode has a default here."""
    result = {**properties}
    if "SSESpecification" in properties:
        encryption = {**properties["SSESpecification"]}
        result["SSESpecification"] = {"Enabled": encryption.pop("SSEEnabled"), **encryption}
    if "StreamSpecification" in properties:
        result["StreamSpecification"] = {"StreamEnabled": True, **properties["StreamSpecification"]}
    return {"BillingMode": "PROVISIONED", **result}


def _index_changes(old: Properties, new: Properties) -> list[dict[str, Any]]:
    before = {index["IndexName"]: index for index in old.get("GlobalSecondaryIndexes", [])}
    after = {index["IndexName"]: index for index in new.get("GlobalSecondaryIndexes", [])}
    keys = ("KeySchema", "Projection")
    rebuilt = {
        name
        for name in before.keys() & after.keys()
        if any(before[name].get(key) != after[name].get(key) for key in keys)
    }
    resized = {name for name in before.keys() & after.keys() - rebuilt if before[name] != after[name]}
    return [
        *({"Delete": {"IndexName": name}} for name in sorted(before.keys() - after.keys() | rebuilt)),
        *({"Create": after[name]} for name in sorted(after.keys() - before.keys() | rebuilt)),
        *(
            {"Update": {key: value for key, value in after[name].items() if key not in keys}}
            for name in sorted(resized)
        ),
    ]


TYPES = {
    "AWS::DynamoDB::Table": Table(
        type_name="AWS::DynamoDB::Table",
        service="dynamodb",
        create_operation="create_table",
        delete_operation="delete_table",
        name="TableName",
        name_limit=255,
        apart=_APART,
        exists=lambda client, name, _: found(client, "describe_table", TableName=name) is not None,
        tagging=Tagging("ResourceArn", read="list_tags_of_resource"),
        tag_by_arn="arn:aws:dynamodb:{region}:{account}:table/{ref}",
    ),
}
