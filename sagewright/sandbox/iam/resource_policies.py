"""Why: what belongs to an account may carry a policy of its own, and across accounts that is one of the two sides."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from moto.ecr.models import ecr_backends
from moto.iam.access_control import PermissionResult
from moto.kms.models import Key, kms_backends
from moto.s3.models import FakeBucket, s3_backends
from moto.secretsmanager.models import secretsmanager_backends
from moto.sns.models import sns_backends
from moto.sqs.models import sqs_backends

from .documents import Policy
from .identities import account_in, parsed, role_at

_PARTITION = "aws"

PolicyOf = Callable[[str], str | None]


@dataclass(frozen=True)
class Guarded:
    """The account that owns a resource, and what its own policy says."""

    account: str
    policy: Policy | None = None
    rule: Literal["either", "key", "trust"] = "either"


class ResourcePolicies:
    """Finds the policy of a resource; the sandbox's own services tell those of theirs."""

    def __init__(self) -> None:
        self._of_services: dict[str, PolicyOf] = {}

    def provide(self, service: str, policy_of: PolicyOf) -> None:
        """Let a service of ours tell the policy of a resource by its ARN."""
        self._of_services[service] = policy_of

    def of(self, action: str, resource: str, caller_account: str) -> Guarded:
        """Return who owns the resource of an action, and the policy that it carries."""
        service = resource.split(":", 3)[2] if resource.startswith("arn:") else ""
        if service == "s3":
            return _of_bucket(resource, caller_account)
        account = account_in(resource)
        # What AWS itself manages, such as its policies, belongs to nobody's account and is there for everybody.
        account = account if account and account != "aws" else caller_account
        if action == "sts:AssumeRole":
            return _of_role(resource, account)
        if service == "kms" and ":key/" in resource and not resource.endswith(":key/*"):  # that one is still to be made
            return _of_key(resource, account)
        text = self._of_services[service](resource) if service in self._of_services else _text(service, resource)
        return Guarded(account, parsed(text, f"resource policy of {resource}") if text else None)


def judge_alone() -> None:
    """Keep moto from judging by bucket policies too: it looks at neither conditions nor principals."""
    FakeBucket.get_permission = _no_opinion  # pyrefly: ignore[method-assign, bad-assignment]: moto has no hook for it


def bucket_named(name: str) -> FakeBucket | None:
    """Return the bucket of this name, whoever owns it."""
    partition, account = s3_backends.bucket_accounts.get(name, ("", ""))
    return s3_backends[account][partition].buckets.get(name) if account else None


def key_at(arn: str) -> Key | None:
    """Return the KMS key that has this ARN."""
    _, _, _, region, account, resource = arn.split(":", 5)
    if not account.isdigit() or region not in kms_backends[account]:
        return None
    return kms_backends[account][region].keys.get(resource.removeprefix("key/"))


def _of_bucket(resource: str, caller_account: str) -> Guarded:
    name = resource.removeprefix("arn:aws:s3:::").partition("/")[0]
    bucket = bucket_named(name)
    if bucket is None:
        return Guarded(caller_account)
    if bucket.policy is None:
        return Guarded(bucket.account_id)
    return Guarded(bucket.account_id, parsed(_as_text(bucket.policy), f"bucket policy of {name}"))


def _of_role(arn: str, account: str) -> Guarded:
    role = role_at(arn)
    if role is None:
        return Guarded(account, None, "trust")
    return Guarded(account, parsed(role.assume_role_policy_document, f"trust policy of role {role.name}"), "trust")


def _of_key(arn: str, account: str) -> Guarded:
    key = key_at(arn)
    return Guarded(account, parsed(key.policy, f"key policy of {key.id}") if key else None, "key")


def _text(service: str, arn: str) -> str | None:
    """Return the policy of a resource that moto keeps."""
    if service not in _TEXTS:
        return None
    _, _, _, region, account, resource = arn.split(":", 5)
    try:
        return _TEXTS[service](account, region, resource)
    except KeyError:  # the account, region or resource is not there
        return None


def _queue(account: str, region: str, resource: str) -> str | None:
    text = sqs_backends[account][region].queues[resource].policy
    return _as_text(text) if text else None


def _topic(account: str, region: str, resource: str) -> str | None:
    return sns_backends[account][region].topics[f"arn:aws:sns:{region}:{account}:{resource}"].policy


def _repository(account: str, region: str, resource: str) -> str | None:
    return ecr_backends[account][region].repositories[resource.removeprefix("repository/")].policy


def _secret(account: str, region: str, resource: str) -> str | None:
    secrets: Any = secretsmanager_backends[account][region].secrets
    arn = f"arn:aws:secretsmanager:{region}:{account}:{resource}"
    return next((secret.policy for secret in secrets.values() if secret.arn == arn), None)


_TEXTS: dict[str, Callable[[str, str, str], str | None]] = {
    "sqs": _queue,
    "sns": _topic,
    "ecr": _repository,
    "secretsmanager": _secret,
}


def _no_opinion(bucket: FakeBucket, action: str, resource: str) -> PermissionResult:
    del bucket, action, resource
    return PermissionResult.NEUTRAL


def _as_text(document: str | bytes) -> str:
    return document.decode() if isinstance(document, bytes) else document
