"""Why: every request, and every use of a role by a service, is judged here, by the policies that are there now."""

from collections.abc import Mapping
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any

from ..protocol import ApiError
from .access_log import AccessLog
from .decision import Access, Decision, Policies, Reason, decide
from .demand import Demand
from .grants import granted
from .identities import Actor, Identities, role_at
from .principal import Principal
from .public_access import without_public_statements
from .resource_policies import ResourcePolicies
from .sessions import Session, Sessions
from .tags import ResourceTags

_NOTHING: Mapping[str, Any] = MappingProxyType({})
# The services whose refusals are not a 400 with AccessDeniedException.
_REFUSALS = {
    "s3": ("AccessDenied", 403),
    "iam": ("AccessDenied", 403),
    "sts": ("AccessDenied", 403),
    "cloudformation": ("AccessDenied", 403),
    "sns": ("AuthorizationError", 403),
    "ec2": ("UnauthorizedOperation", 403),
    "sqs": ("AccessDeniedException", 403),
    "lambda": ("AccessDeniedException", 403),
    "scheduler": ("AccessDeniedException", 403),
}


class Authorizer:
    """Judges actions on resources; `authorize` raises the service's refusal, `check` only tells."""

    def __init__(self, log: AccessLog | None = None) -> None:
        self.resources = ResourcePolicies()
        self.tags = ResourceTags()
        self._identities = Identities()
        self._sessions = Sessions(self._identities)
        self.log = log

    def authorize(  # noqa: PLR0913 - what a permission is about
        self,
        who: Principal,
        action: str,
        resource: str,
        *,
        region: str,
        account: str | None = None,
        context: Mapping[str, Any] = _NOTHING,
    ) -> None:
        """Refuse with the service's own code and IAM's words what no policy allows."""
        denial = self.denial(who, Demand(action, resource, context, account), region=region)
        if denial:
            raise refusal(action.partition(":")[0], denial)

    def denial(self, who: Principal, demand: Demand, *, region: str, via: str = "") -> str | None:
        """Return IAM's words about what is not allowed, or None where it is.

        `via` is the service that acts in the principal's name; without one it is the service that took the role.
        """
        access, decision = self._judged(who, demand, region, via or _opener(who))
        return None if decision.allowed else decision.message(access) + demand.note

    def assume(self, role_arn: str, *, service: str, region: str, source_account: str, source_arn: str) -> Session:
        """Return a session of a role that an AWS service takes; refuse one that is absent or does not trust it."""
        who = Principal("service", service, "")
        source = {"aws:SourceAccount": source_account, "aws:SourceArn": source_arn}
        context = {key: value for key, value in source.items() if value}
        self.authorize(who, "sts:AssumeRole", role_arn, region=region, context=context)
        if role_at(role_arn) is None:
            raise refusal("sts", f"User: {service} is not authorized to perform: sts:AssumeRole on: {role_arn}")
        return self._sessions.of_service(role_arn, service, region, source_arn)

    def principal_of(self, access_key: str) -> Actor:
        """Return whose access key it is; refuse one that is nobody's."""
        return self._identities.principal_of(access_key)

    def close(self) -> None:
        """Write what the log still holds."""
        if self.log:
            self.log.close()

    def _judged(self, who: Principal, demand: Demand, region: str, via: str) -> tuple[Access, Decision]:
        action, resource = demand.action, demand.resource
        guarded = self.resources.of(action, resource, who.account)
        owner = demand.account or guarded.account
        context = {**_circumstances(region, owner), **self.tags.of(action, resource), **demand.context}
        access = Access(who, action, resource, owner, context, demand.anywhere)
        held = self._identities.policies_of(who)
        policy = without_public_statements(guarded.policy, resource, who, owner) if guarded.policy else None
        decision = decide(access, Policies(held.identity, held.boundary, held.session, policy, guarded.rule))
        if not decision.allowed and decision.reason is not Reason.EXPLICIT_DENY and guarded.rule == "key":
            decision = granted(who, action, resource, context) or decision
        if self.log:
            self.log.add(access, decision, via)
        return access, decision


def refusal(service: str, message: str) -> ApiError:
    """Return a refusal as the service words it, by its prefix in IAM's actions."""
    code, status = _REFUSALS.get(service, ("AccessDeniedException", 400))
    return ApiError(code, message, status)


def _circumstances(region: str, owner: str) -> dict[str, Any]:
    now = datetime.now(UTC)
    context: dict[str, Any] = {
        "aws:CurrentTime": now.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "aws:EpochTime": str(int(now.timestamp())),
        "aws:RequestedRegion": region,
        "aws:SecureTransport": "true",
        "aws:ViaAWSService": "false",
    }
    return context | {"aws:ResourceAccount": owner} if owner else context


def _opener(who: Principal) -> str:
    return who.opened_by if isinstance(who, Actor) else ""
