"""Why: every rule of IAM asks who acts, and an assumed role is two names at once (the session's and the role's)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Kind = Literal["user", "assumed-role", "root", "service", "anonymous"]

_TYPES: Mapping[Kind, str] = {"user": "User", "assumed-role": "AssumedRole", "root": "Account"}


@dataclass(frozen=True)
class Principal:
    """Who makes a request, as IAM sees it.

    `arn` is a user's ARN, `arn:aws:sts::ACCOUNT:assumed-role/NAME/SESSION`, `arn:aws:iam::ACCOUNT:root`, a service's
    name (`sagemaker.amazonaws.com`) or `*`. `account` is empty for services and for who does not say who it is.
    `role_arn` is the IAM role of an assumed role, with its path; `user_id` the unique id (`AIDA…`, `AROA…:session`).
    """

    kind: Kind
    arn: str
    account: str
    role_arn: str = ""
    user_id: str = ""
    tags: Mapping[str, str] = field(default_factory=dict)

    @property
    def identity_arn(self) -> str:
        """Return what `aws:PrincipalArn` is: the role of an assumed role, otherwise the principal's own ARN."""
        return self.role_arn or self.arn

    def context(self) -> dict[str, str]:
        """Return the condition keys that follow from the principal alone, in lower case.

        A service or an anonymous caller has no ARN, account or tags: policies see these keys as missing.
        https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html
        """
        if self.kind == "service":
            return {"aws:principalisawsservice": "true", "aws:principalservicename": self.arn}
        if self.kind == "anonymous":
            return {"aws:principaltype": "Anonymous", "aws:userid": "anonymous"}
        keys = {
            "aws:principaltype": _TYPES[self.kind],
            "aws:principalisawsservice": "false",
            "aws:principalarn": self.identity_arn,
            "aws:principalaccount": self.account,
        }
        if user_id := self.account if self.kind == "root" else self.user_id:
            keys["aws:userid"] = user_id
        if self.kind == "user":
            keys["aws:username"] = self.arn.rpartition("/")[2]
        return keys | {f"aws:principaltag/{key.lower()}": value for key, value in self.tags.items()}
