"""Why: a role's ARN holds a path that requests leave out, and what a role may become is told by its boundary."""

from typing import Any

from moto.iam.models import iam_backends

from ..asked import Asked
from ..demand import Context
from .arns import ANY, Resources, Table, tag_keys

_KINDS = {"Role": "roles", "User": "users", "Group": "groups", "InstanceProfile": "instance_profiles"}
_SEGMENTS = {"Role": "role", "User": "user", "Group": "group", "InstanceProfile": "instance-profile"}


def _arn(asked: Asked, kind: str) -> str:
    name = asked.text(f"{kind}Name")
    if not name:
        return ANY
    backend: Any = iam_backends[asked.caller.account]["aws"]
    found = next((each for each in list(getattr(backend, _KINDS[kind]).values()) if each.name == name), None)
    if found is not None and not asked.operation.startswith("Create"):
        return str(found.arn)
    path = asked.text("Path") or "/"
    return f"arn:aws:iam::{asked.caller.account}:{_SEGMENTS[kind]}{path}{name}"


def _of(kind: str) -> Resources:
    return lambda asked: [_arn(asked, kind)]


def _policy(asked: Asked) -> list[str]:
    if arn := asked.text("PolicyArn"):
        return [arn]
    path = asked.text("Path") or "/"
    return [f"arn:aws:iam::{asked.caller.account}:policy{path}{asked.text('PolicyName')}"]


def _provider(asked: Asked) -> list[str]:
    if arn := asked.text("OpenIDConnectProviderArn"):
        return [arn]
    return [f"arn:aws:iam::{asked.caller.account}:oidc-provider/{asked.text('Url').removeprefix('https://')}"]


def _linked_role(asked: Asked) -> list[str]:
    service = asked.text("AWSServiceName")
    return [f"arn:aws:iam::{asked.caller.account}:role/aws-service-role/{service}/*"]


def _context(asked: Asked, resource: str) -> Context:
    context: dict[str, Any] = dict(tag_keys(asked.params.get("Tags")))
    if isinstance(keys := asked.params.get("TagKeys"), list):
        context["aws:TagKeys"] = keys
    if arn := asked.text("PolicyArn"):
        context["iam:PolicyARN"] = arn
    if service := asked.text("AWSServiceName"):
        context["iam:AWSServiceName"] = service
    if boundary := asked.text("PermissionsBoundary"):
        context["iam:PermissionsBoundary"] = boundary
    elif asked.operation in _BOUND:
        roles = list(iam_backends[asked.caller.account]["aws"].roles.values())
        role = next((each for each in roles if each.arn == resource), None)
        if role is not None and role.permissions_boundary_arn:
            context["iam:PermissionsBoundary"] = role.permissions_boundary_arn
    return context


# The operations on a role for which IAM tells its boundary.
_BOUND = {
    *("AttachRolePolicy", "DeleteRole", "DeleteRolePermissionsBoundary", "DeleteRolePolicy", "DetachRolePolicy"),
    *("GetRole", "PutRolePolicy", "UpdateAssumeRolePolicy", "UpdateRole", "UpdateRoleDescription"),
}
_OPERATIONS = {
    "Role": (
        *("CreateRole", "GetRole", "DeleteRole", "UpdateRole", "UpdateRoleDescription", "UpdateAssumeRolePolicy"),
        *("PutRolePolicy", "GetRolePolicy", "DeleteRolePolicy", "ListRolePolicies", "AttachRolePolicy"),
        *("DetachRolePolicy", "ListAttachedRolePolicies", "PutRolePermissionsBoundary"),
        *("DeleteRolePermissionsBoundary", "TagRole", "UntagRole", "ListRoleTags", "ListInstanceProfilesForRole"),
    ),
    "User": (
        *("CreateUser", "DeleteUser", "UpdateUser", "PutUserPolicy", "GetUserPolicy", "DeleteUserPolicy"),
        *("ListUserPolicies", "AttachUserPolicy", "DetachUserPolicy", "ListAttachedUserPolicies", "TagUser"),
        *("UntagUser", "ListUserTags", "CreateLoginProfile", "UpdateLoginProfile", "DeleteLoginProfile"),
        *("GetLoginProfile", "ListGroupsForUser", "PutUserPermissionsBoundary", "DeleteUserPermissionsBoundary"),
        *("GetUser", "CreateAccessKey", "DeleteAccessKey", "ListAccessKeys", "UpdateAccessKey"),
    ),
    "Group": (
        *("CreateGroup", "GetGroup", "DeleteGroup", "UpdateGroup", "PutGroupPolicy", "GetGroupPolicy"),
        *("DeleteGroupPolicy", "ListGroupPolicies", "AttachGroupPolicy", "DetachGroupPolicy"),
        *("ListAttachedGroupPolicies", "AddUserToGroup", "RemoveUserFromGroup"),
    ),
    "InstanceProfile": (
        *("CreateInstanceProfile", "GetInstanceProfile", "DeleteInstanceProfile", "AddRoleToInstanceProfile"),
        *("RemoveRoleFromInstanceProfile",),
    ),
}
_POLICY_OPERATIONS = (
    *("CreatePolicy", "GetPolicy", "DeletePolicy", "CreatePolicyVersion", "DeletePolicyVersion", "GetPolicyVersion"),
    *("ListPolicyVersions", "SetDefaultPolicyVersion", "ListEntitiesForPolicy", "TagPolicy", "UntagPolicy"),
    *("ListPolicyTags",),
)
_PROVIDER_OPERATIONS = (
    *("CreateOpenIDConnectProvider", "GetOpenIDConnectProvider", "DeleteOpenIDConnectProvider"),
    *("UpdateOpenIDConnectProviderThumbprint", "TagOpenIDConnectProvider", "UntagOpenIDConnectProvider"),
    "ListOpenIDConnectProviderTags",
)
_LISTS = ("ListRoles", "ListUsers", "ListGroups", "ListPolicies", "ListInstanceProfiles", "GetAccountSummary")

IAM = Table(
    "iam",
    {
        **{name: _of(kind) for kind, names in _OPERATIONS.items() for name in names},
        **dict.fromkeys(_POLICY_OPERATIONS, _policy),
        **dict.fromkeys(_PROVIDER_OPERATIONS, _provider),
        **dict.fromkeys((*_LISTS, "ListOpenIDConnectProviders"), ANY),
        "CreateServiceLinkedRole": _linked_role,
    },
    context=_context,
)
