"""Why: roles, users and groups share what makes them identities: inline policies and attached managed ones."""

from typing import Any

from typing_extensions import override

from ..resource import Context, Properties
from .api_call import call, discard, found, refusal
from .api_resource import ApiResource, Attributes, changed, readable
from .iam_limits import put_inline


class Identity(ApiResource):
    """A role, a user or a group, with the policies that its own template gives it."""

    @property
    def kind(self) -> str:
        """The word for it in the operations' names: role, user or group."""
        return self.type_name.rpartition("::")[2].lower()

    @override
    def create(self, context: Context, properties: Properties) -> str:
        """Create the identity, unless its boundary is no policy."""
        self._check_boundary(context, properties)
        return super().create(context, properties)

    @override
    def attributes(self, context: Context, physical_id: str, properties: Properties) -> Attributes:
        """Return what IAM says of the identity."""
        answer = call(self.client(context), f"get_{self.kind}", **self.where(context, physical_id, properties))
        return readable(context, self.type_name, answer[self.kind.title()])

    @override
    def complete(self, context: Context, physical_id: str, old: Properties, new: Properties) -> None:
        """Attach and write what is new, and take away what is gone."""
        client, where = self.client(context), self.where(context, physical_id, new)
        attached, wanted = old.get("ManagedPolicyArns", []), new.get("ManagedPolicyArns", [])
        for arn in wanted:
            if arn not in attached:
                call(client, f"attach_{self.kind}_policy", **where, PolicyArn=arn)
        for arn in attached:
            if arn not in wanted:
                discard(client, f"detach_{self.kind}_policy", **where, PolicyArn=arn)
        self._write_inline(context, where, old, new)

    @override
    def change(self, context: Context, physical_id: str, old: Properties, new: Properties) -> None:
        """Set another boundary."""
        if not changed(old, new, "PermissionsBoundary"):
            return
        self._check_boundary(context, new)
        client, where = self.client(context), self.where(context, physical_id, new)
        if "PermissionsBoundary" in new:
            boundary = new["PermissionsBoundary"]
            call(client, f"put_{self.kind}_permissions_boundary", **where, PermissionsBoundary=boundary)
        else:
            discard(client, f"delete_{self.kind}_permissions_boundary", **where)

    @override
    def delete(self, context: Context, physical_id: str, properties: Properties) -> None:
        """Take away what the template gave, then delete; what others attached refuses the deletion, as in AWS."""
        client, where = self.client(context), self.where(context, physical_id, properties)
        for arn in properties.get("ManagedPolicyArns", []):
            discard(client, f"detach_{self.kind}_policy", **where, PolicyArn=arn)
        self._write_inline(context, where, properties, {})
        discard(client, self.delete_operation, **where)

    def _check_boundary(self, context: Context, properties: Properties) -> None:
        boundary = properties.get("PermissionsBoundary")
        if boundary and found(context.bookkeeping("iam"), "get_policy", PolicyArn=boundary) is None:
            message = f"Scope ARN: {boundary} does not exist or is not attachable."
            raise refusal("NoSuchEntity", message, self.create_operation, 404)

    def _write_inline(self, context: Context, where: dict[str, Any], old: Properties, new: Properties) -> None:
        before = {policy["PolicyName"]: policy["PolicyDocument"] for policy in old.get("Policies", [])}
        after = {policy["PolicyName"]: policy["PolicyDocument"] for policy in new.get("Policies", [])}
        for name, document in after.items():
            if before.get(name) != document:
                put_inline(context, self.kind, where, name, document)
        for name in before.keys() - after.keys():
            discard(self.client(context), f"delete_{self.kind}_policy", **where, PolicyName=name)
