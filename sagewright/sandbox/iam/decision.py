"""Why: whether a request is allowed is decided in one place, by AWS's evaluation logic and nothing else.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Literal

from .documents import Policy, Statement
from .grantees import Naming
from .principal import Principal


@dataclass(frozen=True)
class Access:
    """What is asked for: who, which action, on which resource (`*` where the action has none), owned by which account.

    The condition keys in `context` are compared without regard to case; a string is a single-valued key, a list or
    tuple a multivalued one. Those that follow from the principal (`aws:PrincipalArn`, `aws:PrincipalAccount`,
    `aws:username`, …) are added by `decide`.
    """

    principal: Principal
    action: str
    resource: str
    account: str
    context: Mapping[str, str | Sequence[str]] = field(default_factory=dict)
    anywhere: bool = False  # the resource is not known: a deny on any one counts


@dataclass(frozen=True)
class Policies:
    """Every policy that has a say. Leaving out `boundary` or `session` means that there is none; `()` allows nothing.

    `rule` is how the resource's policy counts. `either`: within an account it or an identity policy allows. `key`: a
    KMS key's policy must name the caller, or the account and then an identity policy allows, too. `trust`: the same
    for the trust policy of a role. Across accounts both sides must allow under every rule.
    """

    identity: tuple[Policy, ...] = ()
    boundary: Policy | None = None
    session: tuple[Policy, ...] | None = None
    resource: Policy | None = None
    rule: Literal["either", "key", "trust"] = "either"


class Reason(Enum):
    """Why a request is refused (or that it is not)."""

    ALLOWED = "allowed"
    EXPLICIT_DENY = "explicit deny"
    NO_IDENTITY_BASED = "no identity-based policy"
    NO_RESOURCE_BASED = "no resource-based policy"
    NO_BOUNDARY = "no permissions boundary"
    NO_SESSION = "no session policy"
    NO_TRUST = "no role trust policy"


class Layer(Enum):
    """The kind of a policy, as AWS's messages about an explicit deny have it."""

    IDENTITY = "an identity-based policy"
    RESOURCE = "a resource-based policy"
    TRUST = "the role trust policy"
    BOUNDARY = "a permissions boundary"
    SESSION = "a session policy"


@dataclass(frozen=True)
class Decision:
    """The outcome and what explains it: the denying or silent policy, and each Allow statement that matched.

    `matched` holds (policy name, Sid or place from 1), also of policies that did not decide. `policy` is empty where
    there is no policy of the missing kind; `sid` and `layer` are set for explicit denies alone.
    """

    allowed: bool
    reason: Reason
    policy: str = ""
    sid: str = ""
    matched: tuple[tuple[str, str], ...] = ()
    layer: Layer | None = None

    def message(self, access: Access) -> str:
        """Return the refusal in AWS's words, and then which policy it was.

        https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html
        """
        who = "anonymous" if access.principal.kind == "anonymous" else access.principal.arn
        refused = f"User: {who} is not authorized to perform: {access.action} on resource: {access.resource}"
        if self.layer:
            return f"{refused} with an explicit deny in {self.layer.value} ({self.policy}, statement {self.sid})"
        which = f" ({self.policy})" if self.policy else ""
        return f"{refused} because {self.reason.value} allows the {access.action} action{which}"


def decide(access: Access, policies: Policies) -> Decision:
    """Judge one request."""
    return _Judgement(access, policies).decision()


class _Judgement:
    """One request held against every policy, so that the rules below read as AWS tells them."""

    def __init__(self, access: Access, policies: Policies) -> None:
        self._access = access
        self._policies = policies
        self._principal = access.principal
        self._action = access.action.lower()
        self._context = {key.lower(): value for key, value in access.context.items()} | access.principal.context()
        self._matched: list[tuple[str, str]] = []
        self._denial: tuple[Layer, str, str] | None = None
        root = access.principal.kind == "root"
        self._identity = self._allows(Layer.IDENTITY, policies.identity) or root
        self._boundary = policies.boundary is None or self._allows(Layer.BOUNDARY, [policies.boundary])
        self._session = policies.session is None or self._allows(Layer.SESSION, policies.session)
        self._naming = self._named(policies.resource)

    def decision(self) -> Decision:
        """Return the decision: a deny anywhere overrides every allow."""
        if self._denial:
            layer, policy, sid = self._denial
            return Decision(False, Reason.EXPLICIT_DENY, policy, sid, tuple(self._matched), layer)
        missing = self._missing()
        policy = self._silent_policy(missing) if missing else ""
        return Decision(missing is None, missing or Reason.ALLOWED, policy, matched=tuple(self._matched))

    def _missing(self) -> Reason | None:
        """Return which kind of policy should have allowed the request and did not."""
        rule = self._policies.rule
        unnamed = Reason.NO_TRUST if rule == "trust" else Reason.NO_RESOURCE_BASED
        if rule == "trust" and self._principal.kind in ("root", "anonymous"):
            return unnamed  # AssumeRole is not for root users: https://docs.aws.amazon.com/STS/latest/APIReference
        if not self._principal.account:  # a service, or nobody known: there are no identity policies
            return None if self._naming is Naming.DIRECT else unnamed
        if self._principal.account != self._access.account:
            return self._missing_of_identity() or (None if self._naming is not Naming.NOT else unnamed)
        if rule != "either" and self._naming is Naming.NOT:
            return unnamed
        return self._missing_within_account()

    def _missing_within_account(self) -> Reason | None:
        if self._naming is Naming.DIRECT:
            return None
        if self._naming is Naming.ROLE:
            return self._missing_of_limits()
        return self._missing_of_identity()

    def _missing_of_identity(self) -> Reason | None:
        return self._missing_of_limits() if self._identity else Reason.NO_IDENTITY_BASED

    def _missing_of_limits(self) -> Reason | None:
        if not self._boundary:
            return Reason.NO_BOUNDARY
        return None if self._session else Reason.NO_SESSION

    def _silent_policy(self, missing: Reason) -> str:
        """Return the name of the policy that could have allowed the request, where exactly one could."""
        candidates: Sequence[Policy | None] = ()
        if missing is Reason.NO_BOUNDARY:
            candidates = [self._policies.boundary]
        elif missing is Reason.NO_SESSION:
            candidates = self._policies.session or ()
        elif missing in (Reason.NO_RESOURCE_BASED, Reason.NO_TRUST):
            candidates = [self._policies.resource]
        return ", ".join(policy.name for policy in candidates if policy)

    def _allows(self, layer: Layer, policies: Iterable[Policy]) -> bool:
        allowed = False
        for policy in policies:
            for statement in policy.statements:
                if self._covers(statement):
                    allowed = self._note(layer, policy, statement) or allowed
        return allowed

    def _named(self, policy: Policy | None) -> Naming:
        """Return how directly the resource's policy allows the request to the principal."""
        naming = Naming.NOT
        if policy is None:
            return naming
        layer = Layer.TRUST if self._policies.rule == "trust" else Layer.RESOURCE
        for statement in policy.statements:
            named = self._naming_in(statement)
            if named is Naming.NOT or not self._covers(statement):
                continue
            if self._note(layer, policy, statement):
                naming = max(naming, named)
        return naming

    def _covers(self, statement: Statement) -> bool:
        access = self._access
        return statement.covers(self._action, access.resource, self._context, anywhere=access.anywhere)

    def _naming_in(self, statement: Statement) -> Naming:
        if statement.grantees is None:
            return Naming.NOT
        if not statement.names_exceptions:
            return statement.grantees.naming(self._principal)
        # A boundary makes NotPrincipal deny whatever it names:
        # https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies_boundaries.html
        spared = self._policies.boundary is None and statement.grantees.exempts(self._principal)
        return Naming.NOT if spared else Naming.DIRECT

    def _note(self, layer: Layer, policy: Policy, statement: Statement) -> bool:
        """Keep what a statement says about the request; return whether it allows it."""
        if statement.denies:
            self._denial = self._denial or (layer, policy.name, statement.sid)
            return False
        self._matched.append((policy.name, statement.sid))
        return True
