"""The roles of a bootstrap as they are: CloudFormation sees no change in what was changed by hand, and mends none."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from sagewright.runtime.functions.client import Client

_TRUSTING = ("deploy", "lookup", "file-publishing", "image-publishing")


@dataclass(frozen=True)
class Roles:
    """What the CDK has made of roles in one account and region."""

    iam: Client
    qualifier: str
    account: str
    region: str

    def name(self, purpose: str) -> str:
        """Name a role as the CDK does."""
        return f"cdk-{self.qualifier}-{purpose}-role-{self.account}-{self.region}"

    def attached(self) -> list[str]:
        """List the policies that CloudFormation deploys with."""
        pages = self.iam.get_paginator("list_attached_role_policies").paginate(RoleName=self.name("cfn-exec"))
        return [each["PolicyArn"] for page in pages for each in page["AttachedPolicies"]]

    def trusts(self, purpose: str, account: str) -> bool:
        """Tell whether the role lets an account, or somebody in it, take it on."""
        return _trusts(self._trust(purpose), account)

    def repair(self, policies: Iterable[str], accounts: Iterable[str]) -> list[str]:
        """Attach policies and trust accounts anew, where that was undone; returns in words what was mended."""
        done: list[str] = []
        attached = self.attached()
        for arn in policies:
            if arn not in attached:
                self.iam.attach_role_policy(RoleName=self.name("cfn-exec"), PolicyArn=arn)
                done.append(f"{arn} is attached to {self.name('cfn-exec')} again")
        wanted = sorted({self.account, *accounts})
        for purpose in _TRUSTING:
            document = self._trust(purpose)
            missing = [account for account in wanted if not _trusts(document, account)]
            if missing:
                statements = [*_listed(document["Statement"]), _admitting(missing)]
                self.iam.update_assume_role_policy(
                    RoleName=self.name(purpose), PolicyDocument=json.dumps({**document, "Statement": statements})
                )
                done.append(f"{self.name(purpose)} trusts {', '.join(missing)} again")
        return done

    def _trust(self, purpose: str) -> dict[str, Any]:
        return self.iam.get_role(RoleName=self.name(purpose))["Role"]["AssumeRolePolicyDocument"]


def _trusts(document: Mapping[str, Any], account: str) -> bool:
    for statement in _listed(document["Statement"]):
        principal = statement.get("Principal", {})
        named = ["*"] if principal == "*" else _listed(principal.get("AWS", []))
        admits = any(each in {"*", account} or f":iam::{account}:" in each for each in named)
        takes = {"sts:AssumeRole", "sts:*", "*"} & {*_listed(statement.get("Action", []))}
        if statement["Effect"] == "Allow" and admits and takes:
            return True
    return False


def _admitting(accounts: list[str]) -> dict[str, Any]:
    """Write what the CDK's own template says of accounts that it trusts."""
    return {
        "Effect": "Allow",
        "Principal": {"AWS": accounts},
        "Action": ["sts:AssumeRole", "sts:TagSession"],
        "Condition": {"Null": {"sts:ExternalId": "true"}},
    }


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
