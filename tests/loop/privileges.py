"""Which of a role's permissions were needed, by the sandbox's own record of what was asked.

The sandbox writes down every decision. Each is judged again by the same function, with the role's policy less one
statement: the statement is needed where a decision that was "allowed" then is not. So it is with each action in it.
"""

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Literal

from botocore.exceptions import ClientError

from sagewright.sandbox.iam.decision import Access, Policies, decide
from sagewright.sandbox.iam.documents import Policy, parse
from sagewright.sandbox.iam.principal import Principal
from tests.loop.accounts import Role, Sandbox

Statements = list[dict[str, Any]]


@dataclass(frozen=True)
class Recorded:
    """A loop's decisions on each role of a project, with the policies that there were."""

    roles: Mapping[str, Statements]
    decisions: Mapping[str, list[dict[str, Any]]]
    guarded: Callable[[str], Policies]

    def allows(self, decision: Mapping[str, Any], instead: Policy) -> bool:
        """Judge a recorded request again, with another policy of the role."""
        role = decision["role"]
        principal = Principal("assumed-role", decision["principal"], role.split(":")[4], role_arn=role)
        access = Access(principal, decision["action"], decision["resource"], decision["account"], decision["context"])
        of = self.guarded(decision["resource"])
        return decide(access, Policies((instead,), resource=of.resource, rule=of.rule)).allowed

    def needed(self, role: str, kept: Statements) -> bool:
        """Whether something that the role did is refused with these statements alone."""
        instead = policy(kept)
        return any(not self.allows(each, instead) for each in self.decisions[role] if each["allowed"])

    def superfluous_statements(self) -> list[tuple[str, str]]:
        return [
            (role, taken["Sid"])
            for role, statements in self.roles.items()
            for taken in statements
            if not self.needed(role, [each for each in statements if each is not taken])
        ]

    def superfluous_actions(self) -> list[tuple[str, str]]:
        return [
            (role, action)
            for role, statements in self.roles.items()
            for of in statements
            for action in actions(of)
            if not self.needed(role, [without(each, action) if each is of else each for each in statements])
        ]


def actions(statement: Mapping[str, Any]) -> list[str]:
    given = statement["Action"]
    return [given] if isinstance(given, str) else given


def without(statement: dict[str, Any], action: str) -> dict[str, Any]:
    return statement | {"Action": [each for each in actions(statement) if each != action] or ["none:ofThem"]}


def policy(statements: Statements) -> Policy:
    return parse({"Version": "2012-10-17", "Statement": statements}, "policy")


def guards(sandbox: Sandbox, decisions: list[dict[str, Any]]) -> Callable[[str], Policies]:
    """Read the policies of every bucket, key and registry that the loop touched."""
    found: dict[str, Policies] = {}
    for resource in {each["resource"] for each in decisions}:
        name, account = thing(resource), owner(resource, decisions)
        if name not in found:
            text = own_policy(sandbox, name, account)
            rule: Literal["key", "either"] = "key" if ":key/" in name else "either"
            found[name] = Policies(resource=parse(text, name), rule=rule) if text else Policies()
    return lambda resource: found[thing(resource)]


def own_policy(sandbox: Sandbox, name: str, account: str) -> str | None:
    """Read the policy that a resource has itself, where there may be one."""
    if ":key/" in name:
        return sandbox.client("kms", account).get_key_policy(KeyId=name, PolicyName="default")["Policy"]
    if ":model-package/" in name:
        sagemaker, group = sandbox.client("sagemaker", account), name.split("/")[1]
        with suppress(ClientError):  # the registry of a project in one account has none
            return sagemaker.get_model_package_group_policy(ModelPackageGroupName=group)["ResourcePolicy"]
    if name.startswith("arn:aws:s3:::"):
        return sandbox.client("s3", account).get_bucket_policy(Bucket=name.rpartition(":")[2])["Policy"]
    return None


def thing(resource: str) -> str:
    """Name the bucket of an object, and anything else as it is."""
    return resource.partition("/")[0] if resource.startswith("arn:aws:s3:::") else resource


def owner(resource: str, decisions: list[dict[str, Any]]) -> str:
    return next(each["account"] for each in decisions if each["resource"] == resource)


def recorded(sandbox: Sandbox, decisions: list[dict[str, Any]], stacks: str, accounts: tuple[str, ...]) -> Recorded:
    """Take what the roles did that there are in the stacks whose names begin so."""
    roles = [role for account in accounts for role in roles_of(sandbox, stacks, account)]
    of_roles = {role.arn: [each for each in decisions if each["role"] == role.arn] for role in roles}
    everything = [each for of in of_roles.values() for each in of]
    statements = {role.arn: role.policy[1]["Statement"] for role in roles}
    return Recorded(statements, of_roles, guards(sandbox, everything))


def roles_of(sandbox: Sandbox, stacks: str, account: str) -> list[Role]:
    cloudformation, iam = sandbox.client("cloudformation", account), sandbox.client("iam", account)
    listing = cloudformation.get_paginator("list_stack_resources")
    return [
        Role(each["PhysicalResourceId"], account, iam)
        for stack in cloudformation.describe_stacks()["Stacks"]
        if stack["StackName"].startswith(stacks)
        for page in listing.paginate(StackName=stack["StackName"])
        for each in page["StackResourceSummaries"]
        if each["ResourceType"] == "AWS::IAM::Role"
    ]
