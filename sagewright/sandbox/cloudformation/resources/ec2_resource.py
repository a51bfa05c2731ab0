"""Why: EC2 names every resource by an id of its own and keeps the tags of all of them in one place."""

import time
from collections.abc import Mapping
from typing import Any

from botocore.exceptions import ClientError
from typing_extensions import override

from ..resource import Context, Properties
from .api_call import call
from .api_resource import ApiResource, Attributes, readable
from .tags import tags_of

# How long a deletion waits for network interfaces that go a while after their owner; in AWS it is many minutes.
INTERFACES_LEAVE_S = 12.0
_LOOK_EVERY_S = 0.25

_SYSTEM = "aws:"
# What EC2 calls the types that it tags as it makes them.
_KINDS = {
    "FlowLog": "vpc-flow-log",
    "RouteTable": "route-table",
    "SecurityGroup": "security-group",
    "Subnet": "subnet",
    "VPC": "vpc",
    "VPCEndpoint": "vpc-endpoint",
}


class Ec2Resource(ApiResource):
    """A resource whose physical id is EC2's id of it."""

    def born_with(self, context: Context, properties: Properties) -> dict[str, Any]:
        """Return the parameter by which the resource has its tags from the first moment on, as permissions may ask."""
        kind, tags = _KINDS.get(self.type_name.rpartition("::")[2]), tags_of(context, self.type_name, properties)
        if kind is None or not tags:
            return {}
        listed = [{"Key": key, "Value": value} for key, value in tags.items()]
        return {"TagSpecifications": [{"ResourceType": kind, "Tags": listed}]}

    @override
    def _create_parameters(self, context: Context, properties: Properties) -> dict[str, Any]:
        return {**super()._create_parameters(context, properties), **self.born_with(context, properties)}

    @override
    def delete(self, context: Context, physical_id: str, properties: Properties) -> None:
        """Delete the resource, once nothing that is about to go depends on it."""
        waits = self.type_name in {"AWS::EC2::SecurityGroup", "AWS::EC2::Subnet"}
        given_up = time.monotonic() + (INTERFACES_LEAVE_S if waits else 0)
        while True:
            try:
                return super().delete(context, physical_id, properties)
            except ClientError as error:
                if error.response["Error"]["Code"] != "DependencyViolation" or time.monotonic() >= given_up:
                    raise
            time.sleep(_LOOK_EVERY_S)

    @override
    def retag(self, context: Context, physical_id: str, properties: Properties) -> None:
        """Make the tags exactly the stack's and the template's."""
        wanted = tags_of(context, self.type_name, properties)
        present = _tags(context, physical_id)
        gone = [key for key in present if key not in wanted and not key.startswith(_SYSTEM)]
        changed = {key: value for key, value in wanted.items() if present.get(key) != value}
        client = self.client(context)
        if gone:
            call(client, "delete_tags", Resources=[physical_id], Tags=[{"Key": key} for key in gone])
        if changed:
            tags = [{"Key": key, "Value": value} for key, value in changed.items()]
            call(client, "create_tags", Resources=[physical_id], Tags=tags)

    @override
    def attributes(self, context: Context, physical_id: str, properties: Properties) -> Attributes:
        """Return what EC2 says of the resource, over the properties."""
        return readable(context, self.type_name, {**properties, **self.described(context, physical_id)})

    def described(self, context: Context, physical_id: str) -> Mapping[str, Any]:
        """Return the attributes that only EC2 knows."""
        del context
        return {"Id": physical_id}


def _tags(context: Context, physical_id: str) -> dict[str, str]:
    # The engine knows a resource's last tags and asks nobody for them: the sandbox reads them in its own name.
    ec2 = context.clients.get("ec2", context.account, context.region)
    found = call(ec2, "describe_tags", Filters=[{"Name": "resource-id", "Values": [physical_id]}])["Tags"]
    return {tag["Key"]: tag["Value"] for tag in found}
