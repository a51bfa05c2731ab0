"""Why: an access key stands for somebody, and what that somebody may do is in policies that change meanwhile."""

import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from moto.iam.models import Role, User, iam_backends
from moto.sts.models import AssumedRole, sts_backends

from ..accounts import account_of
from ..protocol import ApiError
from .documents import Policy, PolicyError, parse
from .principal import Principal

INVALID_TOKEN = ("InvalidClientTokenId", "The security token included in the request is invalid.", 403)
_PARTITION = "aws"
_MAX_PARSED = 4096


@dataclass(frozen=True)
class Actor(Principal):
    """A principal that signs with keys; those of an assumed role may be narrowed by a policy of the session's own."""

    access_key: str = ""
    session_policy: str = ""
    opened_by: str = ""  # the AWS service that took the role, or nothing where somebody assumed it


@dataclass(frozen=True)
class Held:
    """The policies that go with a principal."""

    identity: tuple[Policy, ...] = ()
    boundary: Policy | None = None
    session: tuple[Policy, ...] | None = None


class Identities:
    """Users and roles as moto keeps them, found by access key."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        # Whose keys these are never changes; whether the role is still the same one is asked every time.
        self._sessions: dict[str, tuple[AssumedRole, str, str]] = {}

    def principal_of(self, access_key: str) -> Actor:
        """Return who signs with the access key; one of nobody's, or of somebody who is gone, is refused."""
        account = account_of(access_key)
        iam = iam_backends[account][_PARTITION]
        key = iam.access_keys[access_key]
        if key.user_name is None:
            return self._of_session(account, access_key)
        user = iam.users.get(key.user_name)
        if user is None or key.status != "Active":
            raise ApiError(*INVALID_TOKEN)
        tags = _tags(iam.tagger.get_tag_dict_for_resource(user.arn))
        return Actor("user", user.arn, account, user_id=user.id, tags=tags, access_key=access_key)

    def remember(self, session: AssumedRole, opened_by: str) -> None:
        """Keep which service took the role."""
        with self._lock:
            self._sessions[session.access_key_id] = (session, role_named(session.role_arn).id, opened_by)

    def policies_of(self, principal: Principal) -> Held:
        """Return what the principal's account says it may do; a service and an anonymous caller have nothing."""
        boundary: str | None = None
        if principal.kind == "assumed-role":
            role = role_at(principal.role_arn)
            if role is None:
                return Held()
            own, boundary = [*_policies(role, f"role {role.name}")], role.permissions_boundary_arn
        elif principal.kind == "user":
            user = iam_backends[principal.account][_PARTITION].users.get(principal.arn.rpartition("/")[2])
            if user is None:
                return Held()
            own = [*_policies(user, f"user {user.name}"), *_of_groups(user)]
        else:
            return Held()
        session = None
        if isinstance(principal, Actor) and principal.session_policy:
            session = (parsed(principal.session_policy, f"session policy of {principal.arn}"),)
        return Held(tuple(own), _boundary(principal.account, boundary), session)

    def _of_session(self, account: str, access_key: str) -> Actor:
        with self._lock:
            known = self._sessions.get(access_key)
        if known is None:
            made = sts_backends[account][_PARTITION].get_assumed_role_from_access_key(access_key)
            if made is None:
                raise ApiError(*INVALID_TOKEN)
            self.remember(made, "")
            known = self._sessions[access_key]
        session, role_id, opened_by = known
        role = role_at(session.role_arn)
        if role is None or role.id != role_id:
            raise ApiError(*INVALID_TOKEN)
        # A service renews the sessions that it works with for as long as it works.
        if not opened_by and session.expiration <= datetime.now(UTC).replace(tzinfo=session.expiration.tzinfo):
            raise ApiError("ExpiredToken", "The security token included in the request is expired", 403)
        return Actor(
            "assumed-role",
            session.arn,
            account,
            role_arn=session.role_arn,
            user_id=f"{role_id}:{session.session_name}",
            tags=_tags(role.tags),
            access_key=access_key,
            session_policy=session.policy or "",
            opened_by=opened_by,
        )


def role_at(arn: str) -> Role | None:
    """Return the role that has this very ARN, path included."""
    account = account_in(arn)
    roles = list(iam_backends[account][_PARTITION].roles.values()) if account.isdigit() else []
    return next((role for role in roles if role.arn == arn), None)


def role_named(arn: str) -> Role:
    """Return the role that has this ARN; an absent one is refused as a token of nobody's."""
    role = role_at(arn)
    if role is None:
        raise ApiError(*INVALID_TOKEN)
    return role


def account_in(arn: str) -> str:
    """Return the account in an ARN, or nothing."""
    parts = arn.split(":", 5)
    return parts[4] if len(parts) == 6 else ""  # noqa: PLR2004 - the six parts of an ARN


def document_of(policy: Any) -> str:
    """Return the text of a managed policy's default version."""
    return next(str(each.document) for each in policy.versions if each.version_id == policy.default_version_id)


@lru_cache(_MAX_PARSED)
def parsed(text: str, name: str) -> Policy:
    """Return a policy that the sandbox keeps; a text that is no policy allows nothing, as far as anybody can tell."""
    try:
        return parse(text, name)
    except PolicyError:
        return Policy(name, ())


def _policies(owner: Any, whose: str) -> Iterator[Policy]:
    for name, text in list(owner.policies.items()):
        yield parsed(text, f'inline policy "{name}" of {whose}')
    for policy in list(owner.managed_policies.values()):
        yield parsed(document_of(policy), f"managed policy {policy.arn}")


def _of_groups(user: User) -> Iterator[Policy]:
    for group in list(iam_backends[user.account_id][_PARTITION].groups.values()):
        if user in group.users:
            yield from _policies(group, f"group {group.name}")


def _boundary(account: str, arn: str | None) -> Policy | None:
    if not arn:
        return None
    policy = iam_backends[account][_PARTITION].managed_policies.get(arn)
    name = f"permissions boundary {arn}"
    return parsed(document_of(policy), name) if policy is not None else Policy(name, ())


def _tags(tags: Any) -> Mapping[str, str]:
    if isinstance(tags, list):
        return {tag["Key"]: tag["Value"] for tag in tags}
    return {key: value["Value"] if isinstance(value, dict) else value for key, value in dict(tags or {}).items()}
