"""Why: nothing gets in but by permission, whichever service it is for and whoever asks on whose behalf."""

from dataclasses import dataclass, replace
from typing import Any

from ..protocol import ApiError, Caller
from ..ways_out import Place, require
from . import policy_checks, role_checks
from .actions import demands
from .asked import Asked
from .authorizer import Authorizer, refusal
from .demand import Demand
from .principal import Principal

ANONYMOUS = Principal("anonymous", "*", "")
# What only a policy of its own session or an identity provider could allow; the sandbox has neither.
_UNAVAILABLE = {
    ("sts", "GetSessionToken"),
    ("sts", "GetFederationToken"),
    ("sts", "AssumeRoleWithWebIdentity"),
    ("sts", "AssumeRoleWithSAML"),
    ("sts", "AssumeRoot"),
}
_UNAVAILABLE_PARAMETERS = ("PolicyArns", "Tags", "TransitiveTagKeys", "SourceIdentity", "SerialNumber")
_CHAINED_MAX_S = 3600
_PREFIXES = {
    "service-quotas": "servicequotas",
    "resourcegroupstaggingapi": "tag",
    "sagemaker-featurestore-runtime": "sagemaker",
}


@dataclass(frozen=True)
class Visitor:
    """Who stands at the door, by which port, the service that acts in their name and the VPC they are in, if any."""

    who: Principal
    caller: Caller
    secure: bool = True
    via: str = ""
    place: Place | None = None
    address: str = "127.0.0.1"


class Door:
    """Lets requests in that every policy allows, and refuses policies that AWS would not keep."""

    def __init__(self, authorizer: Authorizer) -> None:
        self._authorizer = authorizer

    def admit(self, visitor: Visitor, asked: Asked) -> None:
        """Raise the service's refusal, or return."""
        if (asked.service, asked.operation) in _UNAVAILABLE:
            raise ApiError("UnsupportedOperation", f"The sandbox does not have sts:{asked.operation}.", 501)
        if visitor.place is not None:
            require(visitor.place, visitor.who, asked, list(demands(asked)))
        # One after the other: whoever may not have the object is never told that its key is disabled.
        for demand in demands(asked):
            self._require(visitor, asked, demand)
        if (asked.service, asked.operation) == ("sts", "AssumeRole"):
            _check_session(visitor, asked)
        policy_checks.check(asked, visitor.who)
        role_checks.check(asked, self._authorizer)

    def _require(self, visitor: Visitor, asked: Asked, demand: Demand) -> None:
        context: dict[str, Any] = {
            "aws:SecureTransport": "true" if visitor.secure else "false",
            "aws:SourceIp": visitor.address,
            "aws:UserAgent": asked.headers.get("User-Agent", ""),
            **demand.context,
        }
        if "." in visitor.via:
            context |= {
                "aws:ViaAWSService": "true",
                "aws:CalledVia": [visitor.via],
                "aws:CalledViaFirst": visitor.via,
                "aws:CalledViaLast": visitor.via,
            }
        denial = self._authorizer.denial(
            visitor.who, replace(demand, context=context), region=asked.caller.region, via=visitor.via
        )
        if denial:
            raise refusal(_PREFIXES.get(asked.service, asked.service), denial)


def _check_session(visitor: Visitor, asked: Asked) -> None:
    """Refuse sessions longer than the role or a chain of roles allows, and what the sandbox does not have."""
    for name in _UNAVAILABLE_PARAMETERS:
        if asked.params.get(name):
            raise ApiError("UnsupportedOperation", f"The sandbox does not have {name} of sts:AssumeRole.", 501)
    policy_checks.check_session_policy(asked.text("Policy"))
    policy_checks.check_role_to_assume(
        visitor.who.arn, asked.text("RoleArn"), int(asked.params.get("DurationSeconds") or 0)
    )
    if visitor.who.kind == "assumed-role" and int(asked.params.get("DurationSeconds") or 0) > _CHAINED_MAX_S:
        raise ApiError(
            "ValidationError",
            "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining",
        )
