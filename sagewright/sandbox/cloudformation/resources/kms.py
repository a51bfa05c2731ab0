"""Why: a key outlives its stack by the days in which its deletion can still be called off."""

from typing import Any

from botocore.exceptions import ClientError
from typing_extensions import override

from ..resource import Context, Properties
from .api_call import as_text, call, refusal
from .api_resource import ApiResource, Attributes, changed
from .tags import Tagging

# What a key is for ever, and what it is when a template says nothing.
_FIXED = {"KeySpec": "SYMMETRIC_DEFAULT", "KeyUsage": "ENCRYPT_DECRYPT", "MultiRegion": False, "Origin": "AWS_KMS"}


class Key(ApiResource):
    """A key; rotation, state and a changed policy have operations of their own."""

    @override
    def attributes(self, context: Context, physical_id: str, properties: Properties) -> Attributes:
        """Return the key's ARN and id."""
        arn = f"arn:aws:kms:{context.region}:{context.account}:key/{physical_id}"
        return {"Arn": arn, "KeyId": physical_id}

    @override
    def change(self, context: Context, physical_id: str, old: Properties, new: Properties) -> None:
        """Put a changed policy or description."""
        client, key = self.client(context), {"KeyId": physical_id}
        self._refuse_another_kind_of_key(client, physical_id, new)
        if changed(old, new, "KeyPolicy"):
            policy = new.get("KeyPolicy") or _default_policy(context)
            bypass = {name: new[name] for name in ("BypassPolicyLockoutSafetyCheck",) if name in new}
            call(client, "put_key_policy", **key, PolicyName="default", Policy=as_text(policy), **bypass)
        if changed(old, new, "Description"):
            call(client, "update_key_description", **key, Description=new.get("Description", ""))

    @override
    def complete(self, context: Context, physical_id: str, old: Properties, new: Properties) -> None:
        """Set rotation and state where they differ from those of a new key."""
        client, key = self.client(context), {"KeyId": physical_id}
        if bool(new.get("EnableKeyRotation")) != bool(old.get("EnableKeyRotation")) or (
            new.get("EnableKeyRotation") and changed(old, new, "RotationPeriodInDays")
        ):
            self._rotate(client, physical_id, new)
        if new.get("Enabled", True) != old.get("Enabled", True):
            call(client, "enable_key" if new.get("Enabled", True) else "disable_key", **key)

    @override
    def delete(self, context: Context, physical_id: str, properties: Properties) -> None:
        """Schedule the key's deletion; one that waits for its deletion already is as good as gone."""
        days = properties.get("PendingWindowInDays", 30)
        try:
            call(self.client(context), "schedule_key_deletion", KeyId=physical_id, PendingWindowInDays=days)
        except ClientError as error:
            if error.response["Error"]["Code"] not in {"NotFoundException", "KMSInvalidStateException"}:
                raise

    def _refuse_another_kind_of_key(self, client: Any, physical_id: str, new: Properties) -> None:
        metadata = call(client, "describe_key", KeyId=physical_id)["KeyMetadata"]
        if any(new.get(name, default) != metadata.get(name, default) for name, default in _FIXED.items()):
            message = f"You cannot change the {', '.join(_FIXED)} property values of an existing KMS key."
            raise refusal("InvalidRequest", message, "UpdateKey")

    def _rotate(self, client: Any, physical_id: str, new: Properties) -> None:
        if not new.get("EnableKeyRotation"):
            call(client, "disable_key_rotation", KeyId=physical_id)
            return
        period = {name: new[name] for name in ("RotationPeriodInDays",) if name in new}
        call(client, "enable_key_rotation", KeyId=physical_id, **period)


class Alias(ApiResource):
    """A name for a key."""

    @override
    def check(self, context: Context, properties: Properties) -> None:
        """Keep AWS's own aliases free."""
        if properties["AliasName"].startswith("alias/aws/"):
            message = "Alias names that begin with alias/aws/ are reserved for AWS managed keys."
            raise refusal("NotAuthorizedException", message, "CreateAlias")


def _default_policy(context: Context) -> str:
    statement = {
        "Sid": "Enable IAM User Permissions",
        "Effect": "Allow",
        "Principal": {"AWS": f"arn:aws:iam::{context.account}:root"},
        "Action": "kms:*",
        "Resource": "*",
    }
    return as_text({"Version": "2012-10-17", "Id": "key-default-1", "Statement": [statement]})


TYPES = {
    "AWS::KMS::Key": Key(
        type_name="AWS::KMS::Key",
        service="kms",
        create_operation="create_key",
        delete_operation="schedule_key_deletion",
        identifier="KeyId",
        reference="KeyMetadata.KeyId",
        renames={"KeyPolicy": "Policy"},
        apart=frozenset({"EnableKeyRotation", "RotationPeriodInDays", "Enabled", "PendingWindowInDays"}),
        tagging=Tagging("KeyId", read="list_resource_tags"),
    ),
    "AWS::KMS::Alias": Alias(
        type_name="AWS::KMS::Alias",
        service="kms",
        create_operation="create_alias",
        update_operation="update_alias",
        delete_operation="delete_alias",
        name="AliasName",
    ),
}
