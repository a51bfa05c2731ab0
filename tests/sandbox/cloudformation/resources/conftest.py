from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import pytest

from sagewright.sandbox.clients import Clients, access_key
from sagewright.sandbox.cloudformation.resource import Context
from sagewright.sandbox.cloudformation.resources import TYPES
from sagewright.sandbox.cloudformation.schema import schema_for

ACCOUNT, REGION = "111111111111", "eu-west-1"
STACK_ID = f"arn:aws:cloudformation:{REGION}:{ACCOUNT}:stack/shop/51af3dc0-da77-11e4-872e-1234567db123"


@dataclass(frozen=True)
class Provisioned:
    """A resource made by its type's handler, as the engine would make it."""

    type_name: str
    context: Context
    id: str
    properties: dict[str, Any]

    @property
    def attributes(self) -> dict[str, Any]:
        return TYPES[self.type_name].attributes(self.context, self.id, self.properties)

    def update(self, properties: dict[str, Any], tags: dict[str, str] | None = None) -> "Provisioned":
        context = self.context if tags is None else replace(self.context, tags=tags)
        new = _checked(self.type_name, properties)
        TYPES[self.type_name].update(context, self.id, self.properties, new)
        return Provisioned(self.type_name, context, self.id, new)

    def delete(self) -> None:
        TYPES[self.type_name].delete(self.context, self.id, self.properties)


@dataclass(frozen=True)
class Stack:
    """Makes resources as a stack named `shop` with the tag team=ml does."""

    clients: Clients
    account: str = ACCOUNT
    region: str = REGION

    def create(self, type_name: str, properties: dict[str, Any], logical_id: str = "Thing") -> Provisioned:
        context = Context(
            self.account,
            self.region,
            "shop",
            STACK_ID,
            logical_id,
            {"team": "ml"},
            self.clients,
            self.clients.acting(access_key(self.account)),
        )
        checked = _checked(type_name, properties)
        return Provisioned(type_name, context, TYPES[type_name].create(context, checked), checked)

    def client(self, service: str) -> Any:
        return self.clients.get(service, self.account, self.region)

    def role(self, *services: str) -> Provisioned:
        trust = {"Effect": "Allow", "Principal": {"Service": list(services)}, "Action": "sts:AssumeRole"}
        document = {"Version": "2012-10-17", "Statement": [trust]}
        return self.create("AWS::IAM::Role", {"AssumeRolePolicyDocument": document}, "Role")


def _checked(type_name: str, properties: dict[str, Any]) -> dict[str, Any]:
    schema = schema_for(type_name, REGION)
    assert schema is not None
    assert schema.problems(properties, "Thing") == []
    return schema.coerced(properties)


@pytest.fixture
def stack(sandbox: Any) -> Stack:
    return Stack(sandbox.sandbox.clients)


@pytest.fixture
def other_account(sandbox: Any) -> Stack:
    return Stack(sandbox.sandbox.clients, account="222222222222")


def allow(action: str | list[str], resource: str | list[str] = "*", **more: Any) -> dict[str, Any]:
    statement = {"Effect": "Allow", "Action": action, "Resource": resource, **more}
    return {"Version": "2012-10-17", "Statement": [statement]}


@pytest.fixture(name="allow")
def _allow() -> Callable[..., dict[str, Any]]:
    return allow
