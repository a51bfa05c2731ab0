"""Why: AWS reads a policy before it keeps it; what it would not understand, or whom it does not know, it refuses."""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from fnmatch import fnmatchcase
from typing import Any

import xmltodict
from moto.iam.models import iam_backends

from ..protocol import ApiError
from .asked import Asked
from .authorizer import refusal
from .documents import PolicyError, parse
from .identities import role_at
from .principal import Principal
from .public_access import is_public, refuses_public_policies

_IDENTITY = re.compile(r"arn:aws:iam::(?P<account>\d{12}):(?P<kind>role|user)/.+")
# Accounts and sessions; the unique ids are what IAM makes of users and roles that are gone.
_NOBODY_LOOKS_FOR = re.compile(r"\d{12}|arn:aws:iam::\d{12}:root|arn:aws:sts::.+|A(IDA|ROA)[A-Z0-9]{8,}")
_LOCKOUT = "The new key policy will not allow you to update the key policy in the future."
_UNKNOWN_OF_KEY = "Policy contains a statement with one or more invalid principals."
_OTHER_BUCKET = "Policy has invalid resource"


def check(asked: Asked, who: Principal) -> None:
    """Refuse a request that would keep a policy which AWS refuses."""
    if found := _CHECKS.get((asked.service, asked.operation)):
        found(asked, who)


def check_role_to_assume(who: str, arn: str, duration_s: int) -> None:
    """Refuse a role that is not there, and a session that is longer than the role's longest."""
    role = role_at(arn)
    if role is None:
        raise refusal("sts", f"User: {who} is not authorized to perform: sts:AssumeRole on resource: {arn}")
    if duration_s > int(role.max_session_duration or 3600):
        raise ApiError(
            "ValidationError",
            "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.",
        )


def check_session_policy(text: str) -> None:
    """Refuse a session's policy that is none; without one there is nothing to refuse."""
    if text:
        _read(text, _malformed, kind="identity")


def unknown_principals(document: str | Mapping[str, Any]) -> list[str]:
    """Return the users and roles that a policy names and that do not exist."""
    content = json.loads(document) if isinstance(document, str) else document
    return sorted({each for each in _named(content) if not _exists(each)})


def _resource_policy(asked: Asked, who: Principal) -> None:
    del who
    found, code, message = _RESOURCE_POLICIES[asked.service]
    text = found(asked)
    if not text:
        return
    try:
        parse(text, "")  # of no certain kind: a repository's policy leaves out the resource that it stands at
    except PolicyError as error:
        if asked.service == "sagemaker":  # reads it itself, and has words of its own
            return
        raise ApiError(code, str(error)) from error
    if unknown := unknown_principals(text):
        raise ApiError(code, message.format(principal=unknown[0]))


def _attribute(asked: Asked) -> str:
    if asked.text("AttributeName") == "Policy":
        return asked.text("AttributeValue")
    attributes = asked.params.get("Attributes")
    return str(attributes.get("Policy") or "") if isinstance(attributes, Mapping) else ""


def _bucket_policy(asked: Asked, who: Principal) -> None:
    text = asked.body.decode("utf-8", "replace")
    _read(text, lambda message: ApiError("MalformedPolicy", message), kind="resource")
    if unknown_principals(text):
        raise ApiError("MalformedPolicy", "Invalid principal in policy")
    bucket = asked.text("Bucket")
    _check_resources(bucket, text)
    if is_public(text) and refuses_public_policies(bucket):
        raise ApiError(
            "AccessDenied",
            f"User: {who.arn} is not authorized to perform: s3:PutBucketPolicy on resource:"
            f' "arn:aws:s3:::{bucket}" because public policies are prevented by the BlockPublicPolicy setting in S3'
            " Block Public Access.",
            403,
        )


def _check_resources(bucket: str, text: str) -> None:
    arn = f"arn:aws:s3:::{bucket}"
    for statement in _statements(json.loads(text)):
        for resource in (*_several(statement.get("Resource", [])), *_several(statement.get("NotResource", []))):
            if resource != arn and not str(resource).startswith((f"{arn}/", "*", f"{arn}*")):
                raise ApiError("MalformedPolicy", _OTHER_BUCKET)


def _key_policy(asked: Asked, who: Principal) -> None:
    text = asked.text("Policy")
    if not text:
        return
    _read(text, lambda message: ApiError("MalformedPolicyDocumentException", message), kind="resource")
    if unknown_principals(text):
        raise ApiError("MalformedPolicyDocumentException", _UNKNOWN_OF_KEY)
    if not asked.params.get("BypassPolicyLockoutSafetyCheck") and not _keeps_a_way_back(text, asked, who):
        raise ApiError("MalformedPolicyDocumentException", _LOCKOUT)


def _keeps_a_way_back(text: str, asked: Asked, who: Principal) -> bool:
    """Whether the caller, or the account as a whole, may still change the key's policy."""
    account = asked.caller.account
    owners = {"*", account, f"arn:aws:iam::{account}:root", who.arn, who.identity_arn}
    return any(
        statement.get("Effect") == "Allow"
        and any(
            fnmatchcase("kms:putkeypolicy", str(action).lower()) for action in _several(statement.get("Action", []))
        )
        and bool(owners & set(_of_aws(statement.get("Principal"))))
        for statement in _statements(json.loads(text))
    )


def _trust_policy(asked: Asked, who: Principal) -> None:
    text = asked.text("AssumeRolePolicyDocument") or asked.text("PolicyDocument")
    _read(text, _malformed, kind="trust")
    if unknown := unknown_principals(text):
        raise _malformed(f'Invalid principal in policy: "AWS":"{unknown[0]}"')
    if asked.operation == "CreateRole":
        _boundary(asked, who)


def _identity_policy(asked: Asked, who: Principal) -> None:
    del who
    _read(asked.text("PolicyDocument"), _malformed, kind="identity")


def _boundary(asked: Asked, who: Principal) -> None:
    del who
    arn = asked.text("PermissionsBoundary")
    if arn and arn not in iam_backends[asked.caller.account]["aws"].managed_policies:
        raise ApiError("NoSuchEntity", f"Scope ARN: {arn} does not exist or is not attachable.", 404)


def _no_boundary(asked: Asked, who: Principal) -> None:
    del who
    if asked.text("PermissionsBoundary"):
        raise ApiError("UnsupportedOperation", "The sandbox does not have boundaries of users, only of roles.", 501)


def _public_acl(asked: Asked, who: Principal) -> None:
    """Refuse lists of rights that open a bucket to everybody: the sandbox knows no rights by list."""
    del who
    body = xmltodict.parse(asked.body) if asked.body else {}
    if asked.headers.get("x-amz-acl", "").startswith("public") or "AllUsers" in json.dumps(body):
        raise ApiError("AccessDenied", "Access Denied: public access control lists are blocked in the sandbox.", 403)


def _read(text: str, refused: Callable[[str], ApiError], *, kind: Any) -> None:
    try:
        parse(text, "", kind)
    except PolicyError as error:
        raise refused(str(error)) from error


def _malformed(message: str) -> ApiError:
    return ApiError("MalformedPolicyDocument", message)


def _statements(content: Mapping[str, Any]) -> list[Any]:
    return _several(content.get("Statement", []))


def _named(content: Mapping[str, Any]) -> Iterator[str]:
    for statement in _statements(content):
        for element in ("Principal", "NotPrincipal"):
            yield from _of_aws(statement.get(element))


def _of_aws(principal: Any) -> list[str]:
    if isinstance(principal, Mapping):
        return [str(each) for each in _several(principal.get("AWS", []))]
    return [principal] if isinstance(principal, str) else []


def _exists(principal: str) -> bool:
    """Whether a policy may name the principal: everybody, an account, a session, or a user or role that exists."""
    if principal == "*" or _NOBODY_LOOKS_FOR.fullmatch(principal):
        return True
    identity = _IDENTITY.fullmatch(principal)
    if identity is None:
        return False
    if identity["kind"] == "role":
        return role_at(principal) is not None
    users = list(iam_backends[identity["account"]]["aws"].users.values())
    return any(user.arn == principal for user in users)


def _several(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


_RESOURCE_POLICIES: dict[str, tuple[Callable[[Asked], str], str, str]] = {
    "ecr": (
        lambda asked: asked.text("policyText"),
        "InvalidParameterException",
        "Invalid parameter at 'PolicyText' failed to satisfy constraint: Principal not found",
    ),
    "events": (
        lambda asked: asked.text("Policy"),
        "ValidationException",
        "Principal {principal} does not exist.",
    ),
    "sagemaker": (
        lambda asked: asked.text("ResourcePolicy"),
        "ValidationException",
        "Invalid resource policy: the principal {principal} does not exist.",
    ),
    "secretsmanager": (
        lambda asked: asked.text("ResourcePolicy"),
        "MalformedPolicyDocumentException",
        "This resource policy contains an unsupported principal: {principal}.",
    ),
    "sns": (_attribute, "InvalidParameter", "Invalid parameter: Policy Error: PrincipalNotFound"),
    "sqs": (_attribute, "InvalidAttributeValue", "Invalid value for the parameter Policy."),
}
_CHECKS: dict[tuple[str, str], Callable[[Asked, Principal], None]] = {
    ("s3", "PutBucketPolicy"): _bucket_policy,
    ("s3", "PutBucketAcl"): _public_acl,
    ("kms", "CreateKey"): _key_policy,
    ("kms", "PutKeyPolicy"): _key_policy,
    ("ecr", "SetRepositoryPolicy"): _resource_policy,
    ("events", "PutPermission"): _resource_policy,
    ("sagemaker", "PutModelPackageGroupPolicy"): _resource_policy,
    ("secretsmanager", "PutResourcePolicy"): _resource_policy,
    ("sns", "CreateTopic"): _resource_policy,
    ("sns", "SetTopicAttributes"): _resource_policy,
    ("sqs", "CreateQueue"): _resource_policy,
    ("sqs", "SetQueueAttributes"): _resource_policy,
    ("iam", "CreateRole"): _trust_policy,
    ("iam", "UpdateAssumeRolePolicy"): _trust_policy,
    ("iam", "CreateUser"): _no_boundary,
    ("iam", "PutRolePermissionsBoundary"): _boundary,
    **{
        ("iam", name): _identity_policy
        for name in ("PutRolePolicy", "PutUserPolicy", "PutGroupPolicy", "CreatePolicy", "CreatePolicyVersion")
    },
}
