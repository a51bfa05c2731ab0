"""Why: permissions are what a stack must neither widen in passing nor leave behind."""

from typing import Any

from botocore.exceptions import ClientError
from typing_extensions import override

from ..resource import Context, Properties
from .api_call import already_exists, as_text, call, discard, refusal
from .api_resource import ApiResource, Attributes, changed, readable
from .iam_identity import Identity
from .iam_limits import check_services, check_statement_ids, put_inline
from .policy_document import PolicyKind, checked_policy, parsed_policy, statements
from .tags import Tagging
from .unidentified import Unidentified

_TRUST = PolicyKind("CreateRole", "MalformedPolicyDocument", 'Invalid principal in policy: "AWS":"{principal}"')
_ATTACHED_TO = (("Roles", "role", "RoleName"), ("Users", "user", "UserName"), ("Groups", "group", "GroupName"))
_MAX_VERSIONS = 5


class Role(Identity):
    """A role, which somebody must be able to assume."""

    @override
    def check(self, context: Context, properties: Properties) -> None:
        """Refuse a trust policy that names nobody, or somebody who does not exist."""
        checked_policy(properties["AssumeRolePolicyDocument"], _TRUST)
        trust = parsed_policy(properties["AssumeRolePolicyDocument"], _TRUST)
        check_statement_ids(trust)
        check_services(trust)
        if any(statement.keys() & {"Resource", "NotResource"} for statement in statements(trust)):
            raise _TRUST.refused("Has prohibited field Resource")

    @override
    def change(self, context: Context, physical_id: str, old: Properties, new: Properties) -> None:
        """Change the trust policy and the description too."""
        super().change(context, physical_id, old, new)
        client = self.client(context)
        if changed(old, new, "AssumeRolePolicyDocument"):
            trust = parsed_policy(new["AssumeRolePolicyDocument"], _TRUST)
            call(client, "update_assume_role_policy", RoleName=physical_id, PolicyDocument=as_text(trust))
        if changed(old, new, "Description") or changed(old, new, "MaxSessionDuration"):
            call(
                client,
                "update_role",
                RoleName=physical_id,
                Description=new.get("Description", ""),
                MaxSessionDuration=int(new.get("MaxSessionDuration", 3600)),
            )


class User(Identity):
    """A user, with groups and, rarely, a password."""

    @override
    def complete(self, context: Context, physical_id: str, old: Properties, new: Properties) -> None:
        """Join and leave groups, set the password."""
        super().complete(context, physical_id, old, new)
        client = self.client(context)
        before, after = old.get("Groups", []), new.get("Groups", [])
        for group in after:
            if group not in before:
                call(client, "add_user_to_group", UserName=physical_id, GroupName=group)
        for group in before:
            if group not in after:
                discard(client, "remove_user_from_group", UserName=physical_id, GroupName=group)
        if changed(old, new, "LoginProfile"):
            if "LoginProfile" in new:
                operation = "update_login_profile" if "LoginProfile" in old else "create_login_profile"
                call(client, operation, UserName=physical_id, **new["LoginProfile"])
            else:
                discard(client, "delete_login_profile", UserName=physical_id)

    @override
    def delete(self, context: Context, physical_id: str, properties: Properties) -> None:
        """Leave the groups and drop the password first."""
        for group in properties.get("Groups", []):
            discard(self.client(context), "remove_user_from_group", UserName=physical_id, GroupName=group)
        if "LoginProfile" in properties:
            discard(self.client(context), "delete_login_profile", UserName=physical_id)
        super().delete(context, physical_id, properties)


class ManagedPolicy(ApiResource):
    """A policy of the account's own, attached to whom the template names."""

    @override
    def check(self, context: Context, properties: Properties) -> None:
        """Refuse a document whose statements have names that IAM does not take."""
        check_statement_ids(properties["PolicyDocument"])

    @override
    def attributes(self, context: Context, physical_id: str, properties: Properties) -> Attributes:
        """Return what IAM says of the policy."""
        policy = call(self.client(context), "get_policy", PolicyArn=physical_id)["Policy"]
        dates = {name: policy[name].isoformat() for name in ("CreateDate", "UpdateDate") if name in policy}
        values = {"PermissionsBoundaryUsageCount": 0, **policy, **dates, "PolicyArn": physical_id}
        return readable(context, self.type_name, values)

    @override
    def change(self, context: Context, physical_id: str, old: Properties, new: Properties) -> None:
        """Write a new version of the document, keeping to the five that IAM has room for."""
        if not changed(old, new, "PolicyDocument"):
            return
        client = self.client(context)
        versions = call(client, "list_policy_versions", PolicyArn=physical_id)["Versions"]
        spare = [version["VersionId"] for version in versions if not version["IsDefaultVersion"]]
        if len(versions) >= _MAX_VERSIONS:
            oldest = min(spare, key=lambda name: int(name.removeprefix("v")))
            call(client, "delete_policy_version", PolicyArn=physical_id, VersionId=oldest)
        document = as_text(new["PolicyDocument"])
        call(client, "create_policy_version", PolicyArn=physical_id, PolicyDocument=document, SetAsDefault=True)

    @override
    def complete(self, context: Context, physical_id: str, old: Properties, new: Properties) -> None:
        """Attach the policy to whom the template names, and to nobody whom it no longer names."""
        client = self.client(context)
        for key, kind, parameter in _ATTACHED_TO:
            before, after = old.get(key, []), new.get(key, [])
            for name in after:
                if name not in before:
                    call(client, f"attach_{kind}_policy", **{parameter: name}, PolicyArn=physical_id)
            for name in before:
                if name not in after:
                    discard(client, f"detach_{kind}_policy", **{parameter: name}, PolicyArn=physical_id)

    @override
    def delete(self, context: Context, physical_id: str, properties: Properties) -> None:
        """Detach where the template attached, then delete every version; other attachments refuse the deletion."""
        client = self.client(context)
        for key, kind, parameter in _ATTACHED_TO:
            for name in properties.get(key, []):
                discard(client, f"detach_{kind}_policy", **{parameter: name}, PolicyArn=physical_id)
        discard(client, self.delete_operation, PolicyArn=physical_id)


class Policy(Unidentified):
    """An inline policy that the template writes into several roles, users and groups."""

    @override
    def delete(self, context: Context, physical_id: str, properties: Properties) -> None:
        for kind, where in _identities(properties):
            discard(context.client("iam"), f"delete_{kind}_policy", **where, PolicyName=properties["PolicyName"])

    @override
    def write(self, context: Context, properties: Properties) -> None:
        for kind, where in _identities(properties):
            put_inline(context, kind, where, properties["PolicyName"], properties["PolicyDocument"])

    @override
    def left(self, old: Properties, new: Properties) -> Properties:
        if old["PolicyName"] != new["PolicyName"]:
            return old
        return {**old, **{key: _gone(old, new, key) for key, _, _ in _ATTACHED_TO}}


class InstanceProfile(ApiResource):
    """The form in which an instance takes a role."""

    @override
    def complete(self, context: Context, physical_id: str, old: Properties, new: Properties) -> None:
        """Put the role in."""
        client = self.client(context)
        for role in _gone(old, new, "Roles"):
            discard(client, "remove_role_from_instance_profile", InstanceProfileName=physical_id, RoleName=role)
        for role in _gone(new, old, "Roles"):
            call(client, "add_role_to_instance_profile", InstanceProfileName=physical_id, RoleName=role)

    @override
    def attributes(self, context: Context, physical_id: str, properties: Properties) -> Attributes:
        """Return the profile's ARN, which holds its path."""
        profile = call(self.client(context), "get_instance_profile", InstanceProfileName=physical_id)
        return {"Arn": profile["InstanceProfile"]["Arn"]}

    @override
    def delete(self, context: Context, physical_id: str, properties: Properties) -> None:
        """Take the role out first."""
        self.complete(context, physical_id, properties, {})
        super().delete(context, physical_id, properties)


class OidcProvider(ApiResource):
    """An issuer of tokens that the account believes; one for each. Nobody can come with a token of it here."""

    @override
    def create(self, context: Context, properties: Properties) -> str:
        """Create the provider; of one that the account has, IAM's stand-in does not say what it is."""
        try:
            return super().create(context, properties)
        except ClientError as error:
            if error.response["Error"]["Code"] != "EntityAlreadyExists":
                raise
            raise already_exists(self.type_name, properties["Url"]) from error

    @override
    def named(self, context: Context, properties: Properties) -> Properties:
        """Return the properties as they are: what names a provider is its address."""
        return properties

    @override
    def check(self, context: Context, properties: Properties) -> None:
        """Refuse what is no issuer's address. Whether one answers there is not asked, as IAM would."""
        if not str(properties.get("Url", "")).startswith("https://"):
            raise refusal("ValidationError", "Invalid Open ID Connect Provider URL", "CreateOpenIDConnectProvider")

    @override
    def change(self, context: Context, physical_id: str, old: Properties, new: Properties) -> None:
        """Change the thumbprints; the sandbox's stand-in for IAM cannot change who the tokens are for."""
        if sorted(old.get("ClientIdList", [])) != sorted(new.get("ClientIdList", [])):
            message = f"The sandbox cannot change ClientIdList of {self.type_name}."
            raise refusal("UnsupportedOperation", message, "AddClientIDToOpenIDConnectProvider", 501)
        if changed(old, new, "ThumbprintList"):
            thumbprints = new.get("ThumbprintList", [])
            where = self.where(context, physical_id, new)
            call(
                self.client(context),
                "update_open_id_connect_provider_thumbprint",
                **where,
                ThumbprintList=thumbprints,
            )


def _gone(old: Properties, new: Properties, key: str) -> list[Any]:
    return [value for value in old.get(key, []) if value not in new.get(key, [])]


def _identities(properties: Properties) -> list[tuple[str, dict[str, str]]]:
    return [(kind, {parameter: name}) for key, kind, parameter in _ATTACHED_TO for name in properties.get(key, [])]


def _tagging(kind: str, parameter: str) -> Tagging:
    return Tagging(parameter, add=f"tag_{kind}", remove=f"untag_{kind}", read=f"list_{kind}_tags")


def _identity(kind: str, limit: int, apart: set[str]) -> dict[str, Any]:
    return {
        "type_name": f"AWS::IAM::{kind}",
        "service": "iam",
        "create_operation": f"create_{kind.lower()}",
        "delete_operation": f"delete_{kind.lower()}",
        "name": f"{kind}Name",
        "name_limit": limit,
        "apart": frozenset({"ManagedPolicyArns", "Policies"} | apart),
    }


TYPES = {
    "AWS::IAM::Role": Role(**_identity("Role", 64, set()), tagging=_tagging("role", "RoleName")),
    "AWS::IAM::User": User(**_identity("User", 64, {"Groups", "LoginProfile"}), tagging=_tagging("user", "UserName")),
    "AWS::IAM::Group": Identity(**_identity("Group", 128, set())),
    "AWS::IAM::Policy": Policy(),
    "AWS::IAM::ManagedPolicy": ManagedPolicy(
        type_name="AWS::IAM::ManagedPolicy",
        service="iam",
        create_operation="create_policy",
        delete_operation="delete_policy",
        name="ManagedPolicyName",
        name_limit=128,
        identifier="PolicyArn",
        reference="Policy.Arn",
        renames={"ManagedPolicyName": "PolicyName"},
        apart=frozenset({"Roles", "Users", "Groups"}),
    ),
    "AWS::IAM::InstanceProfile": InstanceProfile(
        type_name="AWS::IAM::InstanceProfile",
        service="iam",
        create_operation="create_instance_profile",
        delete_operation="delete_instance_profile",
        name="InstanceProfileName",
        name_limit=128,
        apart=frozenset({"Roles"}),
    ),
    "AWS::IAM::OIDCProvider": OidcProvider(
        type_name="AWS::IAM::OIDCProvider",
        service="iam",
        create_operation="create_open_id_connect_provider",
        delete_operation="delete_open_id_connect_provider",
        name="Url",
        identifier="OpenIDConnectProviderArn",
        reference="OpenIDConnectProviderArn",
        renames={"ClientIdList": "ClientIDList"},
        tagging=_tagging("open_id_connect_provider", "OpenIDConnectProviderArn"),
        values={"Arn": "{ref}"},
    ),
}
