"""A template's project is the project that its properties say, and goes back to defaults where they are gone."""

import json
from typing import Any

import pytest

from sagewright.sandbox.clients import access_key
from sagewright.sandbox.cloudformation.resource import Context
from sagewright.sandbox.cloudformation.resources import TYPES

PROJECT = TYPES["AWS::CodeBuild::Project"]
STACK = "arn:aws:cloudformation:eu-west-1:111111111111:stack/shop/51af3dc0-da77-11e4-872e-1234567db123"


@pytest.fixture
def context(yard: Any) -> Context:
    clients, account = yard.bench.sandbox.sandbox.clients, "111111111111"
    acting = clients.acting(access_key(account))
    return Context(account, "eu-west-1", "shop", STACK, "Build", {"team": "ml"}, clients, acting)


@pytest.fixture
def properties(yard: Any) -> dict[str, Any]:
    return {
        "Name": f"{yard.bench.name}-made",
        "Artifacts": {"Type": "NO_ARTIFACTS"},
        "Environment": {
            "Type": "LINUX_CONTAINER",
            "ComputeType": "BUILD_GENERAL1_MEDIUM",
            "Image": "aws/codebuild/amazonlinux-x86_64-standard:6.0",
            "EnvironmentVariables": [{"Name": "WHO", "Value": "ann", "Type": "PLAINTEXT"}],
        },
        "ServiceRole": yard.role(),
        "Source": {
            "Type": "NO_SOURCE",
            "BuildSpec": json.dumps({"version": "0.2", "phases": {"build": {"commands": ["echo $WHO"]}}}),
        },
    }


def test_a_templates_project_builds_and_a_change_of_it_too(
    yard: Any, context: Context, properties: dict[str, Any]
) -> None:
    name = PROJECT.create(context, properties)
    assert yard.printed(yard.build(name)) == ["ann"]
    changed = {**properties, "TimeoutInMinutes": 7, "ConcurrentBuildLimit": 1, "Description": "new"}
    PROJECT.update(context, name, properties, changed)
    (project,) = yard.client.batch_get_projects(names=[name])["projects"]
    assert (project["timeoutInMinutes"], project["concurrentBuildLimit"], project["description"]) == (7, 1, "new")
    PROJECT.update(context, name, changed, properties)
    (project,) = yard.client.batch_get_projects(names=[name])["projects"]
    assert (project["timeoutInMinutes"], project["description"], project["tags"]) == (
        60,
        "",
        [{"key": "team", "value": "ml"}],
    )
    assert "concurrentBuildLimit" not in project
    PROJECT.delete(context, name, properties)
    assert yard.client.batch_get_projects(names=[name])["projectsNotFound"] == [name]


def test_public_builds_are_refused_by_name(context: Context, properties: dict[str, Any]) -> None:
    with pytest.raises(Exception, match="does not have public builds"):
        PROJECT.create(context, {**properties, "Visibility": "PUBLIC_READ"})


def test_a_templates_webhook_comes_changes_and_goes_with_it(
    yard: Any, context: Context, properties: dict[str, Any]
) -> None:
    connections = yard.bench.client("codeconnections")
    arn = connections.create_connection(ConnectionName=yard.bench.name[:32], ProviderType="GitHub")["ConnectionArn"]
    yard.bench.gateway.connections.desk.complete(json.dumps({"arn": arn}).encode())
    needed = ("GetConnection", "GetConnectionToken", "UseConnection")
    uses = yard.allow(*(f"codeconnections:{each}" for each in needed), resource=arn)
    source = {
        **properties["Source"],
        "Type": "GITHUB",
        "Location": "https://github.com/shop/orders.git",
        "Auth": {"Type": "CODECONNECTIONS", "Resource": arn},
    }
    filters = [[{"Type": "EVENT", "Pattern": "PUSH"}]]
    policy = {"RequiresCommentApproval": "FORK_PULL_REQUESTS"}
    triggers = {"Webhook": True, "FilterGroups": filters, "PullRequestBuildPolicy": policy}
    hooked = {**properties, "Source": source, "ServiceRole": yard.role(uses), "Triggers": triggers}
    name = PROJECT.create(context, hooked)
    (project,) = yard.client.batch_get_projects(names=[name])["projects"]
    assert project["webhook"]["filterGroups"] == [[{"type": "EVENT", "pattern": "PUSH"}]]
    PROJECT.update(context, name, hooked, {**hooked, "Triggers": {"Webhook": False}})
    (project,) = yard.client.batch_get_projects(names=[name])["projects"]
    assert "webhook" not in project
