import json
import uuid
from dataclasses import dataclass
from typing import Any

import pytest
from botocore.exceptions import ClientError

FIRST, SECOND, THIRD = "111111111111", "222222222222", "333333333333"
REGION = "eu-west-1"


def policy(*statements: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def allow(*actions: str, on: str | list[str] = "*", **elements: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": list(actions), "Resource": on, **elements}


def deny(*actions: str, on: str | list[str] = "*", **elements: Any) -> dict[str, Any]:
    return {**allow(*actions, on=on, **elements), "Effect": "Deny"}


def trust(**principal: str) -> dict[str, Any]:
    return {"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole"}


def root(account: str) -> str:
    return f"arn:aws:iam::{account}:root"


def refusal(call: Any, **params: Any) -> str:
    """Return the message of a refusal for want of permission."""
    with pytest.raises(ClientError) as refused:
        call(**params)
    error = refused.value.response["Error"]
    assert "Denied" in error["Code"] or error["Code"] == "403", error
    return error["Message"]


@dataclass(frozen=True)
class Role:
    """A role somebody acts as."""

    sandbox: Any
    account: str
    name: str
    acting: Any

    @property
    def arn(self) -> str:
        return f"arn:aws:iam::{self.account}:role/{self.name}"

    @property
    def session_arn(self) -> str:
        return f"arn:aws:sts::{self.account}:assumed-role/{self.name}/test"

    def client(self, service: str) -> Any:
        return self.acting.get(service, self.account, REGION)

    def may(self, *statements: dict[str, Any]) -> None:
        document = policy(*statements)
        self.sandbox.client("iam", self.account).put_role_policy(
            RoleName=self.name, PolicyName="rights", PolicyDocument=document
        )


class World:
    """Roles, buckets and keys of several accounts, each with a name of its own."""

    def __init__(self, sandbox: Any) -> None:
        self.sandbox = sandbox

    def admin(self, service: str, account: str = FIRST) -> Any:
        return self.sandbox.client(service, account)

    def role(self, *statements: dict[str, Any], account: str = FIRST, **options: Any) -> Role:
        """Create a role that its account trusts, and act as it."""
        name, iam = f"role-{uuid.uuid4().hex[:10]}", self.admin("iam", account)
        document = policy(trust(AWS=root(account)))
        arn = iam.create_role(RoleName=name, AssumeRolePolicyDocument=document, **options)["Role"]["Arn"]
        keys = self.admin("sts", account).assume_role(RoleArn=arn, RoleSessionName="test")["Credentials"]
        acting = self.sandbox.sandbox.clients.acting(keys["AccessKeyId"], keys["SecretAccessKey"], keys["SessionToken"])
        role = Role(self.sandbox, account, name, acting)
        if statements:
            role.may(*statements)
        return role

    def service_role(self, service: str, *statements: dict[str, Any], account: str = FIRST) -> str:
        """Create a role that a service may take and return its ARN."""
        name, iam = f"role-{uuid.uuid4().hex[:10]}", self.admin("iam", account)
        document = policy(trust(Service=service))
        if statements:
            iam.create_role(RoleName=name, AssumeRolePolicyDocument=document)
            iam.put_role_policy(RoleName=name, PolicyName="rights", PolicyDocument=policy(*statements))
        else:
            iam.create_role(RoleName=name, AssumeRolePolicyDocument=document)
        return f"arn:aws:iam::{account}:role/{name}"

    def bucket(self, account: str = FIRST, **objects: bytes) -> str:
        name, s3 = f"bucket-{uuid.uuid4().hex[:10]}", self.admin("s3", account)
        s3.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": REGION})
        for key, body in objects.items():
            s3.put_object(Bucket=name, Key=key, Body=body)
        return name

    def guard(self, bucket: str, *statements: dict[str, Any], account: str = FIRST) -> None:
        self.admin("s3", account).put_bucket_policy(Bucket=bucket, Policy=policy(*statements))

    def key(self, *statements: dict[str, Any], account: str = FIRST) -> str:
        """Create a key that its account administers, and return its ARN."""
        document = policy(allow("kms:*", Principal={"AWS": root(account)}), *statements)
        return self.admin("kms", account).create_key(Policy=document)["KeyMetadata"]["Arn"]


@pytest.fixture
def world(sandbox: Any) -> World:
    return World(sandbox)
